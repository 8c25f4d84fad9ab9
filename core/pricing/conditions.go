package pricing

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/scope"
)

// ConditionStore keeps rates and quantity discounts. Writes join the transaction of
// the context and move the number of the brand's rules in it.
type ConditionStore interface {
	Rates(ctx context.Context, brandID uuid.UUID, in RatesInput) (page.Connection[Rate], error)
	// LockRate reads a rate of the brand for changing; nil if there is none that is open.
	LockRate(ctx context.Context, brandID, rateID uuid.UUID) (*Rate, error)
	SaveRate(ctx context.Context, r Rate) error
	Discounts(ctx context.Context, brandID uuid.UUID, in DiscountsInput) (page.Connection[QuantityDiscount], error)
	// LockDiscount reads a discount of the brand for changing; nil if there is none that is open.
	LockDiscount(ctx context.Context, brandID, discountID uuid.UUID) (*QuantityDiscount, error)
	SaveDiscount(ctx context.Context, q QuantityDiscount) error
	// Known reports whether the brand knows the audience, and the goods of the target.
	Known(ctx context.Context, brandID uuid.UUID, a scope.Audience, t scope.Target) (audience, target bool, err error)
}

// Turns wakes whoever brings lists and caches in step when a window opens or closes.
type Turns interface {
	// Schedule asks to be woken at the moments that lie ahead, once for each.
	Schedule(ctx context.Context, at ...time.Time) error
}

// Conditions is how staff keep the conditions of trade (取引条件): rates and quantity
// discounts. Each use case needs PricingWrite and leaves an event with before and after.
type Conditions struct {
	tx     ListTx
	store  ConditionStore
	turns  Turns
	events event.Recorder
	now    clock.Clock
}

// ConditionParts are what the keeping of conditions stands on.
type ConditionParts struct {
	Tx     ListTx
	Store  ConditionStore
	Turns  Turns // may be nil: windows then take part in lists with the next round
	Events event.Recorder
	Now    clock.Clock
}

// NewConditions makes the keeper of conditions.
func NewConditions(p ConditionParts) *Conditions {
	return &Conditions{tx: p.Tx, store: p.Store, turns: p.Turns, events: p.Events, now: p.Now}
}

// ConditionFilter says which conditions are asked for; what is nil does not filter.
type ConditionFilter struct {
	Audience  *scope.Audience // for exactly this audience
	Target    *scope.Target   // for exactly this target
	HoldingAt *time.Time      // whose window is open at the moment
	Closed    bool            // closed ones too
	Page      page.Args
}

// RatesInput asks for one page of rates, newest first.
type RatesInput struct {
	Kind *RateKind
	ConditionFilter
}

// DiscountsInput asks for one page of quantity discounts, newest first.
type DiscountsInput struct{ ConditionFilter }

// Rates is one page of the brand's rates, newest first.
func (c *Conditions) Rates(ctx context.Context, in RatesInput) (page.Connection[Rate], error) {
	if err := access.RequireEverywhere(ctx, access.PricingWrite); err != nil {
		return page.Connection[Rate]{}, err
	}
	return c.store.Rates(ctx, channel.From(ctx).BrandID, in)
}

// Discounts is one page of the brand's quantity discounts, newest first.
func (c *Conditions) Discounts(ctx context.Context, in DiscountsInput) (page.Connection[QuantityDiscount], error) {
	if err := access.RequireEverywhere(ctx, access.PricingWrite); err != nil {
		return page.Connection[QuantityDiscount]{}, err
	}
	return c.store.Discounts(ctx, channel.From(ctx).BrandID, in)
}

// ahead are the ends of the window that lie ahead.
func ahead(w scope.Window, now time.Time) []time.Time {
	var moments []time.Time
	for _, at := range []*time.Time{w.Opens(), w.Closes()} {
		if at != nil && at.After(now) {
			moments = append(moments, *at)
		}
	}
	return moments
}

// schedule asks to be woken when the window opens or closes.
func schedule(ctx context.Context, turns Turns, w scope.Window, now time.Time) error {
	moments := ahead(w, now)
	if turns == nil || len(moments) == 0 {
		return nil
	}
	return turns.Schedule(ctx, moments...)
}

// Await asks that lists and caches be brought in step when windows of the prices
// open or close.
func (s *Lists) Await(ctx context.Context, prices []Price) error {
	var moments []time.Time
	for _, p := range prices {
		for _, at := range ahead(scope.Window{From: p.ValidFrom, Until: p.ValidUntil}, s.now()) {
			if !slices.ContainsFunc(moments, at.Equal) {
				moments = append(moments, at)
			}
		}
	}
	if s.turns == nil || len(moments) == 0 {
		return nil
	}
	return s.turns.Schedule(ctx, moments...)
}
