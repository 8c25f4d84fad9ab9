package resolvers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

// What the carrier collects is what points and gift cards have not paid, with its part of the tax.
func TestACarrierCollectsTheRestAndItsTax(t *testing.T) {
	t.Parallel()
	d := newDock(t)
	d.send(t, "yamato-b2")
	card := (&cardShop{App: d.App}).issue(t, 970, 1, nil)
	guest, _ := d.cart(t, 1, "CASH_ON_DELIVERY")
	var placed struct{ PlaceOrder orderAnswer }
	guest.Do(t, `mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { `+orderFields+` } }`,
		in(apptest.Variables{"idempotencyKey": "with-a-card", "expectedTotal": "2970", "paymentMethod": "CASH_ON_DELIVERY", "giftCards": card}), "X-Cart-Token", guest.token).Into(t, &placed)
	require.Empty(t, placed.PlaceOrder.UserErrors)
	require.Empty(t, d.staff.instruct(t, placed.PlaceOrder.Order.ID, nil).UserErrors)
	made := d.export(t, dispatcher, nil)
	require.Empty(t, made.UserErrors)
	_, rows := d.download(t, made.Batch.DownloadURL)
	require.Equal(t, []string{"2", "2000", "181"}, []string{rows[0]["送り状種類"], rows[0]["ｺﾚｸﾄ代金引換額（税込)"], rows[0]["内消費税額等"]}, "2,000 of 2,970 yen, with as much of 270 yen of tax")
}

// bought is what the history has of an order: pieces, money and entries.
func historyOf(t testing.TB, a *apptest.App, order string) (items, total, entries, lines int) {
	t.Helper()
	require.NoError(t, a.App.Resolvers.Purchases.WorkShipments(access.With(t.Context(), access.System)))
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `
		SELECT coalesce(sum(items), 0)::int, coalesce(sum(total), 0)::int, count(*)::int,
			(SELECT coalesce(sum(l.quantity), 0)::int FROM purchase_lines l WHERE l.purchase_id IN (SELECT id FROM purchases WHERE order_id = $1))
		FROM purchases WHERE order_id = $1`, keyOf(t, order)).Scan(&items, &total, &entries, &lines))
	return items, total, entries, lines
}

func TestARefusedParcelLeavesTheHistoryOfPurchases(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b := s.buyer(t, 0)
	order, _ := b.bought(t)
	staff := counter{s.App, packer}
	packed := staff.instruct(t, order, nil)
	require.Empty(t, packed.UserErrors)
	require.Empty(t, staff.move(t, "shipShipment", apptest.Variables{"shipmentId": packed.Shipments[0].ID, "trackingNumber": "4900-1"}).UserErrors)
	items, total, entries, lines := historyOf(t, s.App, order)
	require.Equal(t, []int{1, 2640, 1, 1}, []int{items, total, entries, lines})
	s.follow(t, order)
	require.Equal(t, 19, b.has(t).Pending)

	require.Empty(t, staff.refuse(t, packed.Shipments[0].ID, nil).UserErrors)
	for range 2 {
		items, total, entries, lines = historyOf(t, s.App, order)
		require.Equal(t, []int{0, 0, 2, 0}, []int{items, total, entries, lines}, "taken off once")
	}
	var member string
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT member_id FROM purchases WHERE order_id = $1 AND total < 0`, keyOf(t, order)).Scan(&member))
	require.Equal(t, keyOf(t, b.id).String(), member)
	s.follow(t, order)
	require.Zero(t, b.has(t).Pending)
}

func TestAnOrderRefusedAtTheDoorLeavesTheHistoryOfPurchases(t *testing.T) {
	t.Parallel()
	d := newDock(t)
	order, _, shipment := d.instructed(t)
	require.Empty(t, d.staff.move(t, "shipShipment", apptest.Variables{"shipmentId": shipment, "trackingNumber": "4900-1"}).UserErrors)
	var got struct {
		RecordRefusedDelivery struct{ UserErrors []userError }
	}
	d.DoAs(t, dispatcher, `mutation($o: ID!) { recordRefusedDelivery(input: {`+aKey()+` orderId: $o, reason: "受取拒否"}) { userErrors { code } } }`, apptest.Variables{"o": order}).Into(t, &got)
	require.Empty(t, got.RecordRefusedDelivery.UserErrors)
	for range 2 { // although the history had not heard of the parcel before
		items, total, entries, _ := historyOf(t, d.App, order)
		require.Equal(t, []int{0, 0, 2}, []int{items, total, entries})
	}
	require.Empty(t, d.staff.refuse(t, shipment, apptest.Variables{"locationId": id.Global("Location", d.WarehouseID)}).UserErrors, "its goods are received later")
	_, total, entries, _ := historyOf(t, d.App, order)
	require.Equal(t, []int{0, 2}, []int{total, entries})
}
