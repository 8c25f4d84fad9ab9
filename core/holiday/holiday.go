// Package holiday knows the public holidays of Japan as the law has them since 2022
// (国民の祝日に関する法律).
package holiday

import (
	"time"
)

// Holiday is a day off by law.
type Holiday struct {
	On   time.Time // the day, at midnight UTC
	Name string    // in Japanese
}

// The names of days off that are no holidays of their own.
const (
	substitute = "振替休日"  // article 3, 2: the holiday fell on a Sunday
	between    = "国民の休日" // article 3, 3: between two holidays
)

// Name is the day's name if it is off by law; empty if it is not.
func Name(day time.Time) string {
	if name := own(day); name != "" {
		return name
	}
	// The first day after a holiday on a Sunday that is no holiday itself.
	for d := day.AddDate(0, 0, -1); own(d) != ""; d = d.AddDate(0, 0, -1) {
		if d.Weekday() == time.Sunday {
			return substitute
		}
	}
	if own(day.AddDate(0, 0, -1)) != "" && own(day.AddDate(0, 0, 1)) != "" {
		return between
	}
	return ""
}

// Between are the holidays from the first to the last day, both within.
func Between(from, to time.Time) []Holiday {
	var all []Holiday
	for d := from; !d.After(to); d = d.AddDate(0, 0, 1) {
		if name := Name(d); name != "" {
			all = append(all, Holiday{d, name})
		}
	}
	return all
}

// own is the day's name if it is a holiday by article 2.
func own(day time.Time) string {
	switch year, month, d := day.Date(); month {
	case time.January:
		return onDay(d, 1, "元日") + onMonday(day, 2, "成人の日")
	case time.February:
		return onDay(d, 11, "建国記念の日") + onDay(d, 23, "天皇誕生日")
	case time.March:
		return onDay(d, vernal(year), "春分の日")
	case time.April:
		return onDay(d, 29, "昭和の日")
	case time.May:
		return onDay(d, 3, "憲法記念日") + onDay(d, 4, "みどりの日") + onDay(d, 5, "こどもの日")
	case time.July:
		return onMonday(day, 3, "海の日")
	case time.August:
		return onDay(d, 11, "山の日")
	case time.September:
		return onMonday(day, 3, "敬老の日") + onDay(d, autumnal(year), "秋分の日")
	case time.October:
		return onMonday(day, 2, "スポーツの日")
	case time.November:
		return onDay(d, 3, "文化の日") + onDay(d, 23, "勤労感謝の日")
	}
	return ""
}

func onDay(d, is int, name string) string {
	if d == is {
		return name
	}
	return ""
}

// onMonday is the name if the day is the month's nth Monday.
func onMonday(day time.Time, nth int, name string) string {
	if day.Weekday() == time.Monday && (day.Day()+6)/7 == nth {
		return name
	}
	return ""
}

// vernal and autumnal are the days of the equinoxes in Japan. The observatory's formula
// holds from 1980 to 2099; the cabinet publishes each day in the February before, and has
// never published another.
func vernal(year int) int   { return equinox(20.8431, year) }
func autumnal(year int) int { return equinox(23.2488, year) }

func equinox(base float64, year int) int {
	const drift = 0.242194
	since := year - 1980
	return int(base+drift*float64(since)) - since/4
}
