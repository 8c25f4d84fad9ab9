package resolvers_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

type reallocationsAnswer struct {
	Reallocations []struct {
		OrderID string
		reallocationAnswer
	}
	UserErrors []userError
	statements int
}

// codes are what was told of each order.
func (r reallocationsAnswer) codes() (all []string) {
	for _, one := range r.Reallocations {
		all = append(all, one.code())
	}
	return all
}

func (c counter) reallocateMany(t testing.TB, location uuid.UUID, more apptest.Variables) reallocationsAnswer {
	t.Helper()
	in := apptest.Variables{"idempotencyKey": id.New().String(), "locationId": id.Global("Location", location)}
	maps.Copy(in, more)
	var got struct{ ReallocateOrders reallocationsAnswer }
	answer := c.DoAs(t, c.actor, `mutation($in: ReallocateOrdersInput!) { reallocateOrders(input: $in) { reallocations { orderId order { status } moved { sku quantity locationId } userErrors { code field message } }
		userErrors { code field message } } }`, apptest.Variables{"in": in})
	answer.Into(t, &got)
	got.ReallocateOrders.statements = answer.Statements
	return got.ReallocateOrders
}

func TestManyOrdersAreReallocatedAtOnce(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash, method := a.AddProduct(t, "leash", 1980).Variants[0], a.AddShipping(t, "parcel", 0)
	shop := openShop(t, a, "umeda", "OSAKA", map[uuid.UUID]int{leash: 2})
	exec(t, a, `UPDATE locations SET ships = true WHERE id = $1`, shop)
	var orders []string
	for range 3 {
		order, _ := orderedOf(t, a, method, "1980", leash, 1)
		orders = append(orders, order)
	}
	picked := picks(t, a, openShop(t, a, "sakae", "AICHI", map[uuid.UUID]int{leash: 1}), leash, 1).order(t, "1980", "AT_SHOP").Order.ID
	desk := counter{a, packer}
	named := apptest.Variables{"idempotencyKey": "many-0001", "orderIds": append(orders[:3:3], picked, id.Global("Order", id.New())), "reason": "倉庫の移転"}
	got := desk.reallocateMany(t, a.WarehouseID, named)
	require.Empty(t, got.UserErrors)
	require.Equal(t, []string{"", "", "INSUFFICIENT_STOCK", "ORDER_PICKED_UP", "NOT_FOUND"}, got.codes(), "each by itself")
	require.Equal(t, orders[0], got.Reallocations[0].OrderID)
	require.Equal(t, "CONFIRMED", got.Reallocations[0].Order.Status)
	require.Equal(t, id.Global("Location", shop), *got.Reallocations[0].Moved[0].LocationID)
	require.Nil(t, got.Reallocations[2].Order)
	requireShopStock(t, a, a.WarehouseID, leash, 100, 1)
	requireShopStock(t, a, shop, leash, 2, 2)
	requireSums(t, a)

	// The same intent does nothing twice, and tries again what could not be done.
	exec(t, a, `UPDATE stock_levels SET on_hand = 3 WHERE location_id = $1`, shop)
	exec(t, a, `INSERT INTO stock_movements (id, at, variant_id, location_id, kind, quantity) VALUES (gen_random_uuid(), now(), $1, $2, 'RECEIPT', 1)`, leash, shop)
	again := desk.reallocateMany(t, a.WarehouseID, named)
	require.Equal(t, []string{"", "", "", "ORDER_PICKED_UP", "NOT_FOUND"}, again.codes())
	require.Equal(t, got.Reallocations[0].Moved, again.Reallocations[0].Moved)
	requireShopStock(t, a, a.WarehouseID, leash, 100, 0)
	requireShopStock(t, a, shop, leash, 3, 3)
	requireSums(t, a)
	require.Equal(t, 3, countOf(t, a, `SELECT count(*) FROM events WHERE type = 'order.reallocated' AND data->>'reason' = '倉庫の移転'`))
	require.Equal(t, "IDEMPOTENCY_KEY_REUSED", desk.reallocateMany(t, shop, named).UserErrors[0].Code)

	// Missing goods are taken off the stock of the shop, and come from the warehouse again.
	back := desk.reallocateMany(t, shop, apptest.Variables{"orderIds": orders, "missing": true})
	require.Equal(t, []string{"", "", ""}, back.codes())
	requireShopStock(t, a, shop, leash, 0, 0)
	requireShopStock(t, a, a.WarehouseID, leash, 100, 3)
	requireSums(t, a)
	require.Equal(t, "SHIPMENT_NOT_ALLOCATED", desk.reallocateMany(t, shop, apptest.Variables{"orderIds": orders[:1]}).codes()[0])
	require.Empty(t, desk.reallocateMany(t, shop, nil).Reallocations, "nothing is short")

	many := make([]string, 51)
	for i := range many {
		many[i] = id.Global("Order", id.New())
	}
	for code, c := range map[string]struct {
		actor access.Actor
		in    apptest.Variables
	}{
		"TOO_MANY": {packer, apptest.Variables{"orderIds": many}}, "INVALID": {packer, apptest.Variables{"orderIds": []string{orders[0], orders[0]}}},
		"FORBIDDEN": {clerkOf(shop), apptest.Variables{"orderIds": orders}}, "TOO_LONG": {packer, apptest.Variables{"reason": strings.Repeat("あ", 501)}},
		"IDEMPOTENCY_KEY_INVALID": {packer, apptest.Variables{"idempotencyKey": "x"}},
	} {
		refused := counter{a, c.actor}.reallocateMany(t, a.WarehouseID, c.in)
		require.NotEmpty(t, refused.UserErrors, code)
		require.Equal(t, code, refused.UserErrors[0].Code)
		require.Empty(t, refused.Reallocations)
	}
}

// Each order costs as many statements, however many there are.
func TestReallocationsCostTheSameForEachOrder(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash, method := a.AddProduct(t, "leash", 1980).Variants[0], a.AddShipping(t, "parcel", 0)
	shop := openShop(t, a, "umeda", "OSAKA", map[uuid.UUID]int{leash: 20})
	exec(t, a, `UPDATE locations SET ships = true WHERE id = $1`, shop)
	var costs []int
	for n := 1; n <= 3; n++ {
		var orders []string
		for range n {
			order, _ := orderedOf(t, a, method, "1980", leash, 1)
			orders = append(orders, order)
		}
		got := counter{a, packer}.reallocateMany(t, a.WarehouseID, apptest.Variables{"orderIds": orders})
		require.Equal(t, make([]string, n), got.codes())
		costs = append(costs, got.statements)
	}
	require.Equal(t, costs[1]-costs[0], costs[2]-costs[1], costs)
	require.LessOrEqual(t, costs[1]-costs[0], 30)
}

// Goods that are recalled under the orders that hold them are found elsewhere, or waited for.
func TestOrdersThatARecallLeavesShortAreReallocated(t *testing.T) {
	t.Parallel()
	p := newPantry(t)
	require.Empty(t, p.receive(t, 2, lotPieces("A", "2099-01-31", 2)))
	require.Empty(t, p.receive(t, 5, lotPieces("B", "2099-02-28", 5)))
	first, second := p.order(t, 2, "4460"), p.order(t, 3, "6440")
	shop := openShop(t, p.App, "umeda", "OSAKA", nil)
	exec(t, p.App, `UPDATE locations SET ships = true WHERE id = $1`, shop)
	require.Empty(t, write(t, p.App, packer, "receiveStock", "StockInput", "level { onHand }", apptest.Variables{
		"idempotencyKey": id.New().String(), "variantId": id.Global("Variant", p.food), "locationId": id.Global("Location", shop), "quantity": 2, "lots": []apptest.Variables{lotPieces("C", "2099-03-31", 2)}}, nil))
	var lot uuid.UUID
	require.NoError(t, p.DB.Pool().QueryRow(t.Context(), `SELECT id FROM stock_lots WHERE number = 'B'`).Scan(&lot))
	require.Empty(t, write(t, p.App, packer, "recallStockLot", "RecallStockLotInput", "lot { number }", apptest.Variables{"lotId": id.Global("StockLot", lot), "reason": "表示の誤り"}, nil))
	require.Equal(t, 1, *waiting(t, p.App, packer)["shortfalls"])

	once := apptest.Variables{"idempotencyKey": "recall-0001"}
	got := p.reallocateMany(t, p.WarehouseID, once)
	require.Empty(t, got.UserErrors)
	require.Equal(t, []string{""}, got.codes(), "the last placed loses, the other is covered")
	require.Equal(t, second, got.Reallocations[0].OrderID)
	require.Len(t, got.Reallocations[0].Moved, 2)
	require.Equal(t, []any{2, id.Global("Location", shop), 1}, []any{got.Reallocations[0].Moved[0].Quantity, *got.Reallocations[0].Moved[0].LocationID, got.Reallocations[0].Moved[1].Quantity})
	require.Nil(t, got.Reallocations[0].Moved[1].LocationID, "what is nowhere is waited for")
	requireShopStock(t, p.App, p.WarehouseID, p.food, 7, 2)
	requireShopStock(t, p.App, shop, p.food, 2, 2)
	requireSums(t, p.App)
	lists := waiting(t, p.App, packer)
	require.Equal(t, []int{0, 1}, []int{*lists["shortfalls"], *lists["backOrders"]})
	require.Equal(t, got.Reallocations, p.reallocateMany(t, p.WarehouseID, once).Reallocations, "the same intent")
	requireShopStock(t, p.App, p.WarehouseID, p.food, 7, 2)
	require.Empty(t, p.reallocateMany(t, p.WarehouseID, nil).Reallocations)
	p.ship(t, first)
}
