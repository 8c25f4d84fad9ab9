package company

import (
	"time"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/holiday"
)

// ErrTerms says that money would be due before its invoice closes, or that a day is
// none that every month has.
var ErrTerms = fault.Invalid("PAYMENT_TERMS_INVALID", "締め日・支払日は1〜28日または月末、支払月は0〜12か月後で、支払日が締め日より前にならないように指定してください",
	"Closing and due day are 1 to 28 or the end of the month, the due month is 0 to 12 months later, and money is not due before the period closes")

// PaymentTerms say when invoices close and are due (締め・支払条件): 20日締め翌月末払い is
// {20, 1, nil}.
type PaymentTerms struct {
	ClosingDay *int // 1 to 28; nil: the end of the month (月末締め)
	DueMonths  int  // months after the closing month
	DueDay     *int // 1 to 28; nil: the end of that month
}

// Validate refuses terms by which money is due before the period closes.
func (t PaymentTerms) Validate() error {
	valid := func(day *int) bool { return day == nil || (*day >= 1 && *day <= 28) }
	inMonth := func(day *int) int {
		if day == nil {
			return 31
		}
		return *day
	}
	if !valid(t.ClosingDay) || !valid(t.DueDay) || t.DueMonths < 0 || t.DueMonths > 12 ||
		(t.DueMonths == 0 && inMonth(t.DueDay) < inMonth(t.ClosingDay)) {
		return ErrTerms.At("paymentTerms")
	}
	return nil
}

// PaymentDates are the days on which an invoice closes and is due; midnight UTC.
type PaymentDates struct {
	ClosesOn time.Time
	DueOn    time.Time
}

// Dates are when what is invoiced at the moment closes and is due, by the days of
// the zone. An invoice of the closing day itself still closes on it. What would be due on a
// day on which banks are closed is due on the next on which they are open.
func (t PaymentTerms) Dates(at time.Time, zone *time.Location) PaymentDates {
	year, month, day := at.In(zone).Date()
	closes := dayOf(year, month, t.ClosingDay)
	if day > closes.Day() {
		closes = dayOf(year, month+1, t.ClosingDay)
	}
	return PaymentDates{closes, holiday.BankDay(dayOf(closes.Year(), closes.Month()+time.Month(t.DueMonths), t.DueDay))}
}

// dayOf is the day of a month, nil its last; months past December are the next year's.
func dayOf(year int, month time.Month, day *int) time.Time {
	if day == nil {
		return time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC)
	}
	return time.Date(year, month, *day, 0, 0, 0, 0, time.UTC)
}
