package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/order"
)

// SaveEdit writes the amounts of an edited order, the lines that are new or not as
// before, and takes those away that are gone, with what called-off shipments say of them.
func (s *Orders) SaveEdit(ctx context.Context, o order.Order, lines []order.Line, removed []uuid.UUID) error {
	hash, err := s.db.emailHash(ctx, o.Email)
	if err != nil {
		return err
	}
	keyID, err := s.db.seal(ctx, &o)
	if err != nil {
		return err
	}
	batch := &pgx.Batch{}
	batch.Queue(`
		UPDATE orders SET subtotal = @subtotal, discount = @discount, shipping_fee = @fee, charge = @charge, tax = @tax, total = @total, taxes = @taxes, breakdown = @breakdown,
			shipping_address = @address, billing_address = @billing, email = @email, email_hash = @hash, key_id = @key, missed_gifts = @missed
		WHERE id = @id`, pgx.NamedArgs{
		"id": o.ID, "subtotal": o.SubtotalMinor, "discount": o.DiscountMinor, "fee": o.ShippingMinor, "tax": o.TaxMinor, "total": o.TotalMinor,
		"taxes": o.Taxes, "breakdown": o.Breakdown, "charge": o.ChargeMinor, "address": o.ShippingAddress, "billing": o.BillingAddress, "email": o.Email, "hash": hash, "key": keyID, "missed": texts(o.MissedGifts),
	})
	batch.Queue(`DELETE FROM shipment_lines WHERE line_id = ANY($1)`, removed)
	batch.Queue(`DELETE FROM order_lines WHERE id = ANY($1)`, removed)
	if err := queueLines(batch, lines); err != nil {
		return err
	}
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

// Reserve notes what a locked order holds, or waits for, besides.
func (s *Orders) Reserve(ctx context.Context, orderID uuid.UUID, more []order.Reservation) error {
	batch, args := &pgx.Batch{}, reservationArgs(more)
	args["order"], args["none"] = orderID, uuid.Nil
	batch.Queue(`
		INSERT INTO stock_reservations AS r (order_id, variant_id, location_id, quantity)
		SELECT @order, variant_id, nullif(location_id, @none), quantity
		FROM unnest(@variants::uuid[], @locations::uuid[], @quantities::int[]) AS m (variant_id, location_id, quantity)
		ON CONFLICT (order_id, variant_id, location_id) DO UPDATE SET state = 'OPEN',
			quantity = excluded.quantity + CASE r.state WHEN 'OPEN' THEN r.quantity ELSE 0 END`, args)
	return s.db.later(ctx, batch)
}

const (
	unreserved = `
	WITH less AS (
		SELECT variant_id, nullif(location_id, @none) AS location_id, quantity
		FROM unnest(@variants::uuid[], @locations::uuid[], @quantities::int[]) AS m (variant_id, location_id, quantity)
	), given AS (
		UPDATE stock_reservations r SET quantity = CASE WHEN r.quantity > l.quantity THEN r.quantity - l.quantity ELSE r.quantity END,
			state = CASE WHEN r.quantity > l.quantity THEN 'OPEN' ELSE 'RELEASED' END
		FROM less l
		WHERE r.order_id = @order AND r.variant_id = l.variant_id AND r.location_id IS NOT DISTINCT FROM l.location_id AND r.state = 'OPEN' AND r.quantity >= l.quantity
		RETURNING l.variant_id, l.location_id, l.quantity
	)`
	shelvesBack = unreserved + onShelvesAgain
	placesBack  = unreserved + `, locked AS (
		SELECT k.variant_id FROM back_orders k JOIN given USING (variant_id) ORDER BY k.variant_id FOR UPDATE OF k
	), back AS (
		UPDATE back_orders k SET pieces = k.pieces - g.quantity FROM given g JOIN locked USING (variant_id)
		WHERE k.variant_id = g.variant_id RETURNING k.variant_id, k.pieces, g.quantity
	)
	SELECT g.variant_id, coalesce(b.most, 0) - g.pieces AS free, -g.quantity AS taken, EXISTS (SELECT FROM set_parts z WHERE z.variant_id = g.variant_id) AS in_set
	FROM back g JOIN variants v ON v.id = g.variant_id` + looseStock
)

// Unreserve returns some of what a locked order holds, or waits for, and of what it counts
// against limits.
func (s *Orders) Unreserve(ctx context.Context, orderID uuid.UUID, less, limited []order.Reservation, at time.Time) ([]uuid.UUID, error) {
	var levels, places, left []moved
	waits := slices.DeleteFunc(slices.Clone(less), func(r order.Reservation) bool { return !r.Waits() })
	there := slices.DeleteFunc(slices.Clone(less), order.Reservation.Waits)
	batch := &pgx.Batch{}
	for _, part := range []struct {
		sql  string
		of   []order.Reservation
		into *[]moved
	}{{shelvesBack, there, &levels}, {placesBack, waits, &places}} {
		args := acting(ctx, reservationArgs(part.of))
		args["order"], args["none"], args["at"] = orderID, uuid.Nil, at
		if len(part.of) > 0 {
			queueRows(batch, part.into, nil, part.sql, args)
		}
	}
	if len(limited) > 0 {
		args := reservationArgs(limited)
		args["order"] = orderID
		queueRows(batch, &left, nil, limitsBack, args)
	}
	if err := s.db.conn(ctx).SendBatch(ctx, batch).Close(); err != nil {
		return nil, err
	}
	if len(levels) != len(there) || len(places) != len(waits) {
		return nil, order.ErrStockMoved
	}
	return slices.Concat(crossed(levels), crossed(places), crossed(left)), nil
}
