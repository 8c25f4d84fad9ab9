package resolvers_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
	coreorder "github.com/noren-commerce/noren/core/order"
)

// An older version gave an order up and left its stock held: that is named, and given back
// once.
func TestStockThatAGivenUpOrderStillHoldsIsGivenBackOnce(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash, method := a.AddProduct(t, "leash", 1980).Variants[0], a.AddShipping(t, "parcel", 0)
	_, stands := ordered(t, a, leash, method)
	_, placed := ordered(t, a, leash, method)
	staff := counter{a, cashier}
	require.Empty(t, staff.act(t, "cancelOrder", apptest.Variables{"orderId": placed.Order.ID}).UserErrors)
	requireStock(t, a, leash, 100, 1)
	orders, system := a.App.Resolvers.Orders, access.With(t.Context(), access.System)
	found, err := orders.Stranded(system, uuid.Nil)
	require.NoError(t, err)
	require.Empty(t, found)

	key := keyOf(t, placed.Order.ID)
	exec(t, a, `UPDATE stock_reservations SET state = 'OPEN' WHERE order_id = $1`, key)
	exec(t, a, `UPDATE stock_levels SET reserved = reserved + 1 WHERE variant_id = $1`, leash)
	exec(t, a, `INSERT INTO stock_movements (id, at, variant_id, location_id, kind, quantity, reserved) SELECT gen_random_uuid(), now(), variant_id, location_id, 'ALLOCATION', 0, 1 FROM stock_levels WHERE variant_id = $1`, leash)
	requireStock(t, a, leash, 100, 2)
	found, err = orders.Stranded(system, uuid.Nil)
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Equal(t, coreorder.Stranded{OrderID: key, Number: placed.Order.Number, VariantID: leash, SKU: found[0].SKU, Location: found[0].Location, Quantity: 1}, found[0])
	require.NotEmpty(t, found[0].Location)

	_, err = orders.Stranded(access.With(t.Context(), cashier), uuid.Nil)
	require.ErrorIs(t, err, fault.ErrForbidden)
	_, err = orders.ReleaseStranded(access.With(t.Context(), cashier), key)
	require.ErrorIs(t, err, fault.ErrForbidden)
	for i := range 2 {
		released, err := orders.ReleaseStranded(system, key)
		require.NoError(t, err)
		require.Len(t, released, 1-i, "done again, it changes nothing")
		requireStock(t, a, leash, 100, 1)
	}
	require.Equal(t, 1, countOf(t, a, `SELECT count(*) FROM events WHERE type = 'order.stock_released' AND data->'released'->0->>'quantity' = '1'`))
	released, err := orders.ReleaseStranded(system, keyOf(t, stands.Order.ID))
	require.NoError(t, err)
	require.Empty(t, released, "an order that stands holds what it holds")
	requireStock(t, a, leash, 100, 1)
	found, err = orders.Stranded(system, uuid.Nil)
	require.NoError(t, err)
	require.Empty(t, found)
}
