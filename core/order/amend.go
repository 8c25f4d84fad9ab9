package order

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/scope"
)

// amendment is an order with what an edit makes of it.
type amendment struct {
	packing
	order    *Order // as it becomes
	before   Order
	after    []Line // all lines as they become
	changed  []uuid.UUID
	removed  []uuid.UUID
	grown    []growth
	rounding money.Rounding
	said     []string
	more     bool // goods are taken besides
}

var labelEdit = i18n.Text{"ja": "注文変更", "en": "Order edited"}

// change makes the pieces of a line more or fewer: those that stay cost what they cost,
// unless the edit names a price. The field is where the edit says so.
func (a *amendment) change(in EditedLine, field string) error {
	i := slices.IndexFunc(a.after, func(l Line) bool { return l.ID == in.LineID })
	if i < 0 {
		return ErrUnknownLine.At("lines")
	}
	l := a.after[i]
	if packed := a.packedOf(l); in.Quantity < packed {
		return ErrLinePacked.With(packed).At("lines")
	}
	if in.Quantity > l.Quantity {
		if err := a.mayGrow(l); err != nil {
			return err
		}
		a.grown = append(a.grown, growth{l.ID, l.Quantity, field})
	}
	a.said = append(a.said, l.SKU)
	if in.Quantity == 0 {
		a.after, a.removed = slices.Delete(a.after, i, i+1), append(a.removed, l.ID)
		return nil
	}
	was := l.TotalMinor
	if in.Unit != nil {
		unit, err := money.Parse(*in.Unit, l.Currency)
		if err != nil {
			return at("lines", err)
		}
		whole, err := unit.Times(in.Quantity)
		if err != nil {
			return at("lines", err)
		}
		l.UnitMinor, l.TotalMinor = unit.Minor, whole.Minor
	} else {
		total, err := money.RoundDown.Portion(l.TotalMinor, int64(in.Quantity), int64(l.Quantity), 1)
		if err != nil {
			return at("lines", err)
		}
		l.TotalMinor = total
	}
	l.resize(in.Quantity)
	l.Breakdown = append(slices.Clone(l.Breakdown), pricing.Step{
		Rule: pricing.RuleEdit, Label: labelEdit, Change: money.Of(l.TotalMinor-was, l.Currency), Running: money.Of(l.TotalMinor, l.Currency),
	})
	a.after[i], a.changed = l, append(a.changed, l.ID)
	return nil
}

// mayGrow fails where the line cannot have more pieces.
func (a *amendment) mayGrow(l Line) error {
	switch {
	case a.before.collected():
		return ErrEditUnpaid.At("lines")
	case a.begun():
		return ErrTransition.With(a.before.Status)
	case l.limited():
		return ErrEditLimited.At("lines")
	}
	return nil
}

// packedOf is how many pieces of the line are packed or have left; of a set, how many
// sets they are part of.
func (a *amendment) packedOf(l Line) (most int) {
	for _, h := range l.holds() {
		n := 0
		for _, s := range a.shipments {
			if s.Status != ShipmentCancelled {
				n += s.packed(l.ID, h.VariantID)
			}
		}
		most = max(most, (n*l.Quantity+h.Quantity-1)/h.Quantity)
	}
	return most
}

// limited reports whether the line, or a part of it, is sold otherwise than simply from
// stock.
func (l Line) limited() bool {
	return l.SoldAs != "" || slices.ContainsFunc(l.Parts, func(p Part) bool { return p.SoldAs != "" })
}

// resize makes the line so many pieces, and shares its total out among the parts.
func (l *Line) resize(quantity int) {
	parts := slices.Clone(l.Parts)
	weights, shares := make([]int64, len(parts)), make([]int64, len(parts))
	for i := range parts {
		weights[i] = max(parts[i].Amount.Minor, 0)
		parts[i].Quantity = parts[i].Quantity / l.Quantity * quantity
	}
	if len(parts) > 0 && slices.Max(weights) == 0 { // they cost nothing: by their pieces
		for i := range parts {
			weights[i] = int64(parts[i].Quantity)
		}
	}
	pricing.Apportion(weights, l.TotalMinor, shares, cmp.Compare)
	for i := range parts {
		parts[i].Amount.Minor = shares[i]
	}
	l.Parts, l.Quantity = parts, quantity
}

// add puts goods on a line of their own. The field is where the edit says so.
func (a *amendment) add(in AddedLine, r rates, field string) error {
	item := r.goods.item(in.VariantID)
	if item.ID == uuid.Nil {
		return ErrEditGoods.At("add")
	}
	item.Quantity = in.Quantity
	if item.SoldAs != nil || slices.ContainsFunc(item.Parts, func(p cart.Part) bool { return p.SoldAs != nil }) {
		return ErrEditLimited.At("add")
	}
	l := Line{
		ID: id.New(), OrderID: a.order.ID, VariantID: item.VariantID, ProductID: item.ProductID, SKU: item.SKU, Name: item.Name, Options: item.Options,
		Quantity: in.Quantity, TaxClass: item.TaxClass, Currency: a.order.Currency,
	}
	for _, m := range a.after {
		l.Position = max(l.Position, m.Position+1)
	}
	if err := r.price(&l, item, in); err != nil {
		return err
	}
	a.grown = append(a.grown, growth{l.ID, 0, field})
	a.after, a.changed, a.said = append(a.after, l), append(a.changed, l.ID), append(a.said, l.SKU)
	return nil
}

// total works out what the order comes to now: tax is rounded once for each rate.
func (a *amendment) total() error {
	o := a.order
	sums := map[money.TaxClass]int64{}
	var subtotal, lines int64
	for _, l := range a.after {
		subtotal, lines = subtotal+l.UnitMinor*int64(l.Quantity), lines+l.TotalMinor
		for _, p := range l.Parts {
			sums[p.TaxClass] += p.Amount.Minor
		}
		if len(l.Parts) == 0 {
			sums[l.TaxClass] += l.TotalMinor
		}
	}
	sums[cmp.Or(o.ShippingMethod.TaxClass, money.TaxStandard)] += o.ShippingMinor
	o.SubtotalMinor, o.DiscountMinor, o.TaxMinor, o.Taxes = subtotal, subtotal-lines, 0, []money.Taxed{}
	sums[money.TaxStandard] += o.ChargeMinor
	o.TotalMinor = lines + o.ShippingMinor + o.ChargeMinor
	for _, class := range money.TaxClasses {
		if sums[class] == 0 {
			continue
		}
		taxed := money.TaxOf(class, money.Of(sums[class], o.Currency), o.TaxInclusive, a.rounding)
		o.Taxes, o.TaxMinor = append(o.Taxes, taxed), o.TaxMinor+taxed.Tax.Minor
	}
	if !o.TaxInclusive {
		o.TotalMinor += o.TaxMinor
	}
	o.Breakdown = append(slices.Clone(o.Breakdown), pricing.Step{Rule: pricing.RuleEdit, Label: labelEdit, Change: a.difference(), Running: o.Total()})
	return nil
}

func (a *amendment) difference() money.Money {
	return money.Of(a.order.TotalMinor-a.before.TotalMinor, a.order.Currency)
}

// summary is what the history says of the edit.
func (a *amendment) summary() *EditNote {
	return &EditNote{TotalBefore: a.before.TotalMinor, TotalAfter: a.order.TotalMinor, SKUs: a.said, Lines: a.lines}
}

// rewritten are the lines that are new or not as before.
func (a *amendment) rewritten() []Line {
	return slices.DeleteFunc(slices.Clone(a.after), func(l Line) bool { return !slices.Contains(a.changed, l.ID) })
}

// moves is what the edit wants more of from the shelves, and what it gives back: first
// what is waited for, then what lies farthest down in the order of locations. Packed
// pieces stay.
func (a *amendment) moves() (more, less []Reservation) {
	wanted := map[uuid.UUID]int{}
	for _, l := range a.after {
		for _, h := range l.holds() {
			wanted[h.VariantID] += h.Quantity
		}
	}
	for _, l := range a.lines {
		for _, h := range l.holds() {
			wanted[h.VariantID] -= h.Quantity
		}
	}
	variants := make([]uuid.UUID, 0, len(wanted))
	for v := range wanted {
		variants = append(variants, v)
	}
	slices.SortFunc(variants, func(x, y uuid.UUID) int { return strings.Compare(x.String(), y.String()) })
	for _, v := range variants {
		if wanted[v] > 0 {
			more = append(more, Reservation{VariantID: v, Quantity: wanted[v]})
		} else if wanted[v] < 0 {
			less = append(less, a.give(v, -wanted[v])...)
		}
	}
	return more, less
}

// give takes pieces of the variant out of what the order holds.
func (a *amendment) give(variantID uuid.UUID, n int) (given []Reservation) {
	loose := func(h Held) int {
		if h.Waits() {
			return h.Quantity
		}
		free := h.Quantity
		for _, s := range a.shipments {
			if s.Status == ShipmentInstructed && s.LocationID == h.LocationID {
				for _, p := range s.Lines {
					if p.VariantID == variantID {
						free -= p.Quantity
					}
				}
			}
		}
		return free
	}
	for _, waits := range []bool{true, false} {
		for i := len(a.held) - 1; i >= 0 && n > 0; i-- {
			h := &a.held[i]
			if h.VariantID != variantID || h.Waits() != waits {
				continue
			}
			if take := min(n, loose(*h)); take > 0 {
				given = append(given, Reservation{variantID, h.LocationID, take})
				h.Quantity, n = h.Quantity-take, n-take
			}
		}
	}
	a.held = slices.DeleteFunc(a.held, func(h Held) bool { return h.Quantity == 0 })
	return given
}

// take plans where the pieces come from; what is not there is waited for, but not at a
// shop: what arrives later arrives elsewhere.
func (a *amendment) take(levels []cart.Level, more []Reservation) ([]Reservation, error) {
	var all []Reservation
	for _, r := range more {
		there := planGoods(levels, cart.Want{Goods: cart.Goods{VariantID: r.VariantID}, Quantity: r.Quantity})
		if missing := r.Quantity - pieces(there); missing > 0 {
			if a.order.PickedUp() {
				return nil, ErrEditStock
			}
			there = append(there, Reservation{VariantID: r.VariantID, Quantity: missing})
		}
		all = append(all, there...)
	}
	for _, r := range all {
		a.held = append(a.held, Held{Reservation: r})
	}
	return all, nil
}

// Prices are what goods cost buyers.
type Prices interface {
	Desk(ctx context.Context, ask pricing.Ask) (*pricing.Desk, error)
}

// rates is what goods that are added cost the order's buyer.
type rates struct {
	desk     *pricing.Desk
	book     pricing.Book
	goods    Goods
	rounding money.Rounding
}

// ratesFor opens the desk for the order's buyer, and reads the goods to be added.
func (s *Service) ratesFor(ctx context.Context, o Order, added []AddedLine) (r rates, err error) {
	ask := pricing.Ask{Mode: o.ShippingMode, Region: string(o.ShippingAddress.Prefecture)}
	asked := access.With(ctx, access.Guest)
	switch {
	case o.CompanyID != nil:
		ask.As, asked = scope.Audience{Kind: scope.Company, ID: *o.CompanyID}, access.With(ctx, access.System)
	case o.MemberID != nil:
		ask.As, asked = scope.Audience{Kind: scope.Member, ID: *o.MemberID}, access.With(ctx, access.System)
	}
	if r.desk, err = s.prices.Desk(asked, ask); err != nil {
		return r, err
	}
	r.rounding = r.desk.Terms().Rounding
	if len(added) == 0 {
		return r, nil
	}
	if err := o.inChannel(ctx); err != nil {
		return r, err
	}
	variants := make([]uuid.UUID, len(added))
	for i, l := range added {
		variants[i] = l.VariantID
	}
	if r.goods, err = s.store.Goods(ctx, o.BrandID, o.pickedUpAt(), "", variants); err != nil {
		return r, err
	}
	r.book, err = r.desk.Sheets(asked, variants)
	return r, err
}

// price says what an added line costs.
func (r rates) price(l *Line, item cart.Item, in AddedLine) error {
	asked := pricing.Item{VariantID: l.VariantID, Quantity: l.Quantity, TaxClass: l.TaxClass}
	for _, p := range item.Parts {
		asked.Parts = append(asked.Parts, pricing.Part{VariantID: p.VariantID, Quantity: p.Quantity, TaxClass: p.TaxClass})
	}
	if in.Unit != nil {
		unit, err := money.Parse(*in.Unit, l.Currency)
		if err != nil {
			return at("add", err)
		}
		asked.Agreed = &pricing.Agreed{Amount: unit.Minor}
	}
	line, err := r.desk.Examine(r.book[l.VariantID], asked)
	if err == nil {
		err = line.Err
	}
	if err != nil {
		return at("add", err)
	}
	whole, err := line.Unit.Times(l.Quantity)
	if err != nil {
		return at("add", err)
	}
	l.UnitMinor, l.TotalMinor, l.Breakdown = line.Unit.Minor, whole.Minor, line.Breakdown
	l.Parts = partsOf(item, line.Split(), false)
	return nil
}
