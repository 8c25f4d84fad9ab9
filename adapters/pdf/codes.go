package pdf

import (
	"fmt"

	"github.com/boombuler/barcode/code128"

	"github.com/noren-commerce/noren/core/qr"
)

// quietBars are the narrow bars' widths of white that readers need beside a barcode.
const quietBars = 10

// bars draws the text as a barcode (Code 128) in the width, its white margins with it.
func (s *sheet) bars(text string, x, y, wide, high float64) {
	drawn, err := code128.Encode(text)
	if err != nil {
		s.fail(fmt.Errorf("draw the barcode of %q: %w", text, err))
		return
	}
	n := drawn.Bounds().Dx()
	bar := wide / float64(n+2*quietBars)
	row := make([]bool, n)
	for i := range row {
		grey, _, _, _ := drawn.At(i, 0).RGBA()
		row[i] = grey == 0
	}
	s.runs(row, x+quietBars*bar, y, bar, high)
}

// square draws the text as a square code (QRコード), four modules of white around it.
func (s *sheet) square(text string, x, y, side float64) {
	rows, err := qr.Code{Text: text}.Modules()
	if err != nil {
		s.fail(err)
		return
	}
	dot := side / float64(len(rows)+8)
	for i, row := range rows {
		s.runs(row, x+4*dot, y+float64(i+4)*dot, dot, dot)
	}
}

// runs draws a row of modules, neighbours as one: between two boxes some printers leave a
// hair of white.
func (s *sheet) runs(row []bool, x, y, wide, high float64) {
	s.pdf.SetFillColor(0, 0, 0)
	for i := 0; i < len(row); i++ {
		from := i
		for i < len(row) && row[i] {
			i++
		}
		if i > from {
			s.pdf.RectFromUpperLeftWithStyle(x+float64(from)*wide, y, float64(i-from)*wide, high, "F")
		}
	}
}
