package resolvers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
)

// What a company has paid ahead pays its next orders as they are placed; and what it need not
// pay for one order pays another.
func TestOrdersOnAccountArePaidAsSoonAsTheMoneyReachesThem(t *testing.T) {
	t.Parallel()
	w := newWholesaler(t, "10000", "APPROVAL")
	kaede := w.buyer(t, "kaede@example.jp", "BUYER", nil)
	small := w.buyer(t, "small@example.jp", "BUYER", 1000)
	pay := func(key, amount string) {
		t.Helper()
		require.Empty(t, w.staff.mutate(t, "recordAccountPayment", apptest.Variables{
			"idempotencyKey": key, "companyId": w.company, "amount": amount, "reference": "ﾌｸﾌｸｼｮｳﾃﾝ", "receivedAt": "2026-01-20T01:00:00Z",
		}).UserErrors)
	}
	paid := func(orders ...string) (all []bool) {
		t.Helper()
		for _, order := range orders {
			var got struct{ Order struct{ Paid bool } }
			w.staff(`query($o: ID!) { order(id: $o) { paid } }`, apptest.Variables{"o": order}).Into(t, &got)
			all = append(all, got.Order.Paid)
		}
		return all
	}
	pay("payment-1", "5000")
	ahead := kaede.order(t, "intent-1", "ON_ACCOUNT", 3).Order
	require.True(t, ahead.Paid, "it was paid before it was placed")
	short := kaede.order(t, "intent-2", "ON_ACCOUNT", 3).Order
	require.False(t, short.Paid, "the rest reaches a part of it")
	waits := small.order(t, "intent-3", "ON_ACCOUNT", 2).Order
	require.Equal(t, "PENDING_APPROVAL", waits.Status)
	require.Equal(t, 1000, w.owed(t))

	// The first is edited: 1,000 yen more for the others.
	staff := counter{w.App, editor}
	require.Empty(t, staff.edit(t, ahead.ID, lines(lineOf(t, w.App, ahead.ID), 2)).UserErrors)
	require.Equal(t, 0, w.owed(t))
	require.Equal(t, []bool{true, true, false}, paid(ahead.ID, short.ID, waits.ID))

	// It costs more again: the newest is what is owed, which is not this one.
	later := kaede.order(t, "intent-4", "ON_ACCOUNT", 1).Order
	require.Empty(t, staff.edit(t, ahead.ID, lines(lineOf(t, w.App, ahead.ID), 3)).UserErrors)
	require.Equal(t, 2000, w.owed(t))
	require.Equal(t, []bool{false, true, false}, paid(ahead.ID, short.ID, later.ID))
	pay("payment-2", "1000")
	require.Equal(t, []bool{true, true, false}, paid(ahead.ID, short.ID, later.ID))

	// One that is given up pays another, and one that is approved finds what is left.
	require.Empty(t, kaede.mutate(t, "cancelOrder", apptest.Variables{"orderId": short.ID}).UserErrors)
	require.Equal(t, -2000, w.owed(t))
	require.Equal(t, []bool{true, true}, paid(ahead.ID, later.ID))
	require.Empty(t, w.staff.mutate(t, "approveOrder", apptest.Variables{"orderId": waits.ID}).UserErrors)
	require.Equal(t, 0, w.owed(t))
	require.Equal(t, []bool{true}, paid(waits.ID))
	var n int
	require.NoError(t, w.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM events WHERE type = 'order.payment_changed'`).Scan(&n))
	require.Equal(t, 3, n, "of the orders that others paid, each time")
}

// lineOf is the order's only line.
func lineOf(t testing.TB, a *apptest.App, order string) string {
	t.Helper()
	var got struct {
		Order struct{ Lines []struct{ ID string } }
	}
	a.DoAs(t, editor, `query($o: ID!) { order(id: $o) { lines { id } } }`, apptest.Variables{"o": order}).Into(t, &got)
	require.Len(t, got.Order.Lines, 1)
	return got.Order.Lines[0].ID
}
