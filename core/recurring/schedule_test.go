package recurring_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/recurring"
)

func day(text string) time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestTheLastDayOfAMonthStaysTheLast(t *testing.T) {
	t.Parallel()
	s := recurring.Schedule{Unit: recurring.Months, Every: 1, First: day("2027-10-31")}
	var got []string
	for n := range 6 {
		got = append(got, s.Nth(n).Format(time.DateOnly))
	}
	require.Equal(t, []string{"2027-10-31", "2027-11-30", "2027-12-31", "2028-01-31", "2028-02-29", "2028-03-31"}, got, "2028 is a leap year")
	require.Equal(t, day("2028-02-29"), s.After(day("2028-01-31")))
	require.Equal(t, day("2028-03-31"), s.After(day("2028-02-29")), "a short month does not shorten the next")
	require.Equal(t, day("2027-11-13"), recurring.Schedule{Unit: recurring.Weeks, Every: 2, First: day("2027-10-30")}.After(day("2027-10-30")))
	require.False(t, recurring.Schedule{Unit: recurring.Weeks, Every: 27}.Valid())
	require.False(t, recurring.Schedule{Unit: recurring.Months, Every: 0}.Valid())
	require.False(t, recurring.Schedule{Unit: "DAY", Every: 1}.Valid())
}

func TestTheDayIsTokyos(t *testing.T) {
	t.Parallel()
	tokyo := time.FixedZone("JST", 9*60*60)
	require.Equal(t, day("2027-01-01"), recurring.Today(time.Date(2026, 12, 31, 15, 0, 0, 0, time.UTC), tokyo))
	require.Equal(t, day("2026-12-31"), recurring.Today(time.Date(2026, 12, 31, 14, 59, 59, 0, time.UTC), tokyo))
}

// Whatever the interval and the first day: days follow each other without doubles or
// gaps, each in its month on the day it should be, and any day finds the next.
func TestASchedule(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := recurring.Schedule{
			Unit:  rapid.SampledFrom([]recurring.Unit{recurring.Weeks, recurring.Months}).Draw(t, "unit"),
			First: day("2024-01-01").AddDate(0, 0, rapid.IntRange(0, 2000).Draw(t, "first")),
		}
		s.Every = rapid.IntRange(1, 12).Draw(t, "every")
		require.True(t, s.Valid())
		n := rapid.IntRange(0, 60).Draw(t, "n")
		due, next := s.Nth(n), s.Nth(n+1)
		require.True(t, next.After(due))
		require.Equal(t, next, s.After(due), "nothing lies between")
		require.Equal(t, due, s.From(due))
		between := due.AddDate(0, 0, rapid.IntRange(1, int(next.Sub(due).Hours()/24)).Draw(t, "later"))
		require.Equal(t, next, s.From(between), "what went by in a pause is not made up for")
		if s.Unit == recurring.Weeks {
			require.Equal(t, s.First.Weekday(), due.Weekday())
			require.Equal(t, time.Duration(7*s.Every)*24*time.Hour, next.Sub(due))
			return
		}
		months := func(d time.Time) int { return d.Year()*12 + int(d.Month()) }
		require.Equal(t, s.Every, months(next)-months(due), "no month is left out by its length")
		last := time.Date(due.Year(), due.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
		require.Equal(t, min(s.First.Day(), last), due.Day())
	})
}
