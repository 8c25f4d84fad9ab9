package resolvers_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
)

func TestAPickUpWaitsForNothing(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980).Variants[0]
	backOrders(t, a, nil, 5)
	umeda := openShop(t, a, "umeda", "OSAKA", map[uuid.UUID]int{leash: 2})
	order := picks(t, a, umeda, leash, 1).order(t, "1980", "AT_SHOP").Order.ID
	staff := counter{a, editor}
	line := staff.look(t, order).Lines[0].ID
	require.Equal(t, "INSUFFICIENT_STOCK", staff.edit(t, order, lines(line, 3)).code(), "what comes later comes to the warehouse")
	requireShopStock(t, a, umeda, leash, 2, 1)
	require.Empty(t, staff.edit(t, order, lines(line, 2)).UserErrors)
	requireShopStock(t, a, umeda, leash, 2, 2)

	// One of the two lies elsewhere: nobody is handed half an order.
	key, ours := keyOf(t, order), counter{a, clerkOf(umeda)}
	exec(t, a, `UPDATE stock_reservations SET quantity = 1 WHERE order_id = $1`, key)
	exec(t, a, `INSERT INTO stock_reservations (order_id, variant_id, location_id, quantity) VALUES ($1, $2, $3, 1)`, key, leash, a.WarehouseID)
	require.Equal(t, "SHIPMENT_NOT_ALLOCATED", ours.fetch(t, "readyPickUp", apptest.Variables{"orderId": order}).code())
	exec(t, a, `DELETE FROM stock_reservations WHERE order_id = $1 AND location_id = $2`, key, a.WarehouseID)
	exec(t, a, `UPDATE stock_reservations SET quantity = 2 WHERE order_id = $1`, key)
	require.Empty(t, ours.fetch(t, "readyPickUp", apptest.Variables{"orderId": order}).UserErrors)
}
