package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/inventory"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/page"
)

const deliveryColumns = `d.id, d.brand_id, d.location_id, d.state, d.supplier, d.reference, d.expected_on, d.created_at, d.updated_at`

// InsertDelivery writes a delivery with its lines.
func (s *Inventory) InsertDelivery(ctx context.Context, d inventory.Delivery, lines []inventory.DeliveryLine) error {
	batch := &pgx.Batch{}
	batch.Queue(`
		INSERT INTO stock_deliveries (id, brand_id, location_id, state, supplier, reference, expected_on, created_at, updated_at)
		VALUES (@id, @brand, @location, @state, @supplier, @reference, @expected, @created, @updated)`,
		pgx.NamedArgs{"id": d.ID, "brand": d.BrandID, "location": d.LocationID, "state": d.State, "supplier": d.Supplier,
			"reference": d.Reference, "expected": d.ExpectedOn, "created": d.CreatedAt, "updated": d.UpdatedAt})
	batch.Queue(`
		INSERT INTO stock_delivery_lines (delivery_id, variant_id, position, quantity)
		SELECT @id, l.variant, l.nth - 1, l.quantity FROM unnest(@variants::uuid[], @quantities::int[]) WITH ORDINALITY AS l (variant, quantity, nth)`,
		deliveryArgs(d, lines))
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

func deliveryArgs(d inventory.Delivery, lines []inventory.DeliveryLine) pgx.NamedArgs {
	variants, quantities, arrived := make([]uuid.UUID, len(lines)), make([]int, len(lines)), make([]int, len(lines))
	for i, l := range lines {
		variants[i], quantities[i], arrived[i] = l.VariantID, l.Quantity, l.Arrived
	}
	return pgx.NamedArgs{"id": d.ID, "state": d.State, "expected": d.ExpectedOn, "updated": d.UpdatedAt, "variants": variants, "quantities": quantities, "arrived": arrived}
}

// SaveDelivery writes where a locked delivery stands, and what has arrived of it.
func (s *Inventory) SaveDelivery(ctx context.Context, d inventory.Delivery, lines []inventory.DeliveryLine) error {
	args, batch := deliveryArgs(d, lines), &pgx.Batch{}
	batch.Queue(`UPDATE stock_deliveries SET state = @state, expected_on = @expected, updated_at = @updated WHERE id = @id`, args)
	batch.Queue(`
		UPDATE stock_delivery_lines l SET arrived = n.arrived FROM unnest(@variants::uuid[], @arrived::int[]) AS n (variant, arrived)
		WHERE l.delivery_id = @id AND l.variant_id = n.variant AND l.arrived <> n.arrived`, args)
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

// LockDelivery reads a delivery of the brand and locks it; nil if there is none.
func (s *Inventory) LockDelivery(ctx context.Context, brandID, deliveryID uuid.UUID) (*inventory.Delivery, error) {
	return first[inventory.Delivery](ctx, s.db, `SELECT `+deliveryColumns+` FROM stock_deliveries d WHERE d.id = @id AND d.brand_id = @brand FOR UPDATE`,
		pgx.NamedArgs{"id": deliveryID, "brand": brandID})
}

// Delivery is a delivery of the brand; nil if there is none.
func (s *Inventory) Delivery(ctx context.Context, brandID, deliveryID uuid.UUID) (*inventory.Delivery, error) {
	return first[inventory.Delivery](ctx, s.db, `SELECT `+deliveryColumns+` FROM stock_deliveries d WHERE d.id = @id AND d.brand_id = @brand`,
		pgx.NamedArgs{"id": deliveryID, "brand": brandID})
}

// DeliveryLines are what many deliveries carry, in their order.
func (s *Inventory) DeliveryLines(ctx context.Context, deliveryIDs []uuid.UUID) ([]inventory.DeliveryLine, error) {
	return collect[inventory.DeliveryLine](ctx, s.db, `
		SELECT delivery_id, variant_id, position, quantity, arrived FROM stock_delivery_lines
		WHERE delivery_id = ANY(@ids) ORDER BY delivery_id, position`, pgx.NamedArgs{"ids": deliveryIDs})
}

// lateDelivery is the condition that the delivery d was expected before today, and has not
// come.
const lateDelivery = ` AND d.state = 'AWAITED' AND d.expected_on < (@now::timestamptz AT TIME ZONE 'Asia/Tokyo')::date`

// Deliveries is one page of the brand's deliveries, the last announced first.
func (s *Inventory) Deliveries(ctx context.Context, brandID uuid.UUID, f inventory.DeliveryFilter, in page.Args) (page.Connection[inventory.Delivery], error) {
	where, args := `d.brand_id = @brand`, pgx.NamedArgs{"brand": brandID}
	if f.State != nil {
		where, args["state"] = where+` AND d.state = @state`, *f.State
	}
	if f.LocationID != nil {
		where, args["location"] = where+` AND d.location_id = @location`, *f.LocationID
	}
	if len(f.Stores) > 0 {
		where, args["stores"] = where+` AND d.location_id = ANY(@stores)`, f.Stores
	}
	if f.Late {
		where, args["now"] = where+lateDelivery, f.Today
	}
	return latest(ctx, s.db, in, deliveryColumns, `stock_deliveries d`, where, `d.created_at`, `d.id`, args,
		func(d inventory.Delivery) timeKey { return timeKey{d.CreatedAt, d.ID} })
}

// needsMore is the condition that the level s fell to its reorder point.
const needsMore = `s.reorder_point IS NOT NULL AND s.on_hand - s.reserved - s.withheld + s.incoming <= s.reorder_point`

// Watch ends the alerts of levels that need no more, makes those of levels that do, and
// gives what it made and ended.
func (s *Inventory) Watch(ctx context.Context, at time.Time, most int) (opened []inventory.Opened, ended []inventory.Ended, err error) {
	args, batch := pgx.NamedArgs{"at": at, "most": most}, &pgx.Batch{}
	queueRows(batch, &ended, nil, `
		UPDATE stock_alerts a SET closed_at = @at FROM stock_levels s
		WHERE a.closed_at IS NULL AND s.variant_id = a.variant_id AND s.location_id = a.location_id AND (`+needsMore+`) IS NOT TRUE
		RETURNING a.id, a.brand_id`, args)
	queueRows(batch, &opened, nil, `
		WITH opened AS (
			INSERT INTO stock_alerts (id, brand_id, variant_id, location_id, opened_at)
			SELECT gen_random_uuid(), o.brand_id, s.variant_id, s.location_id, @at
			FROM stock_levels s JOIN locations o ON o.id = s.location_id AND o.active JOIN variants v ON v.id = s.variant_id AND v.active
			WHERE `+needsMore+` AND NOT EXISTS (SELECT FROM stock_alerts a WHERE a.variant_id = s.variant_id AND a.location_id = s.location_id AND a.closed_at IS NULL)
			ORDER BY s.location_id, s.variant_id LIMIT @most
			ON CONFLICT DO NOTHING RETURNING id, brand_id, variant_id, location_id
		)
		SELECT a.id, a.brand_id, v.sku, p.name, o.name AS location, `+levelColumns+`
		FROM opened a JOIN stock_levels s USING (variant_id, location_id) JOIN locations o ON o.id = s.location_id
		JOIN variants v ON v.id = s.variant_id JOIN products p ON p.id = v.product_id ORDER BY o.priority, o.code, v.sku`, args)
	err = s.db.conn(ctx).SendBatch(ctx, batch).Close()
	return opened, ended, err
}

// Alerts are one page of the levels that need more, the newest alert first.
func (s *Inventory) Alerts(ctx context.Context, brandID uuid.UUID, at inventory.At, in page.Args) (page.Connection[inventory.Alert], error) {
	where, args := `a.brand_id = @brand AND a.closed_at IS NULL`, pgx.NamedArgs{"brand": brandID}
	if at.LocationID != nil {
		where, args["location"] = where+` AND a.location_id = @location`, *at.LocationID
	}
	if len(at.Stores) > 0 {
		where, args["stores"] = where+` AND a.location_id = ANY(@stores)`, at.Stores
	}
	return latest(ctx, s.db, in, `a.id, a.brand_id, a.opened_at, `+levelColumns, `stock_alerts a JOIN stock_levels s USING (variant_id, location_id)`, where,
		`a.opened_at`, `a.id`, args, func(a inventory.Alert) timeKey { return timeKey{a.OpenedAt, a.ID} })
}

// Keepers are the staff who keep stock.
func (s *Inventory) Keepers(ctx context.Context) ([]messaging.Address, error) {
	return staffMay(ctx, s.db, access.InventoryWrite)
}
