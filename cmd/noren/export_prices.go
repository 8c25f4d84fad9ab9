package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/japanese"

	"github.com/noren-commerce/noren/core/importing"
)

type exportCommand struct {
	Settlement exportSettlement `cmd:"" help:"Write the payment journal of some days as CSV, for the accounts department."`
	Shipments  exportShipments  `cmd:"" help:"Write the shipments that wait to leave as a carrier takes them, CSV in CP932."`
	Prices     exportPrices     `cmd:"" help:"Write prices as CSV or xlsx, in the form in which they are imported."`
	Segment    exportSegment    `cmd:"" help:"Write the members of a segment as CSV or xlsx, with their personal data."`
}

// exportPrices writes the prices that hold now or will.
type exportPrices struct {
	personalFlags
	File     string `arg:"" optional:"" help:"Where to write, as xlsx if it ends so, else CSV; CSV to standard output if left out."`
	Kind     string `enum:"prices,customer-prices,rates" default:"prices" env:"NOREN_PRICES_KIND" help:"prices, customer-prices or rates."`
	List     string `env:"NOREN_PRICE_LIST" help:"Of prices: only this list, by code."`
	Channel  string `env:"NOREN_CHANNEL" help:"Code of the channel whose brand it is; the oldest if left out."`
	Encoding string `enum:"utf-8,cp932" default:"utf-8" env:"NOREN_EXPORT_ENCODING" help:"Of CSV: utf-8 (with a byte order mark, for Excel) or cp932."`
}

// exportRows is how many prices are in memory at a time.
const exportRows = 5000

// Run writes the file part by part.
func (c *exportPrices) Run(ctx context.Context) error {
	db, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, prices, err := inShop(ctx, db, c.Channel)
	if err != nil {
		return err
	}
	out := os.Stdout
	if c.File != "" {
		if out, err = os.Create(c.File); err != nil {
			return err
		}
	}
	return errors.Join(c.write(ctx, prices, out), out.Close())
}

func (c *exportPrices) write(ctx context.Context, prices *importing.Prices, out io.Writer) error {
	kind := importing.PriceKind(strings.ToUpper(strings.ReplaceAll(c.Kind, "-", "_")))
	table, err := c.table(kind, out)
	if err != nil {
		return err
	}
	for in := (importing.ExportInput{Kind: kind, List: c.List, Size: exportRows}); ; {
		part, err := prices.ExportRows(ctx, in)
		if err != nil {
			return errors.Join(err, table.Close())
		}
		for _, cells := range part.Rows {
			if err := table.Write(cells); err != nil {
				return errors.Join(err, table.Close())
			}
		}
		if in.After = part.Next; in.After == "" {
			return table.Close()
		}
	}
}

// priceTable takes the rows of a file one behind the other.
type priceTable interface {
	Write(cells []string) error
	Close() error
}

// table is the kind of file that is asked for.
func (c *exportPrices) table(kind importing.PriceKind, out io.Writer) (priceTable, error) {
	if strings.HasSuffix(strings.ToLower(c.File), ".xlsx") {
		return newSheet(out, importing.PriceColumns(kind))
	}
	if importing.Encoding(c.Encoding) == importing.EncodingCP932 {
		out = japanese.ShiftJIS.NewEncoder().Writer(out)
	} else if _, err := io.WriteString(out, "\ufeff"); err != nil {
		return nil, err
	}
	return separated{csv.NewWriter(out)}, nil
}

// separated writes CSV.
type separated struct{ *csv.Writer }

// Close writes what is left.
func (s separated) Close() error {
	s.Flush()
	return s.Error()
}

// sheet writes a workbook of one sheet. Its rows pass through a temporary file where
// they are many, so that not all of them are in memory.
type sheet struct {
	out     io.Writer
	book    *excelize.File
	stream  *excelize.StreamWriter
	numbers []bool // by column
	rows    int
}

// numeric are the columns in which Excel can reckon.
var numeric = []string{"min_quantity", "price", "compare_at", "percent", "round_to"}

func newSheet(out io.Writer, columns []string) (*sheet, error) {
	s := &sheet{out: out, book: excelize.NewFile(), numbers: make([]bool, len(columns))}
	for i, column := range columns {
		s.numbers[i] = slices.Contains(numeric, column)
	}
	var err error
	s.stream, err = s.book.NewStreamWriter(s.book.GetSheetName(0))
	return s, err
}

// Write adds a row.
func (s *sheet) Write(cells []string) error {
	if s.rows++; s.rows > excelize.TotalRows {
		return fmt.Errorf("a sheet of Excel holds %d rows; write CSV, or one list at a time", excelize.TotalRows)
	}
	values := make([]any, len(cells))
	for i, cell := range cells {
		if values[i] = cell; s.numbers[i] {
			values[i] = exactly(cell)
		}
	}
	return s.stream.SetRow(fmt.Sprintf("A%d", s.rows), values)
}

// exactly is a number if a workbook's can hold it to its last digit, else the text.
func exactly(text string) any {
	d, err := decimal.NewFromString(text)
	if err != nil {
		return text
	}
	if f := d.InexactFloat64(); d.NumDigits() <= 15 && decimal.NewFromFloat(f).Equal(d) { // what Excel shows
		return f
	}
	return text
}

// Close writes the workbook.
func (s *sheet) Close() error {
	return errors.Join(s.stream.Flush(), s.book.Write(s.out), s.book.Close())
}
