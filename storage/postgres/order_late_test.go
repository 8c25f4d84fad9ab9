package postgres_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	coreorder "github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

// The late are told by what stands in an order, narrowed by anything else, in both orders
// of the list; and a page of them reads no more than the orders that have not left.
func TestLateOrdersAreFoundAmongThoseThatHaveNotLeft(t *testing.T) {
	t.Parallel()
	url, watched := pgtest.URL(t), new(asked)
	db, err := postgres.Open(t.Context(), url, postgres.WithMaxConns(2), postgres.WithTracer(watched))
	require.NoError(t, err)
	t.Cleanup(db.Close)
	shop := pgtest.FillShop(t, db)
	_, err = db.Pool().Exec(t.Context(), `
		INSERT INTO orders (id, number, brand_id, channel_id, email, language, status, currency, tax_inclusive, subtotal, shipping_fee, tax, total, taxes, breakdown,
			shipping_address, shipping_method, shipping_mode, payment_method, paid, placed_at, updated_at, held, shop_id, ship_by, promised_on)
		SELECT gen_random_uuid(), 'N' || i, $1, $2, 'a@example.jp', 'ja',
			CASE WHEN i % 100 > 0 THEN 'DELIVERED' ELSE (ARRAY['CONFIRMED', 'PICKING', 'PARTIALLY_SHIPPED', 'PENDING_PAYMENT', 'CANCELLED'])[1 + i / 100 % 5] END,
			'JPY', true, 1, 0, 0, 1, '[]', '[]', '{}', '{}', CASE WHEN i % 700 = 0 THEN 'PICK_UP' ELSE 'NORMAL' END, 'CARD', true,
			timestamptz '2026-01-01' + i * interval '1 minute', now(), CASE WHEN i % 1100 = 0 THEN 'FRAUD' ELSE '' END, CASE WHEN i % 300 = 0 THEN $3::uuid END,
			CASE WHEN i % 1300 <> 0 THEN date '2026-01-20' + i / 1000 END, CASE WHEN i % 1700 <> 0 THEN date '2026-01-22' + i / 1000 END
		FROM generate_series(1, 30000) i`, shop.BrandID, shop.ChannelID, shop.WarehouseID)
	require.NoError(t, err)
	_, err = db.Pool().Exec(t.Context(), `ANALYZE orders`)
	require.NoError(t, err)

	today, size := time.Date(2026, 2, 5, 0, 0, 0, 0, time.UTC), 100
	orders := postgres.NewOrders(db)
	for name, narrow := range map[string]func(q *coreorder.Query){
		"all":             func(*coreorder.Query) {},
		"held":            func(q *coreorder.Query) { q.Held = true },
		"a status":        func(q *coreorder.Query) { q.Statuses = []coreorder.Status{coreorder.Picking} },
		"statuses":        func(q *coreorder.Query) { q.Statuses = []coreorder.Status{coreorder.Delivered, coreorder.Confirmed} },
		"none of it":      func(q *coreorder.Query) { q.Statuses = []coreorder.Status{coreorder.Delivered} },
		"of a shop":       func(q *coreorder.Query) { q.Stores = []uuid.UUID{shop.WarehouseID} },
		"of two shops":    func(q *coreorder.Query) { q.Stores = []uuid.UUID{shop.WarehouseID, shop.BrandID} },
		"placed in a day": func(q *coreorder.Query) { q.PlacedFrom = &[]time.Time{time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC)}[0] },
	} {
		for _, oldest := range []bool{false, true} {
			q := coreorder.Query{BrandID: shop.BrandID, Today: today, Oldest: oldest, Page: page.Args{First: &size}}
			narrow(&q)
			all := q
			most := 100
			var want []string
			for all.Page = (page.Args{First: &most}); ; { // all of them, judged one by one
				found, err := orders.List(t.Context(), all)
				require.NoError(t, err)
				for _, o := range found.Nodes() {
					if isLate(o, today) {
						want = append(want, o.Number)
					}
				}
				if !found.PageInfo.HasNextPage {
					break
				}
				all.Page.After = found.PageInfo.EndCursor
			}
			q.Late = true
			var got []string
			for {
				found, err := orders.List(t.Context(), q)
				require.NoError(t, err)
				if q.Page.After == nil {
					require.Less(t, watched.buffers(t, db), 700, "%s: it reads all orders", name)
				}
				for _, o := range found.Nodes() {
					got = append(got, o.Number)
				}
				if !found.PageInfo.HasNextPage {
					break
				}
				q.Page.After = found.PageInfo.EndCursor
			}
			require.Equal(t, want, got, name)
			require.Equal(t, name == "none of it", len(want) == 0, name)
			q.Page.After = nil
			found, err := orders.List(t.Context(), q)
			require.NoError(t, err)
			n, err := found.Count(t.Context())
			require.NoError(t, err)
			require.Equal(t, len(want), n, name)
		}
	}
}

func isLate(o coreorder.Order, today time.Time) bool {
	return slices.Contains([]coreorder.Status{coreorder.Confirmed, coreorder.Picking, coreorder.PartiallyShipped}, o.Status) && o.ShippingMode != "PICK_UP" &&
		o.ShipBy != nil && (o.ShipBy.Before(today) || o.PromisedOn == nil)
}
