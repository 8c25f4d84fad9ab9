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
	asks := make([]FloorAsk, len(variants))
	for i, variant := range variants {
		asks[i] = FloorAsk{Currency: list.Currency, Audience: list.Audience, Own: list.ID == channel.From(ctx).PriceListID, VariantID: variant}
	}
	least, err := s.LowestEach(ctx, asks)
	lowest := make(map[uuid.UUID]int64, len(least))
	for i, ask := range asks {
		if err == nil && least[i] != nil {
			lowest[ask.VariantID] = *least[i]
		}
	}
	return lowest, err
}

// NotBelow fails where agreed prices are below the lowest that are allowed in the list,
// saying how low they may be, unless the actor may go below. field names the price of an
// item in the input.
func NotBelow(ctx context.Context, floors Floors, list List, items []Item, field func(i int) string) error {
	if access.From(ctx).May(access.PricingBelow) {
		return nil
	}
	var variants []uuid.UUID
	for _, item := range items {
		if item.Agreed != nil {
			variants = append(variants, item.VariantID)
		}
	}
	if len(variants) == 0 {
		return nil
	}
	lowest, err := floors.Lowest(ctx, list, variants)
	if err != nil {
		return err
	}
	var all []error
	for i, item := range items {
		if least, ok := lowest[item.VariantID]; ok && item.Agreed != nil && item.Agreed.Amount < least {
			all = append(all, ErrBelowLowest.With(money.Of(least, list.Currency)).At(field(i)))
		}
	}
	return errors.Join(all...)
}

// FloorAsk asks how low a variant's price may be for an audience.
type FloorAsk struct {
	Currency  money.Currency
	Audience  scope.Audience
	Own       bool // in the channel's own list
	VariantID uuid.UUID
}

// LowestEach is, for each question, the lowest price that is allowed; nil where no floor
// protects the variant. It reads the goods once, and each buyer once.
func (s *Service) LowestEach(ctx context.Context, asks []FloorAsk) ([]*int64, error) {
	least := make([]*int64, len(asks))
	c := channel.From(ctx)
	variants := make([]uuid.UUID, len(asks))
	for i, ask := range asks {
		variants[i] = ask.VariantID
	}
	now := s.now()
	rules, book, err := s.guarded(ctx, SheetQuery{BrandID: c.BrandID, Variants: variants, Lists: []uuid.UUID{c.PriceListID}, At: now, Goods: true})
	if err != nil || rules.floorless() {
		return least, err
	}
	type payer struct {
		audience scope.Audience
		currency money.Currency
	}
	drafts := map[payer]*Draft{}
	for i, ask := range asks {
		draft := drafts[payer{ask.Audience, ask.Currency}]
		if draft == nil {
			buyer, err := s.standsFor(ctx, ask.Audience)
			if err != nil {
				return nil, err
			}
			draft = &Draft{In: QuoteInput{Terms: Terms{Currency: ask.Currency, At: now, Zone: c.Zone(), ChannelID: c.ID, Buyer: buyer, Rules: rules,
				Lists: rules.Lists(buyer, c.PriceListID, ask.Currency, now)}}}
			draft.rates, _ = rules.views(buyer)
			drafts[payer{ask.Audience, ask.Currency}] = draft
		}
		if least[i], err = draft.lowest(book[ask.VariantID], ask); err != nil {
			return nil, err
		}
	}
	return least, nil
}

// guarded are the brand's rules as they are now and what floors ask of the goods, which
// is read only where there are floors.
func (s *Service) guarded(ctx context.Context, q SheetQuery) (*Rulebook, Book, error) {
	rules, err := s.rulebook(ctx, q.BrandID, 0)
	if err != nil {
		return nil, nil, err
	}
	asked := q
	if rules.floorless() { // as far as this process knows
		asked.Variants, asked.Goods = nil, false
	}
	book, version, err := s.store.Sheets(ctx, asked)
	if err != nil {
		return nil, nil, err
	}
	if rules, err = s.rulebook(ctx, q.BrandID, version); err == nil && !asked.Goods && !rules.floorless() {
		book, _, err = s.store.Sheets(ctx, q)
	}
	if err == nil {
		rules.Place(book)
	}
	return rules, book, err
}

// lowest is the lowest price of a variant that is allowed; nil if no floor protects it.
func (d *Draft) lowest(sheet *Sheet, ask FloorAsk) (*int64, error) {
	if sheet == nil || sheet.Cost == nil {
		return nil, nil
	}
	line := &Line{Item: Item{VariantID: ask.VariantID, Quantity: 1}, sheet: sheet}
	rate := d.rate(line, RateFloor)
	if rate == nil {
		return nil, nil
	}
	least, err := rate.above(*sheet.Cost)
	if standard := d.standing(line); err == nil && standard != nil && !ask.Own {
		least = min(least, standard.first())
	}
	return &least, err
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
