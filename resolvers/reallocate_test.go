package resolvers_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

type reallocationAnswer struct {
	Order *struct{ Status string }
	Moved []struct {
		SKU        string
		Quantity   int
		LocationID *string
	}
	UserErrors []userError
}

func (r reallocationAnswer) code() string {
	if len(r.UserErrors) == 0 {
		return ""
	}
	return r.UserErrors[0].Code
}

func (c counter) reallocate(t testing.TB, in apptest.Variables) reallocationAnswer {
	t.Helper()
	if in["idempotencyKey"] == nil {
		in["idempotencyKey"] = id.New().String()
	}
	var got struct{ ReallocateOrder reallocationAnswer }
	c.DoAs(t, c.actor, `mutation($in: ReallocateOrderInput!) { reallocateOrder(input: $in) { order { status } moved { sku quantity locationId } userErrors { code field message } } }`,
		apptest.Variables{"in": in}).Into(t, &got)
	return got.ReallocateOrder
}

func TestMissingGoodsAreLookedForElsewhere(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980).Variants[0]
	method := a.AddShipping(t, "parcel", 0)
	a.SetStock(t, leash, 2)
	shop := openShop(t, a, "umeda", "OSAKA", map[uuid.UUID]int{leash: 1})
	exec(t, a, `UPDATE locations SET ships = true WHERE id = $1`, shop)
	guest := &shopper{App: a}
	require.Empty(t, guest.add(t, leash, 2).UserErrors)
	require.Empty(t, guest.fillIn(t, method).UserErrors)
	order := guest.place(t, "intent-1", "3960").Order.ID
	staff := counter{a, packer}
	counter{a, cashier}.receive(t, order, "3960")
	made := staff.instruct(t, order, nil)
	require.Len(t, made.Shipments, 1)
	var lines struct {
		Order struct{ Lines []struct{ ID string } }
	}
	a.DoAs(t, packer, `query($o: ID!) { order(id: $o) { lines { id } } }`, apptest.Variables{"o": order}).Into(t, &lines)
	line, main := lines.Order.Lines[0].ID, id.Global("Location", a.WarehouseID)
	one := func(pieces int, more apptest.Variables) apptest.Variables {
		in := apptest.Variables{"orderId": order, "locationId": main, "lines": []apptest.Variables{{"lineId": line, "quantity": pieces}}, "missing": true, "reason": "棚にない"}
		for k, v := range more {
			in[k] = v
		}
		return in
	}
	require.Equal(t, "SHIPMENT_NOT_ALLOCATED", staff.reallocate(t, one(3, nil)).code())
	require.Equal(t, "ORDER_LINE_UNKNOWN", staff.reallocate(t, one(1, apptest.Variables{"lines": []apptest.Variables{{"lineId": id.Global("OrderLine", id.New()), "quantity": 1}}})).code())
	require.Equal(t, "FORBIDDEN", counter{a, clerkOf(shop)}.reallocate(t, one(1, nil)).code(), "those of a shop work at theirs")
	require.Equal(t, "FORBIDDEN", counter{a, clerkOf(shop)}.reallocate(t, one(1, apptest.Variables{"locationId": id.Global("Location", shop)})).code(), "nothing of it leaves from theirs")

	once := apptest.Variables{"idempotencyKey": "missing-1"}
	moved := staff.reallocate(t, one(1, once))
	require.Empty(t, moved.UserErrors)
	require.Equal(t, "PICKING", moved.Order.Status)
	require.Len(t, moved.Moved, 1)
	require.Equal(t, id.Global("Location", shop), *moved.Moved[0].LocationID)
	requireStock(t, a, leash, 1, 1)
	requireShopStock(t, a, shop, leash, 1, 1)
	require.Len(t, staff.reallocate(t, one(1, once)).Moved, 1, "the same intent")
	requireStock(t, a, leash, 1, 1)
	requireShopStock(t, a, shop, leash, 1, 1)

	// The shop sends its piece; it stands on the shop's list of parcels.
	sent := counter{a, clerkOf(shop)}.instruct(t, order, apptest.Variables{"locationId": id.Global("Location", shop)})
	require.Empty(t, sent.UserErrors)
	list := func(pickUp bool) int {
		var got struct{ Shipments struct{ TotalCount int } }
		a.DoAs(t, clerkOf(shop), `query($p: Boolean) { shipments(filter: {status: [INSTRUCTED], pickUp: $p}) { totalCount } }`, apptest.Variables{"p": pickUp}).Into(t, &got)
		return got.Shipments.TotalCount
	}
	require.Equal(t, []int{1, 0}, []int{list(false), list(true)})

	// What is nowhere else stays where it is, unless it is missing.
	require.Equal(t, "INSUFFICIENT_STOCK", staff.reallocate(t, apptest.Variables{"orderId": order, "locationId": main}).code())
	requireStock(t, a, leash, 1, 1)

	// The last one of the warehouse is gone too: it is nowhere, and waited for.
	waits := staff.reallocate(t, apptest.Variables{"orderId": order, "locationId": main, "missing": true})
	require.Empty(t, waits.UserErrors)
	require.Nil(t, waits.Moved[0].LocationID)
	requireStock(t, a, leash, 0, 0)
	var shipments struct {
		Order struct{ Shipments []struct{ Status string } }
	}
	a.DoAs(t, packer, `query($o: ID!) { order(id: $o) { shipments { status } } }`, apptest.Variables{"o": order}).Into(t, &shipments)
	require.Equal(t, "CANCELLED", shipments.Order.Shipments[0].Status, "nothing is left in it")
	require.Equal(t, "ORDER_BACK_ORDERED", staff.instruct(t, order, nil).code())
	receive(t, a, leash, 1)
	requireStock(t, a, leash, 1, 1)
	requireSums(t, a)
	require.Len(t, staff.instruct(t, order, nil).Shipments, 1)

	picked := picks(t, a, openShop(t, a, "sakae", "AICHI", map[uuid.UUID]int{leash: 1}), leash, 1).order(t, "1980", "AT_SHOP").Order.ID
	require.Equal(t, "ORDER_PICKED_UP", staff.reallocate(t, apptest.Variables{"orderId": picked, "locationId": main}).code())
}

func TestAChannelPrefersWhereGoodsComeFrom(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980).Variants[0]
	shop := openShop(t, a, "shibuya", "TOKYO", map[uuid.UUID]int{leash: 5})
	exec(t, a, `UPDATE locations SET ships = true WHERE id = $1`, shop)
	exec(t, a, `UPDATE locations SET address = '{"prefecture": "OSAKA"}' WHERE id = $1`, a.WarehouseID)
	keeper := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.InventoryRead, access.InventoryWrite}}
	set := func(actor access.Actor, preferences ...string) string {
		var got struct {
			SetAllocation struct {
				Allocation []string
				UserErrors []userError
			}
		}
		answer := a.DoAs(t, actor, `mutation($p: [AllocationPreference!]!) { setAllocation(input: {preferences: $p}) { allocation userErrors { code } } }`, apptest.Variables{"p": preferences})
		if answer.Code() != "" {
			return answer.Code()
		}
		answer.Into(t, &got)
		if len(got.SetAllocation.UserErrors) > 0 {
			return got.SetAllocation.UserErrors[0].Code
		}
		require.Equal(t, preferences, got.SetAllocation.Allocation)
		return ""
	}
	require.Equal(t, "FORBIDDEN", set(cashier, "NEAREST"))
	require.Equal(t, "ALLOCATION_INVALID", set(keeper, "NEAREST", "NEAREST"))
	require.Empty(t, set(keeper, "NEAREST", "SHOPS_LAST"))

	b := apptest.Serve(t, a.Shop, a.App.Config) // a process that has not read the channels yet
	var got struct{ Allocation []string }
	b.DoAs(t, keeper, `{ allocation }`, nil).Into(t, &got)
	require.Equal(t, []string{"NEAREST", "SHOPS_LAST"}, got.Allocation)
	guest := &shopper{App: b}
	require.Empty(t, guest.add(t, leash, 1).UserErrors)
	require.Empty(t, guest.fillIn(t, b.AddShipping(t, "parcel", 0)).UserErrors)
	require.Empty(t, guest.place(t, "intent-1", "1980").UserErrors)
	requireShopStock(t, b, shop, leash, 5, 1)
}

func TestGoodsAreLookedForAsTheOrdersChannelPrefers(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980).Variants[0]
	order, _ := orderedOf(t, a, a.AddShipping(t, "parcel", 0), "1980", leash, 1)
	openShop(t, a, "umeda", "OSAKA", map[uuid.UUID]int{leash: 1})
	near := openShop(t, a, "shibuya", "TOKYO", map[uuid.UUID]int{leash: 1})
	exec(t, a, `UPDATE locations SET ships = true`)
	exec(t, a, `INSERT INTO channels SELECT (jsonb_populate_record(c, jsonb_build_object('id', gen_random_uuid(), 'code', 'app', 'allocation', ARRAY['NEAREST']))).* FROM channels c WHERE code = 'web'`)
	exec(t, a, `UPDATE orders SET channel_id = (SELECT id FROM channels WHERE code = 'app')`)
	b := apptest.Serve(t, a.Shop, a.App.Config) // a process that has not read the channels yet
	moved := counter{b, packer}.reallocate(t, apptest.Variables{"orderId": order, "locationId": id.Global("Location", a.WarehouseID)})
	require.Empty(t, moved.UserErrors)
	require.Equal(t, id.Global("Location", near), *moved.Moved[0].LocationID)
}

// A gift goes with the goods where the channel prefers a single parcel, though the brand's
// first location has it, too.
func TestGiftsAreLookedForAsTheChannelPrefers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		preferences []string
		near        int // gifts that the shop with the goods gives
	}{
		"the brand's order": {nil, 0},
		"a single parcel":   {[]string{"SINGLE_PARCEL"}, 1},
		"the nearest":       {[]string{"NEAREST"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := apptest.Start(t)
			leash, bowl := a.AddProduct(t, "leash", 1980), a.AddProduct(t, "bowl", 500)
			a.SetStock(t, leash.Variants[0], 0)
			shop := openShop(t, a, "shibuya", "TOKYO", map[uuid.UUID]int{leash.Variants[0]: 5, bowl.Variants[0]: 5})
			exec(t, a, `UPDATE locations SET ships = true WHERE id = $1`, shop)
			exec(t, a, `UPDATE locations SET address = '{"prefecture": "OSAKA"}' WHERE id = $1`, a.WarehouseID)
			exec(t, a, `UPDATE channels SET allocation = coalesce($1::text[], allocation)`, c.preferences)
			runCampaign(t, a, "gift", apptest.Variables{"goods": []apptest.Variables{{"kind": "PRODUCT", "id": id.Global("Product", leash.ID)}},
				"benefits": []apptest.Variables{{"kind": "GIFT", "variantId": id.Global("Variant", bowl.Variants[0]), "pieces": 1, "allotment": 1}}})
			b := apptest.Serve(t, a.Shop, a.App.Config) // a process that has not read the channels yet
			guest := &shopper{App: b}
			require.Empty(t, guest.add(t, leash.Variants[0], 1).UserErrors)
			require.Empty(t, guest.fillIn(t, b.AddShipping(t, "parcel", 0)).UserErrors)
			require.Empty(t, guest.place(t, "intent-1", "1980").UserErrors)
			requireShopStock(t, b, shop, bowl.Variants[0], 5, c.near)
		})
	}
}
