package resolvers_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

// pickUpOperations are those of shops and their counters.
var pickUpOperations = map[string]clientOperation{
	"app/ShopStock": {3, func(t *testing.T, w *world) question {
		w.counterShop(t)
		return question{apptest.Variables{"slug": w.broad, "prefecture": "OSAKA"}, nil}
	}},
	"app/PickUpShops": {1, shown(nil)},
	"app/PickUpAt": {6, func(t *testing.T, w *world) question {
		shop := w.counterShop(t)
		return question{in(apptest.Variables{"shippingMode": "PICK_UP", "shopId": id.Global("Location", shop), "recipient": "山田 花子"}), w.filled(t)}
	}},
	"app/OrderPickUp": {3, func(t *testing.T, w *world) question {
		order, cart := w.toPickUp(t)
		return question{apptest.Variables{"id": order}, cart}
	}},
	"app/MemberCode": {0, func(_ *testing.T, w *world) question { return question{nil, w.member.headers()} }},

	"admin/StaffShops": {1, inOffice(nil)},
	"admin/SetShop": {6, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"shopId": id.Global("Location", w.counterShop(t)), "pickUp": true, "pickUpDays": 5, "latitude": 34.7, "longitude": 135.5}
	})},
	"admin/PickUps": {3, asked(func(t *testing.T, w *world) apptest.Variables {
		for range w.size {
			w.toPickUp(t)
		}
		return nil
	})},
	"admin/ReadyPickUp": {16, input(func(t *testing.T, w *world) apptest.Variables {
		order, _ := w.toPickUp(t)
		return apptest.Variables{"orderId": order}
	})},
	"admin/HandOverPickUp": {45, input(func(t *testing.T, w *world) apptest.Variables {
		order, cart := w.toPickUp(t)
		require.Empty(t, counter{w.App, shipper}.fetch(t, "readyPickUp", apptest.Variables{"orderId": order}).UserErrors)
		seen := (&shopper{App: w.App, token: cart[1]}).pickUp(t, order)
		return apptest.Variables{"idempotencyKey": w.key(), "token": seen.SquareCode.Text, "payment": apptest.Variables{"method": "CASH"}}
	})},
	"admin/RecordShopSale": {52, input(func(t *testing.T, w *world) apptest.Variables {
		shop := w.counterShop(t)
		lines := make([]apptest.Variables, len(w.variants))
		for i, v := range w.variants {
			lines[i] = pieceOf(v, 1)
		}
		return apptest.Variables{"idempotencyKey": w.key(), "shopId": id.Global("Location", shop), "lines": lines, "expectedTotal": 1000 * w.size, "tenders": []apptest.Variables{{"method": "CASH"}}}
	})},
	"admin/TillSums": {1, asked(func(t *testing.T, w *world) apptest.Variables {
		today := time.Now().Format(time.DateOnly)
		return apptest.Variables{"from": today, "until": today, "shopId": id.Global("Location", w.counterShop(t))}
	})},
	"admin/Allocation":    {0, inOffice(nil)},
	"admin/SetAllocation": {4, newly(apptest.Variables{"preferences": []string{}})},
	"admin/ReallocateOrder": {32, input(func(t *testing.T, w *world) apptest.Variables {
		cart := w.filled(t)
		order := w.place(t, cart, "BANK_TRANSFER")
		return apptest.Variables{"idempotencyKey": w.key(), "orderId": order, "locationId": id.Global("Location", w.WarehouseID), "missing": true}
	})},
	"admin/ReallocateOrders": {35, input(func(t *testing.T, w *world) apptest.Variables { // of one order
		exec(t, w.App, `UPDATE stock_levels SET on_hand = on_hand + 10 WHERE location_id = $1 AND NOT tracked`, w.WarehouseID)
		cart := w.filled(t)
		order := w.place(t, cart, "BANK_TRANSFER")
		return apptest.Variables{"idempotencyKey": w.key(), "orderIds": []string{order}, "locationId": id.Global("Location", w.WarehouseID), "missing": true}
	})},
}

// counterShop is a shop that has plenty of everything.
func (w *world) counterShop(t *testing.T) uuid.UUID {
	t.Helper()
	stock := map[uuid.UUID]int{w.spare: 50}
	for _, v := range w.variants {
		stock[v] = 50
	}
	for _, v := range w.parts {
		stock[v] = 50
	}
	return openShop(t, w.App, w.key(), "OSAKA", stock)
}

// toPickUp is an order that is picked up and paid at the shop, and the headers of its
// customer.
func (w *world) toPickUp(t *testing.T) (order string, cart []string) {
	t.Helper()
	guest := &shopper{App: w.App}
	for _, v := range w.variants {
		require.Empty(t, guest.add(t, v, 1).UserErrors)
	}
	seen := guest.update(t, apptest.Variables{"email": "hanako@example.jp", "recipient": "山田 花子", "shippingMode": "PICK_UP", "shopId": id.Global("Location", w.counterShop(t))})
	require.Empty(t, seen.UserErrors)
	placed := guest.order(t, seen.Cart.Total.Amount, "AT_SHOP")
	require.Empty(t, placed.UserErrors)
	return placed.Order.ID, []string{"X-Cart-Token", guest.token}
}
