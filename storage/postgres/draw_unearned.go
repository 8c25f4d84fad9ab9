package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/draw"
)

// Published are the brand's draws with a published list that purchases of the moment have
// earned entries of. Those whose list is to come wait to be closed.
func (s *Draws) Published(ctx context.Context, brandID uuid.UUID, at time.Time) ([]draw.Draw, error) {
	all, err := collect[draw.Draw](ctx, s.db, `
		SELECT `+drawColumns+` FROM draws WHERE brand_id = $1 AND per_minor > 0 AND opens_at <= $2 AND closes_at > $2 AND state <> 'CANCELLED' ORDER BY id FOR SHARE`, brandID, at)
	return slices.DeleteFunc(all, func(d draw.Draw) bool { return !d.Published() }), err
}

// Unearned are entries that the member's purchases have earned of the draws, and do not any
// more. Who was merged into the member after the list was published is the member.
func (s *Draws) Unearned(ctx context.Context, drawIDs []uuid.UUID, memberID uuid.UUID) ([]draw.Unearned, error) {
	return collect[draw.Unearned](ctx, s.db, `
		WITH RECURSIVE who AS (SELECT $2::uuid AS id UNION SELECT m.id FROM who JOIN members m ON m.merged_into = who.id)
		SELECT d.id AS draw_id, $2::uuid AS member_id, x.earned, s.due,
			EXISTS (SELECT FROM draw_winners w WHERE w.draw_id = d.id AND w.member_id IN (SELECT id FROM who) AND w.rank IS NOT NULL) AS won
		FROM draws d
		CROSS JOIN LATERAL (SELECT sum(e.earned)::int AS earned FROM draw_entrants e WHERE e.draw_id = d.id AND e.member_id IN (SELECT id FROM who)) x
		CROSS JOIN LATERAL (
			SELECT greatest(floor(coalesce(sum(p.total), 0) / d.per_minor), 0)::int AS due FROM purchases p
			WHERE p.member_id = $2 AND p.brand_id = d.brand_id AND p.bought_at >= d.opens_at AND p.bought_at < d.closes_at
		) s
		WHERE d.id = ANY($1) AND x.earned > s.due ORDER BY d.id`, drawIDs, memberID)
}
