package resolvers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
)

// prizeOperations are those of what points are exchanged for.
var prizeOperations = map[string]clientOperation{
	"app/Prizes": {1, loyal(func(t *testing.T, w *world) apptest.Variables {
		w.furnishPrizes(t)
		return apptest.Variables{"first": w.size}
	})},
	"app/MyPrizeExchanges": {2, loyal(func(t *testing.T, w *world) apptest.Variables {
		w.furnishPrizes(t)
		return apptest.Variables{"first": w.size}
	})},
	"app/ExchangePrize": {21, loyal(func(t *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"idempotencyKey": w.key(), "prizeId": w.prize(t), "points": 1, "address": newAddress("自宅")})
	})},
	"app/CancelMyPrizeExchange": {22, loyal(func(t *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"idempotencyKey": w.key(), "exchangeId": w.exchanged(t, w.prize(t))})
	})},
	"admin/StaffPrizes": {2, staffed(func(t *testing.T, w *world) apptest.Variables {
		w.furnishPrizes(t)
		return apptest.Variables{"first": w.size}
	})},
	"app/Prize":        {1, loyal(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"id": w.prize(t)} })},
	"admin/StaffPrize": {2, staffed(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"id": w.prize(t)} })},
	"admin/PrizeExchanges": {3, staffed(func(t *testing.T, w *world) apptest.Variables {
		w.furnishPrizes(t)
		return apptest.Variables{"first": w.size}
	})},
	"admin/SavePrize": {8, staffed(func(_ *testing.T, w *world) apptest.Variables { return in(keyed("savePrize", w.newPrize())) })},
	"admin/MovePrizeStock": {9, staffed(func(t *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"idempotencyKey": w.key(), "prizeId": w.prize(t), "by": 3, "reason": "入荷"})
	})},
	"admin/AdvancePrizeExchanges": {10, staffed(func(t *testing.T, w *world) apptest.Variables {
		p := w.prize(t)
		var moves []apptest.Variables
		for range w.size {
			moves = append(moves, apptest.Variables{"exchangeId": w.exchanged(t, p), "trackingNumber": "1234"})
		}
		return in(apptest.Variables{"to": "SHIPPED", "carrier": "ヤマト運輸", "moves": moves})
	})},
	"admin/CancelPrizeExchange": {20, staffed(func(t *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"idempotencyKey": w.key(), "exchangeId": w.exchanged(t, w.prize(t)), "reason": "破損"})
	})},
	"admin/ExportPrizeShipments": {2, staffed(func(t *testing.T, w *world) apptest.Variables { w.furnishPrizes(t); return nil })},
}

func (w *world) newPrize() apptest.Variables {
	return apptest.Variables{"programmeId": w.programme(1), "name": ja("ボウル"), "points": 1, "stock": 100}
}

// prize is the id of a new prize for one point.
func (w *world) prize(t *testing.T) string { return w.made(t, "savePrize", "prize", w.newPrize()) }

// exchanged is the id of a new exchange of the member's.
func (w *world) exchanged(t *testing.T, prize string) string {
	var got struct{ ExchangePrize prizeAnswer }
	w.member.do(t, `mutation($input: ExchangePrizeInput!) { exchangePrize(input: $input) { exchange { id } userErrors { code field message } } }`,
		in(apptest.Variables{"idempotencyKey": w.key(), "prizeId": prize, "points": 1, "address": newAddress("自宅")})).Into(t, &got)
	require.Empty(t, got.ExchangePrize.UserErrors)
	return got.ExchangePrize.Exchange.ID
}

// furnishPrizes makes as many prizes and exchanges as the world is wide.
func (w *world) furnishPrizes(t *testing.T) {
	for range w.size {
		w.exchanged(t, w.prize(t))
	}
}
