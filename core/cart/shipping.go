package cart

import (
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/shipping"
)

// parcel is what the basket's goods are to shipping: sets as what they hold. What
// campaigns add is not weighed.
func (b Basket) parcel(l Lookup) shipping.Parcel {
	buyer := l.Buyer()
	buyer.Region = b.Cart.region()
	p := shipping.Parcel{To: shipping.To(b.Cart.ShippingAddress), Mode: b.Cart.ShippingMode, Buyer: buyer, At: l.At.In(l.clock()), Sources: b.sources(l.clock())}
	p.Pieces = Pieces(b.Items, b.Sheets)
	return p
}

// Pieces are the items' goods as shipping sees them: sets as what they hold.
func Pieces(items []Item, book pricing.Book) (all []shipping.Piece) {
	for _, w := range Wanted(items) {
		piece := shipping.Piece{SKU: w.SKU, Grams: w.Grams, Traits: w.Traits, Quantity: w.Quantity}
		if sheet := book[w.VariantID]; sheet != nil {
			piece.Goods = sheet.Goods
		}
		all = append(all, piece)
	}
	return all
}

// shipped quotes the items with the fee of the chosen method. A fee that depends on what
// the goods cost is judged by what they cost without it, so that it never depends on
// itself.
func (l Lookup) shipped(b Basket, items []pricing.Item) (pricing.Quote, *shipping.Verdict, error) {
	if b.Method == nil {
		quote, err := l.desk.Quote(b.Sheets, items, b.Fee)
		return quote, nil, err
	}
	p := b.Parcel
	if b.Method.AsksAmount() {
		alone, err := l.desk.Quote(b.Sheets, items, nil)
		if err != nil {
			return alone, nil, err
		}
		p.Amount = goodsAmount(alone)
	}
	verdict := b.Method.Assess(p)
	quote, err := l.desk.Quote(b.Sheets, items, b.fee(&verdict))
	return quote, &verdict, err
}

// fee is what shipping the basket costs by the verdict, unless that is settled; nil if the
// parcel cannot go.
func (b Basket) fee(v *shipping.Verdict) *pricing.Fee {
	if b.Fee != nil || v == nil {
		return b.Fee
	}
	return v.Priced()
}

// goodsAmount is what the goods cost, less what campaigns take off them.
func goodsAmount(q pricing.Quote) int64 { return q.Subtotal.Minor - q.Discount.Minor }

// ToShip is the cart as shipping sees it.
func (p Priced) ToShip() (shipping.Parcel, error) {
	alone, err := p.alone()
	if err != nil {
		return shipping.Parcel{}, err
	}
	parcel := p.parcel
	parcel.Amount = goodsAmount(alone)
	return parcel, nil
}

// NotInMode is why the item is not shipped in the mode; nil if it is. What a quotation
// offers is shipped as it says.
func (i Item) NotInMode(mode pricing.ShippingMode, quoted bool) *fault.Error {
	if mode == pricing.ShipDirect && !quoted && i.notDirect() {
		return shipping.ErrNotDirect
	}
	return nil
}

// notDirect reports whether the line has goods that are not shipped directly.
func (i Item) notDirect() bool {
	for _, p := range i.needs() {
		if p.Traits != nil && p.Traits.NoDirect {
			return true
		}
	}
	return i.Traits != nil && i.Traits.NoDirect
}
