package resolvers_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

// exchanged asks for other goods instead of a piece of the line, and may send it in.
func exchanged(t testing.TB, a *apptest.App, order, line string, other uuid.UUID) returnSeen {
	t.Helper()
	staff := counter{a, packer}
	asked := staff.back(t, "requestReturn", apptest.Variables{"idempotencyKey": id.New().String(), "orderId": order, "outcome": "EXCHANGE",
		"lines": []apptest.Variables{piecesOf(line, 1, "CHANGED_MIND", apptest.Variables{"exchangeVariantId": id.Global("Variant", other)})}})
	require.Empty(t, asked.UserErrors)
	may := staff.back(t, "approveReturn", apptest.Variables{"returnId": asked.Return.ID})
	require.Empty(t, may.UserErrors)
	return *may.Return
}

func TestACounterSaleIsExchangedOverTheCounter(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	black, red, umeda := camera(t, a)
	sakae := openShop(t, a, "sakae", "AICHI", nil)
	require.Empty(t, write(t, a, packer, "receiveStock", "StockInput", "level { onHand }", apptest.Variables{
		"idempotencyKey": id.New().String(), "variantId": id.Global("Variant", red), "locationId": id.Global("Location", sakae), "quantity": 1, "lots": []apptest.Variables{{"number": "R-1"}}}, nil))
	sold := counter{a, clerkOf(umeda)}.sell(t, apptest.Variables{"shopId": id.Global("Location", umeda), "expectedTotal": "9800", "tenders": []apptest.Variables{{"method": "CASH"}},
		"lines": []apptest.Variables{with(pieceOf(black, 1), "lots", []apptest.Variables{{"number": "S-1"}})}})
	require.Empty(t, sold.UserErrors)
	order := sold.Order.ID
	may := exchanged(t, a, order, counter{a, editor}.look(t, order).Lines[0].ID, red)

	there := counter{a, clerkOf(sakae)}
	in := func(line apptest.Variables) apptest.Variables {
		line["lineId"], line["restock"] = may.Lines[0].ID, 1
		return apptest.Variables{"idempotencyKey": id.New().String(), "returnId": may.ID, "locationId": id.Global("Location", sakae), "lines": []apptest.Variables{line}}
	}
	require.Equal(t, "SERIALS_REQUIRED lots", there.back(t, "receiveReturn", in(apptest.Variables{})).code())
	requireShopStock(t, a, sakae, red, 1, 0)
	got := there.back(t, "receiveReturn", in(apptest.Variables{"handed": []apptest.Variables{{"number": "R-1"}}}))
	require.Empty(t, got.UserErrors)
	placed := got.Return.Receipts[0].ExchangeOrder
	require.Equal(t, "DELIVERED", placed.Status, "its buyer stands there, and nobody could mail a code")
	require.Equal(t, []string{"R-1"}, serialsOf(t, a, placed.ID))
	requireShopStock(t, a, sakae, red, 0, 0)
	requireShopStock(t, a, sakae, black, 1, 0)
	requireShopStock(t, a, umeda, red, 3, 0)
	var waiting int
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM pick_ups`).Scan(&waiting))
	require.Zero(t, waiting)
}

func TestAReplacementIsKeptForItsCustomer(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	variants := a.AddProduct(t, "leash", 1980, 1980).Variants
	umeda := openShop(t, a, "umeda", "OSAKA", map[uuid.UUID]int{variants[0]: 2, variants[1]: 2})
	guest, ours := picks(t, a, umeda, variants[0], 1), counter{a, clerkOf(umeda)}
	order := guest.order(t, "1980", "AT_SHOP").Order.ID
	ready := func(order string) string {
		require.Empty(t, ours.fetch(t, "readyPickUp", apptest.Variables{"orderId": order}).UserErrors)
		return *guest.pickUp(t, order).Code
	}
	require.Empty(t, ours.handOver(t, order, ready(order), apptest.Variables{"payment": apptest.Variables{"method": "CASH"}}).UserErrors)
	may := exchanged(t, a, order, ours.look(t, order).Lines[0].ID, variants[1])
	got := ours.back(t, "receiveReturn", apptest.Variables{"idempotencyKey": id.New().String(), "returnId": may.ID, "locationId": id.Global("Location", umeda),
		"lines": []apptest.Variables{{"lineId": may.Lines[0].ID, "restock": 1}}})
	require.Empty(t, got.UserErrors)
	replacement := got.Return.Receipts[0].ExchangeOrder.ID
	code := ready(replacement)
	exec(t, a, `UPDATE pick_ups SET expires_at = now() - interval '1 day' WHERE order_id = $1`, keyOf(t, replacement))
	require.NoError(t, a.App.Resolvers.Orders.SeeToPickUps(access.With(t.Context(), access.System)))
	require.Equal(t, "READY", guest.pickUp(t, replacement).State, "given up, it would leave its customer with nothing")
	require.Empty(t, ours.handOver(t, replacement, code, nil).UserErrors, "late, but theirs")
	requireShopStock(t, a, umeda, variants[1], 1, 0)
}
