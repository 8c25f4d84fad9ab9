package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/points"
)

// aboveProduct are the categories of a product, with those above them.
func aboveProduct(product string) string {
	return `ARRAY(
		WITH RECURSIVE above AS (
			SELECT c.id, c.parent_id FROM product_categories pc JOIN categories c ON c.id = pc.category_id WHERE pc.product_id = ` + product + `
			UNION SELECT c.id, c.parent_id FROM above JOIN categories c ON c.id = above.parent_id
		) SELECT id FROM above)`
}

// Prospect is what rules look at of a member who would buy the products in the brand: one
// statement for all of it.
func (s *Points) Prospect(ctx context.Context, brandID, memberID uuid.UUID, productIDs []uuid.UUID, at time.Time) (points.Prospect, error) {
	type row struct {
		First       bool
		Rank        string
		ProductID   uuid.UUID
		CategoryIDs []uuid.UUID
	}
	rows, err := collect[row](ctx, s.db, `
		WITH who AS (
			SELECT `+firstBought("@member::uuid", "@member::uuid", "@brand::uuid", "@at::timestamptz", "@source::uuid")+` AS first,
				coalesce(`+rankAt("@member", "@brand", "@at")+`, '') AS rank
		)
		SELECT who.first, who.rank, w.id AS product_id, `+aboveProduct("w.id")+` AS category_ids
		FROM who CROSS JOIN (SELECT DISTINCT unnest(@products::uuid[]) AS id) w`,
		pgx.NamedArgs{"member": memberID, "brand": brandID, "at": at, "source": id.New(), "products": productIDs})
	p := points.Prospect{Categories: make(map[uuid.UUID][]uuid.UUID, len(rows))}
	for _, r := range rows {
		p.First, p.Rank, p.Categories[r.ProductID] = r.First, r.Rank, r.CategoryIDs
	}
	return p, err
}

// EarnedFor is what the ledger holds for the orders and purchases, by programme.
func (s *Points) EarnedFor(ctx context.Context, sourceIDs []uuid.UUID) ([]points.EarnedFor, error) {
	return collect[points.EarnedFor](ctx, s.db, `
		SELECT source_id, programme_id, sum(pending)::bigint AS pending, sum(total - pending)::bigint AS confirmed FROM (
			SELECT coalesce(e.order_id, e.purchase_id) AS source_id, e.programme_id,
				CASE 'PENDING' WHEN e.credit THEN e.points WHEN e.debit THEN -e.points ELSE 0 END AS pending,
				CASE e.kind WHEN 'EARN' THEN e.points WHEN 'TAKE_BACK' THEN -e.points ELSE 0 END AS total
			FROM (SELECT * FROM point_entries WHERE order_id = ANY($1) UNION ALL SELECT * FROM point_entries WHERE purchase_id = ANY($1) AND order_id IS NULL) e
			WHERE e.kind IN ('EARN', 'CONFIRM', 'TAKE_BACK')
		) moved GROUP BY source_id, programme_id HAVING sum(total) <> 0 ORDER BY source_id, programme_id`, sourceIDs)
}
