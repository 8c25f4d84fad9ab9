package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/order"
)

// Unship puts what a shipment took on the shelves of one of the brand's open locations,
// each variant a movement, and reports whether there is such a location.
func (s *Orders) Unship(ctx context.Context, h order.Shipment, locationID uuid.UUID, at time.Time) (bool, error) {
	args := acting(ctx, packedArgs(h))
	args["brand"], args["location"], args["order"], args["at"] = h.BrandID, locationID, h.OrderID, at
	return one[bool](ctx, s.db, `
		WITH place AS (
			SELECT id FROM locations WHERE id = @location AND brand_id = @brand AND active
		), back AS (
			SELECT variant_id, sum(quantity)::int AS quantity FROM unnest(@variants::uuid[], @quantities::int[]) AS b (variant_id, quantity), place GROUP BY variant_id
		), raised AS (
			INSERT INTO stock_levels AS s (variant_id, location_id, on_hand) SELECT variant_id, @location, quantity FROM back ORDER BY variant_id
			ON CONFLICT (variant_id, location_id) DO UPDATE SET on_hand = s.on_hand + excluded.on_hand
		), noted AS (
			INSERT INTO stock_movements (id, at, variant_id, location_id, kind, quantity, reference, actor_role, actor_id)
			SELECT gen_random_uuid(), @at, variant_id, @location, 'RETURN', quantity, @order::text, @role, @actor FROM back
		)
		SELECT EXISTS (SELECT FROM place)`, args)
}

// CameBack is how many pieces of the order's lines were received by returns, by line.
func (s *Orders) CameBack(ctx context.Context, orderID uuid.UUID) (map[uuid.UUID]int, error) {
	rows, err := collect[struct {
		LineID   uuid.UUID
		Quantity int
	}](ctx, s.db, `
		SELECT l.line_id, sum(p.restocked + p.scrapped + p.repaired)::int AS quantity
		FROM returns t JOIN return_lines l ON l.return_id = t.id JOIN return_receipt_lines p ON p.return_line_id = l.id
		WHERE t.order_id = $1 GROUP BY l.line_id`, orderID)
	back := make(map[uuid.UUID]int, len(rows))
	for _, r := range rows {
		back[r.LineID] = r.Quantity
	}
	return back, err
}

// RefuseShipments notes that what has left of an order was not accepted.
func (s *Orders) RefuseShipments(ctx context.Context, orderID uuid.UUID, at time.Time) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE shipments SET refused_at = coalesce(refused_at, $2) WHERE order_id = $1 AND status IN ('SHIPPED', 'DELIVERED')`, orderID, at)
	return err
}

// SaveRefused writes what of the order's total is not owed any more, and takes the
// shipment's parcels that come back off the work list.
func (s *Orders) SaveRefused(ctx context.Context, o order.Order, shipmentID uuid.UUID, reason string, at time.Time, actorID uuid.UUID) error {
	batch := &pgx.Batch{}
	batch.Queue(`UPDATE orders SET refused = $2 WHERE id = $1`, o.ID, o.RefusedMinor)
	batch.Queue(`UPDATE shipments SET refused_at = coalesce(refused_at, $2) WHERE id = $1`, shipmentID, at)
	batch.Queue(`
		UPDATE delivery_issues SET state = 'SETTLED', reason = $2, settled_at = $3, settled_by = $4
		WHERE shipment_id = $1 AND kind = 'RETURNED' AND state = 'OPEN'`, shipmentID, reason, at, orNull(actorID))
	return s.db.later(ctx, batch)
}

// SaveCarried writes what was carried over to an order.
func (s *Orders) SaveCarried(ctx context.Context, orderID uuid.UUID, minor int64) error {
	_, err := s.db.conn(ctx).Exec(ctx, `UPDATE orders SET carried = $2 WHERE id = $1`, orderID, minor)
	return err
}
