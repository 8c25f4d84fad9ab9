package promotion

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
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
	if err := access.Require(ctx, access.CampaignRead); err != nil {
		return nil, err
	}
	brand := channel.From(ctx).BrandID
	c, err := s.Store.Campaign(ctx, brand, campaignID)
	switch {
	case err != nil:
		return nil, err
	case c == nil:
		return nil, fault.ErrNotFound
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
		e.Uplift, err = s.uplift(ctx, *c)
	}
	return e, err
}

// uplift compares the sales of buyers who may get the campaign with those of the
// hold-out. The hash puts as large a part of all buyers into each as it says, so
// sales are divided by the parts: who has bought nothing counts too.
func (s *Service) uplift(ctx context.Context, c Campaign) (*decimal.Decimal, error) {
	from, until := c.From, c.Until
	if now := s.Now(); until.After(now) {
		until = now
	}
	var open, held int64
	err := s.Store.EachBuyer(ctx, c.BrandID, from, until, func(buyer uuid.UUID, sales int64) {
		in, out := c.inShare(buyer)
		switch {
		case out:
			held += sales
		case in:
			open += sales
		}
	})
	if err != nil || held == 0 {
		return nil, err
	}
	share := c.Experiment.UpTo
	if share == 0 {
		share = 100
	}
	// The hold-out is taken first; the share divides the others.
	part := decimal.NewFromInt(int64((100 - c.Experiment.HoldOut) * (share - c.Experiment.From))).Div(hundred)
	more := decimal.NewFromInt(open).Div(part).Div(decimal.NewFromInt(held).Div(decimal.NewFromInt(int64(c.Experiment.HoldOut)))).
		Sub(decimal.NewFromInt(1)).Mul(hundred).Round(1)
	return &more, nil
}
