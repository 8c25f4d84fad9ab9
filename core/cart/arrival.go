package cart

import (
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/shipping"
)

// Chosen is what the customer wishes of the delivery.
func (c Cart) Chosen() shipping.Choice { return shipping.Choice{On: c.DeliverOn, Band: c.DeliveryBand} }

// Arrival is when the goods of a cart can be there, and what of it was chosen.
type Arrival struct {
	Window  shipping.Window
	Promise *shipping.Promise // with the choice met; nil if no day can be told
	Band    *shipping.Band    // that was chosen; nil if none was, or it is not offered
	Problem *fault.Error      // why the choice cannot be met; nil if it can
}

// arrives is when the basket's goods can be there by the chosen method; nil if none is
// chosen.
func (b Basket) arrives() *Arrival {
	if b.Method == nil {
		return nil
	}
	d := Arrival{Window: b.Method.Window(b.Parcel)}
	choice := b.Cart.Chosen()
	if d.Problem = d.Window.Fits(choice); choice.Given() && b.Parcel.To == nil {
		d.Problem = shipping.ErrAddressNeeded.At("shippingAddress")
	}
	d.Band = d.Window.Band(choice.Band)
	if d.Promise = b.Method.Agreed(b.Parcel, choice); d.Problem != nil {
		d.Promise = d.Window.Promise
	}
	return &d
}

// ArrivesOn is the day on which all goods are there if they are ordered now; nil if none
// can be told.
func (p Priced) ArrivesOn() *time.Time {
	if p.Arrival == nil || p.Arrival.Promise == nil {
		return nil
	}
	return &p.Arrival.Promise.ArrivesOn
}

// WishedBand is the part of the day that is wished for; nil if none is, or it is not
// offered.
func (p Priced) WishedBand() *shipping.Band {
	if p.Arrival == nil {
		return nil
	}
	return p.Arrival.Band
}

// Picked are the levels, less what is not taken of them, that give what is wanted of a
// variant: the first location that has all of it, else several.
func Picked(levels []Level, want Want) []Level {
	var split []Level
	left := want.Quantity
	for _, level := range levels {
		if level.VariantID != want.VariantID || level.Free <= 0 {
			continue
		}
		if level.Free >= want.Quantity {
			level.Free = want.Quantity
			return []Level{level}
		}
		if level.Free = min(level.Free, left); level.Free > 0 {
			split = append(split, level)
			left -= level.Free
		}
	}
	return split
}

// sources are where the goods come from as an order would take them, each place once.
func (b Basket) sources(zone *time.Location) []shipping.Source {
	var all []shipping.Source
	seen := map[uuid.UUID]bool{}
	for _, want := range Wanted(b.Items) {
		released := want.released(zone)
		left := want.Quantity
		for _, level := range Picked(b.Levels, want) {
			left -= level.Free
			if released == nil && seen[level.LocationID] {
				continue
			}
			seen[level.LocationID] = seen[level.LocationID] || released == nil
			all = append(all, shipping.Source{LocationID: level.LocationID, DueOn: released})
		}
		if left > 0 {
			due := want.Coming.By(left)
			all = append(all, shipping.Source{DueOn: later(due, released), Unknown: due == nil})
		}
	}
	return all
}

// released is the last day on which the goods may not leave, if they are sold in advance;
// nil if they may.
func (g Goods) released(zone *time.Location) *time.Time {
	if g.Coming == nil || g.Coming.ReleaseAt == nil {
		return nil
	}
	before := shipping.DayOf(g.Coming.ReleaseAt.In(zone)).AddDate(0, 0, -1)
	return &before
}

func later(a, b *time.Time) *time.Time {
	if a == nil || b != nil && b.After(*a) {
		return b
	}
	return a
}
