package pdf

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/signintech/gopdf"

	"github.com/noren-commerce/noren/core/invoice"
	"github.com/noren-commerce/noren/core/money"
)

// The sheet in points: A4 with margins.
const (
	left, right, top, bottom = 42.0, 553.0, 42.0, 790.0

	small, normal, large = 7.5, 9.0, 13.0
	leading              = 1.45 // lines lie so far apart, in sizes
)

type align int

const (
	toLeft align = iota
	toRight
	toCentre
)

// sheet is a document that is being drawn, from above to below. The first failure stays.
type sheet struct {
	pdf     *gopdf.GoPdf
	doc     invoice.Document
	called  string // what stands at the foot of its pages, and its number
	no      string
	y       float64
	pages   int
	err     error
	glyphs  map[rune]bool
	widths  map[rune]float64 // of a character at size 1
	current float64
}

func (p *Printer) newSheet(d invoice.Document) (*sheet, error) {
	s, err := p.blank(d.Kind.Title(), d.Number(), d.Content.Issuer.Name, d.IssuedAt)
	if err == nil {
		s.doc = d
		s.page()
	}
	return s, err
}

// blank is a document without pages.
func (p *Printer) blank(called, no, author string, at time.Time) (*sheet, error) {
	s := &sheet{pdf: &gopdf.GoPdf{}, called: called, no: no, glyphs: map[rune]bool{}, widths: map[rune]float64{}}
	s.pdf.Start(gopdf.Config{PageSize: *gopdf.PageSizeA4, Unit: gopdf.UnitPT})
	if err := s.pdf.AddTTFFontFromFontContainer(family, p.fonts); err != nil {
		return nil, err
	}
	s.pdf.SetInfo(gopdf.PdfInfo{
		Title: strings.TrimSpace(called + " " + no), Author: author, Creator: "noren", Producer: "noren", CreationDate: at.UTC().Truncate(time.Second),
	})
	s.fail(s.pdf.SetFont(family, "", normal))
	s.current = normal
	s.grey(0)
	return s, s.err
}

func (s *sheet) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

func (s *sheet) page() {
	s.pdf.AddPage()
	s.pages++
	s.y = top
}

func (s *sheet) size(size float64) {
	if s.current != size {
		s.fail(s.pdf.SetFontSize(size))
		s.current = size
	}
}

// write draws one line whose top is at y, from x, to x, or around x.
func (s *sheet) write(text string, x, y, size float64, a align) {
	text = s.folded(text)
	switch a {
	case toRight:
		x -= s.width(text, size)
	case toCentre:
		x -= s.width(text, size) / 2
	}
	if text == "" || s.err != nil {
		return
	}
	s.size(size)
	s.pdf.SetXY(x, y+size*0.95)
	s.fail(s.pdf.Text(text))
}

// strong draws as write, somewhat bolder.
func (s *sheet) strong(text string, x, y, size float64, a align) {
	s.write(text, x, y, size, a)
	s.write(text, x+size*0.028, y, size, a)
}

// block draws the text in lines of the width and answers where it ends.
func (s *sheet) block(text string, x, y, size, wide float64) float64 {
	for _, line := range s.wrapped(text, size, wide) {
		s.write(line, x, y, size, toLeft)
		y += size * leading
	}
	return y
}

func (s *sheet) grey(level uint8) { s.pdf.SetTextColor(level, level, level) }

func (s *sheet) rule(x1, x2, y, thick float64, level uint8) {
	s.pdf.SetLineWidth(thick)
	s.pdf.SetStrokeColor(level, level, level)
	s.pdf.Line(x1, y, x2, y)
}

func (s *sheet) shade(x, y, wide, high float64, level uint8) {
	s.pdf.SetFillColor(level, level, level)
	s.pdf.RectFromUpperLeftWithStyle(x, y, wide, high, "F")
}

// pageNumbers says on each page which it is, if there are several.
func (s *sheet) pageNumbers() {
	for n := 1; n <= s.pages && s.err == nil; n++ {
		s.fail(s.pdf.SetPage(n))
		s.current = 0
		s.grey(110)
		s.write(strings.TrimSpace(s.called+"　"+s.no), left, bottom+16, small, toLeft)
		s.write(fmt.Sprintf("%d / %d", n, s.pages), right, bottom+16, small, toRight)
		s.grey(0)
	}
}

// number writes an amount with commas, without its currency.
func (s *sheet) number(minor int64) string {
	whole, rest, _ := strings.Cut(money.Of(minor, s.doc.Currency).String(), ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if rest != "" {
		whole += "." + rest
	}
	return sign + whole
}

// amount writes an amount with its currency.
func (s *sheet) amount(minor int64) string {
	if s.doc.Currency == money.JPY {
		return "¥" + s.number(minor)
	}
	return string(s.doc.Currency) + " " + s.number(minor)
}

// date writes a day as Japanese documents do.
func date(day time.Time) string {
	return strconv.Itoa(day.Year()) + "年" + strconv.Itoa(int(day.Month())) + "月" + strconv.Itoa(day.Day()) + "日"
}

func slashed(day time.Time) string { return day.Format("2006/01/02") }

func rate(class money.TaxClass) string {
	switch class {
	case money.TaxReduced:
		return fmt.Sprintf("%d%%※", class.Percent())
	case money.TaxExempt:
		return "非課税"
	case "":
		return ""
	}
	return fmt.Sprintf("%d%%", class.Percent())
}

func postal(code string) string {
	if len(code) != 7 {
		return ""
	}
	return "〒" + code[:3] + "-" + code[3:]
}

func spaced(title string) string { return strings.Join(strings.Split(title, ""), "　") }
