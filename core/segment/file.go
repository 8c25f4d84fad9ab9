package segment

import (
	"errors"
	"fmt"
	"io"

	"github.com/xuri/excelize/v2"

	"github.com/noren-commerce/noren/core/sheet"
)

// Columns are the headings of a file of members.
var Columns = []string{
	"会員番号", "氏名", "フリガナ", "郵便番号", "都道府県", "市区町村", "番地", "建物名", "電話番号", "メールアドレス", "生年月日", "性別",
	"ランク", "登録店", "よく行く店", "入会日", "メール配信", "DM",
}

// maxSheetRows is how many rows a sheet of Excel holds.
const maxSheetRows = excelize.TotalRows

// table takes the rows of a file one behind the other.
type table interface {
	row(cells []string) error
	close() error
}

func newTable(format Format, encoding Encoding, w io.Writer) (table, error) {
	if format == XLSX {
		return newWorkbook(w)
	}
	out, err := sheet.NewCSV(w, sheet.Encoding(encoding))
	return separated{out}, err
}

// separated writes CSV.
type separated struct{ *sheet.CSV }

func (s separated) row(cells []string) error { return s.Row(cells) }
func (s separated) close() error             { return s.Close() }

// workbook writes a book of one sheet, its rows by way of a temporary file.
type workbook struct {
	out    io.Writer
	book   *excelize.File
	stream *excelize.StreamWriter
	rows   int
}

func newWorkbook(w io.Writer) (*workbook, error) {
	s := &workbook{out: w, book: excelize.NewFile()}
	var err error
	s.stream, err = s.book.NewStreamWriter(s.book.GetSheetName(0))
	return s, err
}

func (s *workbook) row(cells []string) error {
	s.rows++
	values := make([]any, len(cells))
	for i, cell := range cells {
		values[i] = cell
	}
	return s.stream.SetRow(fmt.Sprintf("A%d", s.rows), values)
}

func (s *workbook) close() error {
	return errors.Join(s.stream.Flush(), s.book.Write(s.out), s.book.Close())
}
