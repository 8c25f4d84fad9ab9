package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/shipping"
)

const shipmentColumns = `h.id, h.order_id, h.brand_id, h.location_id, h.nth, h.status, h.carrier_id, h.carrier, h.tracking_number, h.tracking_url,
	h.currency, h.total, h.shipping_fee, h.charge, h.taxes, h.ship_by, h.deliver_on, h.band, h.instructed_at, h.exported_at, h.shipped_at, h.delivered_at, h.updated_at,
	(SELECT coalesce(jsonb_agg(jsonb_build_object('orderId', h.order_id, 'lineId', p.line_id, 'variantId', p.variant_id, 'quantity', p.quantity) ORDER BY l.position, p.variant_id), '[]')
		FROM shipment_lines p JOIN order_lines l ON l.id = p.line_id WHERE p.shipment_id = h.id) AS lines`

// Held is what a locked order holds and waits for.
func (s *Orders) Held(ctx context.Context, orderID uuid.UUID, at time.Time) ([]order.Held, error) {
	return collect[order.Held](ctx, s.db, `
		SELECT r.variant_id, coalesce(r.location_id, @none) AS location_id, r.quantity,
			coalesce(t.kind = 'ADVANCE' AND t.release_at > @at, false) AS early, CASE WHEN t.kind = 'ADVANCE' AND t.release_at > @at THEN t.release_at END AS release_at
		FROM stock_reservations r LEFT JOIN locations o ON o.id = r.location_id LEFT JOIN sale_terms t ON t.variant_id = r.variant_id
		WHERE r.order_id = @order AND r.state = 'OPEN' ORDER BY o.priority, o.id, r.variant_id`,
		pgx.NamedArgs{"order": orderID, "at": at, "none": uuid.Nil})
}

// InsertShipments writes shipments with what is packed.
func (s *Orders) InsertShipments(ctx context.Context, all []order.Shipment) error {
	batch := &pgx.Batch{}
	for _, h := range all {
		batch.Queue(`
			INSERT INTO shipments (id, order_id, brand_id, location_id, nth, status, currency, ship_by, deliver_on, band, instructed_at, updated_at)
			VALUES (@id, @order, @brand, @location, @nth, @status, @currency, @ship_by, @deliver_on, @band, @at, @at)`, pgx.NamedArgs{
			"id": h.ID, "order": h.OrderID, "brand": h.BrandID, "location": h.LocationID, "nth": h.Nth, "status": h.Status, "currency": h.Currency, "at": h.InstructedAt,
			"ship_by": h.ShipBy, "deliver_on": h.DeliverOn, "band": h.Band,
		})
		args := packedArgs(h)
		args["id"] = h.ID
		batch.Queue(`
			INSERT INTO shipment_lines (shipment_id, line_id, variant_id, quantity)
			SELECT @id, line_id, variant_id, quantity FROM unnest(@lines::uuid[], @variants::uuid[], @quantities::int[]) AS p (line_id, variant_id, quantity)`, args)
	}
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

func packedArgs(h order.Shipment) pgx.NamedArgs {
	lines, variants, quantities := make([]uuid.UUID, len(h.Lines)), make([]uuid.UUID, len(h.Lines)), make([]int, len(h.Lines))
	for i, p := range h.Lines {
		lines[i], variants[i], quantities[i] = p.LineID, p.VariantID, p.Quantity
	}
	return pgx.NamedArgs{"lines": lines, "variants": variants, "quantities": quantities}
}

// SaveShipment writes what may change in a shipment.
func (s *Orders) SaveShipment(ctx context.Context, h order.Shipment) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		WITH parcel AS (
			INSERT INTO parcels (id, shipment_id, brand_id, tracking_number, key, created_at)
			SELECT @parcel, @id, @brand, @number, @key, @updated WHERE @key <> '' AND @left
			ON CONFLICT DO NOTHING
		)
		UPDATE shipments SET status = @status, carrier_id = @carrier_id, carrier = @carrier, tracking_number = @number, tracking_url = @url,
			total = @total, shipping_fee = @fee, charge = @charge, taxes = @taxes, shipped_at = @shipped, delivered_at = @delivered, updated_at = @updated
		WHERE id = @id`, pgx.NamedArgs{
		"parcel": id.New(), "brand": h.BrandID, "key": order.ParcelKey(h.TrackingNumber), "left": h.Status.Left(),
		"id": h.ID, "status": h.Status, "carrier_id": h.CarrierID, "carrier": h.Carrier, "number": h.TrackingNumber, "url": h.TrackingURL,
		"total": h.TotalMinor, "fee": h.ShippingMinor, "charge": h.ChargeMinor, "taxes": orEmpty(h.Taxes), "shipped": h.ShippedAt, "delivered": h.DeliveredAt, "updated": h.UpdatedAt,
	})
	return err
}

// CancelShipments calls those of the order off that have not left, and its pick-up.
func (s *Orders) CancelShipments(ctx context.Context, orderID uuid.UUID, at time.Time) error {
	batch := &pgx.Batch{}
	batch.Queue(`UPDATE shipments SET status = 'CANCELLED', updated_at = $2 WHERE order_id = $1 AND status = 'INSTRUCTED'`, orderID, at)
	batch.Queue(`UPDATE pick_ups SET state = 'CANCELLED', updated_at = $2 WHERE order_id = $1 AND state IN ('REQUESTED', 'READY')`, orderID, at)
	return s.db.later(ctx, batch)
}

// Shipments are those of the orders, in their order.
func (s *Orders) Shipments(ctx context.Context, orderIDs []uuid.UUID) ([]order.Shipment, error) {
	return collect[order.Shipment](ctx, s.db, `SELECT `+shipmentColumns+` FROM shipments h WHERE h.order_id = ANY($1) ORDER BY h.order_id, h.nth`, orderIDs)
}

// Shipment is the shipment with the id; nil if there is none.
func (s *Orders) Shipment(ctx context.Context, shipmentID uuid.UUID) (*order.Shipment, error) {
	return first[order.Shipment](ctx, s.db, `SELECT `+shipmentColumns+` FROM shipments h WHERE h.id = $1`, shipmentID)
}

// ShipmentsByID are the shipments with the ids.
func (s *Orders) ShipmentsByID(ctx context.Context, shipmentIDs []uuid.UUID) ([]order.Shipment, error) {
	return collect[order.Shipment](ctx, s.db, `SELECT `+shipmentColumns+` FROM shipments h WHERE h.id = ANY($1)`, shipmentIDs)
}

// ListShipments is one page of the brand's shipments, who waits longest first.
func (s *Orders) ListShipments(ctx context.Context, q order.ShipmentQuery) (page.Connection[order.Shipment], error) {
	where, args := `h.brand_id = @brand`, pgx.NamedArgs{"brand": q.BrandID}
	if len(q.Statuses) > 0 {
		where, args["statuses"] = where+` AND h.status = ANY(@statuses)`, q.Statuses
	}
	if len(q.LocationIDs) > 0 {
		where, args["locations"] = where+` AND h.location_id = ANY(@locations)`, q.LocationIDs
	}
	if q.TrackingNumber != "" {
		where, args["number"] = where+` AND EXISTS (SELECT FROM parcels p WHERE p.shipment_id = h.id AND p.key = @number)`, order.ParcelKey(q.TrackingNumber)
	}
	if q.Exported != nil {
		where, args["exported"] = where+` AND (h.batch_id IS NOT NULL) = @exported`, *q.Exported
	}
	if q.PickUp != nil {
		where, args["pick_up"] = where+` AND @pick_up = EXISTS (SELECT FROM pick_ups u WHERE u.order_id = h.order_id)`, *q.PickUp
	}
	if q.Late {
		where, args["today"] = where+` AND `+lateShipment, q.Today
	}
	found, err := keyset(ctx, s.db, q.Page, shipmentColumns+` FROM shipments h`, where, `(h.instructed_at, h.id)`, `h.instructed_at, h.id`, args,
		func(k timeKey) []any { return []any{k.At, k.ID} }, func(h order.Shipment) timeKey { return timeKey{h.InstructedAt, h.ID} })
	found.Count = func(ctx context.Context) (int, error) {
		return one[int](ctx, s.db, `SELECT count(*) FROM shipments h WHERE `+where, args)
	}
	return found, err
}

// TrackedElsewhere reports whether a shipment of another order has the number with the
// same carrier.
func (s *Orders) TrackedElsewhere(ctx context.Context, h order.Shipment) (bool, error) {
	return one[bool](ctx, s.db, `
		SELECT EXISTS (SELECT FROM parcels p JOIN shipments h ON h.id = p.shipment_id
			WHERE p.key = @key AND h.brand_id = @brand AND h.order_id <> @order AND h.status <> 'CANCELLED' AND h.carrier = @carrier)`,
		pgx.NamedArgs{"key": order.ParcelKey(h.TrackingNumber), "brand": h.BrandID, "order": h.OrderID, "carrier": h.Carrier})
}

// AddParcel notes the tracking number as one more of the shipment's, once.
func (s *Orders) AddParcel(ctx context.Context, h order.Shipment, at time.Time) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO parcels (id, shipment_id, brand_id, tracking_number, key, created_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
		id.New(), h.ID, h.BrandID, h.TrackingNumber, order.ParcelKey(h.TrackingNumber), at)
	return err
}

// Parcels are those of the shipments, in the order in which they were noted.
func (s *Orders) Parcels(ctx context.Context, shipmentIDs []uuid.UUID) ([]order.Parcel, error) {
	return collect[order.Parcel](ctx, s.db, `
		SELECT p.id, p.shipment_id, p.tracking_number, coalesce(c.tracking_url, '') AS followed, p.created_at,
			(SELECT coalesce(jsonb_agg(jsonb_build_object('status', e.status, 'at', e.at, 'place', e.place) ORDER BY e.at, e.received_at), '[]')
				FROM tracking_events e WHERE e.parcel_id = p.id) AS events
		FROM parcels p JOIN shipments h ON h.id = p.shipment_id LEFT JOIN shipping_carriers c ON c.id = h.carrier_id
		WHERE p.shipment_id = ANY($1) ORDER BY p.shipment_id, p.created_at, p.id`, shipmentIDs)
}

// ShipStock takes what is packed, and held for it, off the shelves, each piece a
// movement. It fails if the order does not hold so many there. Answered are the variants
// that are tracked.
func (s *Orders) ShipStock(ctx context.Context, h order.Shipment, at time.Time) ([]uuid.UUID, error) {
	args := acting(ctx, packedArgs(h))
	args["order"], args["location"], args["at"] = h.OrderID, h.LocationID, at
	counts, err := first[struct {
		Wanted, Taken int
		Tracked       []uuid.UUID
	}](ctx, s.db, `
		WITH packed AS (
			SELECT variant_id, sum(quantity)::int AS quantity FROM unnest(@variants::uuid[], @quantities::int[]) AS p (variant_id, quantity) GROUP BY variant_id
		), locked AS (
			SELECT s.variant_id, s.tracked FROM stock_levels s JOIN packed USING (variant_id) WHERE s.location_id = @location
			ORDER BY s.variant_id FOR UPDATE OF s
		), given AS (
			UPDATE stock_reservations r SET quantity = CASE WHEN r.quantity > p.quantity THEN r.quantity - p.quantity ELSE r.quantity END,
				state = CASE WHEN r.quantity > p.quantity THEN 'OPEN' ELSE 'SHIPPED' END
			FROM packed p JOIN locked USING (variant_id)
			WHERE r.order_id = @order AND r.variant_id = p.variant_id AND r.location_id = @location AND r.state = 'OPEN' AND r.quantity >= p.quantity
			RETURNING p.variant_id, p.quantity
		), taken AS (
			UPDATE stock_levels s SET reserved = s.reserved - g.quantity, on_hand = s.on_hand - g.quantity
			FROM given g WHERE s.variant_id = g.variant_id AND s.location_id = @location
		), noted AS (
			INSERT INTO stock_movements (id, at, variant_id, location_id, kind, quantity, reserved, reference, actor_role, actor_id)
			SELECT gen_random_uuid(), @at, variant_id, @location, 'SHIPMENT', -quantity, -quantity, @order::text, @role, @actor FROM given
		)
		SELECT (SELECT count(*) FROM packed)::int AS wanted, (SELECT count(*) FROM given)::int AS taken,
			ARRAY(SELECT variant_id FROM locked WHERE tracked) AS tracked`, args)
	switch {
	case err != nil:
		return nil, err
	case counts.Wanted != counts.Taken:
		return nil, order.ErrNotAllocated.With(0)
	}
	return counts.Tracked, nil
}

// CarrierOf is the brand's carrier, or if none is named that of the shipping method; nil
// if there is none.
func (s *Shipping) CarrierOf(ctx context.Context, brandID uuid.UUID, carrierID *uuid.UUID, methodID uuid.UUID) (*shipping.Carrier, error) {
	return first[shipping.Carrier](ctx, s.db, `
		SELECT `+carrierColumns+` FROM shipping_carriers c
		WHERE c.brand_id = $1 AND c.id = coalesce($2, (SELECT m.carrier_id FROM shipping_methods m WHERE m.id = $3))`, brandID, carrierID, methodID)
}
