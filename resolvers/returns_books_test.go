package resolvers_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/stripe/stripetest"
	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

// linesOf are the lines of an order.
func (c counter) linesOf(t testing.TB, order string) (lines []string) {
	t.Helper()
	var got struct {
		Order struct{ Lines []struct{ ID string } }
	}
	c.DoAs(t, c.actor, `query($o: ID!) { order(id: $o) { lines { id } } }`, apptest.Variables{"o": order}).Into(t, &got)
	for _, l := range got.Order.Lines {
		lines = append(lines, l.ID)
	}
	return lines
}

// takeBack brings pieces of a line the whole way back, as staff.
func (c counter) takeBack(t testing.TB, order, line string, pieces int) returnSeen {
	t.Helper()
	asked := c.back(t, "requestReturn", apptest.Variables{
		"idempotencyKey": id.New().String(), "orderId": order, "outcome": "REFUND", "lines": []apptest.Variables{piecesOf(line, pieces, "DEFECTIVE", nil)},
	})
	require.Empty(t, asked.UserErrors)
	require.Empty(t, c.back(t, "approveReturn", apptest.Variables{"returnId": asked.Return.ID}).UserErrors)
	got := c.back(t, "receiveReturn", apptest.Variables{
		"idempotencyKey": id.New().String(), "returnId": asked.Return.ID, "locationId": id.Global("Location", c.WarehouseID),
		"lines": []apptest.Variables{{"lineId": asked.Return.Lines[0].ID, "scrap": pieces}},
	})
	require.Empty(t, got.UserErrors)
	return *got.Return
}

func TestACardGetsItsMoneyBackForGoods(t *testing.T) {
	t.Parallel()
	s := newTill(t, "CARD")
	s.Work(t)
	require.Empty(t, s.pay(t, "attempt-1", stripetest.CardVisa).UserErrors)
	staff := counter{s.App, packer}
	staff.ship(t, s.order)
	got := staff.takeBack(t, s.order, staff.linesOf(t, s.order)[0], 1)
	require.Equal(t, "2640", got.Refund.Amount, "the fee of the parcel goes back too")
	require.Eventually(t, func() bool { return s.payment(t).Refunded.Amount == "2640" }, 3*time.Minute, 20*time.Millisecond)
	require.Equal(t, map[string]string{"RETURNS": "+2400", "TAXSTANDARD": "+240", "DEPOSITS": "-2640"}, journal(t, s.App, "kinds: [RETURN]")[0].lines())
	require.Equal(t, map[string]string{"DEPOSITS": "+2640", "CLEARINGstripe": "-2640"}, journal(t, s.App, "kinds: [REFUND]")[0].lines())
	require.Equal(t, "0", trialBalance(t, s.App)["CLEARINGstripe"])
}

func TestWhatStaffHaveRefundedIsNotGivenTwice(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	d := newDelivered(t, a).arrive(t)
	var bill struct {
		Order struct{ Payments []struct{ ID string } }
	}
	a.DoAs(t, packer, `query($o: ID!) { order(id: $o) { payments { id } } }`, apptest.Variables{"o": d.order}).Into(t, &bill)
	a.DoAs(t, packer, `mutation($p: ID!) { refundPayment(input: {idempotencyKey: "refund-0001", paymentId: $p, amount: "5000"}) { userErrors { code } } }`,
		apptest.Variables{"p": bill.Order.Payments[0].ID}).Into(t, &struct{}{})
	require.Equal(t, "507", d.staff.takeBack(t, d.order, d.beds, 1).Refund.Amount, "that is all that is left")
	require.Equal(t, "0", d.staff.takeBack(t, d.order, d.leashes, 3).Refund.Amount)
	require.Equal(t, int64(5507), d.refunded(t))
	require.Equal(t, "0", trialBalance(t, a)["BANK"])
}

func TestWhatLeavesAfterAReturnIsPaidFor(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	order, _, bed, _ := split(t, a)
	staff := counter{a, packer}
	for _, h := range staff.instruct(t, order, apptest.Variables{"partial": true}).Shipments {
		require.Empty(t, staff.move(t, "shipShipment", apptest.Variables{"shipmentId": h.ID}).UserErrors)
	}
	got := staff.takeBack(t, order, staff.linesOf(t, order)[0], 3)
	require.Equal(t, "3003", got.Refund.Amount)
	receive(t, a, bed, 2)
	staff.ship(t, order)
	balance := trialBalance(t, a)
	require.Equal(t, []string{"", ""}, []string{zero(balance["RECEIVABLE"]), zero(balance["DEPOSITS"])}, "the beds were paid in advance: %v", balance)
	require.Equal(t, "4507", balance["BANK"])
}

// zero is nothing for no amount.
func zero(amount string) string {
	if amount == "0" {
		return ""
	}
	return amount
}
