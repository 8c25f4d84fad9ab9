package migration

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/width"
)

// Every day from 1868 to 2040 comes back from how it is written.
func TestEveryDayOfTheErasComesBack(t *testing.T) {
	t.Parallel()
	days := 0
	for day := on(1868, time.January, 1); day.Year() <= 2040; day = day.AddDate(0, 0, 1) {
		for _, layout := range []string{time.DateOnly, "2006/1/2", "2006年1月2日", "20060102", "2006-01-02 15:04:05"} {
			got, inEra, err := ReadDate(day.Format(layout))
			require.NoError(t, err, layout)
			require.False(t, inEra)
			require.Equal(t, day, got, layout)
		}
		written, of := EraDate(day)
		if !of {
			require.True(t, day.Before(on(1868, time.January, 25)), day)
			continue
		}
		days++
		for _, form := range forms(written, day) {
			got, inEra, err := ReadDate(form)
			require.NoError(t, err, form)
			require.True(t, inEra, form)
			require.Equal(t, day, got, form)
		}
	}
	require.Equal(t, 63164, days)
}

// forms are other ways to write an era's date.
func forms(written string, day time.Time) []string {
	all := []string{written, width.Widen.String(written), strings.NewReplacer("年", " 年 ", "月", " 月 ").Replace(written)}
	for _, e := range eras {
		rest, ok := strings.CutPrefix(written, e.name)
		if !ok {
			continue
		}
		year := day.Year() - e.from.Year() + 1
		dots := strings.NewReplacer("年", ".", "月", ".", "日", "").Replace(rest)
		short := day.Format("0102")
		two := string(rune('0'+year/10)) + string(rune('0'+year%10))
		all = append(all, e.letter+dots, strings.ToLower(e.letter)+strings.ReplaceAll(dots, ".", "/"), string([]rune(e.name)[:1])+dots,
			e.letter+two+short, string("12345"[strings.Index("MTSHR", e.letter)])+two+short)
	}
	return all
}

func TestDaysThatErasDidNotHave(t *testing.T) {
	t.Parallel()
	for typed, reason := range map[string]string{
		"平成32年1月1日": "平成32年1月1日は存在しません", "昭和64年1月8日": "昭和64年1月8日は存在しません", "平成31年5月1日": "平成31年5月1日は存在しません", "令和元年4月30日": "令和1年4月30日は存在しません",
		"昭和元年12月24日": "昭和1年12月24日は存在しません", "大正15年12月26日": "大正15年12月26日は存在しません", "明治45年7月31日": "明治45年7月31日は存在しません", "平成元年1月7日": "平成1年1月7日は存在しません",
		"H31.2.29": "2019年2月29日は存在しません", "S0.1.1": "昭和に0年はありません", "1975-13-01": "1975年13月1日は存在しません", "2025/02/30": "2025年2月30日は存在しません",
		"慶応3年1月1日": "日付として読めません", "昨日": "日付として読めません", "75/1/2": "日付として読めません", "": "日付として読めません", "6010101": "日付として読めません",
	} {
		_, _, err := ReadDate(typed)
		require.Error(t, err, typed)
		require.Equal(t, reason, reasonOf(err).JA, typed)
	}
	for typed, want := range map[string]string{
		"明治45年7月30日": "1912-07-30", "大正元年7月30日": "1912-07-30", "大正15年12月25日": "1926-12-25", "昭和元年12月25日": "1926-12-25", "昭和64年1月7日": "1989-01-07",
		"平成元年1月8日": "1989-01-08", "平成31年4月30日": "2019-04-30", "令和元年5月1日": "2019-05-01", "㍻２年３月４日": "1990-03-04", "Ｓ５０．１．２": "1975-01-02", "3500102": "1975-01-02",
	} {
		got, _, err := ReadDate(typed)
		require.NoError(t, err, typed)
		require.Equal(t, want, got.Format(time.DateOnly), typed)
	}
}
