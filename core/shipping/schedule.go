package shipping

import (
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
)

// Place is a location that ships, as far as promises ask.
type Place struct {
	LocationID   uuid.UUID `json:"location_id"`
	Calendar     *Calendar `json:"calendar"`      // nil: it works every day
	CutOff       string    `json:"cut_off"`       // until when orders of the day count (締切時刻), "14:00"; empty: midnight
	HandlingDays int       `json:"handling_days"` // working days between order and shipping; 0: the same day
}

// Location is the location's id in the schema.
func (p Place) Location() string { return id.Global("Location", p.LocationID) }

// CalendarGlobal is the calendar's id in the schema; nil if it has none.
func (p Place) CalendarGlobal() *string {
	if p.Calendar == nil {
		return nil
	}
	global := p.Calendar.GlobalID()
	return &global
}

// Schedule is when a method delivers: how long it takes, and what of day and time the
// buyer may choose. The zero Schedule promises nothing and offers no choice.
type Schedule struct {
	CutOff    string    `json:"cutOff,omitempty"`  // the carrier's last collection; a location's earlier one counts
	Days      *int      `json:"days,omitempty"`    // from shipping to the doorstep where no zone says; nil: nobody knows
	Transit   []Transit `json:"transit,omitempty"` // zones that differ
	Bands     []Band    `json:"bands,omitempty"`
	DaysAhead int       `json:"daysAhead,omitempty"` // so many days after the earliest one may be chosen; 0: no day may be
}

// Transit is how a zone differs. A zone that the method's fees or limits speak of, and
// that stands here not, takes its own lead days.
type Transit struct {
	ZoneID uuid.UUID `json:"zone"`
	Days   *int      `json:"days"`  // nil: no day can be promised (by ship, 離島)
	Bands  []string  `json:"bands"` // codes of those offered; nil: all, empty: none
}

// Zone is the zone's id in the schema.
func (t Transit) Zone() string { return id.Global("ShippingZone", t.ZoneID) }

// Band is a part of a day to be delivered in (時間帯).
type Band struct {
	Code string    `json:"code"`
	Name i18n.Text `json:"name"`
	From string    `json:"from,omitempty"` // "14:00"; empty: from the morning
	To   string    `json:"to,omitempty"`   // "16:00"; empty: until the evening
}

// Told reports whether anybody said how long the method takes.
func (s Schedule) Told() bool { return s.Days != nil || len(s.Transit) > 0 }

// leg is the way to a zone; without one, to all of the country.
type leg struct {
	zoneID *uuid.UUID
	days   *int
	bands  []string
}

func (l leg) zone() *uuid.UUID { return l.zoneID }

// leg is the method's way to the destination; nil if nobody knows it.
func (m Method) leg(to *Destination) *leg {
	if to == nil || !m.Schedule.Told() {
		return nil
	}
	all := []leg{{days: m.Schedule.Days}}
	said := map[uuid.UUID]bool{}
	for i := range m.Schedule.Transit {
		t := &m.Schedule.Transit[i]
		all, said[t.ZoneID] = append(all, leg{&t.ZoneID, t.Days, t.Bands}), true
	}
	for i := range m.Zones {
		if z := &m.Zones[i]; !said[z.ID] {
			all = append(all, leg{zoneID: &z.ID, days: &z.LeadDays})
		}
	}
	closest := closest(all, m.Zones, to)
	return &closest[0]
}

// cutOff is the earlier of two times of the day; empty is midnight.
func cutOff(a, b string) string {
	if a == "" || b != "" && b < a {
		return b
	}
	return a
}

// passed reports whether the moment lies at or behind the time of its day.
func passed(at time.Time, cutOff string) bool {
	return cutOff != "" && at.Format("15:04") >= cutOff
}
