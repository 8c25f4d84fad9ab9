package migration

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/noren-commerce/noren/core/sheet"
)

// Encoding is how a file's characters are written.
type Encoding string

// The encodings.
const (
	AnyEncoding Encoding = ""       // told by the beginning of the file
	UTF8        Encoding = "utf-8"  // with or without byte order mark
	CP932       Encoding = "cp932"  // Windows-31J, what Excel writes in Japan
	UTF16       Encoding = "utf-16" // with a byte order mark, else little-endian
)

const (
	sniffed   = 64 << 10 // bytes that are looked at to tell encoding and delimiter
	maxRecord = 1 << 20  // bytes of one row: a quote that never closes must not swallow the rest
	maxCell   = 4000     // characters of one cell
)

// record is one row of a file.
type record struct {
	line  int
	cells []string
	bad   *Reason // why it cannot be used; the next ones can
}

// source reads a file row by row, in bounded memory.
type source struct {
	reader  *sheet.Reader
	columns int
	headers []string
}

// open tells how the file is written and reads its heading. A Reason says why it cannot.
func open(r io.Reader, encoding Encoding, delimiter rune) (*source, error) {
	raw := bufio.NewReaderSize(r, sniffed)
	head, err := raw.Peek(sniffed)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	if len(head) == 0 {
		return nil, because("ファイルが空です", "The file is empty")
	}
	decoded, err := decoder(raw, head, encoding)
	if err != nil {
		return nil, err
	}
	text := bufio.NewReaderSize(decoded, sniffed)
	begin, err := text.Peek(4 << 10)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	if delimiter == 0 {
		delimiter = delimiterOf(begin)
	}
	s := &source{reader: sheet.NewReader(text, delimiter, maxRecord)}
	return s, s.heading()
}

// decoder reads the file as UTF-8.
func decoder(r *bufio.Reader, head []byte, encoding Encoding) (io.Reader, error) {
	if encoding == AnyEncoding {
		encoding = encodingOf(head)
	}
	switch encoding {
	case UTF8:
		if bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
			_, _ = r.Discard(3) // was peeked
		}
		return r, nil
	case CP932:
		return transform.NewReader(r, japanese.ShiftJIS.NewDecoder()), nil
	case UTF16:
		return transform.NewReader(r, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder()), nil
	}
	return nil, because("文字コードは utf-8、cp932、utf-16 のいずれかです", "The encoding is utf-8, cp932 or utf-16")
}

func encodingOf(head []byte) Encoding {
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")), bytes.IndexByte(head, 0) >= 0:
		return UTF16
	case sheet.IsUTF8(head):
		return UTF8
	}
	return CP932
}

// delimiterOf is what there is more of in the heading.
func delimiterOf(begin []byte) rune {
	line, _, _ := bytes.Cut(begin, []byte("\n"))
	if bytes.Count(line, []byte("\t")) > bytes.Count(line, []byte(",")) {
		return '\t'
	}
	return ','
}

func (s *source) heading() error {
	r, err := s.next()
	if errors.Is(err, io.EOF) {
		return because("見出し行がありません", "There is no header row")
	}
	if err != nil {
		return err
	}
	if r.bad != nil {
		return *r.bad
	}
	for _, h := range r.cells {
		s.headers = append(s.headers, strings.TrimSpace(h))
	}
	s.columns = len(s.headers)
	return nil
}

// next is the next row. io.EOF ends the file; a Reason says what makes its rest unreadable.
func (s *source) next() (record, error) {
	cells, line, err := s.reader.Read()
	r := record{line: line, cells: cells}
	var syntax *csv.ParseError
	switch {
	case errors.Is(err, sheet.ErrTooLong):
		return r, at(line, because("1行が長すぎます。引用符（\"）が閉じられていない可能性があります", "The row is too long; perhaps a quote (\") is never closed"))
	case errors.As(err, &syntax):
		return r, at(line, because("引用符（\"）の使い方が正しくないか、ファイルが途中で切れています", "The quotes (\") are not right, or the file is cut off"))
	case err != nil:
		return r, err
	}
	r.bad = s.check(cells)
	return r, nil
}

// check says why a row cannot be used.
func (s *source) check(cells []string) *Reason {
	if s.columns > 0 && len(cells) != s.columns {
		why := because("列の数が見出しと違います（%d列、見出しは%d列）。行が途中で切れている可能性があります", "The row has %d columns, the header %d; perhaps it is cut off", len(cells), s.columns)
		return &why
	}
	for _, c := range cells {
		var why Reason
		switch {
		case !utf8.ValidString(c), strings.ContainsRune(c, utf8.RuneError):
			why = because("文字コードが正しくありません", "The characters are not in the file's encoding")
		case strings.ContainsRune(c, 0):
			why = because("使えない文字（NUL）が含まれています", "There is a character that cannot be kept (NUL)")
		case utf8.RuneCountInString(c) > maxCell:
			why = because("値が長すぎます（%d文字まで）", "A value has more than %d characters", maxCell)
		default:
			continue
		}
		return &why
	}
	return nil
}

// unreadable is what makes the rest of a file unreadable, and where.
type unreadable struct {
	line int
	why  Reason
}

func at(line int, why Reason) unreadable { return unreadable{line, why} }

func (u unreadable) Error() string { return fmt.Sprintf("line %d: %s", u.line, u.why.EN) }

// reason is the same for people.
func (u unreadable) reason() Reason {
	return Reason{fmt.Sprintf("%d行目: %s", u.line, u.why.JA), fmt.Sprintf("line %d: %s", u.line, u.why.EN)}
}
