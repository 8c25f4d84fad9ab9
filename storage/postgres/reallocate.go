package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/order"
)

// siteLevelColumns are what is read of the stock s at the location o.
const siteLevelColumns = `s.variant_id, s.location_id, s.free, o.kind, coalesce(o.address->>'prefecture', '') AS prefecture`

// Repack writes what is left in a shipment that has not left: its carrier is told again.
func (s *Orders) Repack(ctx context.Context, h order.Shipment) error {
	args, batch := packedArgs(h), &pgx.Batch{}
	args["id"], args["status"], args["at"] = h.ID, h.Status, h.UpdatedAt
	batch.Queue(`UPDATE shipments SET status = @status, batch_id = NULL, exported_at = NULL, updated_at = @at WHERE id = @id`, args)
	if h.Status == order.ShipmentCancelled { // what was in it stays written, as of any that is called off
		return s.db.later(ctx, batch)
	}
	batch.Queue(`
		WITH left_in AS (SELECT * FROM unnest(@lines::uuid[], @variants::uuid[], @quantities::int[]) AS p (line_id, variant_id, quantity)), less AS (
			UPDATE shipment_lines l SET quantity = p.quantity FROM left_in p
			WHERE l.shipment_id = @id AND l.line_id = p.line_id AND l.variant_id = p.variant_id
		)
		DELETE FROM shipment_lines l WHERE l.shipment_id = @id AND NOT EXISTS (
			SELECT FROM left_in p WHERE p.line_id = l.line_id AND p.variant_id = l.variant_id)`, args)
	return s.db.later(ctx, batch)
}

// Lost takes pieces that are not there off the stock of a location, and reports whether
// any are kept by lots.
func (s *Orders) Lost(ctx context.Context, orderID uuid.UUID, gone []order.Reservation) (tracked bool, err error) {
	args := acting(ctx, reservationArgs(gone))
	args["order"] = orderID
	return one[bool](ctx, s.db, `
		WITH gone AS (
			SELECT * FROM unnest(@variants::uuid[], @locations::uuid[], @quantities::int[]) AS g (variant_id, location_id, quantity)
		), noted AS (
			INSERT INTO stock_movements (id, at, variant_id, location_id, kind, quantity, reference, actor_role, actor_id)
			SELECT gen_random_uuid(), now(), variant_id, location_id, 'ADJUSTMENT', -quantity, @order::text, @role, @actor FROM gone
		), taken AS (
			UPDATE stock_levels s SET on_hand = s.on_hand - g.quantity FROM gone g
			WHERE s.variant_id = g.variant_id AND s.location_id = g.location_id RETURNING s.tracked
		)
		SELECT coalesce(bool_or(tracked), false) FROM taken`, args)
}

// Wait gives pieces a place among those who wait.
func (s *Orders) Wait(ctx context.Context, waits []order.Reservation) error {
	if len(waits) == 0 {
		return nil
	}
	batch := &pgx.Batch{}
	batch.Queue(`
		INSERT INTO back_orders AS k (variant_id, pieces)
		SELECT variant_id, sum(quantity)::int FROM unnest(@variants::uuid[], @quantities::int[]) AS u (variant_id, quantity) GROUP BY variant_id ORDER BY variant_id
		ON CONFLICT (variant_id) DO UPDATE SET pieces = k.pieces + excluded.pieces`, reservationArgs(waits))
	return s.db.later(ctx, batch)
}

// Claims are what orders hold of the variants at the location, of the last placed first.
func (s *Orders) Claims(ctx context.Context, locationID uuid.UUID, variantIDs []uuid.UUID) ([]order.Claim, error) {
	return collect[order.Claim](ctx, s.db, `
		SELECT r.order_id, r.variant_id, r.quantity, o.shipping_mode = 'PICK_UP' AS picked_up
		FROM stock_reservations r JOIN orders o ON o.id = r.order_id
		WHERE r.variant_id = ANY(@variants) AND r.location_id = @location AND r.state = 'OPEN'
		ORDER BY o.placed_at DESC, r.order_id DESC, r.variant_id`, pgx.NamedArgs{"location": locationID, "variants": variantIDs})
}

// Short is how much more of each variant orders hold at the brand's location than may leave.
func (s *Orders) Short(ctx context.Context, brandID, locationID uuid.UUID) ([]order.Reservation, error) {
	return collect[order.Reservation](ctx, s.db, `
		SELECT s.variant_id, s.location_id, s.reserved - s.on_hand + s.withheld AS quantity
		FROM stock_levels s JOIN locations o ON o.id = s.location_id
		WHERE s.location_id = @location AND o.brand_id = @brand AND `+fallingShort+` ORDER BY s.variant_id`, pgx.NamedArgs{"location": locationID, "brand": brandID})
}

// SaveAllocation writes what counts when goods are looked for.
func (s *Orders) SaveAllocation(ctx context.Context, channelID uuid.UUID, preferences []channel.Preference) error {
	batch := &pgx.Batch{}
	batch.Queue(`UPDATE channels SET allocation = $2 WHERE id = $1`, channelID, orEmpty(preferences))
	return s.db.later(ctx, batch)
}
