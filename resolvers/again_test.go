package resolvers_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

// another are operations that take a key, and for each what another intent would say.
var another = map[string]apptest.Variables{
	"admin/CancelOrder":           {"reason": "別の理由"},
	"app/CancelOrder":             {"reason": "別の理由"},
	"admin/ApproveOrder":          {"orderId": id.Global("Order", id.New())},
	"app/ApproveOrder":            {"orderId": id.Global("Order", id.New())},
	"admin/RejectOrder":           {"reason": "別の理由"},
	"app/RejectOrder":             {"reason": "別の理由"},
	"admin/ShipShipment":          {"carrier": "別の運輸"},
	"admin/CancelShipment":        {"reason": "別の理由"},
	"admin/RecordRefusedDelivery": {"reason": "別の理由"},

	"admin/BookStocktake":        {"zero": true},
	"admin/ReceiveStockTransfer": {"lines": []apptest.Variables{}},
	"admin/CloseStockTransfer":   {"returned": false},
	"admin/ReceiveStockDelivery": {"lines": []apptest.Variables{}},
	"admin/CloseStockDelivery":   {"deliveryId": id.Global("StockDelivery", id.New())},

	"admin/RecordCollection":   {"amount": "200"},
	"admin/SettleStrayPayment": {"reason": "別の理由"},
	"admin/SettleBankLine":     {"state": "RETURNED"},
	"admin/VoidGiftCards":      {"reason": "別の理由"},
	"admin/VoidVouchers":       {"reason": "別の理由"},

	"admin/SettlePointArrival":  {"reason": "別の理由"},
	"admin/MovePrizeStock":      {"by": 4},
	"admin/CancelPrizeExchange": {"reason": "別の理由"},
	"app/CancelMyPrizeExchange": {"reason": "別の理由"},
	"admin/SaveDraw":            {"points": 2},
	"app/AnswerWin":             {"accept": false},
	"admin/AnswerWinFor":        {"reason": "別の理由"},
	"admin/ExchangePrizeFor":    {"quantity": 2},
	"admin/EnterDrawFor":        {"count": 1},
	"admin/RedeemPointCodeFor":  {"code": "ANOTHER-CODE"},
}

func TestWhatIsAskedAgainMovesOnce(t *testing.T) {
	t.Parallel()
	w, entries, bodies := newWorld(t, 2), clientOperations(), map[string]string{}
	for _, client := range shipped(t) {
		for _, o := range operationsOf(t, client) {
			bodies[client+"/"+o.Name] = o.Body
		}
	}
	for _, name := range slices.Sorted(maps.Keys(another)) {
		t.Run(name, func(t *testing.T) {
			q := entries[name].ask(t, w)
			input := maps.Clone(q.variables["input"].(apptest.Variables))
			before := w.moved(t)
			first := w.Do(t, bodies[name], q.variables, q.headers...)
			require.Empty(t, refusals(t, first))
			moved := w.moved(t)
			require.NotEqual(t, before, moved)

			again := w.Do(t, bodies[name], q.variables, q.headers...)
			require.JSONEq(t, string(first.Data), string(again.Data))
			require.Equal(t, moved, w.moved(t), "it is done once")

			maps.Copy(input, another[name])
			require.Equal(t, []string{"IDEMPOTENCY_KEY_REUSED idempotencyKey"}, refusals(t, w.Do(t, bodies[name], in(input), q.headers...)))
			require.Equal(t, moved, w.moved(t))
		})
	}
}

// refusals are the user errors of a mutation.
func refusals(t testing.TB, answer apptest.Answer) (all []string) {
	t.Helper()
	require.Empty(t, answer.Errors)
	var fields map[string]struct{ UserErrors []userError }
	require.NoError(t, json.Unmarshal(answer.Data, &fields))
	for _, got := range fields {
		for _, e := range got.UserErrors {
			all = append(all, e.Code+" "+strings.Join(e.Field, "."))
		}
	}
	return all
}

// moved is a sum of all that moves in the shop: what happened, what is to be done, stock,
// money, points and prizes.
func (w *world) moved(t testing.TB) (sums string) {
	t.Helper()
	require.NoError(t, w.DB.Pool().QueryRow(t.Context(), `
		SELECT concat_ws(' ', (SELECT count(*) FROM events), (SELECT count(*) FROM river_job),
			(SELECT concat_ws('/', count(*), sum(quantity)) FROM stock_movements), (SELECT concat_ws('/', sum(on_hand), sum(reserved), sum(incoming)) FROM stock_levels),
			(SELECT concat_ws('/', count(*), sum(debit)) FROM journal_lines), (SELECT concat_ws('/', count(*), sum(captured), sum(refunded)) FROM payments),
			(SELECT count(*) FROM stray_payments), (SELECT sum(balance) FROM gift_cards), (SELECT sum(balance) FROM vouchers), (SELECT count(*) FROM credit_entries),
			(SELECT count(*) FROM point_entries), (SELECT sum(stock) FROM prizes), (SELECT count(*) FROM draws), (SELECT count(*) FROM prize_exchanges))`).Scan(&sums))
	return sums
}
