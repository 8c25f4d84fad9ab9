package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/promotion"
)

// Redeem counts the uses and spends their coupons, in one round trip. Each bound is
// a condition of the update itself: of two orders that meet, the second waits for
// the first and then finds what is left.
func (s *Campaigns) Redeem(ctx context.Context, orderID uuid.UUID, at time.Time, uses []promotion.Use) error {
	batch := &pgx.Batch{}
	var denied *promotion.Denied
	must := func(d promotion.Denied) func(pgconn.CommandTag) error {
		return func(tag pgconn.CommandTag) error {
			if tag.RowsAffected() == 0 && denied == nil {
				denied = &d
			}
			return nil
		}
	}
	for _, u := range uses {
		args := pgx.NamedArgs{
			"campaign": u.CampaignID, "order": orderID, "buyer": orNull(u.BuyerID), "member": orNull(u.MemberID), "coupon": orNull(u.CouponID),
			"discount": u.Discount, "most": u.PerMember, "counted": u.Bounded, "gifts": gifts(u.Applied.Gifts), "points": u.Applied.Points,
			"issues": orNull(u.Applied.Issues), "at": at,
		}
		if u.Bounded {
			batch.Queue(`
				UPDATE campaign_totals SET given = given + @discount, uses = uses + 1
				WHERE campaign_id = @campaign AND (budget IS NULL OR given + @discount <= budget) AND (max_uses IS NULL OR uses < max_uses)`, args).
				Exec(must(promotion.Denied{CampaignID: u.CampaignID, Spent: true}))
		}
		if u.PerMember != nil {
			batch.Queue(`
				INSERT INTO campaign_buyers AS b (campaign_id, buyer_id, uses) VALUES (@campaign, @buyer, 1)
				ON CONFLICT (buyer_id, campaign_id) DO UPDATE SET uses = b.uses + 1 WHERE b.uses < @most`, args).
				Exec(must(promotion.Denied{CampaignID: u.CampaignID}))
		}
		if u.CouponID != uuid.Nil {
			batch.Queue(`
				UPDATE coupons SET state = CASE WHEN code IS NULL THEN 'USED' ELSE state END, order_id = CASE WHEN code IS NULL THEN @order::uuid END
				WHERE id = @coupon AND state = 'ISSUED' AND valid_from <= @at AND valid_until > @at AND (member_id IS NULL OR member_id = @member)`, args).
				Exec(must(promotion.Denied{CampaignID: u.CampaignID, Coupon: true}))
		}
		batch.Queue(`
			INSERT INTO campaign_uses (campaign_id, order_id, buyer_id, coupon_id, discount, counted, gifts, points, issues, used_at)
			VALUES (@campaign, @order, @buyer, @coupon, @discount, @counted, @gifts, @points, @issues, @at)
			ON CONFLICT (order_id, campaign_id) DO UPDATE SET buyer_id = @buyer, coupon_id = @coupon, discount = @discount, counted = @counted,
				gifts = @gifts, points = @points, issues = @issues, used_at = @at, returned_at = NULL`, args)
	}
	if err := s.db.conn(ctx).SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	if denied != nil {
		return denied
	}
	return nil
}

// UsedBy is what the order has used and not given back.
func (s *Campaigns) UsedBy(ctx context.Context, orderID uuid.UUID) ([]pricing.Applied, error) {
	type row struct {
		CampaignID uuid.UUID
		CouponID   *uuid.UUID
		Gifts      []pricing.Gift
	}
	rows, err := collect[row](ctx, s.db, `
		SELECT campaign_id, coupon_id, gifts FROM campaign_uses WHERE order_id = $1 AND returned_at IS NULL ORDER BY campaign_id`, orderID)
	used := make([]pricing.Applied, len(rows))
	for i, r := range rows {
		used[i] = pricing.Applied{CampaignID: r.CampaignID, Gifts: r.Gifts}
		if r.CouponID != nil {
			used[i].CouponID = *r.CouponID
		}
	}
	return used, err
}

// Revise lets uses of the order give more or less than before, in one round trip.
func (s *Campaigns) Revise(ctx context.Context, orderID uuid.UUID, uses []promotion.Use) error {
	batch := &pgx.Batch{}
	var denied *promotion.Denied
	for _, u := range uses {
		batch.Queue(`
			WITH was AS (
				SELECT discount, counted FROM campaign_uses WHERE order_id = @order AND campaign_id = @campaign AND returned_at IS NULL
			), moved AS (
				UPDATE campaign_totals t SET given = t.given + @discount - w.discount FROM was w
				WHERE t.campaign_id = @campaign AND w.counted AND (t.budget IS NULL OR @discount <= w.discount OR t.given + @discount - w.discount <= t.budget)
				RETURNING t.campaign_id
			)
			UPDATE campaign_uses u SET discount = @discount, gifts = @gifts, points = @points, issues = @issues FROM was w
			WHERE u.order_id = @order AND u.campaign_id = @campaign AND (NOT w.counted OR EXISTS (SELECT FROM moved))`, pgx.NamedArgs{
			"order": orderID, "campaign": u.CampaignID, "discount": u.Discount, "gifts": gifts(u.Applied.Gifts), "points": u.Applied.Points, "issues": orNull(u.Applied.Issues),
		}).Exec(func(tag pgconn.CommandTag) error {
			if tag.RowsAffected() == 0 && denied == nil {
				denied = &promotion.Denied{CampaignID: u.CampaignID, Spent: true, More: true}
			}
			return nil
		})
	}
	if err := s.db.conn(ctx).SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	if denied != nil {
		return denied
	}
	return nil
}

// TakeGift takes pieces from a gift's allotment; false if fewer are left.
func (s *Campaigns) TakeGift(ctx context.Context, campaignID uuid.UUID, gift pricing.Gift) (bool, error) {
	tag, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE campaign_gifts SET given = given + $3
		WHERE campaign_id = $1 AND variant_id = $2 AND (allotment IS NULL OR given + $3 <= allotment)`, campaignID, gift.VariantID, gift.Quantity)
	return tag.RowsAffected() > 0, err
}

// SetGifts writes down which gifts the order has of a campaign that it uses.
func (s *Campaigns) SetGifts(ctx context.Context, orderID, campaignID uuid.UUID, now []pricing.Gift) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE campaign_uses SET gifts = $3 WHERE order_id = $1 AND campaign_id = $2 AND returned_at IS NULL`, orderID, campaignID, gifts(now))
	return err
}

// gifts are never nil: an empty array, not SQL's null.
func gifts(all []pricing.Gift) []pricing.Gift {
	if all == nil {
		return []pricing.Gift{}
	}
	return all
}

// Exhaust notes that a campaign's budget or uses are spent, and moves the rules.
func (s *Campaigns) Exhaust(ctx context.Context, brandID, campaignID uuid.UUID, at time.Time) error {
	tag, err := s.db.conn(ctx).Exec(ctx, `UPDATE campaigns SET spent_at = $3 WHERE id = $1 AND brand_id = $2 AND spent_at IS NULL`, campaignID, brandID, at)
	if err != nil || tag.RowsAffected() == 0 {
		return err
	}
	return s.db.moveRules(ctx, brandID, rulesMoved{})
}

// Return gives back what the order used, once. A campaign that was spent may run
// again. Of an order that came back, what campaigns keep stays used. Coupons that it earned
// are void; those that were used stay so, and are void when what used them is given back.
func (s *Campaigns) Return(ctx context.Context, b promotion.Back) ([]uuid.UUID, error) {
	type row struct {
		CampaignID uuid.UUID
		BrandID    uuid.UUID
		Revived    bool
	}
	rows, err := collect[row](ctx, s.db, `
		WITH returned AS (
			UPDATE campaign_uses u SET returned_at = @at WHERE u.order_id = @order AND u.returned_at IS NULL AND (@only::uuid[] IS NULL OR u.campaign_id = ANY(@only))
				AND NOT (@back AND EXISTS (SELECT FROM campaigns c WHERE c.id = u.campaign_id AND c.limits @> '{"kept": true}'))
			RETURNING campaign_id, buyer_id, coupon_id, discount, counted, gifts
		), locked AS (
			SELECT t.campaign_id FROM campaign_totals t JOIN returned r USING (campaign_id) ORDER BY t.campaign_id FOR UPDATE OF t
		), totals AS (
			UPDATE campaign_totals t SET given = t.given - r.discount, uses = t.uses - 1
			FROM returned r JOIN locked USING (campaign_id) WHERE t.campaign_id = r.campaign_id AND r.counted
		), buyers AS (
			UPDATE campaign_buyers b SET uses = greatest(b.uses - 1, 0) FROM returned r
			WHERE b.campaign_id = r.campaign_id AND b.buyer_id = r.buyer_id
		), spent AS (
			UPDATE coupons k SET order_id = NULL, state = CASE WHEN EXISTS (
				SELECT FROM campaign_uses e WHERE e.order_id = k.issued_for AND e.issues = k.campaign_id AND e.returned_at IS NOT NULL
			) THEN 'VOID' ELSE 'ISSUED' END FROM returned r
			WHERE k.id = r.coupon_id AND k.order_id = @order AND k.state = 'USED'
		), earned AS (
			UPDATE coupons k SET state = 'VOID' WHERE k.issued_for = @order AND k.state = 'ISSUED' AND @only::uuid[] IS NULL
		), presents AS (
			UPDATE campaign_gifts g SET given = greatest(g.given - x.quantity, 0)
			FROM (SELECT r.campaign_id, (e ->> 'VariantID')::uuid AS variant_id, sum((e ->> 'Quantity')::int)::int AS quantity
				FROM returned r, jsonb_array_elements(r.gifts) e GROUP BY 1, 2) x
			WHERE g.campaign_id = x.campaign_id AND g.variant_id = x.variant_id
		), revived AS (
			UPDATE campaigns c SET spent_at = NULL FROM returned r WHERE c.id = r.campaign_id AND r.counted AND c.spent_at IS NOT NULL
			RETURNING c.id
		)
		SELECT r.campaign_id, c.brand_id, EXISTS (SELECT FROM revived v WHERE v.id = r.campaign_id) AS revived
		FROM returned r JOIN campaigns c ON c.id = r.campaign_id`, pgx.NamedArgs{"order": b.OrderID, "at": b.At, "back": b.CameBack, "only": b.Only})
	var campaigns []uuid.UUID
	for _, r := range rows {
		campaigns = append(campaigns, r.CampaignID)
		if r.Revived {
			if err := s.db.moveRules(ctx, r.BrandID, rulesMoved{}); err != nil {
				return nil, err
			}
		}
	}
	return campaigns, err
}
