package pdf

import (
	"strconv"

	"github.com/noren-commerce/noren/core/invoice"
	"github.com/noren-commerce/noren/core/money"
)

// invoice draws an invoice, a delivery note or a credit note.
func (s *sheet) invoice() {
	d := s.doc
	s.title()
	s.parties()
	switch d.Kind {
	case invoice.KindInvoice:
		s.write("下記のとおりご請求申し上げます。", left, s.y, normal, toLeft)
		s.y += 18
		s.sum("ご請求金額")
		s.settled()
	case invoice.KindDeliveryNote:
		s.write("下記のとおり納品いたします。ご査収ください。", left, s.y, normal, toLeft)
		s.y += 18
		if !d.Content.Unpriced {
			s.sum("合計金額")
		}
	case invoice.KindCreditNote:
		s.write("下記のとおり返還いたします。", left, s.y, normal, toLeft)
		s.y += 18
		s.sum("返還金額")
	}
	s.ofOrder()
	if d.Content.Unpriced {
		s.goods()
		return
	}
	s.lines()
	s.taxes()
	if d.Kind != invoice.KindInvoice {
		return
	}
	if o := d.Content.Order; o == nil || o.Settled == "" {
		s.box("お振込先", d.Content.Issuer.Bank)
	}
	s.box("備考", d.Content.Issuer.Note)
}

// settled says that nothing is to be paid on this invoice, if so.
func (s *sheet) settled() {
	o := s.doc.Content.Order
	if o == nil || o.Settled == "" {
		return
	}
	word := "お支払い済みです。"
	if o.Settled == invoice.SettledAccount {
		word = "お支払いは締め請求書にてお願いいたします。"
	}
	s.write(word, left+6, s.y-5, normal, toLeft)
	s.y += 14
}

// ofOrder says which order the document is about, and what a credit note corrects.
func (s *sheet) ofOrder() {
	c := s.doc.Content
	var pairs [][2]string
	if o := c.Order; o != nil {
		sold := "取引日"
		if s.doc.Kind == invoice.KindDeliveryNote {
			sold = "出荷日"
		}
		pairs = append(pairs, [2]string{"注文番号", o.Number}, [2]string{"注文日", date(o.PlacedOn)})
		if s.doc.Kind != invoice.KindReceipt {
			pairs = append(pairs, [2]string{sold, date(o.SoldOn)})
		}
		if o.Shipment > 0 {
			pairs = append(pairs, [2]string{"分納", strconv.Itoa(o.Shipment) + "回目"})
		}
		if s.doc.Kind != invoice.KindDeliveryNote {
			pairs = append(pairs, [2]string{"支払方法", o.Payment})
		}
	}
	if of := c.Corrects; of != nil {
		pairs = append(pairs, [2]string{"対象", of.Kind.Title() + " No. " + of.Number + "（" + date(of.IssuedOn) + "発行）"})
	}
	s.facts(pairs...)
	s.box("返還理由", c.Reason)
}

// lines draws the lines with their amounts.
func (s *sheet) lines() {
	word := "金額（税抜）"
	if s.doc.Content.Inclusive {
		word = "金額（税込）"
	}
	t := s.table(column{"品名", 0, toLeft}, column{"数量", 46, toRight}, column{"単価", 72, toRight}, column{"税率", 50, toCentre}, column{word, 88, toRight})
	for _, l := range s.doc.Content.Lines {
		cells := []cell{named(l), {text: pieces(l)}, {}, {text: rate(l.Class)}, {}}
		if l.Unit != nil {
			cells[2].text = s.number(*l.Unit)
		}
		if l.Amount != nil {
			cells[4].text = s.number(*l.Amount)
		}
		t.row(cells...)
	}
	t.end()
}

// goods draws the lines without what they cost.
func (s *sheet) goods() {
	t := s.table(column{"品名", 0, toLeft}, column{"数量", 70, toRight})
	for _, l := range s.doc.Content.Lines {
		t.row(named(l), cell{text: pieces(l)})
	}
	t.end()
}

func named(l invoice.Line) cell {
	c := cell{text: l.Text, below: l.Detail}
	if l.Class == money.TaxReduced {
		c.text += " ※"
	}
	if l.Part {
		c.text, c.indent = "・"+c.text, 10
	}
	return c
}

func pieces(l invoice.Line) string {
	if l.Quantity == 0 {
		return ""
	}
	return strconv.Itoa(l.Quantity)
}

// receipt draws a receipt.
func (s *sheet) receipt() {
	d := s.doc
	s.title()
	from := s.issuer(issuerAt, s.y)
	y := s.names(s.y+12, 15)
	s.y = max(y+10, from+14)
	s.shade(left, s.y, right-left, 44, 240)
	s.rule(left, right, s.y, 0.8, 0)
	s.rule(left, right, s.y+44, 0.8, 0)
	s.write("金額", left+14, s.y+16, 12, toLeft)
	s.strong(s.amount(d.TotalMinor)+" -", (left+right)/2, s.y+8, 24, toCentre)
	s.write("（税込）", right-14, s.y+18, normal, toRight)
	s.y += 56
	s.y = s.block("但　"+proviso(d.Content.Proviso), left+14, s.y, 11, right-left-28) + 2
	s.write("上記正に領収いたしました。", left+14, s.y, 11, toLeft)
	s.y += 28
	if d.Reissue() {
		s.write("本領収書は No. "+d.Content.ReissueOf+" の再発行です。", left+14, s.y, normal, toLeft)
		s.y += 16
	}
	s.ofOrder()
	s.taxes()
	s.write("内訳", left, s.y, normal, toLeft)
	s.y += 14
	s.lines()
	s.grey(90)
	s.fits(14)
	s.write("電子データで発行しているため、収入印紙は不要です。", left, s.y, 8, toLeft)
	s.grey(0)
}

func proviso(text string) string {
	if r := []rune(text); len(r) > 3 && string(r[len(r)-3:]) == "として" {
		return text
	}
	return text + "として"
}

// statement draws a company's month.
func (s *sheet) statement() {
	d, b := s.doc, s.doc.Content.Balance
	s.title()
	s.parties()
	period := date(b.ClosesOn) + "締切分"
	if b.From != nil {
		period = date(*b.From) + " ～ " + date(b.ClosesOn)
	}
	s.write("下記のとおりご請求申し上げます。", left, s.y, normal, toLeft)
	s.y += 18
	s.sum("今回ご請求額")
	s.facts([2]string{"対象期間", period}, [2]string{"支払期限", date(b.DueOn)})
	s.balance(b)
	s.entries()
	s.taxes()
	s.fits(14)
	s.grey(90)
	s.write("消費税額は、明細に記載の各適格請求書の税率ごとの消費税額を合計したものです。", left, s.y, 8, toLeft)
	s.grey(0)
	s.y += 18
	s.box("お振込先", d.Content.Issuer.Bank)
	s.box("備考", d.Content.Issuer.Note)
}

// balance draws how the company's account came to what it owes.
func (s *sheet) balance(b *invoice.Balance) {
	var tax int64
	for _, t := range s.doc.Taxes {
		tax += t.Tax.Minor
	}
	cells := []struct {
		word  string
		minor int64
	}{
		{"前回ご請求額", b.Opening}, {"ご入金額", b.Payments}, {"調整額", b.Other}, {"繰越金額", b.Opening - b.Payments + b.Other},
		{"今回お買上額", b.Sales}, {"うち消費税", tax}, {"今回ご請求額", b.Closing},
	}
	wide := (right - left) / float64(len(cells))
	s.shade(left, s.y, right-left, 16, 232)
	s.pdf.SetLineWidth(0.5)
	s.pdf.SetStrokeColor(60, 60, 60)
	for i, c := range cells {
		x := left + float64(i)*wide
		s.pdf.RectFromUpperLeftWithStyle(x, s.y, wide, 16, "D")
		s.pdf.RectFromUpperLeftWithStyle(x, s.y+16, wide, 20, "D")
		s.write(c.word, x+wide/2, s.y+4, 7.5, toCentre)
		s.write(s.number(c.minor), x+wide-padding, s.y+21.5, normal, toRight)
	}
	s.y += 48
}

// entries draws what a statement is made of, with what each order comes to at each rate.
func (s *sheet) entries() {
	t := s.table(column{"日付", 62, toCentre}, column{"摘要", 0, toLeft}, column{"10%対象（税込）", 82, toRight}, column{"8%対象※（税込）", 82, toRight}, column{"金額", 82, toRight})
	for _, l := range s.doc.Content.Lines {
		cells := []cell{{text: slashed(*l.On)}, {text: l.Text, below: l.Detail}, {}, {}, {text: s.number(*l.Amount)}}
		for _, share := range l.Shares {
			switch share.Class {
			case money.TaxStandard:
				cells[2].text = s.number(share.Minor)
			case money.TaxReduced:
				cells[3].text = s.number(share.Minor)
			}
		}
		t.row(cells...)
	}
	t.end()
}
