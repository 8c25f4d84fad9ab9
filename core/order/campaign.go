package order

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/promotion"
	"github.com/noren-commerce/noren/core/scope"
)

// ErrGiftSoldOut says that a campaign's gift is gone and that the order stops at that.
var ErrGiftSoldOut = fault.Conflict("GIFT_SOLD_OUT", "プレゼント「%s」の在庫がなくなりました", "The gift %s is sold out")

// Campaigns are told what they gave to an order, in its transaction.
type Campaigns interface {
	// Redeem spends budget, uses and coupons, all or nothing; what is refused is a
	// *promotion.Denied error.
	Redeem(ctx context.Context, orderID uuid.UUID, buyer scope.Buyer, applied []pricing.Applied) error
	// UsedBy is what an order has used and not given back.
	UsedBy(ctx context.Context, orderID uuid.UUID) ([]pricing.Applied, error)
	// Revise lets what campaigns give to an edited order be this, as Redeem does.
	Revise(ctx context.Context, orderID uuid.UUID, buyer scope.Buyer, applied []pricing.Applied) error
	// TakeGift takes pieces from a gift's allotment; false if fewer are left.
	TakeGift(ctx context.Context, campaignID uuid.UUID, gift pricing.Gift) (bool, error)
	// LessGift gives pieces of a gift back to its allotment that the order has of the campaign.
	LessGift(ctx context.Context, orderID, campaignID uuid.UUID, gift pricing.Gift) error
	// Exhaust ends a campaign into which an order did not fit.
	Exhaust(ctx context.Context, campaignID uuid.UUID) error
	// Shipped is told that the order has earned what it earns by being shipped.
	Shipped(ctx context.Context, brandID, orderID uuid.UUID) error
	// Return gives back what a cancelled order used.
	Return(ctx context.Context, orderID uuid.UUID) error
}

// refused acts on a campaign's refusal: what it gave the quote is not to be had any
// more. again says that planning anew helps; then the buyer hears of the new price.
func (s *Service) refused(ctx context.Context, err error) (again bool, _ error) { //nolint:revive // the error is what is passed on
	var d *promotion.Denied
	switch {
	case !errors.As(err, &d):
		return false, err
	case d.More:
		return false, ErrEditCampaign
	case d.Coupon:
		return false, promotion.ErrCouponUsed.At("coupons")
	case d.Spent:
		return true, s.campaigns.Exhaust(ctx, d.CampaignID)
	}
	return true, nil
}

// gifts adds what campaigns give on top, as lines that cost nothing. A gift that is
// gone is left out and named on the order, or stops it, as the campaign says.
func (s *Service) gifts(ctx context.Context, d *Draft, levels []cart.Level) error {
	var variants []uuid.UUID
	for _, a := range d.Applied {
		for _, g := range a.Gifts {
			variants = append(variants, g.VariantID)
		}
	}
	if len(variants) == 0 {
		return nil
	}
	goods, err := s.store.Goods(ctx, d.Order.BrandID, d.Order.PickedUpAt(), cart.CustomerOf(d.Order.MemberID, d.Order.Email), variants)
	if err != nil {
		return err
	}
	left := less(d.giftLevels(ctx, goods, levels), d.Reservations)
	for i := range d.Applied {
		a := &d.Applied[i]
		given := make([]pricing.Gift, 0, len(a.Gifts))
		for _, g := range a.Gifts {
			item := goods.item(g.VariantID)
			item.Quantity = g.Quantity
			var taken []Reservation
			wanted := 0
			for _, want := range cart.Wanted([]cart.Item{item}) {
				taken, wanted = append(taken, planGoods(left, want)...), wanted+want.Quantity
			}
			there := item.ID != uuid.Nil && pieces(taken) == wanted && d.allowed(item)
			if there {
				if there, err = s.campaigns.TakeGift(ctx, a.CampaignID, g); err != nil {
					return err
				}
			}
			switch {
			case there:
				given = append(given, g)
				left = less(left, taken)
				d.Reservations = merged(d.Reservations, taken)
				if item.SoldAs != nil {
					d.Limited = merged(d.Limited, []Reservation{{VariantID: item.VariantID, Quantity: item.Quantity}})
				}
				d.Lines = append(d.Lines, giftLine(*d, item, *a))
			case g.Required:
				return ErrGiftSoldOut.With(item.Name.In(d.Order.Language))
			default:
				d.Order.MissedGifts = append(d.Order.MissedGifts, item.Name)
			}
		}
		a.Gifts = given
	}
	return nil
}

// giftLevels are the levels of the gifts and of the cart, sought in the order that the
// channel prefers for all that the order is to hold: a gift goes with the goods if it can.
func (d *Draft) giftLevels(ctx context.Context, goods Goods, levels []cart.Level) []cart.Level {
	all := append(slices.Clone(goods.Levels), levelsOf(levels, goods.Levels)...)
	if len(channel.From(ctx).Allocation) == 0 {
		return all
	}
	var held []Reservation // by variant
	for _, r := range d.Reservations {
		held = merged(held, []Reservation{{VariantID: r.VariantID, Quantity: r.Quantity}})
	}
	for _, a := range d.Applied {
		for _, g := range a.Gifts {
			item := goods.item(g.VariantID)
			item.Quantity = g.Quantity
			for _, w := range cart.Wanted([]cart.Item{item}) {
				held = merged(held, []Reservation{{VariantID: w.VariantID, Quantity: w.Quantity}})
			}
		}
	}
	wants := make([]cart.Want, len(held))
	for i, r := range held {
		wants[i] = cart.Want{Goods: cart.Goods{VariantID: r.VariantID}, Quantity: r.Quantity}
	}
	return ranked(all, Job{wants, d.Order.ShippingAddress.Prefecture}, channel.From(ctx).Allocation)
}

// allowed reports whether limits leave the customer the pieces, besides those that the
// order counts already.
func (d *Draft) allowed(item cart.Item) bool {
	if item.Share == nil {
		return true
	}
	counted := 0
	for _, r := range d.Limited {
		if r.VariantID == item.VariantID {
			counted += r.Quantity
		}
	}
	return counted+item.Quantity <= *item.Share
}

func giftLine(d Draft, item cart.Item, a pricing.Applied) Line {
	zero := money.Of(0, d.Order.Currency)
	return Line{
		ID: id.New(), OrderID: d.Order.ID, Position: len(d.Lines), VariantID: item.VariantID, ProductID: item.ProductID,
		SKU: item.SKU, Name: item.Name, Options: item.Options, Quantity: item.Quantity, TaxClass: item.TaxClass, Currency: d.Order.Currency, SoldAs: value(item.SoldAs),
		Breakdown: []pricing.Step{{Rule: pricing.RuleCampaign, Label: a.Label, Source: a.CampaignID, Change: zero, Running: zero}},
		Parts:     partsOf(item, slices.Repeat([]money.Money{zero}, len(item.Parts)), false),
	}
}

// Goods are variants that are not in the cart, with their stock.
type Goods struct {
	Items  []cart.Item
	Levels []cart.Level
}

func (g Goods) item(variantID uuid.UUID) cart.Item {
	for _, item := range g.Items {
		if item.VariantID == variantID {
			return item
		}
	}
	return cart.Item{}
}

// levelsOf are those of the cart's levels that the goods' do not say again.
func levelsOf(all, known []cart.Level) []cart.Level {
	return slices.DeleteFunc(slices.Clone(all), func(l cart.Level) bool {
		return slices.ContainsFunc(known, func(k cart.Level) bool { return k.VariantID == l.VariantID && k.LocationID == l.LocationID })
	})
}

// less are the levels after the reservations.
func less(levels []cart.Level, taken []Reservation) []cart.Level {
	for i := range levels {
		for _, r := range taken {
			if r.VariantID == levels[i].VariantID && r.LocationID == levels[i].LocationID {
				levels[i].Free -= r.Quantity
			}
		}
	}
	return levels
}

// merged are the reservations with more, one for each variant and location.
func merged(all, more []Reservation) []Reservation {
	for _, r := range more {
		at := slices.IndexFunc(all, func(x Reservation) bool { return x.VariantID == r.VariantID && x.LocationID == r.LocationID })
		if at < 0 {
			all = append(all, r)
			continue
		}
		all[at].Quantity += r.Quantity
	}
	return all
}

func pieces(all []Reservation) (n int) {
	for _, r := range all {
		n += r.Quantity
	}
	return n
}
