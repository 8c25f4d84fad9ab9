package shipping

import (
	"slices"
	"time"

	"github.com/noren-commerce/noren/core/fault"
)

// Why a parcel cannot be delivered as the buyer chose.
var (
	ErrNoChoice   = fault.Conflict("DELIVERY_DATE_UNAVAILABLE", "この配送方法・お届け先ではお届け日を指定できません", "No day of delivery can be chosen for this method and address")
	ErrTooEarly   = fault.Conflict("DELIVERY_DATE_TOO_EARLY", "ご指定の日にはお届けできません。最短のお届け日は%sです", "It cannot be there on that day; the earliest is %s")
	ErrTooLate    = fault.Conflict("DELIVERY_DATE_TOO_LATE", "お届け日は%sまでの日を指定してください", "Choose a day up to %s")
	ErrNoDelivery = fault.Conflict("DELIVERY_DATE_CLOSED", "ご指定の日は配送業者の休業日です。別の日を指定してください", "The carrier does not deliver on that day; choose another one")
	ErrNoBand     = fault.Conflict("DELIVERY_BAND_UNAVAILABLE", "この配送方法・お届け先では、ご指定の時間帯を選択できません", "This part of the day cannot be chosen for this method and address")
)

// Choice is what the buyer wishes of the delivery (配達希望日・時間帯). The zero Choice
// wishes nothing.
type Choice struct {
	On   *time.Time // a day; nil: the earliest
	Band string     // a band's code; empty: any part of the day
}

// Given reports whether anything is wished.
func (c Choice) Given() bool { return c.On != nil || c.Band != "" }

// Window is what a buyer may choose of a delivery.
type Window struct {
	Promise  *Promise // what holds if nothing is chosen; nil if no day can be told
	LatestOn *time.Time
	Bands    []Band

	delivers *Calendar
}

// Window is what may be chosen for the parcel.
func (m Method) Window(p Parcel) Window {
	w := Window{Promise: m.Promise(p), delivers: m.Delivers}
	if w.Promise != nil && m.Schedule.DaysAhead > 0 {
		last := w.Promise.ArrivesOn.AddDate(0, 0, m.Schedule.DaysAhead)
		w.LatestOn = &last
	}
	way := m.leg(p.To)
	for _, b := range m.Schedule.Bands {
		if way != nil && (way.bands == nil || slices.Contains(way.bands, b.Code)) {
			w.Bands = append(w.Bands, b)
		}
	}
	return w
}

// Band is the band with the code; nil if it is not offered.
func (w Window) Band(code string) *Band {
	for i := range w.Bands {
		if w.Bands[i].Code == code {
			return &w.Bands[i]
		}
	}
	return nil
}

// Days are those that may be chosen, the earliest first.
func (w Window) Days() []time.Time {
	all := []time.Time{}
	if w.LatestOn == nil {
		return all
	}
	for day := w.Promise.ArrivesOn; !day.After(*w.LatestOn); day = day.AddDate(0, 0, 1) {
		if w.delivers.Open(day) {
			all = append(all, day)
		}
	}
	return all
}

// Fits is why the choice cannot be met; nil if it can.
func (w Window) Fits(c Choice) *fault.Error {
	if err := w.fitsDay(c.On); err != nil {
		return err.At("deliverOn")
	}
	if c.Band != "" && w.Band(c.Band) == nil {
		return ErrNoBand.At("deliveryBand")
	}
	return nil
}

// Meets reports whether the parcel can be there on a day that was wished for before, be it
// further ahead than may be wished for now.
func (w Window) Meets(on time.Time) bool {
	return w.Promise != nil && !on.Before(w.Promise.ArrivesOn) && w.delivers.Open(on)
}

func (w Window) fitsDay(on *time.Time) *fault.Error {
	switch {
	case on == nil:
		return nil
	case w.LatestOn == nil:
		return ErrNoChoice
	case on.Before(w.Promise.ArrivesOn):
		return ErrTooEarly.With(w.Promise.ArrivesOn.Format(time.DateOnly))
	case on.After(*w.LatestOn):
		return ErrTooLate.With(w.LatestOn.Format(time.DateOnly))
	case !w.delivers.Open(*on):
		return ErrNoDelivery
	}
	return nil
}

// Agreed is what a parcel's buyer is told: when it leaves at the latest, and when it
// arrives. Nil: no day can be told.
func (m Method) Agreed(p Parcel, c Choice) *Promise {
	promise := m.Promise(p)
	if c.On == nil || promise == nil || !c.On.After(promise.ArrivesOn) {
		return promise
	}
	return &Promise{m.latestShipping(p, *promise, *c.On), *c.On}
}

// latestShipping is the last day on which all places of the parcel work, the carrier
// collects, and it still is there on the day: not before it can leave.
func (m Method) latestShipping(p Parcel, earliest Promise, on time.Time) time.Time {
	calendars := []*Calendar{m.Collects}
	for _, s := range p.Sources {
		if place := m.place(s.LocationID); place != nil {
			calendars = append(calendars, place.Calendar)
		}
	}
	for day := on.AddDate(0, 0, -*m.leg(p.To).days); day.After(earliest.ShipsOn); day = day.AddDate(0, 0, -1) {
		if !slices.ContainsFunc(calendars, func(c *Calendar) bool { return !c.Open(day) }) {
			return day
		}
	}
	return earliest.ShipsOn
}

// ShipsOn is the day on which the parcel leaves if nothing is chosen; nil if none can be
// told.
func (v Verdict) ShipsOn() *time.Time {
	if v.Window.Promise == nil {
		return nil
	}
	return &v.Window.Promise.ShipsOn
}

// ArrivesOn is the earliest day on which the parcel is there; nil if none can be told.
func (v Verdict) ArrivesOn() *time.Time {
	if v.Window.Promise == nil {
		return nil
	}
	return &v.Window.Promise.ArrivesOn
}

// DeliveryDays are the days that may be chosen, the earliest first.
func (v Verdict) DeliveryDays() []time.Time { return v.Window.Days() }

// DeliveryBands are the parts of the day that may be chosen.
func (v Verdict) DeliveryBands() []Band { return v.Window.Bands }
