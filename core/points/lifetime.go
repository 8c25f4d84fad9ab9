package points

import (
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/fault"
)

// Expiry is by what the last day of points goes (有効期限の方式).
type Expiry string

// The ways.
const (
	ByDays       Expiry = "DAYS"          // so many days after they are given, or never
	ByMonthEnd   Expiry = "MONTH_END"     // the end of the month that is so many months after
	ByFiscalYear Expiry = "FISCAL_YEAR"   // the end of the fiscal year in which that month is
	ByMovement   Expiry = "LAST_MOVEMENT" // so many months after the member last earned or used any
)

const maxExpiryMonths = 120

// expiry is what the input says of last days.
func (in SaveProgrammeInput) expiry() Expiry {
	if in.Expiry == "" {
		return ByDays
	}
	return in.Expiry
}

// expires says what stands against what the input says of last days.
func (in SaveProgrammeInput) expires() (all []error) {
	invalid := func(field, ja, en string) { all = append(all, fault.Invalid(fault.CodeInvalid, ja, en).At(field)) }
	way := in.expiry()
	least := 0
	if way == ByMovement {
		least = 1
	}
	switch {
	case way == ByDays && in.ExpiryMonths != nil:
		invalid("expiryMonths", "有効期限を日数で決める場合、月数は指定できません", "Where days decide, leave the months out")
	case way != ByDays && !within(in.ExpiryMonths, least, maxExpiryMonths):
		all = append(all, fault.Invalid(fault.CodeInvalid, "有効期限の月数は%d〜%dで指定してください", "The months are from %d to %d").With(least, maxExpiryMonths).At("expiryMonths"))
	}
	if way != ByDays && in.ExpiryDays != nil {
		invalid("expiryDays", "有効期限を月で決める場合、日数は指定できません", "Where months decide, leave the days out")
	}
	if ends := in.FiscalMonth; way != ByFiscalYear && ends != nil {
		invalid("fiscalMonth", "決算月は、年度末を有効期限とする場合にのみ指定できます", "The month in which the fiscal year ends is for FISCAL_YEAR alone")
	} else if way == ByFiscalYear && !within(ends, 1, 12) {
		invalid("fiscalMonth", "決算月を1〜12で指定してください", "Name the month in which the fiscal year ends, 1 to 12")
	}
	return all
}

func within(n *int, least, most int) bool { return n != nil && *n >= least && *n <= most }

// lastDay is the last day of points that are given at the moment; nil if they live on.
func (p Programme) lastDay(at time.Time) *time.Time {
	day := p.Day(at)
	switch p.Expiry {
	case ByMonthEnd:
		day = endOfMonth(day, *p.ExpiryMonths)
	case ByFiscalYear:
		day = endOfMonth(day, *p.ExpiryMonths)
		day = endOfMonth(day, (*p.FiscalMonth-int(day.Month())+12)%12)
	case ByMovement:
		day = monthsAfter(day, *p.ExpiryMonths)
	default:
		if p.ExpiryDays == nil {
			return nil
		}
		day = day.AddDate(0, 0, *p.ExpiryDays)
	}
	return &day
}

// endOfMonth is the last day of the month that is so many months after the day's.
func endOfMonth(day time.Time, months int) time.Time {
	return time.Date(day.Year(), day.Month()+time.Month(months)+1, 0, 0, 0, 0, 0, time.UTC)
}

// monthsAfter is the same day so many months later, or the last day of a month that is too
// short for it.
func monthsAfter(day time.Time, months int) time.Time {
	last := endOfMonth(day, months)
	if day.Day() < last.Day() {
		return time.Date(last.Year(), last.Month(), day.Day(), 0, 0, 0, 0, time.UTC)
	}
	return last
}

// moves reports whether a member who does such a thing earns or uses points, so that by
// ByMovement all others live on. What is given by hand, given back or taken back is none.
func (k Kind) moves() bool {
	switch k {
	case Earn, Confirm, Use, TransferOut, TransferIn, ExchangeOut, ExchangeIn, Send, Receive, Prize:
		return true
	}
	return false
}

// Prolonged is an account all of whose points that live on the day live until another.
type Prolonged struct {
	AccountID uuid.UUID
	Until     time.Time
	Day       time.Time
}

// prolong lets all that can be used of the account live on as the posting's programme says, if
// the posting was a movement.
func (w *writing) prolong() {
	if w.programme.Expiry == ByMovement && w.Kind.moves() && !w.Still && w.part > 0 {
		w.held.lives(w.book, later(w.held.LastsUntil, w.programme.lastDay(w.At)), w.programme.Day(w.At))
	}
}

// lives lets all that can be used of the account on the day live at least until another one, but
// for what lives for a limited time, and all of who has left: it had its last day, and a movement
// that waited for its turn is maybe of a day before that.
func (h *held) lives(b *Book, until *time.Time, day time.Time) {
	if until == nil {
		return
	}
	h.LastsUntil = until
	for _, l := range h.lots {
		if h.LeftOn == nil && !l.Pending && l.ExpiresOn != nil && l.LifeDays == nil && !l.lapsed(day) {
			l.ExpiresOn = later(l.ExpiresOn, until)
		}
	}
	b.prolonged = append(b.prolonged, Prolonged{h.ID, *until, day})
}

// given is the last day of what the posting gives: so many days from now, if it lives for a
// limited time; else no earlier than what else the account has, where that goes by movements.
func (w *writing) given(lifeDays *int) *time.Time {
	if lifeDays != nil {
		last := w.programme.Day(w.At).AddDate(0, 0, *lifeDays)
		return w.unlessLeft(&last)
	}
	last := w.programme.lastDay(w.At)
	return w.unlessLeft(w.back(last, nil))
}

// back is the last day of points that come back to a lot which ends on the day: where all goes
// by movements, they live as long as what else the account has, if that is longer and they do
// not live for a limited time.
func (w *writing) back(last *time.Time, lifeDays *int) *time.Time {
	if last != nil && lifeDays == nil && w.programme.Expiry == ByMovement {
		return later(last, w.held.LastsUntil)
	}
	return last
}

// grace is the last day of points that come back and whose lot has ended since: they live on
// for the days of grace, or as long as what else the account has. Those that ended on no day
// end on none.
func (w *writing) grace(p Portion, day time.Time) *time.Time {
	if p.ExpiresOn == nil {
		return nil
	}
	grace := day.AddDate(0, 0, w.programme.GraceDays)
	return w.back(later(&grace, p.ExpiresOn), p.LifeDays)
}

// unlessLeft is the last day of points that can be used from now on. Of who has left it is the
// day before: nobody can use them any more, and the next round writes them off.
func (w *writing) unlessLeft(last *time.Time) *time.Time {
	if w.held.LeftOn == nil || w.Pending {
		return last
	}
	before := w.programme.Day(w.At).AddDate(0, 0, -1)
	return &before
}

// later is the later of two days; the other one, if one is nil.
func later(a, b *time.Time) *time.Time {
	if a == nil || b != nil && b.After(*a) {
		return b
	}
	return a
}
