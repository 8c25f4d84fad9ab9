package postgres_test

import (
	"context"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/inventory"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

func TestListsFollowTheStockAndCachesHearOfIt(t *testing.T) {
	t.Parallel()
	shop := pgtest.NewShop(t)
	p := shop.AddProduct(t, "collar", 1200, 1300)
	var heard []event.Event
	shop.DB.OnCommit(func(_ context.Context, events []event.Event) { heard = append(heard, events...) })
	shown := inventory.NewShown(postgres.NewInventory(shop.DB), postgres.NewEvents(shop.DB), clock.System)
	flip := func(variants ...uuid.UUID) {
		require.NoError(t, shop.DB.InTx(t.Context(), func(ctx context.Context) error { return shown.Flipped(ctx, variants) }))
	}

	shop.SetStock(t, p.Variants[0], 0)
	flip(p.Variants[0])
	require.True(t, inStock(t, shop, p.ID), "the other variant is there")
	require.Len(t, heard, 1)
	require.True(t, heard[0].Shown(), "what shoppers see has changed")
	shop.SetStock(t, p.Variants[1], 0)
	flip(p.Variants...)
	require.False(t, inStock(t, shop, p.ID))
	shop.SetStock(t, p.Variants[0], 1)
	flip(p.Variants[0])
	require.True(t, inStock(t, shop, p.ID))
}

// Two orders take the last pieces of a product's two variants at the same time:
// neither sees the other's, and the product is sold out.
func TestTwoWhoEmptyAProductTogetherLeaveItSoldOut(t *testing.T) {
	t.Parallel()
	shop := pgtest.NewShop(t)
	p := shop.AddProduct(t, "collar", 1200, 1300)
	shown := inventory.NewShown(postgres.NewInventory(shop.DB), postgres.NewEvents(shop.DB), clock.System)
	var both, done sync.WaitGroup
	both.Add(2)
	for _, variant := range p.Variants {
		done.Go(func() {
			first := true
			require.NoError(t, shop.DB.InTx(t.Context(), func(ctx context.Context) error {
				if err := shop.DB.Run(ctx, `UPDATE stock_levels SET reserved = on_hand WHERE variant_id = $1`, variant); err != nil {
					return err
				}
				if first {
					first = false
					both.Done()
					both.Wait()
				}
				return shown.Flipped(ctx, []uuid.UUID{variant})
			}))
		})
	}
	done.Wait()
	require.False(t, inStock(t, shop, p.ID))
}

func inStock(t *testing.T, shop *pgtest.Shop, product uuid.UUID) bool {
	t.Helper()
	there, err := postgres.One[bool](t.Context(), shop.DB, `SELECT in_stock FROM product_listings WHERE product_id = $1`, product)
	require.NoError(t, err)
	return there
}

func TestMovementsGoOnlyWithTheirLevel(t *testing.T) {
	t.Parallel()
	shop := pgtest.NewShop(t)
	shop.AddProduct(t, "collar", 1200)
	for _, sql := range []string{`DELETE FROM stock_movements`, `UPDATE stock_movements SET quantity = 1`, `TRUNCATE stock_movements`} {
		_, err := shop.DB.Pool().Exec(t.Context(), sql)
		require.ErrorContains(t, err, "stock movements are only added", sql)
	}
	_, err := shop.DB.Pool().Exec(t.Context(), `DELETE FROM stock_levels`)
	require.NoError(t, err)
	var left int
	require.NoError(t, shop.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM stock_movements`).Scan(&left))
	require.Zero(t, left)
}
