package company_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/company"
	"github.com/noren-commerce/noren/core/holiday"
)

func day(n int) *int { return &n }

func on(year int, month time.Month, d int) time.Time {
	return time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
}

var tokyo = time.FixedZone("JST", 9*60*60)

func TestInvoicesCloseAndAreDueByTheTerms(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		terms         company.PaymentTerms
		at            time.Time
		closes, comes time.Time
	}{
		"月末締め翌月末払い": {company.PaymentTerms{DueMonths: 1}, time.Date(2027, 1, 10, 3, 0, 0, 0, time.UTC), on(2027, 1, 31), on(2027, 3, 1)}, // a Sunday
		"閏年の2月":     {company.PaymentTerms{DueMonths: 1}, time.Date(2028, 1, 31, 14, 59, 0, 0, time.UTC), on(2028, 1, 31), on(2028, 2, 29)},
		"日本では翌月":    {company.PaymentTerms{DueMonths: 1}, time.Date(2028, 1, 31, 15, 0, 0, 0, time.UTC), on(2028, 2, 29), on(2028, 3, 31)},
		"20日締め翌月末":  {company.PaymentTerms{ClosingDay: day(20), DueMonths: 1}, time.Date(2026, 12, 20, 3, 0, 0, 0, time.UTC), on(2026, 12, 20), on(2027, 2, 1)},
		"締め日の翌日":    {company.PaymentTerms{ClosingDay: day(20), DueMonths: 1}, time.Date(2026, 12, 21, 3, 0, 0, 0, time.UTC), on(2027, 1, 20), on(2027, 3, 1)},
		"翌々月10日払い":  {company.PaymentTerms{ClosingDay: day(25), DueMonths: 2, DueDay: day(10)}, time.Date(2026, 11, 26, 3, 0, 0, 0, time.UTC), on(2026, 12, 25), on(2027, 2, 10)},
		"当月払い":      {company.PaymentTerms{ClosingDay: day(5), DueDay: day(28)}, time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC), on(2027, 2, 5), on(2027, 3, 1)},
		"大型連休":      {company.PaymentTerms{DueMonths: 1, DueDay: day(3)}, time.Date(2026, 4, 1, 3, 0, 0, 0, time.UTC), on(2026, 4, 30), on(2026, 5, 7)},
		"年末年始":      {company.PaymentTerms{DueMonths: 1}, time.Date(2026, 11, 1, 3, 0, 0, 0, time.UTC), on(2026, 11, 30), on(2027, 1, 4)},
		"即日":        {company.PaymentTerms{}, time.Date(2027, 2, 28, 14, 0, 0, 0, time.UTC), on(2027, 2, 28), on(2027, 3, 1)},
	} {
		require.Equal(t, company.PaymentDates{ClosesOn: c.closes, DueOn: c.comes}, c.terms.Dates(c.at, tokyo), name)
	}
}

// agreedDay is the day by the terms, of which banks may have been closed since.
func agreedDay(dates company.PaymentDates, terms company.PaymentTerms) time.Time {
	agreed := dates.DueOn
	for by := agreed.AddDate(0, 0, -1); !holiday.IsBankDay(by); by = by.AddDate(0, 0, -1) {
		months := 12*(by.Year()-dates.ClosesOn.Year()) + int(by.Month()-dates.ClosesOn.Month())
		if months == terms.DueMonths && (terms.DueDay != nil && by.Day() == *terms.DueDay || terms.DueDay == nil && by.AddDate(0, 0, 1).Day() == 1) {
			agreed = by
		}
	}
	return agreed
}

func TestMoneyIsNeverDueBeforeItsPeriodCloses(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		anyDay := func(label string) *int {
			if n := rapid.IntRange(0, 28).Draw(t, label); n > 0 {
				return &n
			}
			return nil
		}
		terms := company.PaymentTerms{ClosingDay: anyDay("closing"), DueMonths: rapid.IntRange(0, 12).Draw(t, "months"), DueDay: anyDay("due")}
		if terms.Validate() != nil {
			return
		}
		at := time.Unix(rapid.Int64Range(0, 4_102_444_800).Draw(t, "at"), 0)
		year, month, d := at.In(tokyo).Date()
		today, dates := on(year, month, d), terms.Dates(at, tokyo)
		if dates.ClosesOn.Before(today) || dates.ClosesOn.After(today.AddDate(0, 0, 31)) {
			t.Fatalf("%v closes on %v", today, dates.ClosesOn)
		}
		if dates.DueOn.Before(dates.ClosesOn) {
			t.Fatalf("closes on %v and is due on %v", dates.ClosesOn, dates.DueOn)
		}
		if !holiday.IsBankDay(dates.DueOn) {
			t.Fatalf("nobody can pay on %v", dates.DueOn)
		}
		agreed := agreedDay(dates, terms)
		if want := 12*dates.ClosesOn.Year() + int(dates.ClosesOn.Month()) + terms.DueMonths; 12*agreed.Year()+int(agreed.Month()) != want {
			t.Fatalf("%v is not %d months after %v", agreed, terms.DueMonths, dates.ClosesOn)
		}
		for _, c := range []struct {
			is   time.Time
			want *int
		}{{dates.ClosesOn, terms.ClosingDay}, {agreed, terms.DueDay}} {
			if c.want == nil && c.is.AddDate(0, 0, 1).Day() != 1 {
				t.Fatalf("%v is not the end of a month", c.is)
			}
			if c.want != nil && c.is.Day() != *c.want {
				t.Fatalf("%v is not the %dth", c.is, *c.want)
			}
		}
	})
}

func TestTermsThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	for name, terms := range map[string]company.PaymentTerms{
		"29th":                 {ClosingDay: day(29), DueMonths: 1},
		"0th":                  {ClosingDay: day(0), DueMonths: 1},
		"due on the 31st":      {DueMonths: 1, DueDay: day(31)},
		"13 months":            {DueMonths: 13},
		"months ago":           {DueMonths: -1},
		"due before closing":   {ClosingDay: day(20), DueDay: day(10)},
		"due before its end":   {DueDay: day(28)},
		"due the day before":   {ClosingDay: day(28), DueDay: day(27)},
		"negative due day":     {DueMonths: 1, DueDay: day(-1)},
		"negative closing day": {ClosingDay: day(-5), DueMonths: 2},
	} {
		require.ErrorIs(t, terms.Validate(), company.ErrTerms, name)
	}
	require.NoError(t, company.PaymentTerms{ClosingDay: day(20), DueDay: day(20)}.Validate())
	require.NoError(t, company.PaymentTerms{ClosingDay: day(28)}.Validate())
}

func TestInvoiceNumbersCheckThemselves(t *testing.T) {
	t.Parallel()
	// The numbers of the National Tax Agency and of the Digital Agency.
	for _, good := range []string{"T7000012050002", "T8000012010038"} {
		require.True(t, company.IsInvoiceNumber(good), good)
		for digit := range 10 { // no other digit in the first place fits
			changed := good[:1] + string(rune('0'+digit)) + good[2:]
			require.Equal(t, changed == good, company.IsInvoiceNumber(changed), changed)
		}
	}
	for _, bad := range []string{"", "T", "7000012050002", "T700001205000", "T70000120500021", "t7000012050002", "T700001205000x", "T7000012050020"} {
		require.False(t, company.IsInvoiceNumber(bad), bad)
	}
	require.Equal(t, "T7000012050002", company.NormaliseInvoiceNumber("ｔ7-0000-1205-0002"))
}
