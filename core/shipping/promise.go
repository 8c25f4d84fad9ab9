package shipping

import (
	"time"

	"github.com/google/uuid"
)

// Source is where some of a parcel's goods come from.
type Source struct {
	LocationID uuid.UUID  // zero: they come in, at the place that ships first
	DueOn      *time.Time // the day on which they come in or are released; nil: they are there
	Unknown    bool       // nobody knows when they come
}

// Promise is when a parcel leaves and arrives (出荷予定日・お届け予定日).
type Promise struct {
	ShipsOn   time.Time // when the last of it leaves
	ArrivesOn time.Time // when the last of it is there
}

// Promise is the earliest day on which the parcel can be there if it is ordered at its
// moment; nil if none can be told: nobody knows how long the way is or when goods come.
// It is pure, and a later order is never promised an earlier day.
//
// The day counts if the order comes before the cut-off on a day on which the place works,
// else the next working day does. Goods that come in on a day count for the working day
// after. So many working days later it is ready; it leaves on the first day on which the
// place works and the carrier collects, travels as many days as its zone takes, and
// arrives on the first day on which the carrier delivers.
func (m Method) Promise(p Parcel) *Promise {
	way := m.leg(p.To)
	if way == nil || way.days == nil || len(p.Sources) == 0 {
		return nil
	}
	var last Promise
	for _, s := range p.Sources {
		one := m.sent(p.At, s, *way.days)
		if one == nil {
			return nil
		}
		if one.ShipsOn.After(last.ShipsOn) {
			last.ShipsOn = one.ShipsOn
		}
		if one.ArrivesOn.After(last.ArrivesOn) {
			last.ArrivesOn = one.ArrivesOn
		}
	}
	return &last
}

// sent is the promise of what comes from one source.
func (m Method) sent(at time.Time, s Source, days int) *Promise {
	place := m.place(s.LocationID)
	if place == nil || s.Unknown {
		return nil
	}
	ships, ok := m.ships(at, s.DueOn, *place)
	if !ok {
		return nil
	}
	arrives, ok := firstOpen(ships.AddDate(0, 0, days), m.Delivers)
	if !ok {
		return nil
	}
	return &Promise{ships, arrives}
}

// ships is the day on which goods leave the place; false if it never does.
func (m Method) ships(at time.Time, dueOn *time.Time, place Place) (time.Time, bool) {
	start := DayOf(at)
	if passed(at, cutOff(place.CutOff, m.Schedule.CutOff)) {
		start = start.AddDate(0, 0, 1)
	}
	if dueOn != nil {
		if after := dueOn.AddDate(0, 0, 1); after.After(start) {
			start = after
		}
	}
	day, ok := firstOpen(start, place.Calendar)
	for n := 0; ok && n < place.HandlingDays; n++ {
		day, ok = firstOpen(day.AddDate(0, 0, 1), place.Calendar)
	}
	if !ok {
		return day, false
	}
	return firstOpen(day, place.Calendar, m.Collects)
}

// place is the place with the id, or the one that ships first; nil if it ships nothing.
func (m Method) place(locationID uuid.UUID) *Place {
	for i := range m.Places {
		if locationID == uuid.Nil || m.Places[i].LocationID == locationID {
			return &m.Places[i]
		}
	}
	return nil
}
