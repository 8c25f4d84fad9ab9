package resolvers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

// attended is how many payments staff should look at, by their list, which agrees with the
// number on the work lists.
func attended(t testing.TB, a *apptest.App, actor access.Actor) int {
	t.Helper()
	var got struct {
		Payments  struct{ TotalCount int }
		WorkLists struct{ Payments int }
	}
	a.DoAs(t, actor, `{ payments(filter: {attention: true}) { totalCount } workLists { payments } }`, nil).Into(t, &got)
	require.Equal(t, got.Payments.TotalCount, got.WorkLists.Payments, "what is listed is counted")
	return got.Payments.TotalCount
}

// sendBack records that staff have sent so much of an order's payment back.
func (c counter) sendBack(t testing.TB, order, amount string) {
	t.Helper()
	var bill struct {
		Order struct{ Payments []struct{ ID string } }
	}
	c.DoAs(t, c.actor, `query($o: ID!) { order(id: $o) { payments { id } } }`, apptest.Variables{"o": order}).Into(t, &bill)
	var sent struct {
		RefundPayment struct{ UserErrors []userError }
	}
	c.DoAs(t, c.actor, `mutation($input: RefundPaymentInput!) { refundPayment(input: $input) { userErrors { code } } }`,
		in(apptest.Variables{"idempotencyKey": id.New().String(), "paymentId": bill.Order.Payments[0].ID, "amount": amount})).Into(t, &sent)
	require.Empty(t, sent.RefundPayment.UserErrors)
}

func TestWhatStaffOweIsCountedAsItIsListed(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash, method := a.AddProduct(t, "leash", 1980).Variants[0], a.AddShipping(t, "parcel", 0)
	staff := counter{a, cashier}
	paid := func(amount string) string {
		_, placed := ordered(t, a, leash, method)
		require.Empty(t, placed.UserErrors)
		staff.receive(t, placed.Order.ID, amount)
		return placed.Order.ID
	}
	paid("1980")
	require.Zero(t, attended(t, a, cashier))

	over := paid("2500")
	require.Equal(t, 1, attended(t, a, cashier), "an order that is overpaid")
	given := paid("1980")
	require.Empty(t, staff.act(t, "cancelOrder", apptest.Variables{"orderId": given}).UserErrors)
	require.Equal(t, 2, attended(t, a, cashier), "and one whose money staff send back")
	paid("1000")
	require.Equal(t, 3, attended(t, a, cashier), "and one that is paid short")

	shop := openShop(t, a, "umeda", "OSAKA", nil)
	var theirs struct{ WorkLists struct{ Payments int } }
	a.DoAs(t, clerkOf(shop), `{ workLists { payments } }`, nil).Into(t, &theirs)
	require.Zero(t, theirs.WorkLists.Payments, "none of a shop that has sold none of them")
	exec(t, a, `UPDATE orders SET shop_id = $1 WHERE id = $2`, shop, keyOf(t, over))
	a.DoAs(t, clerkOf(shop), `{ workLists { payments } }`, nil).Into(t, &theirs)
	require.Equal(t, 1, theirs.WorkLists.Payments)

	staff.sendBack(t, over, "520")
	staff.sendBack(t, given, "1000")
	require.Equal(t, 2, attended(t, a, cashier), "a part of it is still owed")
	staff.sendBack(t, given, "980")
	require.Equal(t, 1, attended(t, a, cashier))
	var wrong int
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM orders o WHERE o.overpaid <> overpaid(o.id, o.status, o.total - o.refused)`).Scan(&wrong))
	require.Zero(t, wrong)
}
