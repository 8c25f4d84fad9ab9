package resolvers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

// movingOperations are those of moving and counting stock.
var movingOperations = map[string]clientOperation{
	"admin/StockTransfers": {4, asked(func(t *testing.T, w *world) apptest.Variables {
		w.sent(t)
		return apptest.Variables{"first": w.size}
	})},
	"admin/StockTransfer": {3, asked(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"id": w.sent(t)} })},
	"admin/SendStock":     {21, input(func(_ *testing.T, w *world) apptest.Variables { return w.lorry() })},
	"admin/ReceiveStockTransfer": {20, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"idempotencyKey": w.key(), "transferId": w.sent(t), "lines": w.each("arrived", 1)}
	})},
	"admin/RescheduleStockTransfer": {10, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"transferId": w.sent(t), "expectedOn": "2030-01-01"}
	})},
	"admin/CloseStockTransfer": {21, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"idempotencyKey": w.key(), "transferId": w.sent(t), "returned": true}
	})},

	"admin/StockDeliveries": {4, asked(func(t *testing.T, w *world) apptest.Variables {
		w.announced(t)
		return apptest.Variables{"first": w.size}
	})},
	"admin/StockDelivery": {3, asked(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"id": w.announced(t)} })},
	"admin/StockAlerts": {3, asked(func(t *testing.T, w *world) apptest.Variables {
		w.office(t)
		exec(t, w.App, `UPDATE stock_levels SET reorder_point = 1000000, reorder_to = 2000000 WHERE variant_id = ANY($1)`, w.variants)
		require.NoError(t, w.App.App.Resolvers.Supply.Watch(t.Context()))
		return apptest.Variables{"first": w.size}
	})},
	"admin/AnnounceStockDelivery": {16, input(func(_ *testing.T, w *world) apptest.Variables { return w.announcement() })},
	"admin/ReceiveStockDelivery": {20, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"idempotencyKey": w.key(), "deliveryId": w.announced(t), "lines": w.each("arrived", 1)}
	})},
	"admin/RescheduleStockDelivery": {10, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"deliveryId": w.announced(t), "expectedOn": "2030-01-01"}
	})},
	"admin/CloseStockDelivery": {16, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"idempotencyKey": w.key(), "deliveryId": w.announced(t)}
	})},

	"admin/Stocktakes": {2, asked(func(t *testing.T, w *world) apptest.Variables {
		w.counted(t)
		return apptest.Variables{"first": w.size}
	})},
	"admin/Stocktake": {4, asked(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"id": w.counted(t)} })},
	"admin/StartStocktake": {6, input(func(t *testing.T, w *world) apptest.Variables {
		w.made(t, "dropStocktake", "stocktake", apptest.Variables{"stocktakeId": w.counted(t)})
		return apptest.Variables{"locationId": w.locations[1]}
	})},
	"admin/CountStocktake": {8, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"stocktakeId": w.counted(t), "lines": w.each("counted", 1)}
	})},
	"admin/BookStocktake": {18, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"idempotencyKey": w.key(), "stocktakeId": w.counted(t)}
	})},
	"admin/DropStocktake": {6, input(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"stocktakeId": w.counted(t)} })},
}

// each is a line with so many pieces of each of the world's variants.
func (w *world) each(field string, pieces int) (lines []apptest.Variables) {
	for _, v := range w.variants {
		lines = append(lines, apptest.Variables{"variantId": id.Global("Variant", v), field: pieces})
	}
	return lines
}

func (w *world) lorry() apptest.Variables {
	return apptest.Variables{"idempotencyKey": w.key(), "fromId": id.Global("Location", w.WarehouseID), "toId": w.locations[0], "lines": w.each("quantity", 1)}
}

func (w *world) announcement() apptest.Variables {
	return apptest.Variables{"idempotencyKey": w.key(), "locationId": id.Global("Location", w.WarehouseID), "lines": w.each("quantity", 1)}
}

func (w *world) announced(t *testing.T) string {
	w.office(t)
	return w.made(t, "announceStockDelivery", "delivery", w.announcement())
}

func (w *world) sent(t *testing.T) string {
	w.office(t)
	return w.made(t, "sendStock", "transfer", w.lorry())
}

// counted is an open stocktake that found another number of each of the world's
// variants each time.
func (w *world) counted(t *testing.T) string {
	w.office(t)
	exec(t, w.App, `UPDATE stocktakes SET state = 'DROPPED' WHERE state = 'OPEN'`)
	stocktake := w.made(t, "startStocktake", "stocktake", apptest.Variables{"locationId": w.locations[1]})
	w.pins++
	return w.made(t, "countStocktake", "stocktake", apptest.Variables{"stocktakeId": stocktake, "lines": w.each("counted", w.pins)})
}
