package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/member"
)

// Ranks are the brand's open ranks, the highest first.
func (s *Members) Ranks(ctx context.Context, brandID uuid.UUID) ([]member.Rank, error) {
	return collect[member.Rank](ctx, s.db, `
		SELECT id, brand_id, code, name, min_spend, `+currencyOf("brand_id")+` AS currency, months, group_id, closed_at, updated_at
		FROM member_ranks WHERE brand_id = $1 AND closed_at IS NULL ORDER BY min_spend DESC, code`, brandID)
}

// SaveRank keeps the rank, new or changed.
func (s *Members) SaveRank(ctx context.Context, r member.Rank) error {
	tag, err := s.db.conn(ctx).Exec(ctx, `
		WITH unlinked AS ( -- who was in the group by a rank that is not linked to it any more
			DELETE FROM customer_group_members g USING member_ranks k WHERE k.id = $1 AND k.brand_id = $2 AND k.group_id IS DISTINCT FROM $9::uuid
				AND g.group_id = k.group_id AND g.member_id IS NOT NULL
				AND NOT EXISTS (SELECT FROM member_ranks o WHERE o.group_id = k.group_id AND o.id <> k.id AND o.closed_at IS NULL)
		)
		INSERT INTO member_ranks AS k (id, brand_id, code, name, min_spend, months, closed_at, updated_at, group_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (id) DO UPDATE SET code = $3, name = $4, min_spend = $5, months = $6, closed_at = $7, updated_at = $8, group_id = $9 WHERE k.brand_id = $2`,
		r.ID, r.BrandID, r.Code, r.Name, r.MinSpendMinor, r.Months, r.ClosedAt, r.UpdatedAt, r.GroupID)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.ConstraintName == "member_ranks_code" {
		return fault.Conflict(fault.CodeDuplicate, "このコードは使われています", "The code is taken").At("code")
	}
	if err == nil && tag.RowsAffected() == 0 {
		return fault.ErrNotFound.At("id")
	}
	return err
}

// RankAll lets the ranks of all the brand's members be worked out again.
func (s *Members) RankAll(ctx context.Context, brandID uuid.UUID, on time.Time) error {
	_, err := s.db.conn(ctx).Exec(ctx, `UPDATE memberships SET rank_due_on = $2::date WHERE brand_id = $1 AND ended_at IS NULL AND rank_due_on IS DISTINCT FROM $2::date`, brandID, on)
	return err
}

type ranked struct {
	MemberID, BrandID uuid.UUID
	FromID, ToID      *uuid.UUID
	Spend             int64
}

// Rank works out ranks that are due, in one statement. A rank's window of months ends
// today; the rank is due again when the oldest purchase that counts leaves its window.
func (s *Members) Rank(ctx context.Context, on time.Time, most int) (looked int, changed []member.RankChange, err error) {
	rows, err := collect[ranked](ctx, s.db, `
		WITH due AS (
			SELECT member_id, brand_id, rank_id FROM memberships
			WHERE rank_due_on <= $1::date AND ended_at IS NULL ORDER BY rank_due_on, member_id LIMIT $2 FOR UPDATE SKIP LOCKED
		), windows AS (
			SELECT d.member_id, d.brand_id, r.id AS rank_id, r.min_spend, r.months, coalesce(sum(p.total), 0)::bigint AS spend,
				(min(p.bought_on) + make_interval(months => r.months))::date AS leaves_on
			FROM due d JOIN member_ranks r ON r.brand_id = d.brand_id AND r.closed_at IS NULL
			LEFT JOIN purchase_sums p ON p.member_id = d.member_id AND p.brand_id = d.brand_id
				AND p.bought_on > ($1::date - make_interval(months => r.months))::date AND p.bought_on <= $1::date
			GROUP BY d.member_id, d.brand_id, r.id
		), reached AS (
			SELECT DISTINCT ON (member_id, brand_id) member_id, brand_id, rank_id FROM windows
			WHERE spend >= min_spend ORDER BY member_id, brand_id, min_spend DESC
		), worked AS (
			SELECT d.member_id, d.brand_id, d.rank_id AS from_id, x.rank_id AS to_id, coalesce(w.spend, 0) AS spend, greatest(w.due_on, $1::date + 1) AS due_on
			FROM due d LEFT JOIN reached x USING (member_id, brand_id)
			LEFT JOIN (SELECT member_id, brand_id, max(spend) AS spend, min(leaves_on) AS due_on FROM windows GROUP BY member_id, brand_id) w USING (member_id, brand_id)
		), written AS (
			UPDATE memberships j SET rank_id = w.to_id, spend = w.spend, rank_due_on = CASE
				WHEN EXISTS (SELECT FROM purchase_sums f WHERE f.member_id = j.member_id AND f.brand_id = j.brand_id AND f.bought_on > $1::date) THEN $1::date + 1 -- a till is ahead of the day
				WHEN w.due_on > $1::date + 1 OR w.spend <> 0 THEN w.due_on END
			FROM worked w WHERE j.member_id = w.member_id AND j.brand_id = w.brand_id
		)
		SELECT member_id, brand_id, from_id, to_id, spend FROM worked`, on, most)
	if err != nil {
		return 0, nil, err
	}
	if err := s.syncRankGroups(ctx, rows, on); err != nil {
		return 0, nil, err
	}
	for _, r := range rows {
		if value(r.FromID) != value(r.ToID) {
			changed = append(changed, member.RankChange{MemberID: r.MemberID, BrandID: r.BrandID, FromID: r.FromID, ToID: r.ToID, SpendMinor: r.Spend})
		}
	}
	return len(rows), changed, nil
}

func value(key *uuid.UUID) uuid.UUID {
	if key == nil {
		return uuid.Nil
	}
	return *key
}

// AddRankChanges adds to the history of ranks.
func (s *Members) AddRankChanges(ctx context.Context, changes []member.RankChange) error {
	_, err := s.db.conn(ctx).CopyFrom(ctx, pgx.Identifier{"member_rank_changes"}, []string{"id", "member_id", "brand_id", "from_id", "to_id", "spend", "at"},
		pgx.CopyFromSlice(len(changes), func(i int) ([]any, error) {
			c := changes[i]
			return []any{c.ID, c.MemberID, c.BrandID, c.FromID, c.ToID, c.SpendMinor, c.At}, nil
		}))
	return err
}

// RankChanges are the members' changes, the latest first.
func (s *Members) RankChanges(ctx context.Context, memberIDs []uuid.UUID) ([]member.RankChange, error) {
	return collect[member.RankChange](ctx, s.db, `
		SELECT c.id, c.member_id, c.brand_id, c.from_id, c.to_id, f.name AS from_name, t.name AS to_name, c.spend, `+currencyOf("c.brand_id")+` AS currency, c.at
		FROM member_rank_changes c LEFT JOIN member_ranks f ON f.id = c.from_id LEFT JOIN member_ranks t ON t.id = c.to_id
		WHERE c.member_id = ANY($1) ORDER BY c.member_id, c.at DESC, c.id DESC`, memberIDs)
}
