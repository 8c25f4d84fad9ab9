package resolvers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

func TestADraftToAForbiddenRegionWaitsForAnotherAddress(t *testing.T) {
	t.Parallel()
	d := newDispatch(t)
	staff := as(t, d.App, phoneDesk)
	terms := phoned(d.method, "BANK_TRANSFER", wantedLine(d.box, 1, nil))
	far := with(with(newAddress("福田 ふく"), "postalCode", "1002101"), "prefecture", "TOKYO")
	made := staff.draft(t, "createDraftOrder", apptest.Variables{"terms": with(with(terms, "shippingAddress", far), "email", "guest@example.jp")})
	require.Empty(t, made.UserErrors, "it may be written down")
	refused := staff.draft(t, "placeDraftOrder", placing(*made.DraftOrder))
	require.Equal(t, "SHIPPING_DESTINATION", refused.UserErrors[0].Code)
	require.NotEmpty(t, refused.UserErrors[0].Field)
	var orders int
	require.NoError(t, d.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM orders`).Scan(&orders))
	require.Zero(t, orders)
	requireStock(t, d.App, d.box, 100, 0)
	changed := staff.draft(t, "updateDraftOrder", changing(*made.DraftOrder, apptest.Variables{"shippingAddress": newAddress("福田 ふく")}))
	require.Equal(t, "OPEN", changed.DraftOrder.State, "nothing is lost")
	require.Empty(t, staff.draft(t, "placeDraftOrder", placing(*changed.DraftOrder)).UserErrors)
}

func TestARecurringOrderToAForbiddenRegionIsOnTheWorkList(t *testing.T) {
	t.Parallel()
	r := newRegular(t)
	employ(t, r.App, "desk@example.jp", access.RoleStaff, access.OrderRead, access.OrderWrite)
	staff := as(t, r.App, phoneDesk)
	o := *r.ask.recur(t, "subscribeRecurringOrder", r.wish()).RecurringOrder
	exec(t, r.App, `UPDATE recurring_orders SET announced_on = next_on`)
	rules := dispatch{App: r.App, method: r.method}
	zone := rules.made(t, "saveShippingZone", "SaveShippingZoneInput", "zone", apptest.Variables{"code": "here", "name": ja("この地域"), "postalCodes": []apptest.Variables{{"from": "0000000", "to": "9999999"}}})
	forbid := func(destinations ...apptest.Variables) {
		in := apptest.Variables{"methodId": id.Global("ShippingMethod", r.method)}
		if len(destinations) > 0 {
			in["destinations"] = destinations
		}
		rules.set(t, "setShippingLimits", "SetShippingLimitsInput", in)
	}
	forbid(apptest.Variables{"zoneId": zone})
	r.due(t)
	r.run(t)
	require.Zero(t, r.orders(t))
	seen := r.ask.recurringOrder(t, o.ID)
	require.Equal(t, []string{"PROBLEM", "SHIPPING_DESTINATION"}, []string{seen.Occurrences[0].Result, seen.Occurrences[0].ProblemCode})
	var list struct{ RecurringOrders struct{ Nodes []recurred } }
	staff(`{ recurringOrders(filter: {problem: true}) { nodes { id } } }`, nil).Into(t, &list)
	require.Len(t, list.RecurringOrders.Nodes, 1, "staff have it on their list")
	forbid()
	require.Empty(t, r.ask.recur(t, "retryRecurringOrder", apptest.Variables{"recurringOrderId": o.ID}).UserErrors)
	r.run(t)
	require.Equal(t, 1, r.orders(t), "nothing is lost")
}
