package order

import (
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/cart"
)

// plan chooses where the stock comes from: the first location that has all of a
// variant, else pieces from several, in the brand's order of locations. What is not
// there is waited for, if the variant may be ordered beyond its stock.
func plan(b cart.Basket) []Reservation {
	var all []Reservation
	for _, item := range b.Items {
		there := planItem(b.Levels, item)
		if missing := item.Quantity - pieces(there); missing > 0 {
			there = append(there, Reservation{VariantID: item.VariantID, Quantity: missing})
		}
		all = append(all, there...)
	}
	return all
}

// planItem chooses where the pieces that are there come from.
func planItem(levels []cart.Level, item cart.Item) []Reservation {
	var split []Reservation
	left := item.Quantity
	for _, level := range levels {
		if level.VariantID != item.VariantID || level.Free <= 0 {
			continue
		}
		if level.Free >= item.Quantity {
			return []Reservation{{item.VariantID, level.LocationID, item.Quantity}}
		}
		if take := min(level.Free, left); take > 0 {
			split = append(split, Reservation{item.VariantID, level.LocationID, take})
			left -= take
		}
	}
	return split
}

// Waits reports whether the pieces are not there yet.
func (r Reservation) Waits() bool { return r.LocationID == uuid.Nil }

// waitedFor are the variants that some of the reservations wait for.
func waitedFor(reservations []Reservation) []uuid.UUID {
	found := map[uuid.UUID]bool{}
	for _, r := range reservations {
		if r.Waits() {
			found[r.VariantID] = true
		}
	}
	return slices.Collect(maps.Keys(found))
}

// limited are the pieces that count against limits.
func limited(b cart.Basket) []Reservation {
	var all []Reservation
	for _, item := range b.Items {
		if item.SoldAs != nil {
			all = append(all, Reservation{VariantID: item.VariantID, Quantity: item.Quantity})
		}
	}
	return all
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
