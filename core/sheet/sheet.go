// Package sheet reads and writes files of rows that people open in a spreadsheet.
package sheet

import (
	"encoding/csv"
	"io"
	"strings"
	"unicode"

	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/unicode/norm"
)

// Encoding is how the text of a CSV is written.
type Encoding string

// The encodings.
const (
	UTF8  Encoding = "UTF_8" // with a byte order mark, for Excel
	CP932 Encoding = "CP932" // what it lacks becomes 〓
)

// ContentType is what a CSV so written is served as.
func (e Encoding) ContentType() string {
	if e == CP932 {
		return "text/csv; charset=shift_jis"
	}
	return "text/csv; charset=utf-8"
}

// CSV takes the rows of a file one behind the other, as they stand.
type CSV struct {
	out   *csv.Writer
	plain func(string) string // nil: any character can be written
}

// NewCSV begins a file.
func NewCSV(w io.Writer, encoding Encoding) (*CSV, error) {
	s := &CSV{}
	if encoding == CP932 {
		s.plain = newPlain()
		w = japanese.ShiftJIS.NewEncoder().Writer(w)
	} else if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return nil, err
	}
	s.out = csv.NewWriter(w)
	s.out.UseCRLF = true
	return s, nil
}

// Row writes a row. What a program would take for a formula begins with ' unless it is a
// number.
func (s *CSV) Row(cells []string) error {
	safe := make([]string, len(cells))
	for i, cell := range cells {
		if s.plain != nil {
			cell = s.plain(cell)
		}
		safe[i] = inert(cell)
	}
	return s.out.Write(safe)
}

// Close writes what is left.
func (s *CSV) Close() error {
	s.out.Flush()
	return s.out.Error()
}

// inert is the text as no program takes it for a formula: members choose their names.
func inert(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) && !negative(cell) {
		return "'" + cell
	}
	return cell
}

// negative reports whether the cell is a number below zero and nothing else.
func negative(cell string) bool {
	digits, ok := strings.CutPrefix(cell, "-")
	return ok && digits != "" && strings.Trim(digits, "0123456789.") == ""
}

// geta stands for a character that CP932 does not have.
const geta = '〓'

// newPlain makes text such that CP932 can hold it.
func newPlain() func(string) string {
	alike := strings.NewReplacer("〜", "～", "−", "－", "–", "－", "—", "―", "‖", "∥", "\u00a0", " ", "\u200b", "", "\ufe0f", "")
	encoder := japanese.ShiftJIS.NewEncoder()
	return func(text string) string {
		return strings.Map(func(r rune) rune {
			if r < unicode.MaxASCII {
				return r
			}
			if _, err := encoder.String(string(r)); err != nil {
				return geta
			}
			return r
		}, alike.Replace(norm.NFC.String(text)))
	}
}
