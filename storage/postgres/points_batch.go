package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/points"
)

const pointBatchColumns = `id, brand_id, programme_id, segment_id, points, reason, state, members, made, left_out, bounded, actor_id, created_at, updated_at, started_at, finished_at`

// InsertBatch keeps a batch, and its members as those who wait.
func (s *Points) InsertBatch(ctx context.Context, b points.Batch, memberIDs []uuid.UUID) error {
	if _, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO point_batches (id, brand_id, programme_id, segment_id, points, reason, state, members, bounded, actor_id, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		b.ID, b.BrandID, b.ProgrammeID, b.SegmentID, b.Points, b.Reason, b.State, b.Members, b.Bounded, b.ActorID, b.CreatedAt, b.UpdatedAt); err != nil {
		return err
	}
	_, err := s.db.conn(ctx).CopyFrom(ctx, pgx.Identifier{"point_waiters"}, []string{"batch_id", "member_id"}, pgx.CopyFromSlice(len(memberIDs), func(i int) ([]any, error) {
		return []any{b.ID, memberIDs[i]}, nil
	}))
	return err
}

// LockBatch is the batch, locked.
func (s *Points) LockBatch(ctx context.Context, batchID uuid.UUID) (*points.Batch, error) {
	return first[points.Batch](ctx, s.db, `SELECT `+pointBatchColumns+` FROM point_batches WHERE id = $1 FOR UPDATE`, batchID)
}

// PointBatch is the brand's batch.
func (s *Points) PointBatch(ctx context.Context, brandID, batchID uuid.UUID) (*points.Batch, error) {
	return first[points.Batch](ctx, s.db, `SELECT `+pointBatchColumns+` FROM point_batches WHERE brand_id = $1 AND id = $2`, brandID, batchID)
}

// UpdateBatch keeps how far a batch is.
func (s *Points) UpdateBatch(ctx context.Context, b points.Batch) error {
	_, err := s.db.conn(ctx).Exec(ctx, `UPDATE point_batches SET state = $2, made = $3, left_out = $4, updated_at = $5, started_at = $6, finished_at = $7 WHERE id = $1`,
		b.ID, b.State, b.Made, b.LeftOut, b.UpdatedAt, b.StartedAt, b.FinishedAt)
	return err
}

// TakeWaiting takes some of those who wait from the list.
func (s *Points) TakeWaiting(ctx context.Context, b points.Batch, key string, most int) (taken int, memberIDs []uuid.UUID, err error) {
	type row struct {
		MemberID uuid.UUID
		Stands   bool
	}
	rows, err := collect[row](ctx, s.db, `
		WITH few AS (SELECT member_id FROM point_waiters WHERE batch_id = @batch ORDER BY member_id LIMIT @most),
		gone AS (DELETE FROM point_waiters w USING few WHERE w.batch_id = @batch AND w.member_id = few.member_id RETURNING w.member_id)
		SELECT g.member_id, EXISTS (SELECT FROM memberships j WHERE j.member_id = g.member_id AND j.brand_id = @brand AND j.ended_at IS NULL)
			AND NOT EXISTS (SELECT FROM members m WHERE m.id = g.member_id AND m.erased_at IS NOT NULL)
			AND NOT EXISTS (
				SELECT FROM point_accounts a CROSS JOIN LATERAL (SELECT a.id UNION ALL SELECT o.id FROM point_accounts o WHERE o.merged_into = a.id) held
				JOIN point_entries e ON e.account_id = held.id AND e.key = @key
				WHERE a.programme_id = @programme AND a.member_id = g.member_id
			) AS stands
		FROM gone g ORDER BY g.member_id`,
		pgx.NamedArgs{"batch": b.ID, "brand": b.BrandID, "programme": b.ProgrammeID, "key": key, "most": most})
	for _, r := range rows {
		if r.Stands {
			memberIDs = append(memberIDs, r.MemberID)
		}
	}
	return len(rows), memberIDs, err
}

// DropWaiting lets nobody wait for the batch any more.
func (s *Points) DropWaiting(ctx context.Context, batchID uuid.UUID) error {
	_, err := s.db.conn(ctx).Exec(ctx, `DELETE FROM point_waiters WHERE batch_id = $1`, batchID)
	return err
}
