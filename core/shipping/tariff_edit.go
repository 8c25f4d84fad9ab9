package shipping

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/scope"
)

// Failures of writing tariffs and limits.
var (
	ErrBound   = fault.Invalid("TARIFF_INVALID", "上限は1以上で指定してください", "A bound is 1 or more")
	ErrShadow  = fault.Invalid("TARIFF_INVALID", "この行は前の行より範囲が広くないため、使われることがありません", "A row before takes all that this one would: it would never be used")
	ErrTooLong = fault.Invalid(fault.CodeTooMany, "%d行以内にしてください", "At most %d rows")
)

// Bounds on what a method's rules hold.
const (
	maxRows  = 5_000
	maxRules = 500
)

// SetTariffInput replaces what a method costs.
type SetTariffInput struct {
	MethodID     uuid.UUID
	Rows         []RowInput
	Surcharges   *SurchargesInput
	FreeShipping []FreeRuleInput
}

// RowInput is a row of a fee table. Amounts are major units.
type RowInput struct {
	ZoneID    *uuid.UUID
	MaxGrams  *int
	MaxSize   *int
	MaxPieces *int
	MaxAmount *decimal.Decimal
	Fee       decimal.Decimal
}

// SurchargesInput are surcharges in major units.
type SurchargesInput struct{ Chilled, Frozen, Oversize decimal.Decimal }

// FreeRuleInput is from which amount of goods a method is free, in major units.
type FreeRuleInput struct {
	ZoneID     *uuid.UUID
	From       *decimal.Decimal
	Audience   *scope.AudienceInput
	ValidFrom  *time.Time
	ValidUntil *time.Time
	Surcharges bool
}

// Validate checks how much there is.
func (in SetTariffInput) Validate() error {
	switch {
	case len(in.Rows) > maxRows:
		return ErrTooLong.With(maxRows).At("rows")
	case len(in.FreeShipping) > maxRules:
		return ErrTooLong.With(maxRules).At("freeShipping")
	}
	return nil
}

// purse turns major units into minor ones, and gathers what is wrong.
type purse struct {
	currency money.Currency
	wrong    []error
}

func (p *purse) minor(field string, amount decimal.Decimal) int64 {
	m, err := money.Parse(amount, p.currency)
	if err != nil || m.Minor < 0 {
		p.wrong = append(p.wrong, ErrFee.At(field))
	}
	return m.Minor
}

func (p *purse) maybe(field string, amount *decimal.Decimal) *int64 {
	if amount == nil {
		return nil
	}
	minor := p.minor(field, *amount)
	return &minor
}

// tariff is the input in minor units.
func (in SetTariffInput) tariff(currency money.Currency) (Tariff, error) {
	p, t := purse{currency: currency}, Tariff{}
	for i, r := range in.Rows {
		field := fmt.Sprintf("rows.%d", i)
		row := Row{r.ZoneID, r.MaxGrams, r.MaxSize, r.MaxPieces, p.maybe(field+".maxAmount", r.MaxAmount), p.minor(field+".fee", r.Fee)}
		for _, bound := range []*int{r.MaxGrams, r.MaxSize, r.MaxPieces} {
			if bound != nil && *bound < 1 {
				p.wrong = append(p.wrong, ErrBound.At(field))
			}
		}
		if slices.ContainsFunc(t.Rows, row.within) {
			p.wrong = append(p.wrong, ErrShadow.At(field))
		}
		t.Rows = append(t.Rows, row)
	}
	if s := in.Surcharges; s != nil {
		t.Surcharges = Surcharges{p.minor("surcharges.chilled", s.Chilled), p.minor("surcharges.frozen", s.Frozen), p.minor("surcharges.oversize", s.Oversize)}
	}
	for i, f := range in.FreeShipping {
		field := fmt.Sprintf("freeShipping.%d", i)
		rule := FreeRule{f.ZoneID, p.maybe(field+".from", f.From), f.Audience.Audience(), scope.NewWindow(f.ValidFrom, f.ValidUntil), f.Surcharges}
		p.wrong = append(p.wrong, under(field, rule.Audience.Validate()), under(field, rule.Window.Validate()))
		t.Free = append(t.Free, rule)
	}
	return t, errors.Join(p.wrong...)
}

// within reports whether an earlier row takes all that the row would.
func (r Row) within(before Row) bool {
	same := r.ZoneID == nil && before.ZoneID == nil || r.ZoneID != nil && before.ZoneID != nil && *r.ZoneID == *before.ZoneID
	return same && narrower(r.MaxGrams, before.MaxGrams) && narrower(r.MaxSize, before.MaxSize) &&
		narrower(r.MaxPieces, before.MaxPieces) && narrower(r.MaxAmount, before.MaxAmount)
}

func narrower[N int | int64](a, b *N) bool { return b == nil || a != nil && *a <= *b }

// under names the part of the input in which a failure lies.
func under(field string, err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.At(field + "." + f.Field)
	}
	return err
}

// SetTariff replaces what a method costs. Orders that were placed keep their fee; carts
// are told of the new one.
func (e *Editor) SetTariff(ctx context.Context, in SetTariffInput) (*Method, error) {
	if err := e.allowed(ctx, in); err != nil {
		return nil, err
	}
	tariff, err := in.tariff(money.Currency(channel.From(ctx).Currency))
	if err != nil {
		return nil, err
	}
	return e.changeRules(ctx, in.MethodID, "shipping_method.tariff_set", func(m *Method) { m.Tariff = tariff })
}

// SetLimitsInput replaces what a method is not for.
type SetLimitsInput struct {
	MethodID     uuid.UUID
	Destinations []DestinationLimit
	Goods        []scope.TargetInput
	Temperatures []Temperature
	Oversize     bool
	Modes        []pricing.ShippingMode
	Payments     []PaymentLimit
}

// Validate checks the limits by themselves.
func (in SetLimitsInput) Validate() error {
	var all []error
	for i := range in.Goods {
		target := in.Goods[i].Target()
		if err := target.Validate(); err != nil {
			all = append(all, scope.ErrTarget.At(fmt.Sprintf("goods.%d", i)))
		}
	}
	for name, n := range map[string]int{"destinations": len(in.Destinations), "goods": len(in.Goods), "payments": len(in.Payments)} {
		if n > maxRules {
			all = append(all, ErrTooLong.With(maxRules).At(name))
		}
	}
	return errors.Join(all...)
}

// SetLimits replaces what a method is not for.
func (e *Editor) SetLimits(ctx context.Context, in SetLimitsInput) (*Method, error) {
	if err := e.allowed(ctx, in); err != nil {
		return nil, err
	}
	limits := Limits{Destinations: in.Destinations, Temperatures: in.Temperatures, Oversize: in.Oversize, Modes: in.Modes, Payments: in.Payments}
	for i := range in.Goods {
		limits.Goods = append(limits.Goods, in.Goods[i].Target())
	}
	return e.changeRules(ctx, in.MethodID, "shipping_method.limits_set", func(m *Method) { m.Limits = limits })
}

// changeRules changes a method's rules, if all zones that they speak of are the brand's.
// The zones are locked, so that none closes meanwhile.
func (e *Editor) changeRules(ctx context.Context, methodID uuid.UUID, eventType string, f func(*Method)) (*Method, error) {
	var saved *Method
	err := e.tx.InTx(ctx, func(ctx context.Context) error {
		zones, err := e.store.LockZones(ctx, channel.From(ctx).BrandID)
		if err != nil {
			return err
		}
		m, err := e.change(ctx, &methodID, eventType, func(m *Method) error {
			f(m)
			return m.speaksOf(zones)
		})
		saved = m
		return err
	})
	return saved, missingAt(err, "methodId")
}

// speaksOf fails if the method's rules name a zone that is not there, and keeps those
// that they name.
func (m *Method) speaksOf(zones []Zone) error {
	m.Zones = []Zone{}
	known := map[uuid.UUID]Zone{}
	for _, z := range zones {
		known[z.ID] = z
	}
	var all []error
	named := func(field string, key *uuid.UUID) {
		if key == nil {
			return
		}
		z, ok := known[*key]
		if !ok {
			all = append(all, ErrZoneUnknown.At(field+".zoneId"))
			return
		}
		if !slices.ContainsFunc(m.Zones, func(k Zone) bool { return k.ID == z.ID }) {
			m.Zones = append(m.Zones, z)
		}
	}
	for i := range m.Tariff.Rows {
		named(fmt.Sprintf("rows.%d", i), m.Tariff.Rows[i].ZoneID)
	}
	for i := range m.Tariff.Free {
		named(fmt.Sprintf("freeShipping.%d", i), m.Tariff.Free[i].ZoneID)
	}
	for i := range m.Limits.Destinations {
		named(fmt.Sprintf("destinations.%d", i), &m.Limits.Destinations[i].ZoneID)
	}
	for i := range m.Schedule.Transit {
		named(fmt.Sprintf("transit.%d", i), &m.Schedule.Transit[i].ZoneID)
	}
	return errors.Join(all...)
}

// TraitsInput is what shipping must know of one piece of a variant.
type TraitsInput struct {
	VariantID             uuid.UUID
	Length, Width, Height int
	Temperature           Temperature
	Oversize              bool
	DirectAllowed         bool
}

// SetTraitsInput replaces the traits of variants.
type SetTraitsInput struct{ Variants []TraitsInput }

// ErrSides says that a side cannot be so long.
var ErrSides = fault.Invalid("TRAITS_INVALID", "各辺は0〜500cmで指定してください", "A side is 0 to 500 cm")

const (
	maxSide   = 500
	maxTraits = 1_000
)

// Validate checks the traits by themselves.
func (in SetTraitsInput) Validate() error {
	if len(in.Variants) == 0 || len(in.Variants) > maxTraits {
		return ErrTooLong.With(maxTraits).At("variants")
	}
	var all []error
	for i, v := range in.Variants {
		if min(v.Length, v.Width, v.Height) < 0 || max(v.Length, v.Width, v.Height) > maxSide {
			all = append(all, ErrSides.At(fmt.Sprintf("variants.%d", i)))
		}
		if slices.ContainsFunc(in.Variants[:i], func(w TraitsInput) bool { return w.VariantID == v.VariantID }) {
			all = append(all, fault.Invalid(fault.CodeDuplicate, "同じ商品が2回指定されています", "The variant is there twice").At(fmt.Sprintf("variants.%d.variantId", i)))
		}
	}
	return errors.Join(all...)
}
