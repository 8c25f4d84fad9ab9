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

// JoinedSince reports whether the member is the brand's, and joined since the moment.
func (s *Points) JoinedSince(ctx context.Context, brandID, memberID uuid.UUID, since time.Time) (bool, error) {
	return one[bool](ctx, s.db, `
		SELECT EXISTS (SELECT FROM memberships WHERE member_id = $2 AND brand_id = $1 AND ended_at IS NULL AND joined_at >= $3)`, brandID, memberID, since)
}
