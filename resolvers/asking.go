package resolvers

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/scope"
	"github.com/noren-commerce/noren/graph/model"
)

// askedPrice is the sheet of a variant at another moment, for another shipping mode
// or for another buyer than the request's own.
type askedPrice struct {
	variant uuid.UUID
	at      time.Time
	mode    pricing.ShippingMode
	as      scope.Audience
	trace   bool
}

// pricedSheet is a sheet and the desk that prices it.
type pricedSheet struct {
	desk  *pricing.Desk
	sheet *pricing.Sheet
}

// sheetsAt fetches sheets at the request's own desk.
func sheetsAt(desk func() (*pricing.Desk, error)) func(context.Context, []uuid.UUID) (map[uuid.UUID]*pricing.Sheet, error) {
	return func(ctx context.Context, variants []uuid.UUID) (map[uuid.UUID]*pricing.Sheet, error) {
		d, err := desk()
		if err != nil {
			return nil, err
		}
		return d.Sheets(ctx, variants)
	}
}

// askedPrices opens one desk for each way of asking and fetches its sheets together.
func (r *Resolver) askedPrices(ctx context.Context, asked []askedPrice) (map[askedPrice]pricedSheet, error) {
	ways := map[askedPrice][]uuid.UUID{}
	for _, a := range asked {
		way := a
		way.variant = uuid.Nil
		ways[way] = append(ways[way], a.variant)
	}
	found := make(map[askedPrice]pricedSheet, len(asked))
	for way, variants := range ways {
		desk, err := r.Pricing.Desk(ctx, pricing.Ask{At: way.at, Mode: way.mode, As: way.as, Trace: way.trace})
		if err != nil {
			return nil, err
		}
		book, err := desk.Sheets(ctx, variants)
		if err != nil {
			return nil, err
		}
		for _, variant := range variants {
			way.variant = variant
			found[way] = pricedSheet{desk, book[variant]}
		}
	}
	return found, nil
}

// customerOf is the member or company with the global id; nobody, if it is nil.
func customerOf(global *string) (scope.Audience, error) {
	if global == nil {
		return scope.Audience{}, nil
	}
	if customer, ok := scope.Customer(*global); ok {
		return customer, nil
	}
	return scope.Audience{}, fault.ErrNotFound.At("as")
}

// priceTrace is a line with what led to it.
func priceTrace(ctx context.Context, line *pricing.Line, err error) (model.PriceTrace, error) {
	if err != nil {
		return model.PriceTrace{}, err
	}
	trace := model.PriceTrace{Candidates: orNone(line.Candidates)}
	if line.Err == nil {
		trace.Price = line
		return trace, nil
	}
	for _, f := range fault.All(line.Err) {
		problem := userError(ctx, f)
		trace.Problem = &problem
	}
	return trace, nil
}

// sheetOf is the variant's sheet and the desk for it, as asked.
func sheetOf(ctx context.Context, v *catalog.Variant, at *time.Time, mode pricing.ShippingMode, as *string, trace bool) (*pricing.Desk, *pricing.Sheet, error) {
	if at == nil && as == nil && !trace && mode == pricing.ShipNormal {
		desk, err := load(ctx).Desk()
		if err != nil {
			return nil, nil, err
		}
		sheet, err := load(ctx).Prices.Load(ctx, v.ID)
		return desk, sheet, err
	}
	buyer, err := customerOf(as)
	if err != nil {
		return nil, nil, err
	}
	p, err := load(ctx).Asked.Load(ctx, askedPrice{v.ID, value(at), mode, buyer, trace})
	return p.desk, p.sheet, err
}
