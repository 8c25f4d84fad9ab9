package promotion

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/money"
)

// Effect is what a campaign has brought and cost so far.
type Effect struct {
	Orders    int         // that used it and stand
	Customers int         // members and companies among them
	Sales     money.Money // of those orders
	Given     money.Money // what the campaign took off
	Returned  int         // orders that used it and were cancelled
	// Uplift is by how many per cent the buyers who may get it buy more than those it
	// is held out from, reckoned on as many buyers; nil without a hold-out, or while
	// nobody of it has bought.
	Uplift *decimal.Decimal
	// PerYen is the sales for each unit of money given; nil while nothing was.
	PerYen *decimal.Decimal
	// Comparison is the buyers who may get it beside the hold-out; nil without one.
	Comparison *Comparison
}

// Tally is the sums of an effect, in minor units.
type Tally struct {
	Orders, Customers, Returned int
	Sales, Given                int64
}

// EffectStore reads what campaigns brought.
type EffectStore interface {
	Tally(ctx context.Context, campaignID uuid.UUID) (Tally, error)
	// EachBuyer tells f what each member or company has bought in the period, one by
	// one, so that no number of buyers fills the memory.
	EachBuyer(ctx context.Context, brandID uuid.UUID, from, until time.Time, f func(buyer uuid.UUID, sales int64)) error
}

// Effect is what a campaign has brought and cost so far, for staff.
func (s *Service) Effect(ctx context.Context, campaignID uuid.UUID) (*Effect, error) {
	c, err := s.ByID(ctx, campaignID)
	if err != nil {
		return nil, err
	}
	t, err := s.Store.Tally(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	e := &Effect{Orders: t.Orders, Customers: t.Customers, Returned: t.Returned, Sales: money.Of(t.Sales, c.Currency), Given: money.Of(t.Given, c.Currency)}
	if t.Given > 0 {
		ratio := decimal.NewFromInt(t.Sales).DivRound(decimal.NewFromInt(t.Given), 2)
		e.PerYen = &ratio
	}
	if c.Experiment.HoldOut > 0 {
		if e.Comparison, err = s.compare(ctx, *c); err != nil {
			return nil, err
		}
		e.Uplift = e.Comparison.Uplift
	}
	return e, nil
}
