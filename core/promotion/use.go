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
}

func (d *Denied) Error() string {
	return fmt.Sprintf("campaign %s: budget or uses %t, coupon %t", d.CampaignID, d.Spent, d.Coupon)
}

// UseStore keeps what campaigns gave.
type UseStore interface {
	// Redeem counts the uses and spends their coupons, in one round trip. One that is
	// refused is a *Denied error.
	Redeem(ctx context.Context, orderID uuid.UUID, at time.Time, uses []Use) error
	// Exhaust notes that a campaign's budget or uses are spent.
	Exhaust(ctx context.Context, brandID, campaignID uuid.UUID, at time.Time) error
	// TakeGift takes pieces from a gift's allotment; false if fewer are left.
	TakeGift(ctx context.Context, campaignID uuid.UUID, gift pricing.Gift) (bool, error)
	// Return gives back what the order used, once; the campaigns concerned. Of an order
	// that came back, what campaigns keep stays used.
	Return(ctx context.Context, orderID uuid.UUID, at time.Time, cameBack bool) ([]uuid.UUID, error)
}

// Redeem spends what campaigns gave to an order, in its transaction: budget, uses,
// the buyer's uses, coupons. It is all or nothing; what is refused is a *Denied
// error.
func (s *Service) Redeem(ctx context.Context, orderID uuid.UUID, buyer scope.Buyer, applied []pricing.Applied) error {
	if len(applied) == 0 {
		return nil
	}
	book, err := s.book(ctx, channel.From(ctx).BrandID, 0)
	if err != nil {
		return err
	}
	uses := make([]Use, 0, len(applied))
	for _, a := range applied {
		u := Use{CampaignID: a.CampaignID, CouponID: a.CouponID, BuyerID: identity(buyer), MemberID: buyer.MemberID, Discount: a.Discount.Minor, Applied: a}
		if c := book.ByID(a.CampaignID); c != nil {
			u.Bounded, u.PerMember = c.Limits.Budget != nil || c.Limits.Uses != nil, c.Limits.PerMember
		}
		uses = append(uses, u)
	}
	// All orders take the rows in one order, so that none waits for another in a ring.
	slices.SortFunc(uses, func(x, y Use) int { return bytes.Compare(x.CampaignID[:], y.CampaignID[:]) })
	return s.Store.Redeem(ctx, orderID, s.Now(), uses)
}

// TakeGift takes pieces from a gift's allotment, in the order's transaction; false
// if fewer are left.
func (s *Service) TakeGift(ctx context.Context, campaignID uuid.UUID, gift pricing.Gift) (bool, error) {
	return s.Store.TakeGift(ctx, campaignID, gift)
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
	return s.giveBack(ctx, orderID, false)
}

// CameBack gives back what an order used of which all goods have come back, in the
// transaction that receives the last of them, where the campaign's rule says so.
func (s *Service) CameBack(ctx context.Context, orderID uuid.UUID) error {
	return s.giveBack(ctx, orderID, true)
}

func (s *Service) giveBack(ctx context.Context, orderID uuid.UUID, cameBack bool) error {
	now := s.Now()
	campaigns, err := s.Store.Return(ctx, orderID, now, cameBack)
	if err != nil {
		return err
	}
	var events []event.Event
	for _, c := range campaigns {
		events = append(events, event.New(ctx, now, "campaign.returned", "Campaign", c, map[string]any{"order": orderID}))
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
