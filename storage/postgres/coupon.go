package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/promotion"
)

const couponColumns = `k.id, k.brand_id, k.campaign_id, k.batch_id, k.code, k.hint, k.member_id,
	greatest(k.valid_from, '0001-01-01Z') AS valid_from, least(k.valid_until, '9999-12-31Z') AS valid_until,
	k.state, k.order_id, k.created_at, (SELECT c.name FROM campaigns c WHERE c.id = k.campaign_id) AS campaign`

// AddCoupons writes coupons in one COPY.
func (s *Campaigns) AddCoupons(ctx context.Context, coupons []promotion.NewCoupon) error {
	columns := []string{"id", "brand_id", "campaign_id", "batch_id", "code", "hint", "hash", "member_id", "valid_from", "valid_until", "state", "created_at"}
	_, err := s.db.conn(ctx).CopyFrom(ctx, pgx.Identifier{"coupons"}, columns, pgx.CopyFromSlice(len(coupons), func(i int) ([]any, error) {
		c := coupons[i]
		return []any{c.ID, c.BrandID, c.CampaignID, c.BatchID, c.Code, c.Hint, c.Hash, c.MemberID, c.From, c.Until, c.State, c.CreatedAt}, nil
	}))
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.ConstraintName == "coupons_brand_id_hash_key" {
		return promotion.ErrCodeTaken.At("sharedCode")
	}
	return err
}

// CouponByHash is the brand's coupon; nil if there is none.
func (s *Campaigns) CouponByHash(ctx context.Context, brandID uuid.UUID, hash []byte) (*promotion.Coupon, error) {
	return first[promotion.Coupon](ctx, s.db, `SELECT `+couponColumns+` FROM coupons k WHERE k.brand_id = @brand AND k.hash = @hash`,
		pgx.NamedArgs{"brand": brandID, "hash": hash})
}

// CouponsOf are the member's coupons that may still be used, the first to expire first.
func (s *Campaigns) CouponsOf(ctx context.Context, brandID, memberID uuid.UUID, at time.Time) ([]promotion.Coupon, error) {
	return collect[promotion.Coupon](ctx, s.db, `SELECT `+couponColumns+` FROM coupons k
		WHERE k.brand_id = @brand AND k.member_id = @member AND k.state = 'ISSUED' AND k.valid_until > @at ORDER BY k.valid_until, k.id`,
		pgx.NamedArgs{"brand": brandID, "member": memberID, "at": at})
}

// Coupons is one page of a campaign's coupons, newest first.
func (s *Campaigns) Coupons(ctx context.Context, brandID, campaignID uuid.UUID, p page.Args) (page.Connection[promotion.Coupon], error) {
	return newest(ctx, s.db, couponColumns, `coupons k`, []string{`k.brand_id = @brand`, `k.campaign_id = @campaign`},
		pgx.NamedArgs{"brand": brandID, "campaign": campaignID}, p, func(c promotion.Coupon) newestKey { return newestKey{c.CreatedAt, c.ID} })
}

// Void takes coupons that are not used out of use, and tells how many.
func (s *Campaigns) Void(ctx context.Context, brandID uuid.UUID, couponIDs []uuid.UUID) (int, error) {
	tag, err := s.db.conn(ctx).Exec(ctx, `UPDATE coupons SET state = 'VOID' WHERE brand_id = $1 AND id = ANY($2) AND state = 'ISSUED'`, brandID, couponIDs)
	return int(tag.RowsAffected()), err
}

// CouponByID is the brand's coupon; nil if there is none.
func (s *Campaigns) CouponByID(ctx context.Context, brandID, couponID uuid.UUID) (*promotion.Coupon, error) {
	return first[promotion.Coupon](ctx, s.db, `SELECT `+couponColumns+` FROM coupons k WHERE k.brand_id = @brand AND k.id = @id`,
		pgx.NamedArgs{"brand": brandID, "id": couponID})
}

// Earned are the coupons that an order, if it stands, has earned for its member.
func (s *Campaigns) Earned(ctx context.Context, orderID uuid.UUID) ([]promotion.Earned, error) {
	return collect[promotion.Earned](ctx, s.db, `
		SELECT u.issues AS campaign_id, c.name AS campaign, o.member_id, o.member_id AS account_id, coalesce(a.name, '') AS name,
			coalesce(a.email, '') AS email, coalesce(a.language, '') AS language
		FROM campaign_uses u JOIN orders o ON o.id = u.order_id JOIN campaigns c ON c.id = u.issues
		LEFT JOIN accounts a ON a.id = o.member_id AND a.closed_at IS NULL
		WHERE u.order_id = @order AND u.returned_at IS NULL AND u.issues IS NOT NULL AND o.member_id IS NOT NULL ORDER BY u.issues`,
		pgx.NamedArgs{"order": orderID})
}

// AddEarned writes a coupon that the order has earned, once.
func (s *Campaigns) AddEarned(ctx context.Context, c promotion.NewCoupon, orderID uuid.UUID) (bool, error) {
	tag, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO coupons (id, brand_id, campaign_id, hint, hash, member_id, valid_from, valid_until, state, issued_for, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (issued_for, campaign_id) WHERE issued_for IS NOT NULL DO NOTHING`,
		c.ID, c.BrandID, c.CampaignID, c.Hint, c.Hash, c.MemberID, c.From, c.Until, c.State, orderID, c.CreatedAt)
	return tag.RowsAffected() > 0, err
}
