package postgres

import (
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// queueRelist queues the statement that copies prices, stock and sold-out policy of the
// products, and of the sets that hold them, into their listings, where they differ. Whoever changes one calls it in the
// same transaction.
func queueRelist(batch *pgx.Batch, products []uuid.UUID, at time.Time) {
	batch.Queue(`
		WITH now_is AS (
			SELECT l.channel_id, l.product_id, min(r.amount) AS min_price, max(r.amount) AS max_price,
				CASE WHEN EXISTS (SELECT FROM sold_out_policies o WHERE o.brand_id = c.brand_id) THEN sold_out_rule(l.product_id) END AS rule
			FROM product_listings l
			JOIN channels c ON c.id = l.channel_id
			LEFT JOIN variants v ON v.product_id = l.product_id AND v.active
			LEFT JOIN sets z ON z.variant_id = v.id AND z.price_rule = 'PARTS'
			LEFT JOIN LATERAL (
				SELECT parts_price(v.id, c.price_list_id, $2) AS amount WHERE z.variant_id IS NOT NULL
				UNION ALL
				(SELECT p.amount FROM prices p
				WHERE z.variant_id IS NULL AND p.variant_id = v.id AND p.price_list_id = c.price_list_id AND p.min_quantity = 1 AND p.valid_from <= $2 AND p.valid_until > $2
				ORDER BY p.valid_from DESC LIMIT 1)
			) r ON true
			WHERE l.product_id IN (SELECT unnest($1::uuid[])
				UNION SELECT h.product_id FROM variants v JOIN set_parts q ON q.variant_id = v.id JOIN variants h ON h.id = q.set_id WHERE v.product_id = ANY($1))
			GROUP BY l.channel_id, l.product_id, c.brand_id
		)
		UPDATE product_listings l SET min_price = n.min_price, max_price = n.max_price, in_stock = n.in_stock, sold_out = n.sold_out, sold_out_rule = n.rule
		FROM (
			SELECT i.*, orderable(i.product_id, i.rule) AS in_stock, coalesce((SELECT policy FROM sold_out_policies WHERE id = i.rule), 'SHOW') AS sold_out
			FROM now_is i
		) n
		WHERE l.channel_id = n.channel_id AND l.product_id = n.product_id
		  AND (l.min_price, l.max_price, l.in_stock, l.sold_out, l.sold_out_rule) IS DISTINCT FROM (n.min_price, n.max_price, n.in_stock, n.sold_out, n.rule)`, products, at)
}
