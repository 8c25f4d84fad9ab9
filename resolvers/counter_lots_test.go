package resolvers_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

// serialsOf are the serial numbers that left with an order.
func serialsOf(t testing.TB, a *apptest.App, order string) (numbers []string) {
	t.Helper()
	var got struct {
		Order struct {
			Shipments []struct{ Lots []struct{ Number string } }
		}
	}
	a.DoAs(t, packer, `query($o: ID!) { order(id: $o) { shipments { lots { number } } } }`, apptest.Variables{"o": order}).Into(t, &got)
	for _, h := range got.Order.Shipments {
		for _, l := range h.Lots {
			numbers = append(numbers, l.Number)
		}
	}
	return numbers
}

// camera is goods in two colours, each piece with a serial number, three of each at the
// shop.
func camera(t *testing.T, a *apptest.App) (black, red, shop uuid.UUID) {
	t.Helper()
	variants := a.AddProduct(t, "camera", 9800, 9800).Variants
	shop = openShop(t, a, "umeda", "OSAKA", nil)
	for _, v := range variants {
		a.SetStock(t, v, 0)
		require.Empty(t, write(t, a, packer, "setStockTracking", "SetStockTrackingInput", "tracking { mode }", apptest.Variables{"variantId": id.Global("Variant", v), "mode": "SERIAL"}, nil))
		require.Empty(t, write(t, a, packer, "receiveStock", "StockInput", "level { onHand }", apptest.Variables{
			"idempotencyKey": id.New().String(), "variantId": id.Global("Variant", v), "locationId": id.Global("Location", shop), "quantity": 3}, nil), "their numbers are read when they leave")
	}
	return variants[0], variants[1], shop
}

func TestSerialNumbersAreReadAtTheCounter(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	black, _, umeda := camera(t, a)
	leash := a.AddProduct(t, "leash", 1980).Variants[0]
	exec(t, a, `INSERT INTO stock_levels (variant_id, location_id, on_hand) VALUES ($1, $2, 1)`, leash, umeda)
	ours := counter{a, clerkOf(umeda)}
	sale := func(variant uuid.UUID, total string, lots ...apptest.Variables) saleAnswer {
		line := pieceOf(variant, 1)
		if lots != nil {
			line["lots"] = lots
		}
		return ours.sell(t, apptest.Variables{"shopId": id.Global("Location", umeda), "lines": []apptest.Variables{line}, "expectedTotal": total,
			"tenders": []apptest.Variables{{"method": "CASH"}}})
	}
	require.Equal(t, "SERIALS_REQUIRED", sale(black, "9800").code())
	require.Equal(t, "LOTS_UNTRACKED", sale(leash, "1980", apptest.Variables{"number": "X"}).code())
	require.Equal(t, "LOTS_SUM", sale(black, "9800", apptest.Variables{"number": "S-1"}, apptest.Variables{"number": "S-2"}).code())
	requireShopStock(t, a, umeda, black, 3, 0)
	sold := sale(black, "9800", apptest.Variables{"number": "S-1"})
	require.Empty(t, sold.UserErrors)
	require.Equal(t, []string{"S-1"}, serialsOf(t, a, sold.Order.ID))
	require.NotEmpty(t, sale(black, "9800", apptest.Variables{"number": "S-1"}).code(), "it is gone")

	guest := picks(t, a, umeda, black, 1)
	order := guest.order(t, "9800", "AT_SHOP").Order.ID
	require.Empty(t, ours.fetch(t, "readyPickUp", apptest.Variables{"orderId": order}).UserErrors)
	code, line := *guest.pickUp(t, order).Code, ours.look(t, order).Lines[0].ID
	paid := apptest.Variables{"payment": apptest.Variables{"method": "CASH"}}
	require.Equal(t, "SERIALS_REQUIRED", ours.handOver(t, order, code, paid).code())
	handed := ours.handOver(t, order, code, with(paid, "lots", []apptest.Variables{{"lineId": line, "number": "S-2"}}))
	require.Empty(t, handed.UserErrors)
	require.Equal(t, []string{"S-2"}, serialsOf(t, a, order))
	requireShopStock(t, a, umeda, black, 1, 0)
}
