package cart

import (
	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/inventory"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/sale"
	"github.com/noren-commerce/noren/core/scope"
	"github.com/noren-commerce/noren/core/shipping"
)

// Goods are a variant as a line or a part of one needs it.
type Goods struct {
	VariantID uuid.UUID
	ProductID uuid.UUID
	SKU       string
	Name      i18n.Text
	Options   []string
	TaxClass  money.TaxClass
	OnSale    bool // listed by the channel at this moment
	Beyond    int  // pieces that may be ordered though they are not there (取り寄せ)
	Promise   i18n.Text
	SoldAs    *sale.Kind // nil if simply from stock
	Share     *int       // pieces that limits leave this customer; nil if there are none
	Grams     int        // of one piece; 0 if unknown
	Traits    *shipping.Traits
	Coming    *inventory.Coming // of what may be ordered though it is not there
}

// Part is goods of which one piece of a set holds so many.
type Part struct {
	Goods
	Slot     int // that the customer filled with it; 0 if it is always in the set
	Quantity int
}

// Item is one line as it is kept, with what is needed to price and sell it.
type Item struct {
	Goods
	ID       uuid.UUID
	Quantity int
	Choices  []sale.Choice   // of a set
	Parts    []Part          // of a set
	Agreed   *pricing.Agreed `db:"-"` // the price that a quotation offers
	Kept     *pricing.Kept   `db:"-"` // the price that was agreed, of a line of an order
	Was      int             `db:"-"` // pieces that the line has in its order; 0: it is none of one
	Offered  bool            `db:"-"` // a quotation has offered the line of an order
}

// Want is pieces of goods that all lines together want.
type Want struct {
	Goods
	Quantity int
}

// Wanted are the goods that the items take from stock, each once: those of loose
// lines and of sets together.
func Wanted(items []Item) []Want {
	return summed(items, func(i Item) []Want {
		if len(i.Parts) > 0 {
			return i.held()
		}
		return []Want{{i.Goods, i.Quantity}}
	})
}

// Limited are the goods that count against limits, each once: sets, what they hold, and
// loose lines.
func Limited(items []Item) []Want {
	return summed(items, func(i Item) (all []Want) {
		for _, w := range append(i.held(), Want{i.Goods, i.Quantity}) {
			if w.SoldAs != nil {
				all = append(all, w)
			}
		}
		return all
	})
}

// held are the pieces in all sets of the line.
func (i Item) held() []Want {
	all := make([]Want, len(i.Parts))
	for n, p := range i.Parts {
		all[n] = Want{p.Goods, p.Quantity * i.Quantity}
	}
	return all
}

func summed(items []Item, of func(Item) []Want) []Want {
	var all []Want
	at := map[uuid.UUID]int{}
	for _, item := range items {
		for _, w := range of(item) {
			if n, ok := at[w.VariantID]; ok {
				all[n].Quantity += w.Quantity
				continue
			}
			at[w.VariantID] = len(all)
			all = append(all, w)
		}
	}
	return all
}

// stock is what lines share: what is free of each variant, and how much all of them
// want of it.
type stock struct {
	free    map[uuid.UUID]int
	wanted  map[uuid.UUID]int // from stock
	limited map[uuid.UUID]int // against limits
	hidden  bool              // from the buyer
}

func (b Basket) stock(buyer scope.Buyer) stock {
	s := stock{b.Free(), map[uuid.UUID]int{}, map[uuid.UUID]int{}, buyer.StockHidden}
	for _, w := range Wanted(b.Items) {
		s.wanted[w.VariantID] = w.Quantity
	}
	for _, w := range Limited(b.Items) {
		s.limited[w.VariantID] = w.Quantity
	}
	return s
}

// needs are what one piece of the line takes from stock.
func (i Item) needs() []Part {
	if len(i.Parts) > 0 {
		return i.Parts
	}
	return []Part{{Goods: i.Goods, Quantity: 1}}
}

// there is how many pieces of the line there are, were it alone, and how many more come
// later.
func (s stock) there(i Item) (free, beyond int) {
	most := 0
	for n, p := range i.needs() {
		whole, all := s.free[p.VariantID]/p.Quantity, (s.free[p.VariantID]+p.Beyond)/p.Quantity
		if n == 0 {
			free, most = whole, all
		}
		free, most = min(free, whole), min(most, all)
	}
	return free, most - free
}

// short is why the line cannot have its pieces beside what the other lines want; nil if
// it can.
func (s stock) short(i Item) *fault.Error {
	left, share := i.Quantity, i.Quantity
	for _, p := range i.needs() {
		left = min(left, i.without(s.wanted[p.VariantID]-s.free[p.VariantID]-p.Beyond, p.Quantity))
	}
	for _, p := range append([]Part{{Goods: i.Goods, Quantity: 1}}, i.Parts...) {
		if p.Share != nil {
			share = min(share, i.without(s.limited[p.VariantID]-max(*p.Share, 0), p.Quantity))
		}
	}
	switch {
	case left == i.Quantity && share == i.Quantity:
		return nil
	case share < left:
		return beyondShare(i.SoldAs).With(share)
	case s.hidden:
		return errTooFew
	}
	return ErrSoldOut.With(left)
}

// without is how many pieces of the line remain if it gives up so many pieces of a part.
func (i Item) without(over, each int) int {
	if over <= 0 {
		return i.Quantity
	}
	return max(i.Quantity-(over+each-1)/each, 0)
}

// gone is the first part of the set that is not on sale; nil if all are.
func (i Item) gone() *Part {
	for n := range i.Parts {
		if !i.Parts[n].OnSale {
			return &i.Parts[n]
		}
	}
	return nil
}

// priced is what pricing asks of the line.
func (i Item) priced() pricing.Item {
	item := pricing.Item{VariantID: i.VariantID, Quantity: i.Quantity, TaxClass: i.TaxClass, Agreed: i.Agreed, Kept: i.Kept}
	for _, p := range i.Parts {
		item.Parts = append(item.Parts, pricing.Part{VariantID: p.VariantID, Quantity: p.Quantity, TaxClass: p.TaxClass})
	}
	return item
}
