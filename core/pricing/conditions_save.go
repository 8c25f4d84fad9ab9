package pricing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/scope"
)

// maxRuleName bounds the name of a rate or discount.
const maxRuleName = 100

// SaveRateInput makes a rate, or replaces the one with the id.
type SaveRateInput struct {
	ID         *uuid.UUID
	Kind       RateKind
	Name       i18n.Text
	Audience   scope.AudienceInput
	Target     scope.TargetInput
	Percent    decimal.Decimal
	Rounding   money.Rounding
	RoundTo    int // minor units
	BelowFloor bool
	ValidFrom  *time.Time
	ValidUntil *time.Time
}

// rate is what the input says, in place of what was.
func (in SaveRateInput) rate(was Rate) Rate {
	was.Kind, was.Name, was.Audience, was.Target = in.Kind, in.Name, in.Audience.Audience(), in.Target.Target()
	was.Window = scope.NewWindow(in.ValidFrom, in.ValidUntil)
	was.Percent, was.Rounding, was.RoundTo, was.BelowFloor = in.Percent, in.Rounding, int64(in.RoundTo), in.BelowFloor
	if was.Name == nil {
		was.Name = i18n.Text{}
	}
	return was
}

// Validate checks what can be checked without the brand's rows.
func (in SaveRateInput) Validate() error {
	return errors.Join(in.Name.Check("name", maxRuleName, false), in.rate(Rate{}).Validate())
}

// statedRate is a rate as events tell it: embedded alone it would hide for whom
// and for what it is.
type statedRate struct {
	Rate
	Audience scope.Audience
	Target   scope.Target
}

func stateRate(r *Rate) any {
	if r == nil {
		return nil
	}
	return statedRate{*r, r.Audience, r.Target}
}

// SaveRate makes or changes a rate. Rates above 100 %, rates that may go below the
// floor, and the floor itself need PricingBelow.
func (c *Conditions) SaveRate(ctx context.Context, in SaveRateInput) (*Rate, error) {
	if err := errors.Join(access.RequireEverywhere(ctx, access.PricingWrite), in.Validate()); err != nil {
		return nil, err
	}
	return change(ctx, c, alteration[Rate]{
		id: in.ID, event: "rate.saved", lock: c.store.LockRate, save: c.store.SaveRate,
		f: func(was *Rate) (Rate, error) {
			r := Rate{ID: id.New(), BrandID: channel.From(ctx).BrandID, CreatedAt: c.now()}
			if was != nil {
				r = *was
			}
			after := in.rate(r)
			return after, errors.Join(mayRate(ctx, was), mayRate(ctx, &after), c.known(ctx, after.Audience, after.Target))
		},
		tell: func(r Rate) (string, uuid.UUID, scope.Window) { return "Rate", r.ID, r.Window }, state: stateRate,
	})
}

// Check holds a rate that is to be saved in place of another (nil: of none) against the
// rules, and writes nothing. It answers the rate.
func (c *Conditions) Check(ctx context.Context, in SaveRateInput, was *Rate) (Rate, error) {
	var before Rate
	if was != nil {
		before = *was
	}
	after := in.rate(before)
	return after, errors.Join(in.Validate(), mayRate(ctx, was), mayRate(ctx, &after))
}

// mayRate refuses a rate that the caller has no right to state, or to take away.
func mayRate(ctx context.Context, r *Rate) error {
	if r == nil || access.From(ctx).May(access.PricingBelow) {
		return nil
	}
	return r.Privileged()
}

// Privileged says why stating the rate, or taking it away, needs PricingBelow; nil if it
// does not.
func (r *Rate) Privileged() error {
	var all []error
	if r.Kind == RateCustomer && r.Percent.GreaterThan(decimal.NewFromInt(100)) {
		all = append(all, ErrRateAbove.At("percent"))
	}
	if r.BelowFloor {
		all = append(all, ErrBelowFloor.At("belowFloor"))
	}
	if r.Kind == RateFloor {
		all = append(all, ErrFloorKept.At("kind"))
	}
	return errors.Join(all...)
}

// CloseRuleInput names the rate or discount to close.
type CloseRuleInput struct{ ID uuid.UUID }

// CloseRate takes a rate out of use for good; it stays to be read.
func (c *Conditions) CloseRate(ctx context.Context, in CloseRuleInput) (*Rate, error) {
	if err := access.RequireEverywhere(ctx, access.PricingWrite); err != nil {
		return nil, err
	}
	return change(ctx, c, alteration[Rate]{
		id: &in.ID, event: "rate.closed", lock: c.store.LockRate, save: c.store.SaveRate,
		f: func(was *Rate) (Rate, error) {
			r, now := *was, c.now()
			r.ClosedAt = &now
			if r.Kind == RateFloor { // without its floor, every price may go below
				return r, mayRate(ctx, was)
			}
			return r, nil
		},
		tell: func(r Rate) (string, uuid.UUID, scope.Window) { return "Rate", r.ID, r.Window }, state: stateRate,
	})
}

// TierInput is a tier as staff write it: percent, amount or price, in major units of
// the channel's currency.
type TierInput struct {
	From    int
	UpTo    *int
	Percent *decimal.Decimal
	Amount  *decimal.Decimal
	Price   *decimal.Decimal
}

// SaveDiscountInput makes a quantity discount, or replaces the one with the id.
type SaveDiscountInput struct {
	ID              *uuid.UUID
	Name            i18n.Text
	Audience        scope.AudienceInput
	Target          scope.TargetInput
	Mixed           bool
	OnCustomerPrice bool
	Rounding        money.Rounding
	RoundTo         int // minor units
	Tiers           []TierInput
	ValidFrom       *time.Time
	ValidUntil      *time.Time
}

// maxTiers bounds the tiers of a discount.
const maxTiers = 50

// discount is what the input says, in place of what was.
func (in SaveDiscountInput) discount(was QuantityDiscount, currency money.Currency) (QuantityDiscount, error) {
	was.Name, was.Audience, was.Target, was.Window = in.Name, in.Audience.Audience(), in.Target.Target(), scope.NewWindow(in.ValidFrom, in.ValidUntil)
	was.Mixed, was.OnCustomerPrice, was.Rounding, was.RoundTo = in.Mixed, in.OnCustomerPrice, in.Rounding, int64(in.RoundTo)
	if was.Name == nil {
		was.Name = i18n.Text{}
	}
	all := []error{in.Name.Check("name", maxRuleName, false)}
	if len(in.Tiers) > maxTiers {
		all = append(all, fault.Invalid(fault.CodeTooMany, "数量の段階は%dまでです", "There are at most %d tiers").With(maxTiers).At("tiers"))
	}
	was.Tiers = make([]Tier, len(in.Tiers))
	for i, t := range in.Tiers {
		tier := Tier{From: t.From, UpTo: t.UpTo, Percent: t.Percent}
		for _, part := range []struct {
			field string
			text  *decimal.Decimal
			to    **int64
		}{{"amount", t.Amount, &tier.Amount}, {"price", t.Price, &tier.Price}} {
			if part.text == nil {
				continue
			}
			m, err := money.Parse(*part.text, currency)
			var f *fault.Error
			if errors.As(err, &f) {
				all = append(all, f.At(fmt.Sprintf("tiers.%d.%s", i, part.field)))
			}
			*part.to = &m.Minor
		}
		was.Tiers[i] = tier
	}
	return was, errors.Join(append(all, was.Validate())...)
}

type statedDiscount struct {
	QuantityDiscount
	Audience scope.Audience
	Target   scope.Target
}

func stateDiscount(q *QuantityDiscount) any {
	if q == nil {
		return nil
	}
	return statedDiscount{*q, q.Audience, q.Target}
}

// SaveDiscount makes or changes a quantity discount.
func (c *Conditions) SaveDiscount(ctx context.Context, in SaveDiscountInput) (*QuantityDiscount, error) {
	if err := access.RequireEverywhere(ctx, access.PricingWrite); err != nil {
		return nil, err
	}
	ch := channel.From(ctx)
	if _, err := in.discount(QuantityDiscount{}, money.Currency(ch.Currency)); err != nil {
		return nil, err
	}
	return change(ctx, c, alteration[QuantityDiscount]{
		id: in.ID, event: "quantity_discount.saved", lock: c.store.LockDiscount, save: c.store.SaveDiscount,
		f: func(was *QuantityDiscount) (QuantityDiscount, error) {
			q := QuantityDiscount{ID: id.New(), BrandID: ch.BrandID, CreatedAt: c.now()}
			if was != nil {
				q = *was
			}
			after, err := in.discount(q, money.Currency(ch.Currency))
			return after, errors.Join(err, c.known(ctx, after.Audience, after.Target))
		},
		tell: tellDiscount, state: stateDiscount,
	})
}

func tellDiscount(q QuantityDiscount) (string, uuid.UUID, scope.Window) {
	return "QuantityDiscount", q.ID, q.Window
}

// CloseDiscount takes a quantity discount out of use for good; it stays to be read.
func (c *Conditions) CloseDiscount(ctx context.Context, in CloseRuleInput) (*QuantityDiscount, error) {
	if err := access.RequireEverywhere(ctx, access.PricingWrite); err != nil {
		return nil, err
	}
	return change(ctx, c, alteration[QuantityDiscount]{
		id: &in.ID, event: "quantity_discount.closed", lock: c.store.LockDiscount, save: c.store.SaveDiscount,
		f: func(was *QuantityDiscount) (QuantityDiscount, error) {
			q, now := *was, c.now()
			q.ClosedAt = &now
			return q, nil
		},
		tell: tellDiscount, state: stateDiscount,
	})
}

// known refuses an audience or goods that the brand does not know.
func (c *Conditions) known(ctx context.Context, a scope.Audience, t scope.Target) error {
	audience, target, err := c.store.Known(ctx, channel.From(ctx).BrandID, a, t)
	if err != nil {
		return err
	}
	var all []error
	if !audience {
		all = append(all, fault.ErrNotFound.At("audience.id"))
	}
	if !target {
		all = append(all, fault.ErrNotFound.At("target.id"))
	}
	return errors.Join(all...)
}

// alteration is how one condition is changed.
type alteration[T any] struct {
	id    *uuid.UUID // nil makes a new one
	event string
	lock  func(ctx context.Context, brandID, id uuid.UUID) (*T, error)
	f     func(was *T) (T, error)
	save  func(context.Context, T) error
	tell  func(T) (subject string, id uuid.UUID, w scope.Window)
	state func(*T) any
}

// change changes one condition in one transaction and writes it down.
func change[T any](ctx context.Context, c *Conditions, ch alteration[T]) (*T, error) {
	var saved *T
	err := c.tx.InTx(ctx, func(ctx context.Context) error {
		var was *T
		if ch.id != nil {
			found, err := ch.lock(ctx, channel.From(ctx).BrandID, *ch.id)
			if err != nil {
				return err
			}
			if found == nil {
				return fault.ErrNotFound.At("id")
			}
			was = found
		}
		after, err := ch.f(was)
		if err != nil {
			return err
		}
		saved = &after
		subject, key, window := ch.tell(after)
		return errors.Join(
			ch.save(ctx, after),
			schedule(ctx, c.turns, window, c.now()),
			c.events.Record(ctx, event.New(ctx, c.now(), ch.event, subject, key, map[string]any{"before": ch.state(was), "after": ch.state(&after)})),
		)
	})
	return saved, err
}
