package pdf

import (
	"fmt"
	"io"
	"time"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/label"
)

// mm is a millimetre in points.
const mm = 72 / 25.4

// Labels draws the labels on as many sheets as they need, and answers how many there are.
// They are read one by one; of what is drawn only the pages are held, so a file has
// label.Most at most, and one more is label.ErrMost.
func (p *Printer) Labels(w io.Writer, of label.Sheet, at time.Time) (int, error) {
	defer p.turn()()
	s, err := p.blank("宛名ラベル", "", "", at)
	if err != nil {
		return 0, err
	}
	f, drawn := of.Format, 0
	for l, err := range of.Labels {
		switch {
		case err != nil:
			return drawn, fmt.Errorf("read the labels: %w", err)
		case drawn == label.Most:
			return drawn, label.ErrMost
		}
		place := (of.Skip + drawn) % f.Labels()
		if drawn == 0 || place == 0 {
			s.page()
		}
		x, y := f.At(place)
		if l.To.Name != "" {
			s.label(l, of.PostalBoxes, x*mm, y*mm, f.Width*mm, f.Height*mm)
		}
		drawn++
	}
	if drawn == 0 {
		s.page() // a file without pages cannot be opened
	}
	return drawn, s.writeTo(w)
}

// inset is what stays white within a label: printers draw a sheet in a hair aslant.
const inset = 3 * mm

// label draws an address into a box, in the largest size of letters in which it fits.
func (s *sheet) label(l label.Label, boxes bool, x, y, wide, high float64) {
	foot := 0.0
	if l.Mark != "" {
		foot = small * leading
		s.grey(90)
		s.write(l.Mark, x+wide-inset, y+high-inset-small, small, toRight)
		s.grey(0)
	}
	head := 0.0
	if boxes {
		head = s.postalBoxes(l.To.PostalCode, x+inset, y+inset)
		l.To.PostalCode = ""
	}
	s.address(l.To, 10.5, x+inset, y+inset+head, wide-2*inset, high-2*inset-foot-head)
}

// Boxes of postal codes: as wide and high as on the post's cards, a little smaller.
const (
	boxWide, boxHigh = 4.2 * mm, 5.6 * mm
	boxGap           = 0.9 * mm // between boxes
	boxDash          = 1.6 * mm // between the third and the fourth
)

// postalBoxes draws a postal code digit by digit in boxes, and answers how high they are
// with what stays white below. A code that is none is left out.
func (s *sheet) postalBoxes(code string, x, y float64) float64 {
	if len(code) != 7 {
		return 0
	}
	s.pdf.SetLineWidth(0.6)
	s.pdf.SetStrokeColor(200, 40, 40)
	for i, digit := range code {
		if i == 3 {
			x += boxDash - boxGap
			s.pdf.Line(x-boxDash+0.3*mm, y+boxHigh/2, x-0.3*mm, y+boxHigh/2)
		}
		s.pdf.RectFromUpperLeftWithStyle(x, y, boxWide, boxHigh, "D")
		s.write(string(digit), x+boxWide/2, y+(boxHigh-11)/2, 11, toCentre)
		x += boxWide + boxGap
	}
	return boxHigh + 1.2*mm
}

// smallest letters of an address; what is too long for them is cut.
const smallestLetters = 5.5

// address draws an address into the box: the postal code, where, and whom it is for,
// larger, in letters of the size or as small as they have to be.
func (s *sheet) address(a customer.Address, size, x, y, wide, high float64) {
	for ; ; size -= 0.5 {
		lines := s.addressed(a, size, wide)
		tall := 0.0
		for _, l := range lines {
			tall += l.size * 1.3
		}
		if tall > high && size > smallestLetters {
			continue
		}
		end := y + high
		for _, l := range lines {
			if y+l.size > end {
				return
			}
			draw := s.write
			if l.strong {
				draw = s.strong
			}
			draw(l.text, x, y, l.size, toLeft)
			y += l.size * 1.3
		}
		return
	}
}

// sized is a line of an address.
type sized struct {
	text   string
	size   float64
	strong bool
}

func (s *sheet) addressed(a customer.Address, size, wide float64) (all []sized) {
	add := func(text string, size float64, strong bool) {
		if text == "" {
			return
		}
		for _, line := range s.wrapped(text, size, wide) {
			all = append(all, sized{line, size, strong})
		}
	}
	add(postal(a.PostalCode), size, false)
	add(a.Prefecture.Name()+a.City+a.Line1, size, false)
	add(a.Line2, size, false)
	add(a.Company, size, false)
	add(a.Name+"　様", size*1.3, true)
	return all
}

// frame draws a box.
func (s *sheet) frame(x, y, wide, high float64) {
	s.pdf.SetLineWidth(0.8)
	s.pdf.SetStrokeColor(60, 60, 60)
	s.pdf.RectFromUpperLeftWithStyle(x, y, wide, high, "D")
}
