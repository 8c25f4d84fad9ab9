package resolvers_test

import (
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

// standAt is an event's stand or van that staff have made.
func (c *carrier) standAt(t *testing.T, code string) string {
	t.Helper()
	var saved struct {
		SaveLocation struct{ Location struct{ ID string } }
	}
	require.Empty(t, write(t, c.App, keeper, "saveLocation", "SaveLocationInput", "location { id }",
		apptest.Variables{"code": code, "name": apptest.Variables{"ja": code}, "kind": "EVENT", "ships": false}, &saved))
	return saved.SaveLocation.Location.ID
}

// A day at an event: goods are taken out to the van, sold from it, and what is left comes back.
func TestAVanSellsAtAnEvent(t *testing.T) {
	t.Parallel()
	c := newCarrier(t)
	van, other := c.standAt(t, "van-1"), c.standAt(t, "van-2")
	leash := keyOf(t, c.leash)
	crew := counter{c.App, clerkOf(keyOf(t, van))}
	member := newMember(t, c.App, uuid.Nil)
	sale := func(place string, pieces int, total string) apptest.Variables {
		return apptest.Variables{"shopId": place, "lines": []apptest.Variables{pieceOf(leash, pieces)}, "expectedTotal": total, "tenders": []apptest.Variables{{"method": "CASH"}}}
	}
	require.Equal(t, "INSUFFICIENT_STOCK", crew.sell(t, sale(van, 1, "100")).code(), "what lies in the warehouse is not on the van")

	out := c.send(t, apptest.Variables{"toId": van}, apptest.Variables{"variantId": c.leash, "quantity": 5})
	require.Empty(t, out.UserErrors)
	require.Equal(t, "INSUFFICIENT_STOCK", crew.sell(t, sale(van, 1, "100")).code(), "it is on its way")
	require.Empty(t, c.receive(t, out.Transfer.ID, map[string]int{c.leash: 5}).UserErrors)

	require.Equal(t, "FORBIDDEN", crew.sell(t, sale(other, 1, "100")).code(), "another van is another's")
	require.Equal(t, "FORBIDDEN", crew.sell(t, sale(c.shop, 1, "100")).code())
	require.Equal(t, "INSUFFICIENT_STOCK", crew.sell(t, sale(van, 6, "600")).code())
	code := memberCode(t, c.App, member)
	in := sale(van, 2, "200")
	in["memberCode"], in["idempotencyKey"] = code, "the-first-sale"
	sold := crew.sell(t, in)
	require.Empty(t, sold.UserErrors)
	require.Equal(t, []string{"DELIVERED", "EVENT", "200"}, []string{sold.Order.Status, sold.Order.Origin, sold.Order.Total.Amount})
	require.Equal(t, sold.Order.ID, crew.sell(t, in).Order.ID, "the same intent")
	requireShopStock(t, c.App, keyOf(t, van), leash, 3, 0)
	require.Equal(t, "200", trialBalance(t, c.App)["CASHvan-1"], "the van has a till of its own")

	// It stands in the history of what the member bought, with the van as the store.
	require.NoError(t, c.App.App.Resolvers.Purchases.WorkShipments(access.With(t.Context(), access.System)))
	var source string
	var store uuid.UUID
	require.NoError(t, c.DB.Pool().QueryRow(t.Context(), `SELECT source, store_id FROM purchases WHERE order_id = $1`, keyOf(t, sold.Order.ID)).Scan(&source, &store))
	require.Equal(t, []any{"STORE", keyOf(t, van)}, []any{source, store})
	var mine struct {
		Orders struct {
			Nodes []struct{ ID, Origin, ShopID string }
		}
	}
	c.DoAs(t, crew.actor, `{ orders { nodes { id origin shopId } } }`, nil).Into(t, &mine)
	require.Len(t, mine.Orders.Nodes, 1, "those of the van see its sales")
	require.Equal(t, []string{"EVENT", van}, []string{mine.Orders.Nodes[0].Origin, mine.Orders.Nodes[0].ShopID})
	c.DoAs(t, clerkOf(keyOf(t, other)), `{ orders { nodes { id origin shopId } } }`, nil).Into(t, &mine)
	require.Empty(t, mine.Orders.Nodes)

	// Two of the crew sell the last pieces: three, and not four.
	codes := make([]string, 4)
	var group sync.WaitGroup
	for i := range codes {
		group.Go(func() { codes[i] = crew.sell(t, sale(van, 1, "100")).code() })
	}
	group.Wait()
	done := 0
	for _, code := range codes {
		if code == "" {
			done++
		} else {
			require.Equal(t, "INSUFFICIENT_STOCK", code)
		}
	}
	require.Equal(t, 3, done, "%v", codes)

	// What is left, and what a customer brings back, goes home.
	more := c.send(t, apptest.Variables{"toId": van}, apptest.Variables{"variantId": c.leash, "quantity": 2})
	require.Empty(t, c.receive(t, more.Transfer.ID, map[string]int{c.leash: 2}).UserErrors)
	back := c.send(t, apptest.Variables{"fromId": van, "toId": c.warehouse}, apptest.Variables{"variantId": c.leash, "quantity": 2})
	require.Empty(t, back.UserErrors)
	require.Empty(t, c.receive(t, back.Transfer.ID, map[string]int{c.leash: 2}).UserErrors)
	onHand, incoming := c.lies(t, c.leash, van)
	require.Equal(t, []int{0, 0}, []int{onHand, incoming})
	require.Equal(t, "SHOP_UNAVAILABLE", counter{c.App, cashier}.sell(t, sale(id.Global("Location", id.New()), 1, "100")).code())
	requireSums(t, c.App)
}
