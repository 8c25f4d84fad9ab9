package order

import (
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/cart"
)

// plan chooses where the stock comes from: the first location that has all of a
// variant, else pieces from several, in the brand's order of locations. What is not
// there is waited for, if the variant may be ordered beyond its stock. What lines and
// sets want of one variant is planned together.
func plan(b cart.Basket) []Reservation {
	var all []Reservation
	for _, want := range cart.Wanted(b.Items) {
		there := planGoods(b.Levels, want)
		if missing := want.Quantity - pieces(there); missing > 0 {
			there = append(there, Reservation{VariantID: want.VariantID, Quantity: missing})
		}
		all = append(all, there...)
	}
	return all
}

// planGoods chooses where the pieces that are there come from.
func planGoods(levels []cart.Level, want cart.Want) (all []Reservation) {
	for _, level := range cart.Picked(levels, want) {
		all = append(all, Reservation{want.VariantID, level.LocationID, level.Free})
	}
	return all
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
	for _, want := range cart.Limited(b.Items) {
		all = append(all, Reservation{VariantID: want.VariantID, Quantity: want.Quantity})
	}
	return all
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
