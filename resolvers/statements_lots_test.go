package resolvers_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

// lotOperations are those of lots and serial numbers.
var lotOperations = map[string]clientOperation{
	"admin/StockLots": {4, asked(func(t *testing.T, w *world) apptest.Variables {
		w.stored(t)
		return apptest.Variables{"first": w.size, "filter": apptest.Variables{"inStock": true}}
	})},
	"admin/StockLot":          {3, asked(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"id": w.stored(t)} })},
	"admin/StockLotMovements": {3, asked(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"lotId": w.stored(t)} })},
	"admin/StockLotRecipients": {4, asked(func(t *testing.T, w *world) apptest.Variables {
		lot, _ := w.sentLots(t)
		return apptest.Variables{"lotId": lot}
	})},
	"admin/StockLotRecipientsFile": {2, asked(func(t *testing.T, w *world) apptest.Variables {
		lot, _ := w.sentLots(t)
		return apptest.Variables{"lotId": lot}
	})},
	"admin/ShipmentLots": {4, asked(func(t *testing.T, w *world) apptest.Variables {
		_, shipment := w.sentLots(t)
		return apptest.Variables{"id": shipment}
	})},
	"admin/StockShortfalls": {3, asked(func(t *testing.T, w *world) apptest.Variables {
		for range w.size {
			w.made(t, "recallStockLot", "lot", apptest.Variables{"lotId": w.stored(t), "reason": "点検"})
		}
		exec(t, w.App, `UPDATE stock_levels SET reserved = on_hand WHERE withheld > 0 AND withheld = on_hand`)
		return apptest.Variables{"first": w.size}
	})},
	"admin/SetStockTracking": {15, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"variantId": id.Global("Variant", w.AddProduct(t, w.key(), 980).Variants[0]), "mode": "LOT", "keepStock": true}
	})},
	"admin/DescribeStockLot": {10, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"lotId": w.stored(t), "origin": apptest.Variables{"ja": "北海道"}}
	})},
	"admin/RecallStockLot": {24, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"lotId": w.stored(t), "reason": "点検"}
	})},
	"admin/EndStockLotRecall": {24, input(func(t *testing.T, w *world) apptest.Variables {
		lot := w.stored(t)
		w.made(t, "recallStockLot", "lot", apptest.Variables{"lotId": lot, "reason": "点検"})
		return apptest.Variables{"lotId": lot}
	})},
	"admin/SetStockLotApart": {23, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"idempotencyKey": w.key(), "lotId": w.stored(t), "locationId": id.Global("Location", w.WarehouseID), "quantity": 1}
	})},
	"app/Trace": {0, shown(apptest.Variables{"code": "22222222222222222222" + "X"})},
	"web/Trace": {0, shown(apptest.Variables{"code": "22222222222222222222" + "X"})},
}

// stored is a lot of goods that are new, of which pieces lie in the warehouse.
func (w *world) stored(t *testing.T) string {
	t.Helper()
	lot, _ := w.lotOf(t)
	return lot
}

func (w *world) lotOf(t *testing.T) (lot string, variant uuid.UUID) {
	t.Helper()
	w.office(t)
	variant = w.AddProduct(t, w.key(), 980).Variants[0]
	w.SetStock(t, variant, 0)
	global := id.Global("Variant", variant)
	exec(t, w.App, `INSERT INTO stock_tracking (variant_id, mode, expires, min_days, alert_days, updated_at) VALUES ($1, 'LOT', true, 0, 30, now())`, variant)
	exec(t, w.App, `UPDATE stock_levels SET tracked = true WHERE variant_id = $1`, variant)
	var got struct {
		ReceiveStock struct{ UserErrors []userError }
	}
	w.DoAs(t, keeper, `mutation($in: StockInput!) { receiveStock(input: $in) { level { onHand } userErrors { code field message } } }`, apptest.Variables{"in": apptest.Variables{
		"idempotencyKey": w.key(), "variantId": global, "locationId": id.Global("Location", w.WarehouseID), "quantity": 50,
		"lots": []apptest.Variables{{"number": "L1", "expiresOn": "2099-12-31", "quantity": 50}},
	}}).Into(t, &got)
	require.Empty(t, got.ReceiveStock.UserErrors)
	var key uuid.UUID
	require.NoError(t, w.DB.Pool().QueryRow(t.Context(), `SELECT id FROM stock_lots WHERE variant_id = $1`, variant).Scan(&key))
	return id.Global("StockLot", key), variant
}

// sentLots is a lot that left with as many shipments as the world is large, and one of them.
func (w *world) sentLots(t *testing.T) (lot, shipment string) {
	t.Helper()
	lot, variant := w.lotOf(t)
	for range w.size {
		guest := &shopper{App: w.App}
		require.Empty(t, guest.add(t, variant, 1).UserErrors)
		require.Empty(t, guest.fillIn(t, w.parcel).UserErrors)
		placed := guest.place(t, w.key(), "1480")
		require.Empty(t, placed.UserErrors)
		counter{w.App, cashier}.receive(t, placed.Order.ID, "1480")
		shipment = counter{w.App, shipper}.ship(t, placed.Order.ID)[0].ID
	}
	return lot, shipment
}
