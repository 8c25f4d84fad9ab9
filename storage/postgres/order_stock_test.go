package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/id"
	ordering "github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

// placedOrder is an order of the shop.
func placedOrder(t *testing.T, shop *pgtest.Shop) uuid.UUID {
	t.Helper()
	key := id.New()
	require.NoError(t, shop.DB.Run(t.Context(), `INSERT INTO orders (id, number, brand_id, channel_id, email, language, status, currency, tax_inclusive, subtotal, shipping_fee, tax, total, taxes, breakdown, shipping_address, shipping_method, payment_method, placed_at, updated_at)
		VALUES ($1::uuid, $1::uuid::text, $2, $3, 'neko@example.com', 'ja', 'CONFIRMED', 'JPY', true, 0, 0, 0, 0, '[]', '[]', '{}', '{}', 'BANK_TRANSFER', now(), now())`, key, shop.BrandID, shop.ChannelID))
	return key
}

// waitingOrder is an order that waits for pieces of the variant.
func waitingOrder(t *testing.T, shop *pgtest.Shop, variant uuid.UUID, pieces int) uuid.UUID {
	t.Helper()
	key := placedOrder(t, shop)
	require.NoError(t, shop.DB.Run(t.Context(), `INSERT INTO stock_reservations (order_id, variant_id, quantity) VALUES ($1, $2, $3)`, key, variant, pieces))
	require.NoError(t, shop.DB.Run(t.Context(), `INSERT INTO back_orders (variant_id, pieces) VALUES ($1, $2)`, variant, pieces))
	return key
}

// blocked waits until somebody waits for a lock in the test's database.
func blocked(t *testing.T, shop *pgtest.Shop) {
	t.Helper()
	require.Eventually(t, func() bool {
		waits, err := postgres.One[bool](t.Context(), shop.DB, `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')`)
		return err == nil && waits
	}, time.Minute, 5*time.Millisecond)
}

// An order is given up while what it waits for comes in: whoever is first, it holds nothing.
func TestAnOrderThatIsGivenUpHoldsNothingThatComesMeanwhile(t *testing.T) {
	t.Parallel()
	for name, comes := range map[string]int{"all of it comes": 2, "some of it comes": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shop := pgtest.NewShop(t)
			variant := shop.AddProduct(t, "collar", 1200).Variants[0]
			shop.SetStock(t, variant, comes)
			orders, waiting := postgres.NewOrders(shop.DB), waitingOrder(t, shop, variant, 2)
			released := make(chan error)
			require.NoError(t, shop.DB.InTx(t.Context(), func(ctx context.Context) error {
				found, levels, err := orders.Waiting(ctx, []uuid.UUID{variant})
				require.NoError(t, err)
				require.Len(t, found, 1)
				require.Equal(t, comes, levels[0].Free)
				go func() {
					released <- shop.DB.InTx(t.Context(), func(ctx context.Context) error {
						_, err := orders.Release(ctx, waiting, time.Now())
						return err
					})
				}()
				blocked(t, shop)
				return orders.Allocate(ctx, []ordering.Allocation{{OrderID: waiting, Reservation: ordering.Reservation{VariantID: variant, LocationID: shop.WarehouseID, Quantity: comes}}}, time.Now())
			}))
			require.NoError(t, <-released)
			for what, sql := range map[string]string{
				"open":     `SELECT count(*)::int FROM stock_reservations WHERE state = 'OPEN'`,
				"reserved": `SELECT sum(reserved)::int FROM stock_levels`,
				"moved":    `SELECT coalesce(sum(reserved), 0)::int FROM stock_movements`,
				"awaited":  `SELECT sum(pieces)::int FROM back_orders`,
			} {
				left, err := postgres.One[int](t.Context(), shop.DB, sql)
				require.NoError(t, err)
				require.Zero(t, left, what)
			}
		})
	}
}
