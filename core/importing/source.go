package importing

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/transform"

	"github.com/noren-commerce/noren/core/sheet"
)

// Encoding is how a file's characters are written.
type Encoding string

// The encodings.
const (
	EncodingAuto  Encoding = ""      // UTF-8 if the beginning is, else CP932
	EncodingUTF8  Encoding = "utf-8" // with or without byte order mark
	EncodingCP932 Encoding = "cp932" // Windows-31J, what Excel writes in Japan
)

// sniff is how much of a file is looked at to tell its encoding.
const sniff = 64 << 10

// maxRecord bounds one record of a CSV file: a quote that never closes must not
// swallow the rest into memory.
const maxRecord = 4 << 20

// record is one row of a table.
type record struct {
	line   int
	fields []string
	bad    *Rejection // why the row cannot be used; the next ones can
}

// source reads the rows of a table one by one; io.EOF ends it.
type source interface {
	next() (record, error)
}

// open tells a file's kind by its first bytes and reads it as a table. read is
// told of every byte taken from r.
func open(r io.Reader, o Options) (source, error) {
	buffered := bufio.NewReaderSize(r, sniff)
	head, err := buffered.Peek(sniff)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	if len(head) == 0 {
		return nil, reject(1, "", "", "ファイルが空です", "The file is empty")
	}
	if bytes.HasPrefix(head, []byte("PK\x03\x04")) {
		return openSheet(buffered)
	}
	return openCSV(buffered, head, o.Encoding)
}

type csvSource struct {
	reader *sheet.Reader
	cp932  bool
}

func openCSV(r *bufio.Reader, head []byte, encoding Encoding) (source, error) {
	if encoding == EncodingAuto {
		encoding = EncodingCP932
		if sheet.IsUTF8(head) {
			encoding = EncodingUTF8
		}
	}
	var decoded io.Reader = r
	switch encoding {
	case EncodingUTF8:
		if bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
			_, _ = r.Discard(3)
		}
	case EncodingCP932:
		decoded = transform.NewReader(r, japanese.ShiftJIS.NewDecoder())
	default:
		return nil, reject(1, "", string(encoding), "文字コードは utf-8 か cp932 を指定してください", "The encoding is utf-8 or cp932")
	}
	return &csvSource{sheet.NewReader(decoded, ',', maxRecord), encoding == EncodingCP932}, nil
}

func (s *csvSource) next() (record, error) {
	fields, line, err := s.reader.Read()
	var syntax *csv.ParseError
	switch {
	case errors.Is(err, sheet.ErrTooLong):
		return record{}, reject(line, "", "", "1行が長すぎます。引用符（\"）が閉じられていない可能性があります", "The row is too long; perhaps a quote (\") is never closed")
	case errors.As(err, &syntax):
		return record{}, reject(line, "", "", "引用符（\"）の使い方が正しくありません: %s", "The quotes (\") are not right: %s", syntax.Err)
	case err != nil:
		return record{}, err
	}
	for i, field := range fields {
		if s.cp932 && bytes.ContainsRune([]byte(field), utf8.RuneError) || !utf8.ValidString(field) {
			bad := reject(line, fmt.Sprintf("#%d", i+1), field, "文字コードが正しくありません（--encoding で utf-8 か cp932 を指定してください）", "The characters are not in the file's encoding (say --encoding utf-8 or cp932)")
			return record{line, fields, &bad}, nil
		}
	}
	return record{line: line, fields: fields}, nil
}

// sheetSource reads the first sheet of an Excel workbook, row by row.
type sheetSource struct {
	book *excelize.File
	rows *excelize.Rows
	line int
}

// maxBook bounds a workbook, which is a zip and cannot be streamed; maxUnpacked
// what may come out of it.
const (
	maxBook     = 64 << 20
	maxUnpacked = 512 << 20
)

// maxSheet bounds the unpacked size of one sheet in memory; larger ones pass
// through a temporary file.
const maxSheet = 16 << 20

func openSheet(r io.Reader) (source, error) {
	book, err := excelize.OpenReader(sheet.AtMost(r, maxBook), excelize.Options{UnzipSizeLimit: maxUnpacked, UnzipXMLSizeLimit: maxSheet, RawCellValue: true})
	if errors.Is(err, sheet.ErrTooLong) {
		return nil, reject(1, "", "", "Excelファイルが大きすぎます（%dMBまで）。CSVで保存してください", "The workbook is larger than %d MB; save it as CSV", maxBook>>20)
	}
	if err != nil {
		return nil, reject(1, "", "", "Excelファイルとして読めません: %s", "The file cannot be read as an Excel workbook: %s", err)
	}
	rows, err := book.Rows(book.GetSheetName(0))
	if err != nil {
		return nil, errors.Join(err, book.Close())
	}
	return &sheetSource{book: book, rows: rows}, nil
}

func (s *sheetSource) next() (record, error) {
	if !s.rows.Next() {
		return record{}, errors.Join(io.EOF, s.rows.Error(), s.book.Close())
	}
	s.line++
	fields, err := s.rows.Columns()
	return record{line: s.line, fields: fields}, err
}
