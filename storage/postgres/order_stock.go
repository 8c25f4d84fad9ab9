package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/inventory"
	"github.com/noren-commerce/noren/core/order"
)

// takeStock raises what is reserved where enough is free. The rows are locked in
// the order of their keys, so that two orders never wait for each other in a ring.
// The arrays stand in subqueries to hide their length from the planner, which else
// plans anew each time.
//
// The movements are written before the levels are locked, as others wait for these: where
// not enough is free, the transaction ends and there were none.
const takeStock = `
	WITH want AS (
		SELECT * FROM unnest((SELECT @variants::uuid[]), (SELECT @locations::uuid[]), (SELECT @quantities::int[]), (SELECT @ids::uuid[])) AS w (variant_id, location_id, quantity, id)
	), noted AS (
		INSERT INTO stock_movements (id, at, variant_id, location_id, kind, quantity, reserved, reference, actor_role, actor_id)
		SELECT id, @at, variant_id, location_id, 'ALLOCATION', 0, quantity, @order::uuid::text, @role, @actor::uuid FROM want
		RETURNING variant_id, location_id
	), locked AS (
		SELECT s.variant_id, s.location_id FROM stock_levels s JOIN noted USING (variant_id, location_id)
		ORDER BY s.variant_id, s.location_id FOR UPDATE OF s
	), turned AS (
		UPDATE stock_levels s SET reserved = s.reserved + w.quantity
		FROM want w JOIN locked USING (variant_id, location_id)
		WHERE s.variant_id = w.variant_id AND s.location_id = w.location_id AND s.free >= w.quantity
		RETURNING s.variant_id, s.location_id, s.free, w.quantity AS taken
	)` + turnedRows

// notedRelease adds the movement for each level of which the order lets pieces go.
const notedRelease = `, noted AS (
		INSERT INTO stock_movements (id, at, variant_id, location_id, kind, quantity, reserved, reference, actor_role, actor_id)
		SELECT gen_random_uuid(), @at, variant_id, location_id, 'RELEASE', 0, taken, @order::uuid::text, @role, @actor::uuid FROM turned
	)`

// onShelvesAgain lets the levels have what a statement has given of reservations.
const onShelvesAgain = `, locked AS (
		SELECT s.variant_id, s.location_id FROM stock_levels s JOIN given USING (variant_id, location_id)
		ORDER BY s.variant_id, s.location_id FOR UPDATE OF s
	), turned AS (
		UPDATE stock_levels s SET reserved = s.reserved - g.quantity
		FROM given g JOIN locked USING (variant_id, location_id)
		WHERE s.variant_id = g.variant_id AND s.location_id = g.location_id
		RETURNING s.variant_id, s.location_id, s.free, -g.quantity AS taken
	)` + notedRelease + turnedRows

// turnedRows answers the levels as moved.
const turnedRows = `
	SELECT t.variant_id, t.free, t.taken, EXISTS (SELECT FROM set_parts z WHERE z.variant_id = t.variant_id) AS in_set FROM turned t`

// moved is a stock level after some of it was taken.
type moved struct {
	VariantID uuid.UUID
	Free      int
	Taken     int
	InSet     bool // some set holds the variant, and counts it in other steps
}

// takeWaiting gives places among those who wait for variants, as long as the limit
// of their policy leaves some.
const takeWaiting = `
	WITH want AS (
		SELECT u.variant_id, u.quantity, b.most
		FROM unnest((SELECT @variants::uuid[]), (SELECT @quantities::int[])) AS u (variant_id, quantity)
		JOIN variants v ON v.id = u.variant_id` + looseStock + `
	)
	INSERT INTO back_orders AS k (variant_id, pieces)
	SELECT variant_id, quantity FROM want WHERE quantity <= most ORDER BY variant_id
	ON CONFLICT (variant_id) DO UPDATE SET pieces = k.pieces + excluded.pieces
	WHERE k.pieces + excluded.pieces <= (SELECT most FROM want WHERE want.variant_id = excluded.variant_id)
	RETURNING k.variant_id, (SELECT most FROM want WHERE want.variant_id = k.variant_id) - k.pieces AS free,
		(SELECT quantity FROM want WHERE want.variant_id = k.variant_id) AS taken, EXISTS (SELECT FROM set_parts z WHERE z.variant_id = k.variant_id) AS in_set`

// Take takes the stock where enough is free, and places among those who wait where
// the limit leaves them, or fails. It is the one door: nothing else holds goods for
// an order. Stock is locked before waiting lists, and these before limits, here and
// wherever several are.
func (s *Orders) Take(ctx context.Context, t order.Taking) ([]uuid.UUID, error) {
	var there, waits []order.Reservation
	for _, r := range t.Reservations {
		if r.Waits() {
			waits = append(waits, r)
		} else {
			there = append(there, r)
		}
	}
	var (
		levels, places, left []moved
		shares               []struct{ VariantID uuid.UUID }
	)
	batch := &pgx.Batch{}
	if len(there) > 0 {
		args := acting(ctx, reservationArgs(there))
		args["order"], args["at"], args["ids"] = t.OrderID, t.At, newIDs(len(there))
		queueRows(batch, &levels, nil, takeStock, args)
	}
	if len(waits) > 0 {
		queueRows(batch, &places, nil, takeWaiting, reservationArgs(waits))
	}
	if len(t.Limited) > 0 {
		names, err := s.db.counted(ctx, t.Customer)
		if err != nil {
			return nil, err
		}
		args := reservationArgs(t.Limited)
		args["customer"], args["customers"], args["order"], args["at"] = names[0], names, t.OrderID, t.At
		queueRows(batch, &left, nil, takeLimits, args)
		queueRows(batch, &shares, nil, takeShare, args)
		batch.Queue(noteTaken, args)
	}
	switch err := s.db.conn(ctx).SendBatch(ctx, batch).Close(); {
	case err != nil:
		return nil, err
	case len(levels) != len(there) || len(places) != len(waits) || len(left) != len(t.Limited) || len(shares) != len(t.Limited):
		return nil, order.ErrStockMoved
	}
	return slices.Concat(crossed(levels), crossed(places), crossed(left)), nil
}

// crossed are the variants at whose location the movement crossed a bound that
// shoppers may notice, and those that sets hold: theirs may lie anywhere.
func crossed(levels []moved) []uuid.UUID {
	var flipped []uuid.UUID
	for _, l := range levels {
		if l.InSet || inventory.AvailabilityOf(l.Free) != inventory.AvailabilityOf(l.Free+l.Taken) {
			flipped = append(flipped, l.VariantID)
		}
	}
	return flipped
}

// newIDs are keys that sort by when they were made, so that rows written one behind the
// other lie beside each other.
func newIDs(n int) []uuid.UUID {
	ids := make([]uuid.UUID, n)
	for i := range ids {
		ids[i] = id.New()
	}
	return ids
}

func reservationArgs(reservations []order.Reservation) pgx.NamedArgs {
	variants, locations, quantities := make([]uuid.UUID, len(reservations)), make([]uuid.UUID, len(reservations)), make([]int, len(reservations))
	for i, r := range reservations {
		variants[i], locations[i], quantities[i] = r.VariantID, r.LocationID, r.Quantity
	}
	return pgx.NamedArgs{"variants": variants, "locations": locations, "quantities": quantities}
}

// heldBack lets go of what the order holds at locations.
const heldBack = `
	WITH given AS (
		UPDATE stock_reservations SET state = 'RELEASED' WHERE order_id = @order AND state = 'OPEN' AND location_id IS NOT NULL
		RETURNING variant_id, location_id, quantity
	)` + onShelvesAgain

// Release returns the stock that the order holds; what is released stays so. What the order
// waits for may just have come: Allocate locks what waits, not the order, so that the order
// holds more once its waiting rows are to be had. Hence the second look.
func (s *Orders) Release(ctx context.Context, orderID uuid.UUID, at time.Time) ([]uuid.UUID, error) {
	var levels, places, came, left []moved
	batch, args := &pgx.Batch{}, acting(ctx, pgx.NamedArgs{"order": orderID, "at": at})
	queueRows(batch, &levels, nil, heldBack, args)
	queueRows(batch, &places, nil, `
		WITH released AS (
			UPDATE stock_reservations SET state = 'RELEASED' WHERE order_id = @order AND state = 'OPEN' AND location_id IS NULL
			RETURNING variant_id, quantity
		), locked AS (
			SELECT k.variant_id FROM back_orders k JOIN released USING (variant_id) ORDER BY k.variant_id FOR UPDATE OF k
		), given AS (
			UPDATE back_orders k SET pieces = k.pieces - r.quantity FROM released r JOIN locked USING (variant_id)
			WHERE k.variant_id = r.variant_id RETURNING k.variant_id, k.pieces, r.quantity
		)
		SELECT g.variant_id, coalesce(b.most, 0) - g.pieces AS free, -g.quantity AS taken, EXISTS (SELECT FROM set_parts z WHERE z.variant_id = g.variant_id) AS in_set
		FROM given g JOIN variants v ON v.id = g.variant_id`+looseStock, args)
	queueRows(batch, &came, nil, heldBack, args)
	queueRows(batch, &left, nil, giveBack, args)
	err := s.db.conn(ctx).SendBatch(ctx, batch).Close()
	return slices.Concat(crossed(levels), crossed(places), crossed(came), crossed(left)), err
}
