package seed_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/seed"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

func TestSampleOrdersStandEverywhere(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	require.NoError(t, seed.Write(t.Context(), db, seed.Options{}))
	now := clock.System()
	began := time.Now()
	require.NoError(t, seed.WriteOrders(t.Context(), db, now))
	require.Less(t, time.Since(began), 30*time.Second)

	type standing struct {
		Status string
		Paid   bool
		Orders int
	}
	rows, err := db.Pool().Query(t.Context(), `SELECT status, paid, count(*)::int AS orders FROM orders GROUP BY 1, 2 ORDER BY 1, 2`)
	require.NoError(t, err)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByName[standing])
	require.NoError(t, err)
	require.Equal(t, []standing{
		{"CANCELLED", false, 5}, {"CONFIRMED", true, 4}, {"DELIVERED", true, 27}, {"PENDING_PAYMENT", false, 6}, {"PICKING", false, 2}, {"PICKING", true, 2}, {"SHIPPED", true, 4},
	}, all)

	returned, err := db.Pool().Query(t.Context(), `SELECT DISTINCT status FROM returns ORDER BY 1`)
	require.NoError(t, err)
	states, err := pgx.CollectRows(returned, pgx.RowTo[string])
	require.NoError(t, err)
	require.Equal(t, []string{"APPROVED", "COMPLETED", "PARTLY_RECEIVED", "REJECTED", "REQUESTED", "WITHDRAWN"}, states)

	for what, sql := range map[string]string{
		"orders, events and payments of the future":      `SELECT (SELECT count(*) FROM orders WHERE placed_at > $1 OR updated_at > $1) + (SELECT count(*) FROM events WHERE at > $1) + (SELECT count(*) FROM payments WHERE created_at > $1)`,
		"orders too old for the weeks before":            `SELECT count(*) FROM orders WHERE placed_at < $1::timestamptz - interval '44 days'`,
		"open payments that are overdue":                 `SELECT count(*) FROM payments p JOIN orders o ON o.id = p.order_id WHERE o.status = 'PENDING_PAYMENT' AND p.due_at <= $1`,
		"orders whose history ends elsewhere":            `SELECT count(*) FROM orders o WHERE placed_at <= $1 AND status <> (SELECT data ->> 'after' FROM events e WHERE e.subject_id = o.id AND data ? 'after' AND data ->> 'after' <> '' ORDER BY position DESC LIMIT 1)`,
		"reservations of orders that hold none":          `SELECT count(*) FROM stock_reservations r JOIN orders o ON o.id = r.order_id WHERE o.placed_at <= $1 AND r.state = 'OPEN' AND o.status IN ('CANCELLED', 'SHIPPED', 'DELIVERED')`,
		"levels that are not the sum of their movements": `SELECT count(*) FROM stock_levels s WHERE $1 > '2000-01-01'::timestamptz AND on_hand <> (SELECT coalesce(sum(quantity), 0) FROM stock_movements m WHERE m.variant_id = s.variant_id AND m.location_id = s.location_id)`,
		"levels that reserve what no order holds":        `SELECT count(*) FROM stock_levels s WHERE $1 > '2000-01-01'::timestamptz AND reserved <> (SELECT coalesce(sum(quantity), 0) FROM stock_reservations r WHERE r.variant_id = s.variant_id AND r.location_id = s.location_id AND r.state = 'OPEN')`,
		"mails waiting to be sent":                       `SELECT count(*) FROM river_job WHERE $1 > '2000-01-01'::timestamptz`,
		"returns of the future":                          `SELECT count(*) FROM returns WHERE updated_at > $1`,
		"open carts":                                     `SELECT count(*) FROM carts WHERE NOT closed AND $1 > '2000-01-01'::timestamptz`,
	} {
		var n int
		require.NoError(t, db.Pool().QueryRow(t.Context(), sql, now).Scan(&n), what)
		require.Zero(t, n, what)
	}
	var billed, noted, transfers int
	require.NoError(t, db.Pool().QueryRow(t.Context(), `
		SELECT (SELECT count(*) FROM orders WHERE billing_address IS NOT NULL), (SELECT count(*) FROM orders WHERE internal_note <> ''), (SELECT count(*) FROM bank_transfers)`).
		Scan(&billed, &noted, &transfers))
	require.NotZero(t, billed)
	require.NotZero(t, noted)
	require.Equal(t, 33, transfers, "one for each order that was paid, but for those at the door")

	count := func() (n int) {
		require.NoError(t, db.Pool().QueryRow(t.Context(), `SELECT (SELECT count(*) FROM orders) + (SELECT count(*) FROM events) + (SELECT count(*) FROM carts) + (SELECT count(*) FROM stock_movements)`).Scan(&n))
		return n
	}
	before := count()
	require.NoError(t, seed.WriteOrders(t.Context(), db, now.Add(time.Hour)))
	require.Equal(t, before, count(), "a retailer with orders is left alone")
}
