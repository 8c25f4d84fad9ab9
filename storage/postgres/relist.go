package postgres

import (
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// queueRelist queues the statement that copies the products' prices, stock and
// sold-out policy into their listings, where they differ. Whoever changes one calls it in the
// same transaction.
func queueRelist(batch *pgx.Batch, products []uuid.UUID, at time.Time) {
	batch.Queue(`
		WITH now_is AS (
			SELECT l.channel_id, l.product_id, min(r.amount) AS min_price, max(r.amount) AS max_price,
				coalesce(bool_or(EXISTS (
					SELECT FROM stock_levels s JOIN locations o ON o.id = s.location_id
					WHERE s.variant_id = v.id AND o.brand_id = v.brand_id AND o.ships AND o.active AND s.on_hand > s.reserved)), false) AS in_stock,
				CASE WHEN EXISTS (SELECT FROM sold_out_policies o WHERE o.brand_id = c.brand_id) THEN sold_out_policy(l.product_id) ELSE 'SHOW' END AS sold_out
			FROM product_listings l
			JOIN channels c ON c.id = l.channel_id
			LEFT JOIN variants v ON v.product_id = l.product_id AND v.active
			LEFT JOIN LATERAL (
				SELECT p.amount FROM prices p
				WHERE p.variant_id = v.id AND p.price_list_id = c.price_list_id AND p.min_quantity = 1 AND p.valid_from <= $2 AND p.valid_until > $2
				ORDER BY p.valid_from DESC LIMIT 1
			) r ON true
			WHERE l.product_id = ANY($1)
			GROUP BY l.channel_id, l.product_id, c.brand_id
		)
		UPDATE product_listings l SET min_price = n.min_price, max_price = n.max_price, in_stock = n.in_stock, sold_out = n.sold_out
		FROM now_is n
		WHERE l.channel_id = n.channel_id AND l.product_id = n.product_id
		  AND (l.min_price, l.max_price, l.in_stock, l.sold_out) IS DISTINCT FROM (n.min_price, n.max_price, n.in_stock, n.sold_out)`, products, at)
}
