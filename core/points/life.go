package points

import (
	"slices"
	"time"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/money"
)

// Life is how long a part of what is given lives (期間限定ポイント).
type Life struct {
	Days   *int  // so many days from the day on which it can be used; nil: as the programme says
	Weight int64 // of all parts together
}

// maxLifeDays is how many days points live at most that live for a limited time.
const maxLifeDays = 3660

// lifeDays says what stands against so many days.
func lifeDays(days *int, field string) error {
	if days == nil || within(days, 1, maxLifeDays) {
		return nil
	}
	return fault.Invalid(fault.CodeInvalid, "有効日数は1〜%dで指定してください", "The days that points live are from 1 to %d").With(maxLifeDays).At(field)
}

// oneLife is the life of all that is given.
func oneLife(days *int) []Life {
	if days == nil {
		return nil
	}
	return []Life{{days, 1}}
}

// until is the life of points whose last day is the day, if they are given at the moment; nil
// if no day is named. A day that is over, or too far ahead, is refused.
func (p Programme) until(day *time.Time, at time.Time) ([]Life, error) {
	if day == nil {
		return nil, nil
	}
	days := int(day.Sub(p.Day(at)) / (24 * time.Hour))
	if !within(&days, 0, maxLifeDays) {
		return nil, fault.Invalid(fault.CodeInvalid, "有効期限は本日から%d日以内の日付で指定してください", "The last day is from today on, within %d days").With(maxLifeDays).At("expiresOn")
	}
	return []Life{{&days, 1}}, nil
}

// livesOf are the lives of what the rules gave, by the points of each; nil if all goes by the
// programme.
func livesOf(rules []Rule, given []Given) (lives []Life) {
	limited := false
	for _, g := range given {
		var days *int
		if at := slices.IndexFunc(rules, func(r Rule) bool { return r.ID == g.RuleID }); at >= 0 {
			days = rules[at].Terms.LifeDays
		}
		limited = limited || days != nil
		if at := slices.IndexFunc(lives, func(l Life) bool { return sameDays(l.Days, days) }); at >= 0 {
			lives[at].Weight += g.Points
		} else {
			lives = append(lives, Life{days, g.Points})
		}
	}
	if !limited {
		return nil
	}
	return lives
}

func sameDays(a, b *int) bool { return a == b || (a != nil && b != nil && *a == *b) }

// parts are the portions as which the posting's points are given: one for each life, in
// proportion to their weights.
func (w *writing) parts() (all []Portion, err error) {
	if len(w.Lives) == 0 {
		last := w.Until
		if last == nil && !w.Pending {
			last = w.given(nil)
		}
		return []Portion{{Points: w.Points, ExpiresOn: last}}, nil
	}
	var total, upTo, before int64
	for _, l := range w.Lives {
		total += l.Weight
	}
	for _, l := range w.Lives {
		upTo += l.Weight
		till, err := money.RoundDown.Portion(w.Points, upTo, total, 1)
		if err != nil {
			return nil, err
		}
		if n := till - before; n > 0 {
			p := Portion{Points: n, LifeDays: l.Days}
			if !w.Pending {
				p.ExpiresOn = w.given(l.Days)
			}
			all = append(all, p)
		}
		before = till
	}
	return all, nil
}
