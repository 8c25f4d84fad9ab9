package resolvers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

// returnOperations are those of goods that come back.
var returnOperations = map[string]clientOperation{
	"app/ReturnRule": {1, shown(nil)},
	"app/OrderReturns": {6, func(t *testing.T, w *world) question {
		order, cart := w.arrived(t)
		w.asks(t, order, 1)
		return question{apptest.Variables{"id": order}, cart}
	}},
	"app/RequestReturn": {16, func(t *testing.T, w *world) question {
		order, cart := w.arrived(t)
		return question{in(w.wishFor(t, order, w.size)), cart}
	}},
	"app/WithdrawReturn": {11, func(t *testing.T, w *world) question {
		order, cart := w.arrived(t)
		return question{in(apptest.Variables{"returnId": w.asks(t, order, 1).ID}), cart}
	}},

	"admin/Returns": {3, asked(func(t *testing.T, w *world) apptest.Variables {
		for range w.size {
			order, _ := w.arrived(t)
			w.asks(t, order, 1)
		}
		return nil
	})},
	"admin/StaffReturn": {4, asked(func(t *testing.T, w *world) apptest.Variables {
		order, _ := w.arrived(t)
		return apptest.Variables{"id": w.asks(t, order, w.size).ID}
	})},
	"admin/StaffReturnRule": {1, inOffice(nil)},
	"admin/SaveReturnRule":  {5, newly(apptest.Variables{"terms": []apptest.Variables{{"reason": "DEFECTIVE", "days": 30}, {"reason": "CHANGED_MIND", "days": 8}}})},
	"admin/RequestReturn": {16, input(func(t *testing.T, w *world) apptest.Variables {
		order, _ := w.arrived(t)
		return w.wishFor(t, order, w.size)
	})},
	"admin/ApproveReturn": {14, input(func(t *testing.T, w *world) apptest.Variables {
		order, _ := w.arrived(t)
		return apptest.Variables{"returnId": w.asks(t, order, w.size).ID}
	})},
	"admin/RejectReturn": {13, input(func(t *testing.T, w *world) apptest.Variables {
		order, _ := w.arrived(t)
		return apptest.Variables{"returnId": w.asks(t, order, w.size).ID, "note": "開封の跡があるため"}
	})},
	"admin/ReceiveReturn": {47, input(func(t *testing.T, w *world) apptest.Variables {
		order, _ := w.arrived(t)
		r := w.mayCome(t, order)
		lines := make([]apptest.Variables, len(r.Lines))
		for i, l := range r.Lines {
			lines[i] = apptest.Variables{"lineId": l.ID, "restock": 1}
		}
		return apptest.Variables{"idempotencyKey": w.key(), "returnId": r.ID, "locationId": id.Global("Location", w.WarehouseID), "lines": lines}
	})},
	"admin/CloseReturn": {11, input(func(t *testing.T, w *world) apptest.Variables {
		order, _ := w.arrived(t)
		return apptest.Variables{"returnId": w.mayCome(t, order).ID}
	})},
}

// arrived is an order that its customer has received, and the headers of that customer.
func (w *world) arrived(t *testing.T) (order string, cart []string) {
	t.Helper()
	cart = w.filled(t)
	order = w.place(t, cart, "BANK_TRANSFER")
	counter{w.App, shipper}.receive(t, order, w.total())
	for _, h := range (counter{w.App, shipper}).ship(t, order) {
		require.Empty(t, counter{w.App, shipper}.move(t, "deliverShipment", apptest.Variables{"shipmentId": h.ID}).UserErrors)
	}
	return order, cart
}

// wishFor asks for a piece of so many of the order's lines.
func (w *world) wishFor(t *testing.T, order string, n int) apptest.Variables {
	t.Helper()
	var got struct {
		Order struct{ Lines []struct{ ID string } }
	}
	w.DoAs(t, shipper, `query($o: ID!) { order(id: $o) { lines { id } } }`, apptest.Variables{"o": order}).Into(t, &got)
	var lines []apptest.Variables
	for _, l := range got.Order.Lines[:n] {
		lines = append(lines, piecesOf(l.ID, 1, "DEFECTIVE", nil))
	}
	return apptest.Variables{"idempotencyKey": w.key(), "orderId": order, "outcome": "REFUND", "lines": lines}
}

func (w *world) asks(t *testing.T, order string, n int) returnSeen {
	t.Helper()
	got := counter{w.App, shipper}.back(t, "requestReturn", w.wishFor(t, order, n))
	require.Empty(t, got.UserErrors)
	return *got.Return
}

func (w *world) mayCome(t *testing.T, order string) returnSeen {
	t.Helper()
	got := counter{w.App, shipper}.back(t, "approveReturn", apptest.Variables{"returnId": w.asks(t, order, w.size).ID})
	require.Empty(t, got.UserErrors)
	return *got.Return
}
