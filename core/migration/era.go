package migration

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"
)

// era is one of Japan's eras (元号) since the calendar follows emperors' reigns, with the
// days that it has. The day of a change belongs to both: 昭和元年12月25日 is 大正15年12月25日.
// 平成 ended, and 令和 began, at midnight (平成31年政令第143号).
type era struct {
	name, letter string
	from, until  time.Time
}

func on(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// eras stand in their order. Days of Meiji before 明治6年, when Japan took the Gregorian
// calendar, are taken as Gregorian, as registers write them.
var eras = []era{
	{"明治", "M", on(1868, time.January, 25), on(1912, time.July, 30)},
	{"大正", "T", on(1912, time.July, 30), on(1926, time.December, 25)},
	{"昭和", "S", on(1926, time.December, 25), on(1989, time.January, 7)},
	{"平成", "H", on(1989, time.January, 8), on(2019, time.April, 30)},
	{"令和", "R", on(2019, time.May, 1), on(9999, time.December, 31)},
}

// EraDate is the day as 和暦, such as 昭和50年1月2日; false before 明治.
func EraDate(day time.Time) (string, bool) {
	for i := len(eras) - 1; i >= 0; i-- {
		if e := eras[i]; !day.Before(e.from) {
			year := strconv.Itoa(day.Year() - e.from.Year() + 1)
			if year == "1" {
				year = "元"
			}
			return fmt.Sprintf("%s%s年%d月%d日", e.name, year, day.Month(), day.Day()), true
		}
	}
	return "", false
}

// The forms of a day, after full-width characters were folded and blanks removed.
var (
	eraLong  = regexp.MustCompile(`^(明治|大正|昭和|平成|令和|明|大|昭|平|令|[MTSHRmtshr])\.?(元|\d{1,2})[年./-](\d{1,2})[月./-](\d{1,2})日?$`)
	eraShort = regexp.MustCompile(`^([MTSHRmtshr1-5])(\d{2})(\d{2})(\d{2})$`)
	western  = regexp.MustCompile(`^(?:西暦)?(\d{4})[年./-](\d{1,2})[月./-](\d{1,2})日?(?:T?\d{1,2}:\d{2}.*)?$`)
	compact  = regexp.MustCompile(`^(\d{4})(\d{2})(\d{2})$`)
)

// ReadDate reads a day: of an era (昭和50年1月2日, S50.1.2, 平成元年…, S500102, or with the
// era's number 3500102), or western (1975-01-02, 1975年1月2日, 19750102; a time behind it is
// left out). inEra says that it was of an era. A day that there was not is a Reason.
func ReadDate(typed string) (day time.Time, inEra bool, err error) {
	text := strings.Join(strings.Fields(norm.NFKC.String(typed)), "")
	if m := western.FindStringSubmatch(text); m != nil {
		day, err = dayOf(number(m[1]), m[2], m[3])
		return day, false, err
	}
	if m := compact.FindStringSubmatch(text); m != nil {
		day, err = dayOf(number(m[1]), m[2], m[3])
		return day, false, err
	}
	m := eraLong.FindStringSubmatch(text)
	if m == nil {
		m = eraShort.FindStringSubmatch(text)
	}
	if m == nil {
		return time.Time{}, false, because("日付として読めません", "This cannot be read as a date")
	}
	day, err = eraNamed(m[1]).day(m[2], m[3], m[4])
	return day, true, err
}

func eraNamed(name string) era {
	if i := strings.Index("12345", name); i >= 0 {
		return eras[i]
	}
	for _, e := range eras {
		if strings.HasPrefix(e.name, name) || strings.EqualFold(e.letter, name) {
			return e
		}
	}
	return era{}
}

// day is a day of the era; a Reason if the era did not have it.
func (e era) day(year, month, day string) (time.Time, error) {
	nth := 1
	if year != "元" {
		nth = number(year)
	}
	if nth == 0 {
		return time.Time{}, because("%sに0年はありません", "There is no year 0 of %s", e.name)
	}
	d, err := dayOf(e.from.Year()+nth-1, month, day)
	if err != nil {
		return time.Time{}, err
	}
	if d.Before(e.from) || d.After(e.until) {
		return time.Time{}, because("%s%d年%d月%d日は存在しません", "There is no day %[3]d-%[4]d in year %[2]d of %[1]s", e.name, nth, number(month), number(day))
	}
	return d, nil
}

// dayOf is a day of the Gregorian calendar; a Reason if there is none such.
func dayOf(year int, month, day string) (time.Time, error) {
	m, d := number(month), number(day)
	at := on(year, time.Month(m), d)
	if year < 1 || at.Month() != time.Month(m) || at.Day() != d {
		return time.Time{}, because("%d年%d月%d日は存在しません", "There is no day %d-%d-%d", year, m, d)
	}
	return at, nil
}

// number is a text of few digits as a number.
func number(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return n
}
