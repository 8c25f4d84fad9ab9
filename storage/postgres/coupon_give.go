package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/promotion"
)

const couponBatchPlain = `b.id, b.brand_id, b.campaign_id, b.segment_id, greatest(b.valid_from, '0001-01-01Z') AS valid_from, least(b.valid_until, '9999-12-31Z') AS valid_until,
	b.state, b.members, b.made, b.actor_id, b.created_at, b.updated_at, b.finished_at`

// couponBatchColumns are those of a batch that somebody looks at, with how many coupons of it
// were used.
const couponBatchColumns = couponBatchPlain + `, (SELECT count(*) FROM coupons k WHERE k.batch_id = b.id AND k.state = 'USED') AS used`

// InsertBatch keeps a batch, and its members as those who wait.
func (s *Campaigns) InsertBatch(ctx context.Context, b promotion.CouponBatch, memberIDs []uuid.UUID) error {
	if _, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO coupon_batches (id, brand_id, campaign_id, segment_id, valid_from, valid_until, state, members, made, actor_id, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		b.ID, b.BrandID, b.CampaignID, b.SegmentID, b.From, b.Until, b.State, b.Count, b.Made, b.ActorID, b.CreatedAt, b.UpdatedAt); err != nil {
		return err
	}
	_, err := s.db.conn(ctx).CopyFrom(ctx, pgx.Identifier{"coupon_waiters"}, []string{"batch_id", "member_id"}, pgx.CopyFromSlice(len(memberIDs), func(i int) ([]any, error) {
		return []any{b.ID, memberIDs[i]}, nil
	}))
	return err
}

// LockBatch is the batch, locked. How many of its coupons were used is not counted: whoever
// makes them locks it for every few hundred.
func (s *Campaigns) LockBatch(ctx context.Context, batchID uuid.UUID) (*promotion.CouponBatch, error) {
	return first[promotion.CouponBatch](ctx, s.db, `SELECT `+couponBatchPlain+`, 0 AS used FROM coupon_batches b WHERE b.id = $1 FOR UPDATE`, batchID)
}

// Batch is the brand's batch.
func (s *Campaigns) Batch(ctx context.Context, brandID, batchID uuid.UUID) (*promotion.CouponBatch, error) {
	return first[promotion.CouponBatch](ctx, s.db, `SELECT `+couponBatchColumns+` FROM coupon_batches b WHERE b.brand_id = $1 AND b.id = $2`, brandID, batchID)
}

// UpdateBatch keeps how far a batch is.
func (s *Campaigns) UpdateBatch(ctx context.Context, b promotion.CouponBatch) error {
	_, err := s.db.conn(ctx).Exec(ctx, `UPDATE coupon_batches SET state = $2, made = $3, updated_at = $4, finished_at = $5 WHERE id = $1`, b.ID, b.State, b.Made, b.UpdatedAt, b.FinishedAt)
	return err
}

// TakeWaiting takes some of those who wait from the list.
func (s *Campaigns) TakeWaiting(ctx context.Context, b promotion.CouponBatch, most int) (taken int, memberIDs []uuid.UUID, err error) {
	type row struct {
		MemberID uuid.UUID
		Stands   bool
	}
	rows, err := collect[row](ctx, s.db, `
		WITH few AS (SELECT member_id FROM coupon_waiters WHERE batch_id = $1 ORDER BY member_id LIMIT $3),
		gone AS (DELETE FROM coupon_waiters w USING few WHERE w.batch_id = $1 AND w.member_id = few.member_id RETURNING w.member_id)
		SELECT g.member_id, EXISTS (SELECT FROM memberships j WHERE j.member_id = g.member_id AND j.brand_id = $2 AND j.ended_at IS NULL)
			AND NOT EXISTS (SELECT FROM coupons k WHERE k.batch_id = $1 AND k.member_id = g.member_id) AS stands
		FROM gone g ORDER BY g.member_id`, b.ID, b.BrandID, most)
	for _, r := range rows {
		if r.Stands {
			memberIDs = append(memberIDs, r.MemberID)
		}
	}
	return len(rows), memberIDs, err
}
