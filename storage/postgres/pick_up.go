package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/page"
)

const pickUpColumns = `u.order_id, u.brand_id, u.shop_id, u.state, u.days, u.nonce, u.tries, u.locked_until, u.requested_at,
	u.ready_at, u.expires_at, u.reminded_at, u.handed_over_at, u.updated_at`

func queuePickUp(batch *pgx.Batch, p order.PickUp) {
	batch.Queue(`INSERT INTO pick_ups (order_id, brand_id, shop_id, state, days, requested_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		p.OrderID, p.BrandID, p.ShopID, p.State, p.Days, p.RequestedAt, p.UpdatedAt)
}

// PickUps are those of the orders.
func (s *Orders) PickUps(ctx context.Context, orderIDs []uuid.UUID) ([]order.PickUp, error) {
	return collect[order.PickUp](ctx, s.db, `SELECT `+pickUpColumns+` FROM pick_ups u WHERE u.order_id = ANY($1)`, orderIDs)
}

// LockPickUp reads an order's pick-up and locks it.
func (s *Orders) LockPickUp(ctx context.Context, orderID uuid.UUID) (*order.PickUp, error) {
	found, err := first[order.PickUp](ctx, s.db, `SELECT `+pickUpColumns+` FROM pick_ups u WHERE u.order_id = $1 FOR UPDATE`, orderID)
	if err == nil && found == nil {
		err = order.ErrPickUpUnknown
	}
	return found, err
}

// SavePickUp writes what may change in a pick-up.
func (s *Orders) SavePickUp(ctx context.Context, p order.PickUp) error {
	batch := &pgx.Batch{}
	batch.Queue(`
		UPDATE pick_ups SET state = @state, nonce = @nonce, tries = @tries, locked_until = @locked, ready_at = @ready,
			expires_at = @expires, reminded_at = @reminded, handed_over_at = @handed, updated_at = @updated
		WHERE order_id = @order`, pgx.NamedArgs{
		"order": p.OrderID, "state": p.State, "nonce": p.Nonce, "tries": p.Tries, "locked": p.LockedUntil, "ready": p.ReadyAt,
		"expires": p.ExpiresAt, "reminded": p.RemindedAt, "handed": p.HandedOverAt, "updated": p.UpdatedAt,
	})
	return s.db.later(ctx, batch)
}

// ListPickUps is one page of them, who waits longest first.
func (s *Orders) ListPickUps(ctx context.Context, q order.PickUpQuery) (page.Connection[order.PickUp], error) {
	from := `pick_ups u JOIN orders o ON o.id = u.order_id`
	where, args := `u.brand_id = @brand AND (u.state <> 'REQUESTED' OR o.status IN ('CONFIRMED', 'PICKING'))`, pgx.NamedArgs{"brand": q.BrandID}
	if len(q.ShopIDs) > 0 {
		where, args["shops"] = where+` AND u.shop_id = ANY(@shops)`, q.ShopIDs
	}
	if len(q.States) > 0 {
		where, args["states"] = where+` AND u.state = ANY(@states)`, q.States
	}
	found, err := keyset(ctx, s.db, q.Page, pickUpColumns+` FROM `+from, where, `(u.requested_at, u.order_id)`, `u.requested_at, u.order_id`, args,
		func(k timeKey) []any { return []any{k.At, k.ID} }, func(p order.PickUp) timeKey { return timeKey{p.RequestedAt, p.OrderID} })
	found.Count = func(ctx context.Context) (int, error) {
		return one[int](ctx, s.db, `SELECT count(*) FROM `+from+` WHERE `+where, args)
	}
	return found, err
}

// DuePickUps are ready ones whose time is over by now, less those that replace returned
// goods; with remind, those whose time will be over so soon and whose customers have not
// been reminded of it.
func (s *Orders) DuePickUps(ctx context.Context, now time.Time, remind time.Duration, most int) ([]uuid.UUID, error) {
	due, err := collect[struct{ OrderID uuid.UUID }](ctx, s.db, `
		SELECT u.order_id FROM pick_ups u WHERE u.state = 'READY' AND u.expires_at <= $2
		  AND CASE WHEN $2 > $1 THEN u.expires_at > $1 AND u.reminded_at IS NULL ELSE NOT EXISTS (SELECT FROM return_receipts x WHERE x.exchange_order_id = u.order_id AND x.carried = 0) END
		ORDER BY u.expires_at LIMIT $3`, now, now.Add(remind), most)
	ids := make([]uuid.UUID, len(due))
	for i, d := range due {
		ids[i] = d.OrderID
	}
	return ids, err
}

// ShopName is what the shop is called.
func (s *Orders) ShopName(ctx context.Context, shopID uuid.UUID) (i18n.Text, error) {
	return one[i18n.Text](ctx, s.db, `SELECT name FROM locations WHERE id = $1`, shopID)
}
