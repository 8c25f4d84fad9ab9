package segment

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/unicode/norm"
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
		return newSheet(w)
	}
	t := &separated{}
	if encoding == CP932 {
		t.plain = newPlain()
		w = japanese.ShiftJIS.NewEncoder().Writer(w)
	} else if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return nil, err
	}
	t.Writer = csv.NewWriter(w)
	t.UseCRLF = true
	return t, nil
}

// separated writes CSV.
type separated struct {
	*csv.Writer
	plain func(string) string // nil: any character can be written
}

func (s *separated) row(cells []string) error {
	safe := make([]string, len(cells))
	for i, cell := range cells {
		if safe[i] = inert(cell); s.plain != nil {
			safe[i] = s.plain(safe[i])
		}
	}
	return s.Write(safe)
}

func (s *separated) close() error {
	s.Flush()
	return s.Error()
}

// inert is the text as no program takes it for a formula: members choose their names.
func inert(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
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

// sheet writes a workbook of one sheet, its rows by way of a temporary file.
type sheet struct {
	out    io.Writer
	book   *excelize.File
	stream *excelize.StreamWriter
	rows   int
}

func newSheet(w io.Writer) (*sheet, error) {
	s := &sheet{out: w, book: excelize.NewFile()}
	var err error
	s.stream, err = s.book.NewStreamWriter(s.book.GetSheetName(0))
	return s, err
}

func (s *sheet) row(cells []string) error {
	s.rows++
	values := make([]any, len(cells))
	for i, cell := range cells {
		values[i] = cell
	}
	return s.stream.SetRow(fmt.Sprintf("A%d", s.rows), values)
}

func (s *sheet) close() error {
	return errors.Join(s.stream.Flush(), s.book.Write(s.out), s.book.Close())
}
