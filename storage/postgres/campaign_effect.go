package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/promotion"
)

// Tally is the sums of what a campaign brought and gave.
func (s *Campaigns) Tally(ctx context.Context, campaignID uuid.UUID) (promotion.Tally, error) {
	t, err := first[promotion.Tally](ctx, s.db, `
		SELECT count(*) FILTER (WHERE u.returned_at IS NULL) AS orders,
			count(DISTINCT u.buyer_id) FILTER (WHERE u.returned_at IS NULL) AS customers,
			count(*) FILTER (WHERE u.returned_at IS NOT NULL) AS returned,
			coalesce(sum(o.total) FILTER (WHERE u.returned_at IS NULL), 0)::bigint AS sales,
			coalesce(sum(u.discount) FILTER (WHERE u.returned_at IS NULL), 0)::bigint AS given
		FROM campaign_uses u JOIN orders o ON o.id = u.order_id WHERE u.campaign_id = @campaign`, pgx.NamedArgs{"campaign": campaignID})
	if err != nil {
		return promotion.Tally{}, err
	}
	return *t, nil
}

// EachBuyer tells f what each member or company has bought in the period.
func (s *Campaigns) EachBuyer(ctx context.Context, brandID uuid.UUID, from, until time.Time, f func(uuid.UUID, int64)) error {
	rows, err := s.db.conn(ctx).Query(ctx, `
		SELECT coalesce(o.company_id, o.member_id), sum(o.total)::bigint FROM orders o
		WHERE o.brand_id = $1 AND o.placed_at >= $2 AND o.placed_at < $3 AND o.status <> 'CANCELLED'
			AND coalesce(o.company_id, o.member_id) IS NOT NULL
		GROUP BY 1`, brandID, from, until)
	if err != nil {
		return s.db.unavailable(ctx, err)
	}
	var (
		buyer uuid.UUID
		sales int64
	)
	_, err = pgx.ForEachRow(rows, []any{&buyer, &sales}, func() error {
		f(buyer, sales)
		return nil
	})
	return s.db.unavailable(ctx, err)
}
