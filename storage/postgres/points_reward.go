package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// RankNow is the code of the member's rank with the brand; empty for none.
func (s *Points) RankNow(ctx context.Context, brandID, memberID uuid.UUID) (string, error) {
	return one[string](ctx, s.db, `
		SELECT coalesce((SELECT k.code FROM memberships j JOIN member_ranks k ON k.id = j.rank_id WHERE j.member_id = $2 AND j.brand_id = $1 AND j.ended_at IS NULL), '')`, brandID, memberID)
}

// Welcomed are the brands that welcome the member: the one, if the member joined it since the
// moment, and is known by a proved address or to a shop; without one, all that were joined, if
// the address was proved since then.
func (s *Points) Welcomed(ctx context.Context, memberID uuid.UUID, brandID *uuid.UUID, since time.Time) ([]uuid.UUID, error) {
	return column[uuid.UUID](ctx, s.db, `
		SELECT j.brand_id FROM memberships j LEFT JOIN accounts a ON a.id = j.member_id
		WHERE j.member_id = $1 AND j.ended_at IS NULL AND a.closed_at IS NULL AND CASE WHEN $2::uuid IS NULL THEN a.email_verified_at >= $3
			ELSE j.brand_id = $2 AND j.joined_at >= $3 AND (a.email_verified_at IS NOT NULL OR j.registered_store_id IS NOT NULL) END
		ORDER BY j.brand_id`, memberID, brandID, since)
}
