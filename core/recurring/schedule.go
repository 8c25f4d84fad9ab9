package recurring

import "time"

// Unit is what an interval counts.
type Unit string

// The units.
const (
	Weeks  Unit = "WEEK"
	Months Unit = "MONTH"
)

// Bounds on an interval.
const (
	mostWeeks  = 26
	mostMonths = 12
)

// Schedule is the days on which a recurring order falls due: every so many weeks or
// months from a first day. Days are midnights in UTC. In months the day of the month is
// kept: the 31st is the last day of shorter ones.
type Schedule struct {
	Unit  Unit
	Every int
	First time.Time
}

// Valid reports whether the interval is within bounds.
func (s Schedule) Valid() bool {
	switch s.Unit {
	case Weeks:
		return s.Every >= 1 && s.Every <= mostWeeks
	case Months:
		return s.Every >= 1 && s.Every <= mostMonths
	}
	return false
}

// Nth is the day of the nth order, the first being 0.
func (s Schedule) Nth(n int) time.Time {
	if s.Unit == Weeks {
		return s.First.AddDate(0, 0, 7*s.Every*n)
	}
	year, month, day := s.First.Date()
	first := time.Date(year, month+time.Month(s.Every*n), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(day, last)-1)
}

// From is the first due day that is the day or later.
func (s Schedule) From(day time.Time) time.Time {
	if !day.After(s.First) {
		return s.First
	}
	n := int(day.Sub(s.First).Hours()/24) / s.longest()
	for s.Nth(n).Before(day) {
		n++
	}
	return s.Nth(n)
}

// After is the first due day later than the day.
func (s Schedule) After(day time.Time) time.Time { return s.From(day.AddDate(0, 0, 1)) }

// longest is the most days that one interval has.
func (s Schedule) longest() int {
	if s.Unit == Weeks {
		return 7 * s.Every
	}
	return 31 * s.Every
}

// Today is the day at the moment in the zone.
func Today(at time.Time, zone *time.Location) time.Time {
	y, m, d := at.In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}
