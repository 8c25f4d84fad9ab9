package pdf

import (
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/noren-commerce/noren/core/dispatch"
	"github.com/noren-commerce/noren/core/shipping"
)

// PackingLists draws what lies in each parcel (出荷明細書), each on pages of its own;
// without prices and without the shop's name where it goes straight to the buyer's
// customer (直送).
func (p *Printer) PackingLists(w io.Writer, all iter.Seq2[dispatch.Packed, error], at time.Time) error {
	defer p.turn()()
	s, err := p.blank(dispatch.PackingLists.Title(), "", "", at)
	if err != nil {
		return err
	}
	for one, err := range all {
		if err != nil {
			return fmt.Errorf("read the shipments: %w", err)
		}
		s.no = one.Reference()
		s.doc.Currency = one.Currency
		s.packingList(one, at)
	}
	if s.pages == 0 {
		s.page()
	}
	return s.writeTo(w)
}

func (s *sheet) packingList(p dispatch.Packed, at time.Time) {
	s.page()
	s.strong(spaced("出荷明細書"), left, s.y+2, 18, toLeft)
	s.bars(p.Reference(), right-220, s.y-8, 220, 34)
	s.write(p.Reference(), right-110, s.y+28, normal, toCentre)
	s.y += 52
	s.write("お届け先", left, s.y, 8, toLeft)
	s.address(p.To, 11, left, s.y+13, issuerAt-left-24, 84)
	if from := p.From(); from != "" {
		s.write("ご依頼主", issuerAt, s.y, 8, toLeft)
		s.block(from, issuerAt, s.y+13, 10, right-issuerAt)
	}
	s.y += 104
	pairs := [][2]string{{"出荷番号", p.Reference()}, {"注文日", date(p.PlacedAt.In(at.Location()))}, {"温度帯", temperature(p.Temperature)}}
	if p.DeliverOn != nil {
		pairs = append(pairs, [2]string{"お届け日", date(*p.DeliverOn)})
	}
	if p.TimeBand != "" {
		pairs = append(pairs, [2]string{"時間帯", p.TimeBand + "時"})
	}
	if p.Priced() { // whose warehouse it is says nothing to the buyer's customer
		pairs = append(pairs, [2]string{"出荷元", p.Location})
	}
	s.facts(pairs...)
	s.packed(p)
}

func temperature(t shipping.Temperature) string {
	switch t {
	case shipping.Chilled:
		return "冷蔵"
	case shipping.Frozen:
		return "冷凍"
	}
	return "常温"
}

func (s *sheet) packed(p dispatch.Packed) {
	columns := []column{{"品名", 0, toLeft}, {"数量", 50, toRight}}
	if p.Priced() {
		word := "税抜"
		if p.TaxInclusive {
			word = "税込"
		}
		columns = append(columns, column{"単価（" + word + "）", 84, toRight}, column{"金額（" + word + "）", 88, toRight})
	}
	t, pieces := s.table(columns...), 0
	for _, l := range p.Lines {
		name := l.Name
		if l.Set != "" {
			name = "［" + l.Set + "］" + name
		}
		cells := []cell{{text: name, below: strings.Join(append([]string{l.SKU}, l.Options...), " / ")}, {text: strconv.Itoa(l.Quantity)}}
		if p.Priced() {
			cells = append(cells, s.prices(l)...)
		}
		t.row(cells...)
		pieces += l.Quantity
	}
	t.end()
	s.strong("合計 "+strconv.Itoa(pieces)+" 点", right, s.y, 10, toRight)
}

func (s *sheet) prices(l dispatch.PackedLine) []cell {
	if l.UnitMinor == nil {
		return []cell{{}, {}}
	}
	return []cell{{text: s.number(*l.UnitMinor)}, {text: s.number(*l.UnitMinor * int64(l.Quantity))}}
}

// PickList draws what to fetch from the shelves for many shipments (ピッキングリスト).
func (p *Printer) PickList(w io.Writer, all []dispatch.Picked, shipments int, at time.Time) error {
	defer p.turn()()
	s, err := p.blank(dispatch.PickList.Title(), "", "", at)
	if err != nil {
		return err
	}
	s.page()
	s.strong(dispatch.PickList.Title(), left, s.y, 18, toLeft)
	s.write(at.Format("2006/01/02 15:04")+"　出荷 "+strconv.Itoa(shipments)+"件", right, s.y+8, normal, toRight)
	s.y += 32
	t, pieces := s.table(column{"済", 26, toCentre}, column{"SKU / JAN", 118, toLeft}, column{"品名", 0, toLeft}, column{"数量", 44, toRight}, column{"内訳", 150, toLeft}), 0
	for _, one := range all {
		t.row(cell{text: "□"}, cell{text: one.SKU, below: one.Barcode}, cell{text: one.Name, below: strings.Join(one.Options, " / ")},
			cell{text: strconv.Itoa(one.Pieces)}, cell{below: shares(one.For)})
		pieces += one.Pieces
	}
	t.end()
	s.strong("合計 "+strconv.Itoa(pieces)+" 点", right, s.y, 10, toRight)
	return s.end(w)
}

// mostShares is how many shipments a row names: one that fills more than a page cannot be
// drawn, and who fetches for so many sorts at the packing table.
const mostShares = 30

func shares(all []dispatch.Share) string {
	var lines []string
	for i, share := range all {
		if i == mostShares {
			lines = append(lines, "ほか "+strconv.Itoa(len(all)-i)+"件")
			break
		}
		lines = append(lines, share.Reference+" ×"+strconv.Itoa(share.Pieces))
	}
	return strings.Join(lines, "\n")
}
