package importing

import (
	"context"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/pricing"
)

// guard holds prices that change against the lowest allowed ones.
func (s *Prices) guard(ctx context.Context, run PriceRun, lines []*readLine) error {
	var (
		asked  []*readLine
		prices []*PriceLine
	)
	for _, l := range lines {
		if !l.failed && l.Amount != nil && !l.Free && l.Change != PriceUnchanged {
			asked, prices = append(asked, l), append(prices, &l.PriceLine)
		}
	}
	least, err := s.tooLow(ctx, prices)
	if err != nil {
		return err
	}
	for i, l := range asked {
		if least[i] == nil {
			continue
		}
		if l.Below = true; !run.MayBelow {
			l.refuseFor("price", money.Of(*l.Amount, l.Currency).String(), pricing.ErrBelowLowest.With(*least[i]))
		}
	}
	return nil
}

// tooLow is, for each of the prices, the lowest allowed one that it is below; nil where
// it may stand.
func (s *Prices) tooLow(ctx context.Context, prices []*PriceLine) ([]*money.Money, error) {
	if len(prices) == 0 {
		return nil, nil
	}
	own := channel.From(ctx).PriceListID
	asks := make([]pricing.FloorAsk, len(prices))
	for i, l := range prices {
		asks[i] = pricing.FloorAsk{Currency: l.Currency, Audience: l.Audience, Own: l.ListID != nil && *l.ListID == own, VariantID: *l.VariantID}
	}
	lowest, err := s.Floors.LowestEach(ctx, asks)
	if err != nil {
		return nil, err
	}
	least := make([]*money.Money, len(prices))
	for i, l := range prices {
		if lowest[i] != nil && *l.Amount < *lowest[i] {
			bound := money.Of(*lowest[i], l.Currency)
			least[i] = &bound
		}
	}
	return least, nil
}

// floor takes the prices out of the commit that have come to lie below the lowest
// allowed ones since the preview, as costs and floors move; they become rejections.
// Where sender and committer may both go below, nothing is held back.
func (s *Prices) floor(ctx context.Context, run *PriceRun) error {
	if run.MayBelow {
		return nil
	}
	for behind := 0; ; {
		prices, err := s.Store.StagedPrices(ctx, run.ID, behind, priceStep)
		if err != nil || len(prices) == 0 {
			return err
		}
		behind = prices[len(prices)-1].Line
		least, err := s.tooLow(ctx, prices)
		if err != nil {
			return err
		}
		var rejected []Rejection
		for i, l := range prices {
			if least[i] == nil {
				continue
			}
			why := pricing.ErrBelowLowest.With(*least[i])
			r := reject(l.Line, "price", money.Of(*l.Amount, l.Currency).String(), why.JA, why.EN)
			r.Slug = l.SKU
			rejected = append(rejected, r)
			run.withhold(l.Change)
		}
		if err := s.Store.RejectStaged(ctx, run.ID, rejected); err != nil {
			return err
		}
		if len(prices) < priceStep {
			return nil
		}
	}
}

// withhold counts a row that was to change a price as rejected.
func (r *PriceRun) withhold(change PriceChangeKind) {
	r.Rejected++
	if change == PriceAdded {
		r.Added--
	} else {
		r.Changed--
	}
}
