package resolvers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/stripe/stripetest"
	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
)

// documentOperations are those of invoices, receipts and the like.
var documentOperations = map[string]clientOperation{
	"app/OrderDocuments": {2, func(t *testing.T, w *world) question {
		order, cart := w.shipped(t)
		return question{apptest.Variables{"id": order}, cart}
	}},
	"app/IssueReceipt": {14, func(t *testing.T, w *world) question {
		order, cart := w.sold(t)
		return question{in(receiptInput(w.key(), order)), cart}
	}},
	"admin/IssueReceipt": {14, input(func(t *testing.T, w *world) apptest.Variables {
		order, _ := w.shipped(t)
		return receiptInput(w.key(), order)
	})},
	"admin/Documents": {1, asked(func(t *testing.T, w *world) apptest.Variables {
		w.shipped(t)
		return apptest.Variables{"first": w.size}
	})},
	"admin/Document":           {1, asked(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"id": w.invoiced(t)} })},
	"admin/DocumentIssuer":     {1, inOffice(nil)},
	"admin/SaveDocumentIssuer": {5, input(func(_ *testing.T, w *world) apptest.Variables { return with(ourIssuer(), "name", w.key()) })},
	"admin/IssueDocuments": {11, input(func(t *testing.T, w *world) apptest.Variables {
		exec(t, w.App, `DELETE FROM document_issuers`)
		order, _ := w.paid(t)
		counter{w.App, shipper}.ship(t, order)
		issueAs(t, w.App)
		return apptest.Variables{"orderId": order}
	})},
	"admin/IssueCreditNote": {11, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"idempotencyKey": w.key(), "documentId": w.invoiced(t), "reason": "返品"}
	})},
}

// shipped is an order with its invoice, and as many receipts as the world is large; and
// who ordered it.
func (w *world) shipped(t *testing.T) (order string, cart []string) {
	t.Helper()
	order, cart = w.sold(t)
	for range w.size {
		w.made(t, "issueReceipt", "document", receiptInput(w.key(), order))
	}
	return order, cart
}

// sold is an order that was paid by card and shipped, and who ordered it.
func (w *world) sold(t *testing.T) (order string, cart []string) {
	t.Helper()
	w.office(t)
	cart = w.filled(t)
	order = w.place(t, cart, "CARD")
	var paid struct{ PayOrder payAnswer }
	w.Do(t, `mutation($input: PayOrderInput!) { payOrder(input: $input) { payment { id status } userErrors { code } } }`,
		in(apptest.Variables{"idempotencyKey": w.key(), "orderId": order, "cardToken": stripetest.CardVisa}), cart...).Into(t, &paid)
	require.Empty(t, paid.PayOrder.UserErrors)
	counter{w.App, shipper}.ship(t, order)
	return order, cart
}

// invoiced is the invoice of such an order.
func (w *world) invoiced(t *testing.T) string {
	t.Helper()
	order, cart := w.shipped(t)
	var got struct {
		Order struct{ Documents []struct{ ID, Kind string } }
	}
	w.Do(t, `query($o: ID!) { order(id: $o) { documents { id kind } } }`, apptest.Variables{"o": order}, cart...).Into(t, &got)
	require.Equal(t, "INVOICE", got.Order.Documents[0].Kind)
	return got.Order.Documents[0].ID
}
