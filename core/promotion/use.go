package promotion

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/scope"
)

// Use is what a campaign gives to one order.
type Use struct {
	CampaignID uuid.UUID
	CouponID   uuid.UUID
	BuyerID    uuid.UUID // zero for a guest
	MemberID   uuid.UUID // whose coupons may be used
	Discount   int64
	Bounded    bool // there is a budget or a number of uses
	PerMember  *int
	Applied    pricing.Applied
}

// Denied says why a use was refused; the transaction must end.
type Denied struct {
	CampaignID uuid.UUID
	Spent      bool // budget or uses; else the buyer's own, or the coupon
	Coupon     bool
	More       bool // the order has used it before, and wants more of its budget
}

func (d *Denied) Error() string {
	return fmt.Sprintf("campaign %s: budget or uses %t, coupon %t", d.CampaignID, d.Spent, d.Coupon)
}

// Back is uses that an order gives back.
type Back struct {
	OrderID  uuid.UUID
	At       time.Time
	CameBack bool        // its goods have come back: what campaigns keep stays used
	Only     []uuid.UUID // of these campaigns; nil: all, and what the order has earned by them is void
}

// UseStore keeps what campaigns gave.
type UseStore interface {
	// Redeem counts the uses and spends their coupons, in one round trip. One that is
	// refused is a *Denied error.
	Redeem(ctx context.Context, orderID uuid.UUID, at time.Time, uses []Use) error
	// UsedBy is what the order has used and not given back.
	UsedBy(ctx context.Context, orderID uuid.UUID) ([]pricing.Applied, error)
	// Revise lets uses of the order give more or less than before: the difference is
	// counted. One that is refused is a *Denied error.
	Revise(ctx context.Context, orderID uuid.UUID, uses []Use) error
	// Exhaust notes that a campaign's budget or uses are spent.
	Exhaust(ctx context.Context, brandID, campaignID uuid.UUID, at time.Time) error
	// TakeGift takes pieces from a gift's allotment; false if fewer are left.
	TakeGift(ctx context.Context, campaignID uuid.UUID, gift pricing.Gift) (bool, error)
	// SetGifts writes down which gifts the order has of a campaign that it uses.
	SetGifts(ctx context.Context, orderID, campaignID uuid.UUID, gifts []pricing.Gift) error
	// Return gives back what the order used, once; the campaigns concerned.
	Return(ctx context.Context, b Back) ([]uuid.UUID, error)
}

// Redeem spends what campaigns gave to an order, in its transaction: budget, uses,
// the buyer's uses, coupons. It is all or nothing; what is refused is a *Denied
// error.
func (s *Service) Redeem(ctx context.Context, orderID uuid.UUID, buyer scope.Buyer, applied []pricing.Applied) error {
	if len(applied) == 0 {
		return nil
	}
	uses, err := s.uses(ctx, buyer, applied)
	if err != nil {
		return err
	}
	return s.Store.Redeem(ctx, orderID, s.Now(), uses)
}

// UsedBy is what an order has used of campaigns and not given back.
func (s *Service) UsedBy(ctx context.Context, orderID uuid.UUID) ([]pricing.Applied, error) {
	return s.Store.UsedBy(ctx, orderID)
}

// Revise lets what campaigns give to an order be this, in the transaction that edits it:
// budgets, uses and coupons move by the difference. It is all or nothing; what is refused
// is a *Denied error.
func (s *Service) Revise(ctx context.Context, orderID uuid.UUID, buyer scope.Buyer, applied []pricing.Applied) error {
	uses, err := s.uses(ctx, buyer, applied)
	if err != nil {
		return err
	}
	was, err := s.Store.UsedBy(ctx, orderID)
	if err != nil {
		return err
	}
	var lost []uuid.UUID
	for _, a := range was {
		if !slices.ContainsFunc(applied, a.Same) {
			lost = append(lost, a.CampaignID)
		}
	}
	known := func(u Use) bool { return slices.ContainsFunc(was, u.Applied.Same) }
	var kept, fresh []Use
	for _, u := range uses {
		if known(u) {
			kept = append(kept, u)
		} else {
			fresh = append(fresh, u)
		}
	}
	if len(lost) > 0 {
		if err := s.giveBack(ctx, Back{OrderID: orderID, At: s.Now(), Only: lost}); err != nil {
			return err
		}
	}
	if len(kept) > 0 {
		if err := s.Store.Revise(ctx, orderID, kept); err != nil {
			return err
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	return s.Store.Redeem(ctx, orderID, s.Now(), fresh)
}

// uses are what campaigns give to the buyer's order, in the order in which all orders take
// their rows, so that none waits for another in a ring.
func (s *Service) uses(ctx context.Context, buyer scope.Buyer, applied []pricing.Applied) ([]Use, error) {
	book, err := s.book(ctx, channel.From(ctx).BrandID, 0)
	if err != nil {
		return nil, err
	}
	uses := make([]Use, 0, len(applied))
	for _, a := range applied {
		u := Use{CampaignID: a.CampaignID, CouponID: a.CouponID, BuyerID: identity(buyer), MemberID: buyer.MemberID, Discount: a.Discount.Minor, Applied: a}
		if c := book.ByID(a.CampaignID); c != nil {
			u.Bounded, u.PerMember = c.Limits.Budget != nil || c.Limits.Uses != nil, c.Limits.PerMember
		}
		uses = append(uses, u)
	}
	slices.SortFunc(uses, func(x, y Use) int { return bytes.Compare(x.CampaignID[:], y.CampaignID[:]) })
	return uses, nil
}

// TakeGift takes pieces from a gift's allotment, in the order's transaction; false
// if fewer are left.
func (s *Service) TakeGift(ctx context.Context, campaignID uuid.UUID, gift pricing.Gift) (bool, error) {
	return s.Store.TakeGift(ctx, campaignID, gift)
}

// LessGift gives pieces of a gift back to its allotment that an order has of the campaign and
// gets no more, in the transaction that takes them off the order. What the order has given
// back as a whole is back already.
func (s *Service) LessGift(ctx context.Context, orderID, campaignID uuid.UUID, gift pricing.Gift) error {
	used, err := s.Store.UsedBy(ctx, orderID)
	i := slices.IndexFunc(used, func(a pricing.Applied) bool { return a.CampaignID == campaignID })
	if err != nil || i < 0 {
		return err
	}
	var left []pricing.Gift
	back := gift
	back.Quantity = 0
	for _, g := range used[i].Gifts {
		if g.VariantID == gift.VariantID {
			less := min(g.Quantity, gift.Quantity+back.Quantity)
			g.Quantity, back.Quantity = g.Quantity-less, back.Quantity-less
		}
		if g.Quantity > 0 {
			left = append(left, g)
		}
	}
	if err := s.Store.SetGifts(ctx, orderID, campaignID, left); err != nil {
		return err
	}
	_, err = s.Store.TakeGift(ctx, campaignID, back)
	return err
}

// Exhaust ends a campaign into whose budget or uses an order did not fit: from the
// next quote on it does not apply.
func (s *Service) Exhaust(ctx context.Context, campaignID uuid.UUID) error {
	return s.Tx.InTx(ctx, func(ctx context.Context) error {
		now := s.Now()
		return joined(
			s.Store.Exhaust(ctx, channel.From(ctx).BrandID, campaignID, now),
			s.Events.Record(ctx, event.New(ctx, now, "campaign.spent", "Campaign", campaignID, nil)),
		)
	})
}

// Return gives back what an order used, in the transaction that cancels it.
func (s *Service) Return(ctx context.Context, orderID uuid.UUID) error {
	return s.giveBack(ctx, Back{OrderID: orderID, At: s.Now()})
}

// CameBack gives back what an order used of which all goods have come back, in the
// transaction that receives the last of them, where the campaign's rule says so.
func (s *Service) CameBack(ctx context.Context, orderID uuid.UUID) error {
	return s.giveBack(ctx, Back{OrderID: orderID, At: s.Now(), CameBack: true})
}

func (s *Service) giveBack(ctx context.Context, b Back) error {
	campaigns, err := s.Store.Return(ctx, b)
	if err != nil {
		return err
	}
	var events []event.Event
	for _, c := range campaigns {
		events = append(events, event.New(ctx, b.At, "campaign.returned", "Campaign", c, map[string]any{"order": b.OrderID}))
	}
	if len(events) == 0 {
		return nil
	}
	return s.Events.Record(ctx, events...)
}

func joined(all ...error) error {
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}
