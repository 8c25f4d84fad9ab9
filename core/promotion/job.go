package promotion

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/scope"
)

// TurnJob is worked on when a campaign begins or ends: answers that were kept from
// before must not be given after.
type TurnJob struct {
	CampaignID uuid.UUID `json:"campaign"`
	BrandID    uuid.UUID `json:"brand"`
	At         time.Time `json:"at"`
}

// Kind names the job in the queue.
func (TurnJob) Kind() string { return "campaign_turn" }

// Turn moves the number of the brand's rules and, by its event, the generation of
// what is kept. Done twice it does no harm; a campaign that was moved or stopped
// since turns nothing.
func (s *Service) Turn(ctx context.Context, j TurnJob) error {
	return s.Tx.InTx(ctx, func(ctx context.Context) error {
		c, err := s.Store.Lock(ctx, j.BrandID, j.CampaignID)
		if err != nil || c == nil || c.Status != Ready {
			return err
		}
		kind, occasion := "", Started
		switch {
		case c.From.Equal(j.At):
			kind = "campaign.started"
		case c.Until.Equal(j.At):
			kind, occasion = "campaign.ended", Ended
		default:
			return nil
		}
		e := event.New(ctx, s.Now(), kind, "Campaign", c.ID, nil)
		e.BrandID = j.BrandID
		return joined(s.Store.Moved(ctx, j.BrandID), s.Events.Record(ctx, e),
			s.Turns.Notify(ctx, NoticeJob{CampaignID: c.ID, BrandID: c.BrandID, Occasion: occasion}))
	})
}

// GrantJob is worked on when an order ships: the coupons that it has earned are made.
type GrantJob struct {
	OrderID uuid.UUID `json:"order"`
	BrandID uuid.UUID `json:"brand"`
}

// Kind names the job in the queue.
func (GrantJob) Kind() string { return "coupon_grant" }

// grantedFor is how long an earned coupon can be used.
const grantedFor = 90 * 24 * time.Hour

// Earned is a coupon that an order has earned for its member.
type Earned struct {
	CampaignID uuid.UUID // that the coupon opens
	Campaign   i18n.Text // what it is called
	MemberID   uuid.UUID
	Recipient
}

// Shipped queues the coupons that the order has earned, in the transaction that
// ships it.
func (s *Service) Shipped(ctx context.Context, brandID, orderID uuid.UUID) error {
	if s.Turns == nil {
		return nil
	}
	return s.Turns.Grant(ctx, GrantJob{OrderID: orderID, BrandID: brandID})
}

// Grant makes the coupons that an order has earned. Done twice it makes none twice.
func (s *Service) Grant(ctx context.Context, j GrantJob) error {
	return s.Tx.InTx(ctx, func(ctx context.Context) error {
		earned, err := s.Store.Earned(ctx, j.OrderID)
		if err != nil {
			return err
		}
		now := s.Now()
		for _, e := range earned {
			code := NormalCode(NewCode())
			c := NewCoupon{Hash: HashCode(j.BrandID, code), Coupon: Coupon{
				ID: id.New(), BrandID: j.BrandID, CampaignID: e.CampaignID, Hint: hintOf(code), MemberID: &e.MemberID,
				Window: scope.Window{From: now, Until: now.Add(grantedFor)}, State: CouponIssued, CreatedAt: now,
			}}
			made, err := s.Store.AddEarned(ctx, c, j.OrderID)
			if err != nil {
				return err
			}
			if !made {
				continue
			}
			granted := event.New(ctx, now, "coupon.granted", "Coupon", c.ID, map[string]any{"order": j.OrderID, "campaign": e.CampaignID, "member": e.MemberID})
			granted.BrandID = j.BrandID
			if err := s.Events.Record(ctx, granted); err != nil {
				return err
			}
			if err := s.tellGranted(ctx, c.Coupon, e); err != nil {
				return err
			}
		}
		return nil
	})
}

// tellGranted queues the mail that tells a member of a coupon.
func (s *Service) tellGranted(ctx context.Context, c Coupon, e Earned) error {
	if e.Email == "" {
		return nil
	}
	ctx = channel.With(i18n.WithLanguage(ctx, e.Language), channel.Channel{BrandID: c.BrandID})
	m, err := messaging.New(ctx, messaging.Address{Name: e.Name, Email: e.Email}, c.ID.String(), messaging.CouponGranted{
		Name: e.Name, Campaign: e.Campaign.In(e.Language), Until: c.Until, URL: s.ShopURL,
	})
	if err != nil {
		return err
	}
	return s.Outbox.Enqueue(ctx, m)
}
