package shipping

import (
	"context"
	"slices"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/pricing"
)

// Verdict is what a method says of a parcel.
type Verdict struct {
	Method   Method
	Problem  *fault.Error // why it cannot go; nil if it can
	FeeMinor int64
	Parts    []FeePart
	// MissingMinor is how much more of goods would make it free; nil if nothing would, or it is.
	MissingMinor *int64
	// Excluded are the ways to pay that do not go with it.
	Excluded []payment.Method
	// Window is what may be chosen of the delivery, if somebody asked; nothing if the parcel
	// cannot go.
	Window Window
}

// AsksAmount reports whether the method's fee depends on what the goods cost.
func (m Method) AsksAmount() bool { return m.Tariff.asksAmount() }

// Assess is whether the parcel can go by the method, and for what fee. It is pure.
func (m Method) Assess(p Parcel) Verdict {
	v := Verdict{Method: m, Excluded: m.Limits.excluded(p.Mode)}
	if v.Problem = m.Limits.forbid(m.Zones, p); v.Problem != nil {
		return v
	}
	size := p.measure()
	fee, problem := m.base(p, size)
	if v.Problem = problem; problem != nil {
		return v
	}
	v.Parts = m.Tariff.parts(fee, size)
	for _, part := range v.Parts {
		v.FeeMinor += part.Minor
	}
	if rule := m.Tariff.free(m.Zones, p); rule != nil {
		v.release(*rule, fee, p.Amount)
	}
	return v
}

// base is the flat fee, or the table's.
func (m Method) base(p Parcel, size measures) (int64, *fault.Error) {
	if len(m.Tariff.Rows) == 0 {
		return m.FeeMinor, nil
	}
	rows := closest(m.Tariff.Rows, m.Zones, p.To)
	if p.To == nil && (len(rows) == 0 || m.zoned()) {
		return 0, ErrAddressNeeded
	}
	if len(rows) == 0 {
		return 0, ErrDestination
	}
	for _, r := range rows {
		if r.holds(size) {
			return r.FeeMinor, nil
		}
	}
	return 0, beyond(rows, size)
}

// zoned reports whether the fee depends on where the parcel goes.
func (m Method) zoned() bool {
	return slices.ContainsFunc(m.Tariff.Rows, func(r Row) bool { return r.ZoneID != nil })
}

// release takes off what the rule makes free, or notes how far it is.
func (v *Verdict) release(rule FreeRule, base, amount int64) {
	off := base
	if rule.Surcharges {
		off = v.FeeMinor
	}
	switch missing := *rule.From - amount; {
	case off == 0:
	case missing > 0:
		v.MissingMinor = &missing
	default:
		v.Parts = append(v.Parts, FeePart{FeeFree, -off})
		v.FeeMinor -= off
	}
}

// Available reports whether the parcel can go by the method.
func (v Verdict) Available() bool { return v.Problem == nil }

// Fee is the fee in the channel's currency; nil if the parcel cannot go.
func (v Verdict) Fee(ctx context.Context) *money.Money {
	if !v.Available() {
		return nil
	}
	return maybe(ctx, &v.FeeMinor)
}

// Missing is how much more of goods would make it free; nil if nothing would, or it is.
func (v Verdict) Missing(ctx context.Context) *money.Money { return maybe(ctx, v.MissingMinor) }

// Priced is the fee as the pricing engine takes it; nil if the parcel cannot go.
func (v Verdict) Priced() *pricing.Fee {
	if !v.Available() {
		return nil
	}
	return &pricing.Fee{Label: v.Method.Name, Source: v.Method.ID, Amount: v.FeeMinor, TaxClass: v.Method.TaxClass}
}

// Excludes is why it cannot be paid that way; nil if it can.
func (v Verdict) Excludes(m payment.Method) *fault.Error {
	if slices.Contains(v.Excluded, m) {
		return ErrPayment
	}
	return nil
}
