package postgres

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/order"
)

// stranded are the open reservations of given-up orders.
const stranded = `
	SELECT o.id AS order_id, o.number, r.variant_id, v.sku, coalesce(l.code, '') AS location, r.quantity
	FROM stock_reservations r JOIN orders o ON o.id = r.order_id AND o.status = 'CANCELLED'
	JOIN variants v ON v.id = r.variant_id LEFT JOIN locations l ON l.id = r.location_id
	WHERE r.state = 'OPEN' AND `

// Stranded is what given-up orders behind one still hold or wait for.
func (s *Orders) Stranded(ctx context.Context, after uuid.UUID, most int) ([]order.Stranded, error) {
	return collect[order.Stranded](ctx, s.db, stranded+`r.order_id > $1 ORDER BY r.order_id, v.sku, location LIMIT $2`, after, most)
}

// StrandedOf is what the order still holds or waits for, if it was given up.
func (s *Orders) StrandedOf(ctx context.Context, orderID uuid.UUID) ([]order.Stranded, error) {
	return collect[order.Stranded](ctx, s.db, stranded+`r.order_id = $1 ORDER BY v.sku, location`, orderID)
}
