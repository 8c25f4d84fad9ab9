package resolvers_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

// An answer that is lost on its way is asked for again: the pieces move once.
func TestStockMovesOnceForEachKey(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	variant := a.AddProduct(t, "leash", 1980).Variants[0]
	a.SetStock(t, variant, 10)
	type level struct{ OnHand, Free int }
	change := func(mutation, key string, quantity int) (level, string) {
		t.Helper()
		var got map[string]struct {
			Level      *level
			UserErrors []userError
		}
		a.DoAs(t, keeper, `mutation($in: StockInput!) { `+mutation+`(input: $in) { level { onHand free } userErrors { code field message } } }`, apptest.Variables{"in": apptest.Variables{
			"idempotencyKey": key, "variantId": id.Global("Variant", variant), "locationId": id.Global("Location", a.WarehouseID), "quantity": quantity,
		}}).Into(t, &got)
		if failed := got[mutation].UserErrors; len(failed) > 0 {
			require.Equal(t, []string{"idempotencyKey"}, failed[0].Field)
			return level{}, failed[0].Code
		}
		return *got[mutation].Level, ""
	}
	for _, c := range []struct {
		mutation string
		quantity int
		after    int
	}{{"receiveStock", 5, 15}, {"adjustStock", -3, 12}, {"countStock", 20, 20}} {
		first, code := change(c.mutation, "intent-1", c.quantity)
		require.Empty(t, code, c.mutation)
		require.Equal(t, level{c.after, c.after}, first, c.mutation)
		again, code := change(c.mutation, "intent-1", c.quantity)
		require.Empty(t, code, c.mutation)
		require.Equal(t, first, again, c.mutation)
		requireStock(t, a, variant, c.after, 0)
		_, code = change(c.mutation, "intent-1", c.quantity+1)
		require.Equal(t, "IDEMPOTENCY_KEY_REUSED", code, c.mutation)
		_, code = change(c.mutation, "short", c.quantity)
		require.Equal(t, "IDEMPOTENCY_KEY_INVALID", code, c.mutation)
	}
	again, _ := change("receiveStock", "intent-1", 5)
	require.Equal(t, 15, again.OnHand, "the answer is the first one, whatever has happened since")
	requireStock(t, a, variant, 20, 0)
	require.Equal(t, 3, eventsOf(t, a, "stock.changed"))

	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { change("receiveStock", "at-once-1", 2) })
	}
	all.Wait()
	requireStock(t, a, variant, 22, 0)
	require.Equal(t, 4, eventsOf(t, a, "stock.changed"))
}
