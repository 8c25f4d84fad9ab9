package shipping

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/holiday"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
)

// Calendar says on which days somebody works (営業日カレンダー): a warehouse, or a carrier
// who collects or delivers. Days are midnights UTC. No calendar: every day.
type Calendar struct {
	ID       uuid.UUID    `json:"id"`
	BrandID  uuid.UUID    `json:"brand_id"`
	Code     string       `json:"code"`
	Name     i18n.Text    `json:"name"`
	Weekdays []Weekday    `json:"weekdays"` // that are closed each week (定休日)
	Holidays bool         `json:"holidays"` // closed on public holidays (祝日)
	Closed   []ClosedDays `json:"closed"`   // beside these (臨時休業)
	Active   bool         `json:"active"`
}

// Weekday is a day of the week.
type Weekday string

// The days of the week, by the order of time.Weekday.
var weekdays = []Weekday{"SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY"}

// ClosedDays are days from the first to the last, both within.
type ClosedDays struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	Note string    `json:"note"` // why: 年末年始
}

// GlobalID is the calendar's id in the schema.
func (c Calendar) GlobalID() string { return id.Global("BusinessCalendar", c.ID) }

func calendarID(key *uuid.UUID) *string {
	if key == nil {
		return nil
	}
	global := Calendar{ID: *key}.GlobalID()
	return &global
}

// Open reports whether the day is one to work on.
func (c *Calendar) Open(day time.Time) bool {
	if c == nil {
		return true
	}
	return !slices.Contains(c.Weekdays, weekdays[day.Weekday()]) &&
		(!c.Holidays || holiday.Name(day) == "") &&
		!slices.ContainsFunc(c.Closed, func(d ClosedDays) bool { return !day.Before(d.From) && !day.After(d.To) })
}

// farthest is how many days a promise looks ahead for one that is open.
const farthest = 366

// firstOpen is the first day, not before the given one, that all calendars have open; false if
// there is none within a year.
func firstOpen(day time.Time, all ...*Calendar) (time.Time, bool) {
	for range farthest {
		if !slices.ContainsFunc(all, func(c *Calendar) bool { return !c.Open(day) }) {
			return day, true
		}
		day = day.AddDate(0, 0, 1)
	}
	return day, false
}

// DayOf is the day of a moment by its own clock, as a midnight UTC.
func DayOf(at time.Time) time.Time {
	year, month, day := at.Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}
