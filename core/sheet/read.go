package sheet

import (
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// ErrTooLong says that there is more than may be read.
var ErrTooLong = errors.New("more than may be read")

// Reader reads the records of a CSV one by one in bounded memory.
type Reader struct {
	csv    *csv.Reader
	budget *budget
	most   int
	begins int // the line on which the next record begins
}

// NewReader reads UTF-8 text, whose records have at most so many bytes: a quote that never
// closes must not swallow the rest into memory.
func NewReader(text io.Reader, delimiter rune, most int) *Reader {
	r := &Reader{budget: &budget{r: text}, most: most, begins: 1}
	r.csv = csv.NewReader(r.budget)
	r.csv.Comma, r.csv.FieldsPerRecord, r.csv.ReuseRecord = delimiter, -1, true
	return r
}

// Read is the next record, which stands until the next call, and the line on which it
// begins. io.EOF ends the file; after ErrTooLong and a *csv.ParseError its rest cannot be
// read.
func (r *Reader) Read() (cells []string, line int, err error) {
	r.budget.left = r.most
	cells, err = r.csv.Read()
	line = r.begins
	var syntax *csv.ParseError
	switch {
	case err == nil:
		line, _ = r.csv.FieldPos(0)
		end, _ := r.csv.FieldPos(len(cells) - 1)
		r.begins = end + strings.Count(cells[len(cells)-1], "\n") + 1
	case errors.As(err, &syntax):
		line = syntax.StartLine
	}
	return cells, line, err
}

// AtMost reads so many bytes and then fails with ErrTooLong.
func AtMost(r io.Reader, most int) io.Reader { return &budget{r, most} }

// budget is a reader that gives out left bytes and then fails.
type budget struct {
	r    io.Reader
	left int
}

// Read reads on.
func (b *budget) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, ErrTooLong
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// IsUTF8 reports whether the beginning of a file is UTF-8, though it may end within a
// character.
func IsUTF8(head []byte) bool {
	for i := 1; i < utf8.UTFMax && i <= len(head); i++ {
		if utf8.RuneStart(head[len(head)-i]) {
			if !utf8.FullRune(head[len(head)-i:]) {
				head = head[:len(head)-i]
			}
			break
		}
	}
	return utf8.Valid(head)
}
