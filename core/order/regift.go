package order

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/pricing"
)

// regift lets the gifts of an order be those that campaigns give it now. One that is gone is
// left out and named on the order, or stops the edit, as the campaign says.
func (s *Service) regift(ctx context.Context, a *amendment) error {
	a.order.MissedGifts = nil
	for i := range a.applied {
		applied := &a.applied[i]
		var given []pricing.Gift
		for _, g := range applied.Gifts {
			l, err := s.regive(ctx, a, *applied, g)
			if err != nil {
				return err
			}
			if g.Quantity = l.Quantity; l.Quantity > 0 {
				a.after, given = append(a.after, l), append(given, g)
			}
		}
		applied.Gifts = given
	}
	for _, l := range a.lines {
		if !l.IsGift() || slices.ContainsFunc(a.after, func(m Line) bool { return m.ID == l.ID }) {
			continue
		}
		if packed := a.packedOf(l); packed > 0 {
			return ErrLinePacked.With(packed).At("lines")
		}
		a.removed = append(a.removed, l.ID)
	}
	return s.ungive(ctx, a)
}

// ungive gives back to campaigns that still apply what of their gifts the order does not get
// any more. Those that do not apply take back all of theirs.
func (s *Service) ungive(ctx context.Context, a *amendment) error {
	for _, was := range a.gave {
		i := slices.IndexFunc(a.applied, was.Same)
		if i < 0 {
			continue
		}
		for _, g := range was.Gifts {
			if slices.ContainsFunc(a.applied[i].Gifts, func(now pricing.Gift) bool { return now.VariantID == g.VariantID }) {
				continue
			}
			g.Quantity = -g.Quantity
			if _, err := s.campaigns.TakeGift(ctx, was.CampaignID, g); err != nil {
				return err
			}
		}
	}
	return nil
}

// lessGifts gives back to campaigns what an order of which some has left does not get any
// more of their gifts.
func (s *Service) lessGifts(ctx context.Context, a *amendment) error {
	for _, l := range a.lines {
		if !l.IsGift() {
			continue
		}
		less := pricing.Gift{VariantID: l.VariantID, Quantity: l.Quantity}
		if i := slices.IndexFunc(a.after, func(m Line) bool { return m.ID == l.ID }); i >= 0 {
			less.Quantity -= a.after[i].Quantity
		}
		if less.Quantity == 0 {
			continue
		}
		if err := s.campaigns.LessGift(ctx, a.order.ID, l.Breakdown[0].Source, less); err != nil {
			return err
		}
	}
	return nil
}

// IsGift reports whether a campaign gave the line for nothing.
func (l Line) IsGift() bool {
	return l.UnitMinor == 0 && len(l.Breakdown) > 0 && l.Breakdown[0].Rule == pricing.RuleCampaign
}

// regive is the line of a gift, with the pieces that can be given; none if it is missed.
func (s *Service) regive(ctx context.Context, a *amendment, by pricing.Applied, g pricing.Gift) (Line, error) {
	var had Line
	if i := slices.IndexFunc(a.lines, func(l Line) bool {
		return l.IsGift() && l.VariantID == g.VariantID && l.Breakdown[0].Source == by.CampaignID
	}); i >= 0 {
		had = a.lines[i]
	}
	if had.Quantity > 0 {
		if packed := a.packedOf(had); packed > g.Quantity {
			return had, ErrLinePacked.With(packed).At("lines")
		}
	}
	more := g
	more.Quantity -= had.Quantity
	if more.Quantity == 0 {
		return had, nil
	}
	item, there, err := s.giveable(ctx, a, more)
	if err == nil && there {
		there, err = s.campaigns.TakeGift(ctx, by.CampaignID, more)
	}
	switch {
	case err != nil:
		return had, err
	case there && had.Quantity > 0:
		had.resize(g.Quantity)
	case there:
		item.Quantity = g.Quantity
		had = giftLine(Draft{Order: *a.order}, item, by)
		had.Position = a.next()
	case had.Quantity > 0:
		return had, nil
	case g.Required:
		return had, ErrGiftSoldOut.With(item.Name.In(a.order.Language))
	default:
		a.order.MissedGifts = append(a.order.MissedGifts, item.Name)
		return had, nil
	}
	a.changed = append(a.changed, had.ID)
	return had, nil
}

// giveable reports whether so many more pieces of a gift lie there, besides what the order
// takes else, and limits leave them to its customer. Fewer always are.
func (s *Service) giveable(ctx context.Context, a *amendment, more pricing.Gift) (cart.Item, bool, error) {
	if more.Quantity < 0 {
		return cart.Item{}, true, nil
	}
	o := a.order
	goods, err := s.store.Goods(ctx, o.BrandID, o.PickedUpAt(), cart.CustomerOf(o.MemberID, o.Email), []uuid.UUID{more.VariantID})
	if err != nil {
		return cart.Item{}, false, err
	}
	a.levels = append(a.levels, levelsOf(goods.Levels, a.levels)...)
	item := goods.item(more.VariantID)
	item.Quantity = more.Quantity
	free, wanted := cart.Basket{Levels: a.levels}.Free(), a.wanted()
	there := item.ID != uuid.Nil
	for _, want := range cart.Wanted([]cart.Item{item}) {
		there = there && free[want.VariantID]-max(wanted[want.VariantID], 0) >= want.Quantity
	}
	return item, there && a.leaves(item), nil
}

// leaves reports whether limits leave the customer the pieces, besides what the edit wants
// more of them.
func (a *amendment) leaves(item cart.Item) bool {
	if item.Share == nil {
		return true
	}
	more, _ := a.limits()
	for _, r := range more {
		if r.VariantID == item.VariantID {
			item.Quantity += r.Quantity
		}
	}
	return item.Quantity <= *item.Share
}
