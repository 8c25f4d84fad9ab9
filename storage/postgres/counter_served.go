package postgres

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/i18n"
)

// Counters reads what is needed to serve a member at a counter.
type Counters struct{ db *DB }

// NewCounters makes the store.
func NewCounters(db *DB) *Counters { return &Counters{db} }

// Shop reports whether the brand has the shop or the event's stand, open.
func (s *Counters) Shop(ctx context.Context, brandID, shopID uuid.UUID) (bool, error) {
	return one[bool](ctx, s.db, `SELECT EXISTS (SELECT FROM locations WHERE id = $2 AND brand_id = $1 AND kind IN ('SHOP', 'EVENT') AND active)`, brandID, shopID)
}

// Hold locks the member's row as a merge does. Who has an account and has not joined has none.
func (s *Counters) Hold(ctx context.Context, memberID uuid.UUID) (bool, error) {
	gone, err := column[bool](ctx, s.db, `SELECT merged_into IS NOT NULL OR erased_at IS NOT NULL FROM members WHERE id = $1 FOR NO KEY UPDATE`, memberID)
	return err == nil && (len(gone) == 0 || !gone[0]), err
}

// Rank is the name of the member's rank in the brand.
func (s *Counters) Rank(ctx context.Context, brandID, memberID uuid.UUID) (i18n.Text, error) {
	names, err := column[i18n.Text](ctx, s.db, `
		SELECT r.name FROM memberships j JOIN member_ranks r ON r.id = j.rank_id WHERE j.member_id = $2 AND j.brand_id = $1 AND j.ended_at IS NULL`, brandID, memberID)
	if err != nil || len(names) == 0 {
		return nil, err
	}
	return names[0], nil
}
