// Package label knows the sheets of labels that shops buy (ラベルシート), and what stands
// on a label. Whoever has addresses prints them: shipments, or members who are written to.
package label

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/fault"
)

// A4 in millimetres.
const (
	PageWidth  = 210.0
	PageHeight = 297.0
)

// Format is how labels lie on a sheet of A4, in millimetres.
type Format struct {
	Code    string  `json:"code"`
	Name    string  `json:"name"`
	Columns int     `json:"columns"`
	Rows    int     `json:"rows"`
	Width   float64 `json:"width"`  // of one label
	Height  float64 `json:"height"` // of one label
	Left    float64 `json:"left"`   // margin of the sheet
	Top     float64 `json:"top"`    // margin of the sheet
	GapX    float64 `json:"gapX"`   // between columns
	GapY    float64 `json:"gapY"`   // between rows
}

// Labels is how many labels a sheet has.
func (f Format) Labels() int { return f.Columns * f.Rows }

// At is where the nth label of a sheet begins, from 0, row by row.
func (f Format) At(n int) (x, y float64) {
	return f.Left + float64(n%f.Columns)*(f.Width+f.GapX), f.Top + float64(n/f.Columns)*(f.Height+f.GapY)
}

// Smallest label that an address fits on.
const (
	minWidth  = 40.0
	minHeight = 25.0
)

// slack is how far a sheet may be off: makers round to a tenth of a millimetre.
const slack = 0.1

// Check fails unless the labels lie on the sheet and an address fits on each.
func (f Format) Check() error {
	right := f.Left + float64(f.Columns)*f.Width + float64(f.Columns-1)*f.GapX
	bottom := f.Top + float64(f.Rows)*f.Height + float64(f.Rows-1)*f.GapY
	switch {
	case f.Code == "" || f.Name == "":
		return errors.New("a format of labels needs a code and a name")
	case f.Columns < 1 || f.Rows < 1 || min(f.Left, f.Top, f.GapX, f.GapY) < 0:
		return fmt.Errorf("labels %s: columns, rows and margins must be sizes", f.Code)
	case f.Width < minWidth || f.Height < minHeight:
		return fmt.Errorf("labels %s: an address does not fit on %v × %v mm", f.Code, f.Width, f.Height)
	case right > PageWidth+slack || bottom > PageHeight+slack:
		return fmt.Errorf("labels %s: the labels reach beyond the sheet", f.Code)
	}
	return nil
}

//go:embed formats.json
var table []byte

// Formats reads the formats that there are. Another sheet is another row of the table.
func Formats() ([]Format, error) {
	var all []Format
	if err := json.Unmarshal(table, &all); err != nil {
		return nil, fmt.Errorf("read the formats of labels: %w", err)
	}
	for i, f := range all {
		if err := f.Check(); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(all[:i], func(g Format) bool { return g.Code == f.Code }) {
			return nil, fmt.Errorf("labels %s are there twice", f.Code)
		}
	}
	return all, nil
}

// Label is an address with what tells the label apart, such as the shipment's number. One
// without a name stays blank.
type Label struct {
	To   customer.Address
	Mark string // small, at the foot; empty: nothing
}

// Most is how many labels one file has at most: its pages are held in memory until it is
// written. Who has more prints several files.
const Most = 5000

// Failures of a sheet.
var (
	ErrFormat = fault.NotFound("LABEL_FORMAT_UNKNOWN", "指定したラベルの形式がありません", "There is no such format of labels")
	ErrSkip   = fault.Invalid("LABEL_SKIP_INVALID", "使用済みラベルの枚数は0〜%dで指定してください", "A sheet has 0 to %d used labels")
	ErrMost   = fault.Invalid(fault.CodeTooMany, "ラベルは1ファイル%d枚までです", "A file has at most %d labels").With(Most)
)

// Sheet is labels to be printed. They are read one by one, once.
type Sheet struct {
	Format Format
	Skip   int // labels of the first sheet that are used up
	// PostalBoxes draws postal codes in boxes (郵便番号枠), for the post's machines.
	PostalBoxes bool
	Labels      iter.Seq2[Label, error]
}

// Find is the format with the code.
func Find(all []Format, code string) (Format, error) {
	if i := slices.IndexFunc(all, func(f Format) bool { return f.Code == code }); i >= 0 {
		return all[i], nil
	}
	return Format{}, ErrFormat.At("format")
}

// CheckSkip fails unless that many labels of a sheet can be used up.
func (f Format) CheckSkip(skip int) error {
	if skip < 0 || skip >= f.Labels() {
		return ErrSkip.With(f.Labels() - 1).At("skip")
	}
	return nil
}

// Each are the labels one by one.
func Each(all []Label) iter.Seq2[Label, error] {
	return func(yield func(Label, error) bool) {
		for _, l := range all {
			if !yield(l, nil) {
				return
			}
		}
	}
}
