package pdf

import (
	"io"
	"strconv"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/returns"
)

// ReturnSlip draws the slip that lies in a parcel with returned goods (返品票).
func (p *Printer) ReturnSlip(w io.Writer, r returns.Slip) error {
	defer p.turn()()
	s, err := p.blank("返品票", r.Number, r.To.Name, r.PrintedAt)
	if err != nil {
		return err
	}
	s.page()
	title := "返品票"
	if r.Outcome == returns.Exchange {
		title = "返品・交換票"
	}
	s.strong(spaced(title), left, s.y+6, 20, toLeft)
	s.square(r.Number, right-96, s.y-12, 96)
	s.bars(r.Number, left+150, s.y-4, 250, 40)
	s.write(r.Number, left+275, s.y+39, 10, toCentre)
	s.y += 92
	s.facts([2]string{"返品番号", r.Number}, [2]string{"注文番号", r.OrderNumber}, [2]string{"印刷日", date(r.PrintedAt)})
	s.write("この票を商品と一緒に箱へ入れ、下記の返送先へお送りください。店舗へお持ちいただく場合もご提示ください。", left, s.y, normal, toLeft)
	s.y += 20
	from := s.party("お客様", r.From, issuerAt, s.y)
	s.y = max(s.party("返送先", r.To, left, s.y), from) + 8
	s.write(payer(r.ByShop), left, s.y, 11, toLeft)
	s.y += 22
	t := s.table(column{"品名", 0, toLeft}, column{"返品理由", 110, toCentre}, column{"数量", 50, toRight}, column{"検品", 60, toCentre})
	for _, l := range r.Lines {
		t.row(cell{text: l.Name, below: l.Detail}, cell{text: l.Reason}, cell{text: strconv.Itoa(l.Pieces)}, cell{text: "□"})
	}
	t.end()
	s.box("ご返送方法", r.How)
	s.box("店舗より", r.Note)
	return s.end(w)
}

func payer(byShop bool) string {
	if byShop {
		return "送料着払いでお送りください。"
	}
	return "送料はお客様のご負担（元払い）でお願いいたします。"
}

// party draws a word and the address below it, and answers where it ends.
func (s *sheet) party(word string, a customer.Address, x, y float64) float64 {
	s.grey(90)
	s.write(word, x, y, 8, toLeft)
	s.grey(0)
	y += 13
	for _, line := range a.Lines() {
		y = s.block(line, x, y, 10, issuerAt-left-24)
	}
	return s.block("TEL "+a.Phone, x, y, 8.5, issuerAt-left-24)
}

// The label of a parcel, to be cut out and stuck on: A6 across.
const (
	parcelWide = 148 * mm
	parcelHigh = 105 * mm
)

// ReturnLabel draws the address label of a parcel with returned goods (返送用ラベル).
func (p *Printer) ReturnLabel(w io.Writer, r returns.Slip) error {
	defer p.turn()()
	s, err := p.blank("返送用ラベル", r.Number, r.To.Name, r.PrintedAt)
	if err != nil {
		return err
	}
	s.page()
	s.write("枠線に沿って切り取り、箱の上面に貼ってください。", left, s.y, normal, toLeft)
	x, y := left, s.y+20
	s.frame(x, y, parcelWide, parcelHigh)
	word := "元払い"
	if r.ByShop {
		word = "着払い"
	}
	s.strong("返品在中", x+14, y+12, 16, toLeft)
	s.strong(word, x+parcelWide-14, y+12, 16, toRight)
	s.rule(x, x+parcelWide, y+38, 0.8, 60)
	s.write("お届け先", x+14, y+46, 8, toLeft)
	s.address(r.To, 15, x+14, y+60, parcelWide-28, 96)
	s.write("TEL "+r.To.Phone, x+14, y+160, normal, toLeft)
	s.rule(x, x+parcelWide, y+176, 0.5, 120)
	s.write("ご依頼主", x+14, y+182, 8, toLeft)
	s.address(r.From, 10.5, x+14, y+194, 190, 74)
	s.write("TEL "+r.From.Phone, x+14, y+272, 8, toLeft)
	s.bars(r.Number, x+parcelWide-208, y+196, 200, 44)
	s.write(r.Number, x+parcelWide-108, y+244, 10, toCentre)
	return s.writeTo(w)
}
