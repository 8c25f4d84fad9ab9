package order

import (
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/scope"
)

// amendment is an order with what an edit makes of it.
type amendment struct {
	packing
	order   *Order // as it becomes
	before  Order
	after   []Line // all lines as they become
	changed []uuid.UUID
	removed []uuid.UUID
	grown   []growth
	said    []string
	more    bool // goods are taken besides

	quoted  bool              // it was priced again
	goods   []cart.Item       // the variants that it is about, as they are sold now
	levels  []cart.Level      // what is free of them
	gave    []pricing.Applied // what campaigns gave it before
	applied []pricing.Applied // what they give it now
	buyer   scope.Buyer
}

// growth is a line of which an edit wants more.
type growth struct {
	lineID uuid.UUID
	field  string // of the edit
}

// fieldOf is where the edit speaks of the line.
func (a *amendment) fieldOf(lineID uuid.UUID) string {
	for _, g := range a.grown {
		if g.lineID == lineID {
			return g.field
		}
	}
	return "lines"
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

func (a *amendment) difference() money.Money {
	return money.Of(a.order.TotalMinor-a.before.TotalMinor, a.order.Currency)
}

// summary is what the history says of the edit.
func (a *amendment) summary() *EditNote {
	return &EditNote{TotalBefore: a.before.TotalMinor, TotalAfter: a.order.TotalMinor, SKUs: a.said, Lines: a.lines, Moved: a.before.ShippingAddress != a.order.ShippingAddress}
}

// rewritten are the lines that are new or not as before.
func (a *amendment) rewritten() []Line {
	return slices.DeleteFunc(slices.Clone(a.after), func(l Line) bool { return !slices.Contains(a.changed, l.ID) })
}

// moves is what the edit wants more of from the shelves, and what it gives back: first
// what is waited for, then what lies farthest down in the order of locations. Packed
// pieces stay.
func (a *amendment) moves() (more, less []Reservation) {
	wanted := a.wanted()
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

// wanted is how many pieces more of each variant the order holds than before.
func (a *amendment) wanted() map[uuid.UUID]int {
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
	return wanted
}

// limits are the pieces by which the order counts more, and less, against limits.
func (a *amendment) limits() (more, less []Reservation) {
	counted := limitedIn(a.after)
	for _, r := range limitedIn(a.lines) {
		r.Quantity = -r.Quantity
		counted = merged(counted, []Reservation{r})
	}
	for _, r := range counted {
		switch {
		case r.Quantity > 0:
			more = append(more, r)
		case r.Quantity < 0:
			r.Quantity = -r.Quantity
			less = append(less, r)
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
