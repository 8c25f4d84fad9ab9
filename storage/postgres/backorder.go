package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/page"
)

// Waiting locks and reads who waits for the variants, and what is free of them. The
// stock is locked first, as everywhere.
func (s *Orders) Waiting(ctx context.Context, variantIDs []uuid.UUID) ([]order.Waiter, []cart.Level, error) {
	args := pgx.NamedArgs{"variants": variantIDs}
	waited, err := one[bool](ctx, s.db, `SELECT EXISTS (
		SELECT FROM stock_reservations WHERE variant_id = ANY(@variants) AND location_id IS NULL AND state = 'OPEN')`, args)
	if err != nil || !waited {
		return nil, nil, err
	}
	var (
		waiting []order.Waiter
		levels  []cart.Level
	)
	batch := &pgx.Batch{}
	batch.Queue(`SELECT FROM stock_levels WHERE variant_id = ANY(@variants) ORDER BY variant_id, location_id FOR UPDATE`, args)
	queueRows(batch, &waiting, nil, `
		SELECT r.order_id, r.variant_id, r.quantity, o.placed_at, NULL::date AS due_on, o.channel_id, coalesce(o.shipping_address->>'prefecture', '') AS prefecture,
			(SELECT coalesce(jsonb_agg(jsonb_build_object('variantId', h.variant_id, 'locationId', h.location_id, 'quantity', h.quantity)), '[]')
				FROM stock_reservations h WHERE h.order_id = r.order_id AND h.location_id IS NOT NULL AND h.state = 'OPEN') AS held
		FROM stock_reservations r JOIN orders o ON o.id = r.order_id
		WHERE r.variant_id = ANY(@variants) AND r.location_id IS NULL AND r.state = 'OPEN'
		ORDER BY o.placed_at, r.order_id, r.variant_id FOR UPDATE OF r`, args)
	queueRows(batch, &levels, nil, `
		SELECT `+siteLevelColumns+`
		FROM stock_levels s JOIN locations o ON o.id = s.location_id
		WHERE s.variant_id = ANY(@variants) AND o.ships AND o.active ORDER BY o.priority, o.id`, args)
	return waiting, levels, s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

// WaitingFor are orders that wait for some of the variants, by their keys.
func (s *Orders) WaitingFor(ctx context.Context, brandID uuid.UUID, variantIDs []uuid.UUID, after uuid.UUID, most int) ([]uuid.UUID, error) {
	return column[uuid.UUID](ctx, s.db, `
		SELECT DISTINCT r.order_id FROM stock_reservations r JOIN orders o ON o.id = r.order_id
		WHERE r.variant_id = ANY($2) AND r.location_id IS NULL AND r.state = 'OPEN' AND r.order_id > $3 AND o.brand_id = $1
		ORDER BY r.order_id LIMIT $4`, brandID, variantIDs, after, most)
}

// Allocate turns what orders wait for into stock that they hold. All of it was
// locked by Waiting.
func (s *Orders) Allocate(ctx context.Context, found []order.Allocation, at time.Time) error {
	orders, all := make([]uuid.UUID, len(found)), make([]order.Reservation, len(found))
	for i, a := range found {
		orders[i], all[i] = a.OrderID, a.Reservation
	}
	args := acting(ctx, reservationArgs(all))
	args["orders"], args["at"] = orders, at
	const given = `
		WITH given AS (
			SELECT * FROM unnest(@orders::uuid[], @variants::uuid[], @locations::uuid[], @quantities::int[]) AS g (order_id, variant_id, location_id, quantity)
		)`
	batch := &pgx.Batch{}
	batch.Queue(given+`, noted AS (
			INSERT INTO stock_movements (id, at, variant_id, location_id, kind, quantity, reserved, reference, actor_role, actor_id)
			SELECT gen_random_uuid(), @at, variant_id, location_id, 'ALLOCATION', 0, quantity, order_id::text, @role, @actor::uuid FROM given
		)
		UPDATE stock_levels s SET reserved = s.reserved + g.quantity
		FROM (SELECT variant_id, location_id, sum(quantity)::int AS quantity FROM given GROUP BY 1, 2) g
		WHERE s.variant_id = g.variant_id AND s.location_id = g.location_id`, args)
	batch.Queue(given+`
		UPDATE back_orders k SET pieces = k.pieces - g.quantity
		FROM (SELECT variant_id, sum(quantity)::int AS quantity FROM given GROUP BY 1) g WHERE k.variant_id = g.variant_id`, args)
	batch.Queue(given+`
		UPDATE stock_reservations r SET quantity = CASE WHEN r.quantity > g.quantity THEN r.quantity - g.quantity ELSE r.quantity END,
			state = CASE WHEN r.quantity > g.quantity THEN 'OPEN' ELSE 'ALLOCATED' END
		FROM (SELECT order_id, variant_id, sum(quantity)::int AS quantity FROM given GROUP BY 1, 2) g
		WHERE r.order_id = g.order_id AND r.variant_id = g.variant_id AND r.location_id IS NULL AND r.state = 'OPEN'`, args)
	batch.Queue(given+`
		INSERT INTO stock_reservations AS r (order_id, variant_id, location_id, quantity)
		SELECT order_id, variant_id, location_id, quantity FROM given
		ON CONFLICT (order_id, variant_id, location_id) DO UPDATE SET state = 'OPEN',
			quantity = excluded.quantity + CASE r.state WHEN 'OPEN' THEN r.quantity ELSE 0 END`, args)
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

// BackOrders are one page of what orders wait for, the longest waiting first.
func (s *Orders) BackOrders(ctx context.Context, q order.BackOrderQuery) (page.Connection[order.BackOrder], error) {
	var none page.Connection[order.BackOrder]
	size, err := q.Page.Size()
	if err != nil {
		return none, err
	}
	type key struct {
		At      time.Time `json:"t"`
		Order   uuid.UUID `json:"o"`
		Variant uuid.UUID `json:"v"`
	}
	var after key
	behind, err := q.Page.Start(&after)
	if err != nil {
		return none, err
	}
	where, keyset := `FROM stock_reservations r JOIN orders o ON o.id = r.order_id
		WHERE o.brand_id = @brand AND r.location_id IS NULL AND r.state = 'OPEN'`, ``
	if q.VariantID != nil {
		where += ` AND r.variant_id = @variant`
	}
	if len(q.Stores) > 0 {
		where += ` AND ` + ofStores
	}
	if behind {
		keyset = ` AND (o.placed_at, r.order_id, r.variant_id) > (@at, @order, @behind)`
	}
	args := pgx.NamedArgs{"brand": q.BrandID, "variant": q.VariantID, "stores": q.Stores, "at": after.At, "order": after.Order, "behind": after.Variant, "limit": size + 1}
	rows, err := collect[order.BackOrder](ctx, s.db, `
		SELECT r.order_id, r.variant_id, r.quantity, o.placed_at, due_on(r.order_id, r.variant_id) AS due_on `+where+keyset+`
		ORDER BY o.placed_at, r.order_id, r.variant_id LIMIT @limit`, args)
	if err != nil {
		return none, err
	}
	found := page.Of(rows, size, behind, func(b order.BackOrder) any { return key{b.PlacedAt, b.OrderID, b.VariantID} })
	found.Count = func(ctx context.Context) (int, error) {
		return one[int](ctx, s.db, `SELECT count(*) `+where, args)
	}
	return found, nil
}
