package resolvers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
)

// paperOperations are those of slips, photos, labels and lists.
var paperOperations = map[string]clientOperation{
	"app/ReturnPapers": {4, func(t *testing.T, w *world) question {
		order, cart := w.arrived(t)
		return question{apptest.Variables{"id": w.asks(t, order, w.size).ID}, cart}
	}},
	"app/AddReturnPhoto": {16, func(t *testing.T, w *world) question {
		order, cart := w.arrived(t)
		return question{in(apptest.Variables{"returnId": w.asks(t, order, w.size).ID, "file": attached(string(snapshot(t, 90)))}), append(cart, "X-Noren-CSRF", "1")}
	}},
	"app/RemoveReturnPhoto": {16, func(t *testing.T, w *world) question {
		order, cart := w.arrived(t)
		return question{in(apptest.Variables{"photoId": w.photo(t, order, cart)}), cart}
	}},

	"admin/ReturnByNumber": {5, asked(func(t *testing.T, w *world) apptest.Variables {
		order, _ := w.arrived(t)
		return apptest.Variables{"number": w.asks(t, order, w.size).Number}
	})},
	"admin/AddReturnPhoto": {16, func(t *testing.T, w *world) question {
		order, _ := w.arrived(t)
		return question{in(apptest.Variables{"returnId": w.asks(t, order, w.size).ID, "file": attached(string(snapshot(t, 90)))}), w.office(t)}
	}},
	"admin/RemoveReturnPhoto": {16, input(func(t *testing.T, w *world) apptest.Variables {
		order, cart := w.arrived(t)
		return apptest.Variables{"photoId": w.photo(t, order, cart)}
	})},
	"admin/LabelFormats": {0, inOffice(nil)},
	"admin/PrintShipments": {5, input(func(t *testing.T, w *world) apptest.Variables {
		for range w.size {
			w.instructed(t)
		}
		return apptest.Variables{"kind": "PACKING_LISTS"}
	})},
}

// photo is one that the customer has added to a return of the order.
func (w *world) photo(t *testing.T, order string, cart []string) string {
	t.Helper()
	added := shows(t, w.App, w.asks(t, order, 1).ID, snapshot(t, 90), cart...)
	require.Empty(t, added.UserErrors)
	return added.Return.Photos[0].ID
}
