package pricing

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/scope"
)

// Allow refuses prices of a list that are below the lowest allowed ones, saying how
// low they may be, unless the caller or the list may go below. A price is one of
// prices.N of the input.
func (s *Lists) Allow(ctx context.Context, listID uuid.UUID, prices []Price) error {
	if s.floors == nil || access.From(ctx).May(access.PricingBelow) {
		return nil
	}
	list, err := s.store.PriceListByID(ctx, channel.From(ctx).BrandID, listID)
	switch {
	case err != nil:
		return err
	case list == nil:
		return fault.ErrNotFound.At("priceList")
	case list.BelowFloor:
		return nil
	}
	variants := make([]uuid.UUID, len(prices))
	for i, p := range prices {
		variants[i] = p.VariantID
	}
	lowest, err := s.floors.Lowest(ctx, *list, variants)
	if err != nil {
		return err
	}
	var all []error
	for i, p := range prices {
		if least, ok := lowest[p.VariantID]; ok && p.Amount < least {
			all = append(all, ErrBelowLowest.With(money.Of(least, list.Currency)).At(fmt.Sprintf("prices.%d.amount", i)))
		}
	}
	return errors.Join(all...)
}

// Lowest is, for the variants that a floor protects, the lowest price that the list
// may have: cost and margin, and for lists beside the channel's own never above that
// one, whose prices staff have set with open eyes.
func (s *Service) Lowest(ctx context.Context, list List, variants []uuid.UUID) (map[uuid.UUID]int64, error) {
	buyer, err := s.standsFor(ctx, list.Audience)
	if err != nil {
		return nil, err
	}
	c := channel.From(ctx)
	d := &Desk{s: s, brand: c.BrandID, own: c.PriceListID}
	terms := Terms{Currency: list.Currency, At: s.now(), Zone: c.Zone(), ChannelID: c.ID, Buyer: buyer}
	if err := d.open(ctx, terms, 0); err != nil {
		return nil, err
	}
	book, err := d.Sheets(ctx, variants)
	if err != nil {
		return nil, err
	}
	draft := Draft{In: QuoteInput{Terms: d.Terms()}}
	draft.rates, _ = draft.In.Terms.Rules.views(buyer)
	lowest := map[uuid.UUID]int64{}
	for variant, sheet := range book {
		line := &Line{Item: Item{VariantID: variant, Quantity: 1}, sheet: sheet}
		rate := draft.rate(line, RateFloor)
		if rate == nil || sheet.Cost == nil {
			continue
		}
		least, err := rate.above(*sheet.Cost)
		if err != nil {
			return nil, err
		}
		if standard := draft.standing(line); standard != nil && list.ID != c.PriceListID {
			least = min(least, standard.first())
		}
		lowest[variant] = least
	}
	return lowest, nil
}

// standsFor is a buyer who belongs to the audience.
func (s *Service) standsFor(ctx context.Context, a scope.Audience) (scope.Buyer, error) {
	switch a.Kind {
	case scope.Member, scope.Company:
		// Whoever writes prices need not be one who may read what others pay.
		return s.buyer(access.With(ctx, access.System), a)
	case scope.Group:
		return scope.Buyer{Groups: []uuid.UUID{a.ID}}, nil
	}
	return scope.Buyer{}, nil
}
