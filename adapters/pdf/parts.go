package pdf

import (
	"strings"

	"github.com/noren-commerce/noren/core/invoice"
	"github.com/noren-commerce/noren/core/money"
)

const issuerAt = 352.0 // where the column of the issuer begins

// title draws what the document is, its number and its day.
func (s *sheet) title() {
	d := s.doc
	s.strong(spaced(titleOf(d)), (left+right)/2, s.y, 20, toCentre)
	y := s.y + 27
	if word := qualifiedWord(d); word != "" {
		s.write(word, (left+right)/2, y, 8, toCentre)
	}
	if d.Reissue() {
		s.pdf.SetStrokeColor(190, 20, 20)
		s.pdf.SetLineWidth(1)
		s.pdf.RectFromUpperLeftWithStyle(left, s.y+1, 58, 20, "D")
		s.pdf.SetTextColor(190, 20, 20)
		s.strong("再発行", left+29, s.y+5, 12, toCentre)
		s.grey(0)
	}
	s.write("No. "+d.Number(), right, y+2, normal, toRight)
	s.write("発行日　"+date(d.Content.IssuedOn), right, y+16, normal, toRight)
	s.y = y + 40
}

// titleOf is what stands on top: a credit note is called as the law does only if its
// issuer is registered.
func titleOf(d invoice.Document) string {
	if d.Kind == invoice.KindCreditNote && d.Content.Issuer.Qualified() {
		return "適格返還請求書"
	}
	return d.Kind.Title()
}

// qualifiedWord is what the law calls an invoice, if its issuer is registered.
func qualifiedWord(d invoice.Document) string {
	if d.Kind == invoice.KindInvoice && d.Content.Issuer.Qualified() {
		return "（適格請求書）"
	}
	return ""
}

// parties draws whom the document is for, on the left, and who it is from.
func (s *sheet) parties() {
	from := s.issuer(issuerAt, s.y)
	y, to := s.y, s.doc.Content.To
	if code := postal(to.PostalCode); code != "" {
		s.write(code, left, y, normal, toLeft)
		y += normal * leading
	}
	for _, line := range to.Address {
		y = s.block(line, left, y, normal, issuerAt-left-24)
	}
	if len(to.Address) > 0 {
		y += 5
	}
	y = s.names(y, large)
	s.y = max(y, from) + 8
}

// names draws whom the document is for, underlined.
func (s *sheet) names(y, size float64) float64 {
	for _, name := range s.doc.Content.To.Names() {
		for _, line := range s.wrapped(name, size, issuerAt-left-24) {
			s.strong(line, left, y, size, toLeft)
			y += size * 1.35
		}
	}
	s.rule(left, issuerAt-20, y+1, 0.8, 0)
	return y + 8
}

func (s *sheet) issuer(x, y float64) float64 {
	i := s.doc.Content.Issuer
	for _, line := range s.wrapped(i.Name, 10.5, right-x) {
		s.strong(line, x, y, 10.5, toLeft)
		y += 10.5 * 1.4
	}
	if i.Qualified() {
		s.write("登録番号　"+i.RegistrationNumber, x, y, normal, toLeft)
		y += normal * leading
	}
	y = s.block(strings.TrimSpace(postal(i.PostalCode)+"\n"+i.Address), x, y, 8.5, right-x)
	if i.Phone != "" {
		y = s.block("TEL　"+i.Phone, x, y, 8.5, right-x)
	}
	if i.Email != "" {
		y = s.block(i.Email, x, y, 8.5, right-x)
	}
	return y
}

// sum draws the amount that the document is about.
func (s *sheet) sum(word string) {
	s.rule(left, issuerAt-20, s.y, 0.8, 0)
	s.write(word, left+6, s.y+9, 10, toLeft)
	s.strong(s.amount(s.doc.TotalMinor), issuerAt-58, s.y+5, 16, toRight)
	s.write("（税込）", issuerAt-20, s.y+10, 8.5, toRight)
	s.rule(left, issuerAt-20, s.y+28, 0.8, 0)
	s.y += 38
}

// facts draws pairs of a word and what it says, side by side.
func (s *sheet) facts(pairs ...[2]string) {
	x, word := left, 54.0
	for i, p := range pairs {
		if p[1] == "" {
			continue
		}
		wide := s.width(s.folded(p[1]), normal) + word + 18
		if x > left && x+wide > right && i > 0 {
			x, s.y = left, s.y+normal*leading
		}
		s.grey(90)
		s.write(p[0], x, s.y, normal, toLeft)
		s.grey(0)
		s.write(p[1], x+word, s.y, normal, toLeft)
		x += max(wide, 170)
	}
	s.y += normal*leading + 6
}

// taxes draws what each rate comes to, and the whole.
func (s *sheet) taxes() {
	d, wide := s.doc, 330.0
	x := right - wide
	s.fits(float64(len(d.Taxes)+2)*16 + 14)
	columns := []float64{x + 96, x + 178, x + 250, right - padding}
	s.shade(x, s.y, wide, 16, 232)
	s.rule(x, right, s.y, 0.8, 60)
	s.write("税率区分", x+padding, s.y+4, 8, toLeft)
	for i, word := range []string{"税抜金額", "消費税額", "税込金額"} {
		s.write(word, columns[i+1], s.y+4, 8, toRight)
	}
	var net, tax, gross int64
	for _, t := range d.Taxes {
		s.y += 16
		s.rule(x, right, s.y, 0.3, 175)
		s.write(rateWord(t.Class), x+padding, s.y+4, normal, toLeft)
		s.taxed(columns, t.Net.Minor, t.Tax.Minor, t.Gross.Minor, s.write)
		net, tax, gross = net+t.Net.Minor, tax+t.Tax.Minor, gross+t.Gross.Minor
	}
	s.y += 16
	s.rule(x, right, s.y, 0.6, 60)
	s.strong("合計", x+padding, s.y+4, normal, toLeft)
	s.taxed(columns, net, tax, gross, s.strong)
	s.y += 16
	s.rule(x, right, s.y, 0.8, 60)
	s.y += 5
	for _, t := range d.Taxes {
		if t.Class == money.TaxReduced {
			s.write("※は軽減税率（8%）対象です。", right, s.y, 8, toRight)
			s.y += 12
		}
	}
	s.y += 8
}

func (s *sheet) taxed(columns []float64, net, tax, gross int64, write func(string, float64, float64, float64, align)) {
	for i, minor := range []int64{net, tax, gross} {
		write(s.number(minor), columns[i+1], s.y+4, normal, toRight)
	}
}

func rateWord(class money.TaxClass) string {
	switch class {
	case money.TaxExempt:
		return "非課税"
	case money.TaxReduced:
		return "8%対象（軽減※）"
	}
	return "10%対象"
}

// box draws a text below a word, in a frame.
func (s *sheet) box(word, text string) {
	if text == "" {
		return
	}
	lines := s.wrapped(text, normal, right-left-2*padding-70)
	high := float64(len(lines))*normal*leading + 9
	s.fits(high + 8)
	s.pdf.SetStrokeColor(120, 120, 120)
	s.pdf.SetLineWidth(0.5)
	s.pdf.RectFromUpperLeftWithStyle(left, s.y, right-left, high, "D")
	s.shade(left+0.5, s.y+0.5, 62, high-1, 240)
	s.write(word, left+31, s.y+high/2-normal/2-0.5, normal, toCentre)
	y := s.y + 5
	for _, line := range lines {
		s.write(line, left+70, y, normal, toLeft)
		y += normal * leading
	}
	s.y += high + 8
}
