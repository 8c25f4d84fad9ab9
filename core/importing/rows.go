package importing

import (
	"errors"
	"io"
	"iter"
)

// Row is one row of a file with a heading row.
type Row struct {
	Line int
	Bad  *Rejection // why it cannot be used; nil if it can
	row  row
}

// Get is the trimmed value of a column; empty if the file has no such column.
func (r Row) Get(column string) string { return r.row.get(column) }

// Rows reads a file row by row: CSV in UTF-8 or CP932, or xlsx. named says what a
// heading is called. A row that cannot be used is told by itself; what makes the rest
// unreadable, or a required column that is missing, ends the sequence with a Rejection.
func Rows(r io.Reader, named func(heading string) string, required ...string) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		table, err := openRows(r, Options{}, named)
		if err == nil {
			err = requireColumns(table.header, required...)
		}
		for err == nil {
			var next row
			if next, err = table.next(); err == nil && !yield(Row{next.line, next.bad, next}, nil) {
				return
			}
		}
		if !errors.Is(err, io.EOF) {
			yield(Row{}, err)
		}
	}
}
