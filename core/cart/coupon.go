package cart

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/promotion"
)

// maxCoupons is how many coupons a cart holds.
const maxCoupons = 10

// Coupons know coupons by their codes.
type Coupons interface {
	// Find is the coupon with the code that a person has typed, if the member, zero
	// for a guest, can use it now.
	Find(ctx context.Context, typed string, member uuid.UUID) (*promotion.Coupon, error)
	// Own is the member's own coupon, if it can be used now.
	Own(ctx context.Context, couponID, member uuid.UUID) (*promotion.Coupon, error)
}

// Coupon is a coupon that was entered, and what became of it.
type Coupon struct {
	promotion.Coupon
	Applied bool
	Problem *fault.Error // why it gives nothing; nil if it applies
}

// Gift is goods that a campaign adds to the order.
type Gift struct {
	pricing.Gift
	Campaign i18n.Text
}

// ApplyCouponInput is a code as a person has typed it, or one of the member's own
// coupons.
type ApplyCouponInput struct {
	Code     *string
	CouponID *uuid.UUID
}

// ApplyCoupon enters a coupon into the actor's cart. One that does not apply to the
// cart as it is stays entered, and says why: it may once there is more in the cart.
func (s *Service) ApplyCoupon(ctx context.Context, in ApplyCouponInput) (*Priced, error) {
	lookup, err := s.Lookup(ctx)
	if err != nil {
		return nil, err
	}
	var c *promotion.Coupon
	switch member := memberOf(lookup.Owner); {
	case in.CouponID != nil && member != uuid.Nil:
		c, err = s.coupons.Own(ctx, *in.CouponID, member)
	case in.Code != nil:
		c, err = s.coupons.Find(ctx, *in.Code, member)
	default:
		err = fault.ErrRequired.At("code")
	}
	if err != nil {
		return nil, err
	}
	basket, err := s.store.EnterCoupon(ctx, lookup, c.ID, maxCoupons)
	switch {
	case err != nil:
		return nil, err
	case basket == nil:
		return nil, ErrNoCart
	case !entered(basket, c.ID):
		return nil, fault.Invalid(fault.CodeTooMany, "クーポンは%d枚までです", "A cart takes at most %d coupons").With(maxCoupons).At("code")
	}
	return s.Price(ctx, lookup, *basket)
}

func entered(b *Basket, couponID uuid.UUID) bool {
	for _, c := range b.Cart.Entered {
		if c.ID == couponID {
			return true
		}
	}
	return false
}

// RemoveCouponInput is a coupon in the cart.
type RemoveCouponInput struct{ CouponID uuid.UUID }

// RemoveCoupon takes a coupon out of the actor's cart.
func (s *Service) RemoveCoupon(ctx context.Context, in RemoveCouponInput) (*Priced, error) {
	lookup, err := s.Lookup(ctx)
	if err != nil {
		return nil, err
	}
	basket, err := s.store.RemoveCoupon(ctx, lookup, in.CouponID)
	switch {
	case err != nil:
		return nil, err
	case basket == nil:
		return nil, ErrNoCart
	}
	return s.Price(ctx, lookup, *basket)
}

func memberOf(o Owner) uuid.UUID {
	if o.MemberID == nil {
		return uuid.Nil
	}
	return *o.MemberID
}

// usable are the entered coupons that nothing stands against at the moment.
func usable(entered []promotion.Coupon, owner Owner, at time.Time) []pricing.Coupon {
	var all []pricing.Coupon
	for _, c := range entered {
		if c.Problem(memberOf(owner), at) == nil {
			all = append(all, pricing.Coupon{ID: c.ID, CampaignID: c.CampaignID})
		}
	}
	return all
}

// outcomes say what became of the entered coupons.
func outcomes(entered []promotion.Coupon, owner Owner, at time.Time, q pricing.Quote) []Coupon {
	all := make([]Coupon, len(entered))
	for i, c := range entered {
		all[i] = Coupon{Coupon: c, Problem: c.Problem(memberOf(owner), at)}
		if all[i].Problem != nil {
			continue
		}
		all[i].Problem = promotion.ErrCouponUnfit
		for _, outcome := range q.Coupons {
			if outcome.CouponID != c.ID {
				continue
			}
			switch outcome.Reason {
			case pricing.ReasonApplied:
				all[i].Applied, all[i].Problem = true, nil
			case pricing.ReasonSpent:
				all[i].Problem = promotion.ErrCouponSpent
			case pricing.ReasonNotYet:
				all[i].Problem = promotion.ErrCouponEarly
			case pricing.ReasonOver:
				all[i].Problem = promotion.ErrCouponExpired
			case pricing.ReasonNotCombinable, pricing.ReasonOutranked:
				all[i].Problem = promotion.ErrCouponCombined
			}
		}
	}
	return all
}

// Gifts are the goods that campaigns add to the order, as long as there are any.
func (p Priced) Gifts() []Gift {
	var all []Gift
	for _, a := range p.Quote.Applied {
		for _, g := range a.Gifts {
			all = append(all, Gift{g, a.Label})
		}
	}
	return all
}

// region is the prefecture that the goods go to; empty if it is not known.
func (c Cart) region() string {
	if c.ShippingAddress == nil {
		return ""
	}
	return string(c.ShippingAddress.Prefecture)
}

// shop is where it is bought or picked up; zero if nothing was said.
func (c Cart) shop() uuid.UUID {
	if c.ShopID == nil {
		return uuid.Nil
	}
	return *c.ShopID
}
