package holiday_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/holiday"
)

// published are the holidays that the Cabinet Office has published.
var published = map[int][]string{
	2022: {"01-01 元日", "01-10 成人の日", "02-11 建国記念の日", "02-23 天皇誕生日", "03-21 春分の日", "04-29 昭和の日", "05-03 憲法記念日", "05-04 みどりの日", "05-05 こどもの日",
		"07-18 海の日", "08-11 山の日", "09-19 敬老の日", "09-23 秋分の日", "10-10 スポーツの日", "11-03 文化の日", "11-23 勤労感謝の日"},
	2023: {"01-01 元日", "01-02 振替休日", "01-09 成人の日", "02-11 建国記念の日", "02-23 天皇誕生日", "03-21 春分の日", "04-29 昭和の日", "05-03 憲法記念日", "05-04 みどりの日", "05-05 こどもの日",
		"07-17 海の日", "08-11 山の日", "09-18 敬老の日", "09-23 秋分の日", "10-09 スポーツの日", "11-03 文化の日", "11-23 勤労感謝の日"},
	2024: {"01-01 元日", "01-08 成人の日", "02-11 建国記念の日", "02-12 振替休日", "02-23 天皇誕生日", "03-20 春分の日", "04-29 昭和の日", "05-03 憲法記念日", "05-04 みどりの日", "05-05 こどもの日", "05-06 振替休日",
		"07-15 海の日", "08-11 山の日", "08-12 振替休日", "09-16 敬老の日", "09-22 秋分の日", "09-23 振替休日", "10-14 スポーツの日", "11-03 文化の日", "11-04 振替休日", "11-23 勤労感謝の日"},
	2025: {"01-01 元日", "01-13 成人の日", "02-11 建国記念の日", "02-23 天皇誕生日", "02-24 振替休日", "03-20 春分の日", "04-29 昭和の日", "05-03 憲法記念日", "05-04 みどりの日", "05-05 こどもの日", "05-06 振替休日",
		"07-21 海の日", "08-11 山の日", "09-15 敬老の日", "09-23 秋分の日", "10-13 スポーツの日", "11-03 文化の日", "11-23 勤労感謝の日", "11-24 振替休日"},
	2026: {"01-01 元日", "01-12 成人の日", "02-11 建国記念の日", "02-23 天皇誕生日", "03-20 春分の日", "04-29 昭和の日", "05-03 憲法記念日", "05-04 みどりの日", "05-05 こどもの日", "05-06 振替休日",
		"07-20 海の日", "08-11 山の日", "09-21 敬老の日", "09-22 国民の休日", "09-23 秋分の日", "10-12 スポーツの日", "11-03 文化の日", "11-23 勤労感謝の日"},
	2027: {"01-01 元日", "01-11 成人の日", "02-11 建国記念の日", "02-23 天皇誕生日", "03-21 春分の日", "03-22 振替休日", "04-29 昭和の日", "05-03 憲法記念日", "05-04 みどりの日", "05-05 こどもの日",
		"07-19 海の日", "08-11 山の日", "09-20 敬老の日", "09-23 秋分の日", "10-11 スポーツの日", "11-03 文化の日", "11-23 勤労感謝の日"},
}

func TestHolidaysAreThosePublished(t *testing.T) {
	t.Parallel()
	for year, days := range published {
		var got []string
		for _, h := range holiday.Between(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(year, 12, 31, 0, 0, 0, 0, time.UTC)) {
			got = append(got, h.On.Format("01-02 ")+h.Name)
		}
		require.Equal(t, days, got, "%d", year)
	}
}

func TestADayBetweenTwoHolidaysIsOff(t *testing.T) {
	t.Parallel()
	require.Equal(t, "国民の休日", holiday.Name(time.Date(2032, 9, 21, 0, 0, 0, 0, time.UTC)))
	require.Empty(t, holiday.Name(time.Date(2031, 9, 22, 0, 0, 0, 0, time.UTC)))
}

func TestBanksAreClosedOnWeekendsHolidaysAndAtTheTurnOfTheYear(t *testing.T) {
	t.Parallel()
	day := func(text string) time.Time {
		d, err := time.Parse(time.DateOnly, text)
		require.NoError(t, err)
		return d
	}
	for from, want := range map[string][2]string{ // the next bank day, and the last before
		"2026-02-27": {"2026-02-27", "2026-02-26"},
		"2026-02-28": {"2026-03-02", "2026-02-27"}, // a Saturday
		"2026-03-02": {"2026-03-02", "2026-02-27"},
		"2026-05-03": {"2026-05-07", "2026-05-01"},
		"2026-12-31": {"2027-01-04", "2026-12-30"},
		"2027-01-04": {"2027-01-04", "2026-12-30"},
	} {
		require.Equal(t, want, [2]string{holiday.BankDay(day(from)).Format(time.DateOnly), holiday.BankDayBefore(day(from)).Format(time.DateOnly)}, from)
	}
}
