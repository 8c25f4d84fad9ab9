package points

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/counter"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/limit"
)

// Counter knows who stands at the counter of a shop.
type Counter interface {
	Who(ctx context.Context, in counter.Shown, use bool) (access.Actor, error)
}

// AtCounter are the balances of a member who has shown a code or a card to the staff of a
// shop: who asks has made sure of it. API clients hear none.
func (s *Service) AtCounter(ctx context.Context, memberID uuid.UUID) ([]Balance, error) {
	if !access.From(ctx).Is(access.RoleStoreStaff, access.RoleStaff, access.RoleAdmin) {
		return nil, nil
	}
	return s.balances(ctx, memberID)
}

// RedeemForInput is a code that a member who stands at a counter was told, or read there.
type RedeemForInput struct {
	counter.Shown
	IdempotencyKey string
	Code           string
}

// served is how often one of the staff may enter codes for members.
var served = limit.Rate{Allowed: 120, Per: time.Hour}

// RedeemFor gives the member who shows a code or a card at the counter the points of a code,
// for staff with POINT_WRITE, those of a shop at theirs: once for each key, and as often as
// the member could do it.
func (s *Service) RedeemFor(ctx context.Context, in RedeemForInput) (*Redemption, error) {
	if err := access.Require(ctx, access.PointWrite); err != nil {
		return nil, err
	}
	if err := s.tried(ctx, "counter_code", access.From(ctx).ID, served); err != nil {
		return nil, err
	}
	type gift struct {
		Code     Code
		MemberID uuid.UUID
	}
	given, err := idempotency.Once(ctx, s.Keys, "redeemPointCodeFor", in.IdempotencyKey, in, func(ctx context.Context) (gift, error) {
		who, err := s.Counter.Who(ctx, in.Shown, true)
		if err != nil {
			return gift{}, err
		}
		c, err := s.redeem(ctx, in.Code, who.ID, &in.ShopID)
		if err != nil {
			return gift{}, err
		}
		said := in.Said(who.ID, map[string]any{"codeId": c.ID, "points": c.Points})
		return gift{c, who.ID}, s.Events.Record(ctx, event.New(ctx, s.Now(), "point_code.redeemed_for", "PointCode", c.ID, said))
	})
	if err != nil {
		return nil, err
	}
	return s.redeemed(ctx, given.Code, given.MemberID)
}
