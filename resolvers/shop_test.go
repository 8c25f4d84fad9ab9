package resolvers_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

// openShop is a shop of the brand at which orders are picked up, with so many pieces of the
// variants.
func openShop(t testing.TB, a *apptest.App, code, prefecture string, stock map[uuid.UUID]int) uuid.UUID {
	t.Helper()
	key := id.New()
	exec(t, a, `INSERT INTO locations (id, brand_id, code, name, kind, ships, priority, address)
		SELECT $1, brand_id, $2, jsonb_build_object('ja', $2 || '店', 'en', $2), 'SHOP', false, 50,
			jsonb_build_object('name', '店', 'postalCode', '5300001', 'prefecture', $3::text, 'city', '中央区', 'line1', '1-1', 'phone', '0660000004')
		FROM locations WHERE kind = 'WAREHOUSE' ORDER BY id LIMIT 1`, key, code, prefecture)
	exec(t, a, `INSERT INTO shops (location_id, pick_up) VALUES ($1, true)`, key)
	for variant, pieces := range stock {
		exec(t, a, `INSERT INTO stock_levels (variant_id, location_id, on_hand) VALUES ($1, $2, $3)`, variant, key, pieces)
		exec(t, a, `INSERT INTO stock_movements (id, at, variant_id, location_id, kind, quantity) VALUES (gen_random_uuid(), now(), $1, $2, 'RECEIPT', $3)`, variant, key, pieces)
	}
	return key
}

// clerkOf is staff of a shop.
func clerkOf(shops ...uuid.UUID) access.Actor {
	return access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Stores: shops, Permissions: []access.Permission{access.OrderRead, access.OrderWrite}}
}

type shopStock struct {
	Shop         struct{ Code string }
	Availability string
	Pieces       *int
	Kilometres   *float64
}

func shopStocks(t *testing.T, a *apptest.App, actor access.Actor, slug, args string) []shopStock {
	t.Helper()
	var got struct {
		Product struct {
			Variants []struct{ ShopStock []shopStock }
		}
	}
	a.DoAs(t, actor, `query($s: String!) { product(slug: $s) { variants { shopStock`+args+` { shop { code } availability pieces kilometres } } } }`, apptest.Variables{"s": slug}).Into(t, &got)
	return got.Product.Variants[0].ShopStock
}

func shopCodes(all []shopStock) (codes []string) {
	for _, s := range all {
		codes = append(codes, s.Shop.Code)
	}
	return codes
}

func TestShoppersSeeWhatShopsHave(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980).Variants[0]
	sakae := openShop(t, a, "sakae", "AICHI", map[uuid.UUID]int{leash: 5})
	shibuya := openShop(t, a, "shibuya", "TOKYO", map[uuid.UUID]int{leash: 3})
	umeda := openShop(t, a, "umeda", "OSAKA", map[uuid.UUID]int{leash: 12})
	openShop(t, a, "tenjin", "FUKUOKA", nil)
	keeper := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.InventoryWrite}}
	set := func(actor access.Actor, in apptest.Variables) []writeError {
		return write(t, a, actor, "setShop", "SetShopInput", `shop { code pickUp pickUpDays stockShown latitude }`, in, nil)
	}
	require.Empty(t, set(keeper, apptest.Variables{"shopId": id.Global("Location", umeda), "pickUp": true, "stockShown": "PIECES", "latitude": 34.70, "longitude": 135.49}))
	require.Empty(t, set(keeper, apptest.Variables{"shopId": id.Global("Location", sakae), "pickUp": false, "stockShown": "NOTHING"}))

	guest := access.Guest
	all := shopStocks(t, a, guest, "leash", ``)
	require.Equal(t, []string{"sakae", "shibuya", "umeda", "tenjin"}, shopCodes(all), "as the brand has them")
	require.Equal(t, []string{"NOT_TOLD", "LOW_STOCK", "IN_STOCK", "OUT_OF_STOCK"}, []string{all[0].Availability, all[1].Availability, all[2].Availability, all[3].Availability})
	require.Nil(t, all[1].Pieces)
	require.Equal(t, 12, *all[2].Pieces)
	require.Nil(t, all[2].Kilometres)

	near := shopStocks(t, a, guest, "leash", `(prefecture: OSAKA, pickUp: true, first: 2)`)
	require.Equal(t, []string{"umeda", "shibuya"}, shopCodes(near), "the nearest at which it can be picked up")
	require.InDelta(t, 400, *near[1].Kilometres, 10)
	require.Equal(t, []string{"shibuya", "sakae", "umeda", "tenjin"}, shopCodes(shopStocks(t, a, guest, "leash", `(latitude: 35.66, longitude: 139.70)`)))
	require.Equal(t, []string{"NOT_TOLD", "NOT_TOLD", "NOT_TOLD", "NOT_TOLD"}, func() (told []string) {
		for _, s := range shopStocks(t, a, hideStock(t, a), "leash", ``) {
			require.Nil(t, s.Pieces)
			told = append(told, s.Availability)
		}
		return told
	}())

	// What an order holds is not there.
	exec(t, a, `UPDATE stock_levels SET reserved = 10 WHERE location_id = $1`, umeda)
	require.Equal(t, 2, *shopStocks(t, a, guest, "leash", `(pickUp: true)`)[1].Pieces)

	bad := a.DoAs(t, guest, `{ product(slug: "leash") { variants { shopStock(latitude: 35) { pieces } } } }`, nil)
	require.Equal(t, "POSITION_INVALID", bad.Code())
	for _, wrong := range []struct {
		in   apptest.Variables
		code string
	}{
		{apptest.Variables{"shopId": id.Global("Location", id.New()), "pickUp": true}, "LOCATION_UNKNOWN"},
		{apptest.Variables{"shopId": id.Global("Location", a.WarehouseID), "pickUp": true}, "LOCATION_UNKNOWN"},
		{apptest.Variables{"shopId": id.Global("Location", umeda), "pickUp": true, "pickUpDays": 61}, "INVALID"},
		{apptest.Variables{"shopId": id.Global("Location", umeda), "pickUp": true, "latitude": 91, "longitude": 0}, "POSITION_INVALID"},
	} {
		errors := set(keeper, wrong.in)
		require.NotEmpty(t, errors, wrong.in)
		require.Equal(t, wrong.code, errors[0].Code)
	}
	theirs := clerkOf(shibuya)
	theirs.Permissions = append(theirs.Permissions, access.InventoryWrite)
	require.Equal(t, "FORBIDDEN", set(theirs, apptest.Variables{"shopId": id.Global("Location", umeda), "pickUp": false})[0].Code)
	require.Empty(t, set(theirs, apptest.Variables{"shopId": id.Global("Location", shibuya), "pickUp": true, "pickUpDays": 3}))
}

func TestShopsHaveOfASetWhatItsPartsMake(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	bowl, toy := a.AddProduct(t, "bowl", 500).Variants[0], a.AddProduct(t, "toy", 300).Variants[0]
	set := a.AddProduct(t, "kit", 1000).Variants[0]
	require.Empty(t, write(t, a, clerk, "saveSet", "SaveSetInput", `set { kind }`, apptest.Variables{
		"variantId": id.Global("Variant", set), "parts": []apptest.Variables{part(bowl, 2), part(toy, 1)},
	}, nil))
	shop := openShop(t, a, "umeda", "OSAKA", map[uuid.UUID]int{bowl: 7, toy: 9})
	exec(t, a, `UPDATE shops SET stock_shown = 'PIECES' WHERE location_id = $1`, shop)
	require.Equal(t, 3, *shopStocks(t, a, access.Guest, "kit", ``)[0].Pieces)
}
