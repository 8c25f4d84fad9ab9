package resolvers_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
	coreorder "github.com/noren-commerce/noren/core/order"
)

// anew does the queued jobs that work promises out, each twice: the second time, nothing
// is left to do.
func anew(t *testing.T, a *apptest.App) {
	t.Helper()
	rows, err := a.DB.Pool().Query(t.Context(), `DELETE FROM river_job WHERE kind = 'order_repromise' RETURNING args`)
	require.NoError(t, err)
	var jobs []coreorder.RepromiseJob
	for rows.Next() {
		var raw []byte
		var job coreorder.RepromiseJob
		require.NoError(t, rows.Scan(&raw))
		require.NoError(t, json.Unmarshal(raw, &job))
		jobs = append(jobs, job, job)
	}
	require.NoError(t, rows.Err())
	for _, job := range jobs {
		require.NoError(t, a.App.Resolvers.Orders.Repromise(t.Context(), job))
	}
}

// awaiting is a paid order of a box that is announced for the third day, and leaves on the
// fourth; a wish may be empty.
func (p punctual) awaiting(t *testing.T, d *depot, intent, wish string) string {
	t.Helper()
	s := &shopper{App: p.App}
	require.Empty(t, s.add(t, p.box, 1).UserErrors)
	s.fillIn(t, p.method)
	if wish != "" {
		_, code := s.wish(t, apptest.Variables{"deliverOn": wish})
		require.Empty(t, code)
	}
	placed := s.place(t, intent, "1980")
	require.Empty(t, placed.UserErrors)
	counter{p.App, cashier}.receive(t, placed.Order.ID, "1980")
	return placed.Order.ID
}

// announced is a shop that is out of boxes, of which ten are announced for the third day.
func announced(t *testing.T) (punctual, *depot, *delivery) {
	t.Helper()
	p := newPunctual(t)
	p.SetStock(t, p.box, 0)
	backOrders(t, p.App, nil, 50)
	d := &depot{App: p.App}
	return p, d, d.announce(t, p.box, 10, p.day(3))
}

func (p punctual) expect(t *testing.T, d *depot, of *delivery, day any) {
	t.Helper()
	_, code := d.change(t, "rescheduleStockDelivery", "RescheduleStockDeliveryInput", apptest.Variables{"deliveryId": of.ID, "expectedOn": day})
	require.Empty(t, code)
	anew(t, p.App)
}

// lateOrders are the late orders that staff see.
func lateOrders(t *testing.T, a *apptest.App, actor access.Actor) (found []string) {
	t.Helper()
	var got struct {
		Orders struct{ Nodes []struct{ ID string } }
	}
	a.DoAs(t, actor, `{ orders(filter: {late: true}) { nodes { id } } }`, nil).Into(t, &got)
	for _, n := range got.Orders.Nodes {
		found = append(found, n.ID)
	}
	slices.Sort(found)
	return found
}

func lateCounts(t *testing.T, a *apptest.App, actor access.Actor) [2]int {
	t.Helper()
	var got struct {
		WorkLists struct{ LateOrders, LateShipments int }
	}
	a.DoAs(t, actor, `{ workLists { lateOrders lateShipments } }`, nil).Into(t, &got)
	return [2]int{got.WorkLists.LateOrders, got.WorkLists.LateShipments}
}

func TestADeliveryThatMovesMovesWhatIsPromised(t *testing.T) {
	t.Parallel()
	p, d, coming := announced(t)
	order := p.awaiting(t, d, "intent-1", "")
	anew(t, p.App)
	require.Equal(t, p.day(6), *p.order(t, order).PromisedOn)
	before := mails(t, p.App)

	p.expect(t, d, coming, p.day(8))
	got := p.order(t, order)
	require.Equal(t, [2]string{p.day(11), p.day(9)}, [2]string{*got.PromisedOn, *got.ShipBy})
	last := got.History[len(got.History)-1]
	require.Equal(t, [4]string{"order.rescheduled", "商品の入荷予定が変わったため", p.day(6), p.day(11)}, [4]string{last.Type, last.Reason, *last.PromisedBefore, *last.PromisedOn})
	require.Equal(t, before+1, mails(t, p.App), "the customer is told once")

	p.expect(t, d, coming, p.day(3))
	require.Equal(t, p.day(6), *p.order(t, order).PromisedOn, "sooner, too")
	require.Equal(t, before+2, mails(t, p.App))
	p.expect(t, d, coming, p.day(2)) // it leaves a day sooner, and waits for the carrier to deliver
	require.Equal(t, p.day(5), *p.order(t, order).PromisedOn)
	p.expect(t, d, coming, p.day(1))
	got = p.order(t, order)
	require.Equal(t, [2]string{p.day(5), p.day(2)}, [2]string{*got.PromisedOn, *got.ShipBy})
	require.Equal(t, before+3, mails(t, p.App), "the day is the same")
	require.Empty(t, lateOrders(t, p.App, cashier))

	// Nobody knows any more: the promise is taken back, and staff see it.
	p.expect(t, d, coming, nil)
	got = p.order(t, order)
	require.Nil(t, got.PromisedOn)
	require.Equal(t, p.day(2), *got.ShipBy, "by when it was to leave")
	last = got.History[len(got.History)-1]
	require.Equal(t, p.day(5), *last.PromisedBefore)
	require.Nil(t, last.PromisedOn)
	require.Equal(t, before+4, mails(t, p.App))
	require.Equal(t, []string{order}, lateOrders(t, p.App, cashier))
	require.Equal(t, [2]int{1, 0}, lateCounts(t, p.App, cashier))
	_, code := d.closed(t, coming)
	require.Empty(t, code)
	anew(t, p.App)
	require.Equal(t, before+4, mails(t, p.App), "who knows is not told again")

	d.announce(t, p.box, 1, p.day(3))
	anew(t, p.App)
	require.Equal(t, p.day(6), *p.order(t, order).PromisedOn)
	require.Equal(t, before+5, mails(t, p.App))
	require.Empty(t, lateOrders(t, p.App, cashier))
}

func TestAWishIsKeptAsLongAsItCanBeMet(t *testing.T) {
	t.Parallel()
	p, d, coming := announced(t)
	order := p.awaiting(t, d, "intent-1", p.day(10))
	before := mails(t, p.App)
	p.expect(t, d, coming, p.day(7))
	got := p.order(t, order)
	require.Equal(t, [2]string{p.day(10), p.day(10)}, [2]string{*got.PromisedOn, *got.DeliverOn})
	p.expect(t, d, coming, nil)
	got = p.order(t, order)
	require.Nil(t, got.PromisedOn)
	require.Equal(t, p.day(10), *got.DeliverOn, "it may be met yet")
	p.expect(t, d, coming, p.day(1))
	require.Equal(t, p.day(10), *p.order(t, order).PromisedOn)
	require.Equal(t, before+2, mails(t, p.App))
	p.expect(t, d, coming, p.day(9))
	got = p.order(t, order)
	require.Equal(t, p.day(12), *got.PromisedOn)
	require.Nil(t, got.DeliverOn)
}

func TestGoodsThatComeTooLateArePromisedAnew(t *testing.T) {
	t.Parallel()
	p, d, coming := announced(t)
	late, intime := p.awaiting(t, d, "intent-1", ""), p.awaiting(t, d, "intent-2", "")
	anew(t, p.App)
	exec(t, p.App, `UPDATE orders SET ship_by = $2, promised_on = $3 WHERE id = $1`, keyOf(t, late), p.day(-3), p.day(-1))
	before := mails(t, p.App)
	_, code := d.arrived(t, coming, p.box, 10)
	require.Empty(t, code)
	anew(t, p.App)
	got := p.order(t, late)
	require.Equal(t, [2]string{p.day(2), p.day(0)}, [2]string{*got.PromisedOn, *got.ShipBy})
	last := got.History[len(got.History)-1]
	require.Equal(t, [2]string{"order.rescheduled", "商品が入荷したため"}, [2]string{last.Type, last.Reason})
	require.Equal(t, p.day(6), *p.order(t, intime).PromisedOn, "what can be kept stays")
	require.Equal(t, before+1, mails(t, p.App))
}

func TestAnOrderThatWasHeldTooLongIsPromisedAnew(t *testing.T) {
	t.Parallel()
	p := newPunctual(t)
	order := p.promised(t)
	set := func(mutation, kind string, input apptest.Variables) {
		t.Helper()
		require.Empty(t, write(t, p.App, cashier, mutation, kind, `order { id }`, with(input, "orderId", order), nil))
	}
	before := mails(t, p.App)
	set("holdOrder", "HoldOrderInput", apptest.Variables{"reason": "ADDRESS"})
	set("releaseOrder", "ReleaseOrderInput", apptest.Variables{})
	require.Equal(t, p.day(2), *p.order(t, order).PromisedOn)
	require.Equal(t, before, mails(t, p.App), "it leaves in time")

	set("holdOrder", "HoldOrderInput", apptest.Variables{"reason": "ADDRESS"})
	exec(t, p.App, `UPDATE orders SET ship_by = $2, promised_on = $3 WHERE id = $1`, keyOf(t, order), p.day(-2), p.day(0))
	require.Equal(t, []string{order}, lateOrders(t, p.App, cashier), "held orders are late, too")
	set("releaseOrder", "ReleaseOrderInput", apptest.Variables{})
	got := p.order(t, order)
	require.Equal(t, [2]string{p.day(2), p.day(0)}, [2]string{*got.PromisedOn, *got.ShipBy})
	require.Equal(t, before+1, mails(t, p.App))
	require.True(t, slices.ContainsFunc(got.History, func(h struct {
		Type, Reason               string
		PromisedBefore, PromisedOn *string
	},
	) bool {
		return h.Type == "order.rescheduled" && *h.PromisedOn == p.day(2) && *h.PromisedBefore == p.day(0)
	}), "its customer sees why")
}

// mailedOf is how many mails of the kind were queued.
func mailedOf(t *testing.T, a *apptest.App, kind string) int {
	t.Helper()
	return countOf(t, a, `SELECT count(*) FROM river_job WHERE kind = 'send_message' AND args->'message'->>'kind' = $1`, kind)
}

func TestOrdersThatAreLateToLeaveAreSeen(t *testing.T) {
	t.Parallel()
	p := newPunctual(t)
	shop, other := openShop(t, p.App, "shibuya", "TOKYO", nil), openShop(t, p.App, "umeda", "OSAKA", nil)
	order := p.promised(t)
	exec(t, p.App, `UPDATE orders SET shop_id = $1`, shop)
	see := func() {
		t.Helper()
		require.NoError(t, p.App.App.Resolvers.Orders.SeeToLate(t.Context(), 0))
	}
	see()
	require.Zero(t, mailedOf(t, p.App, "orders_late"), "nothing is late")

	employ(t, p.App, "ship@example.jp", access.RoleStaff, access.OrderRead, access.OrderWrite)
	employ(t, p.App, "look@example.jp", access.RoleStaff, access.OrderRead)
	for email, at := range map[string]uuid.UUID{"shibuya@example.jp": shop, "umeda@example.jp": other} {
		employ(t, p.App, email, access.RoleStoreStaff, access.OrderRead, access.OrderWrite)
		exec(t, p.App, `INSERT INTO account_stores (account_id, location_id) VALUES ($1, $2)`, accountOf(t, p.App, email), at)
	}
	instructed := counter{p.App, packer}.instruct(t, order, nil).Shipments
	require.Len(t, instructed, 1)
	exec(t, p.App, `UPDATE orders SET ship_by = $1, promised_on = $2`, p.day(-1), p.day(1))
	exec(t, p.App, `UPDATE shipments SET ship_by = $1`, p.day(-1))
	require.Equal(t, []string{order}, lateOrders(t, p.App, cashier))
	require.Equal(t, []string{order}, lateOrders(t, p.App, clerkOf(shop)))
	require.Empty(t, lateOrders(t, p.App, clerkOf(other)))
	require.Equal(t, [2]int{1, 1}, lateCounts(t, p.App, cashier))
	require.Equal(t, [2]int{1, 0}, lateCounts(t, p.App, clerkOf(shop)), "it leaves from elsewhere")
	require.Equal(t, [2]int{0, 0}, lateCounts(t, p.App, clerkOf(other)))
	var waiting struct {
		Shipments struct{ Nodes []struct{ ShipBy string } }
	}
	p.DoAs(t, packer, `{ shipments(filter: {late: true}) { nodes { shipBy } } }`, nil).Into(t, &waiting)
	require.Equal(t, p.day(-1), waiting.Shipments.Nodes[0].ShipBy)
	exec(t, p.App, `UPDATE shipments SET ship_by = NULL`)
	require.Equal(t, [2]int{1, 0}, lateCounts(t, p.App, cashier), "it was instructed today")
	exec(t, p.App, `UPDATE shipments SET instructed_at = now() - interval '4 days'`)
	require.Equal(t, [2]int{1, 1}, lateCounts(t, p.App, cashier))

	before := mails(t, p.App)
	require.NoError(t, p.App.App.Resolvers.Orders.SeeToLate(t.Context(), 48*time.Hour))
	require.Equal(t, before, mails(t, p.App), "not before the day begins")
	see()
	require.Equal(t, 2, mailedOf(t, p.App, "orders_late"), "who ships, everywhere and in the shop")
	openMails(t, p.App)
	require.Equal(t, 2, countOf(t, p.App, `SELECT count(*) FROM river_job WHERE args->'message'->>'kind' = 'orders_late'
		AND args->'message'->'to'->>'email' IN ('ship@example.jp', 'shibuya@example.jp') AND args->'message'->'content'->>'count' = '1'`))
	got := p.order(t, order)
	require.Equal(t, [2]string{p.day(2), p.day(-1)}, [2]string{*got.PromisedOn, *got.ShipBy}, "it stays late until it leaves")
	last := got.History[len(got.History)-1]
	require.Equal(t, [3]string{"order.delayed", p.day(1), p.day(2)}, [3]string{last.Type, *last.PromisedBefore, *last.PromisedOn})
	require.Equal(t, before+3, mails(t, p.App))
	see()
	exec(t, p.App, `UPDATE order_delays SET seen_on = $1`, p.day(-1))
	exec(t, p.App, `UPDATE orders SET promised_on = $1`, p.day(0))
	see()
	require.Equal(t, before+3, mails(t, p.App), "staff once a day, the customer once")
	require.Equal(t, []string{order}, lateOrders(t, p.App, cashier))

	exec(t, p.App, `UPDATE late_order_mails SET mailed_on = $1`, p.day(-1))
	see()
	require.Equal(t, before+3, mails(t, p.App), "the same day, the same mail")

	require.Empty(t, write(t, p.App, packer, "shipShipment", "ShipShipmentInput", `shipment { id }`, apptest.Variables{"shipmentId": instructed[0].ID}, nil))
	require.Empty(t, lateOrders(t, p.App, cashier))
	require.Equal(t, [2]int{0, 0}, lateCounts(t, p.App, cashier))
}

func TestAHeldOrderThatIsLateIsPromisedNothing(t *testing.T) {
	t.Parallel()
	p := newPunctual(t)
	order := p.promised(t)
	require.Empty(t, write(t, p.App, cashier, "holdOrder", "HoldOrderInput", `order { id }`, apptest.Variables{"orderId": order, "reason": "FRAUD"}, nil))
	exec(t, p.App, `UPDATE orders SET ship_by = $1, promised_on = $2`, p.day(-1), p.day(1))
	before := mailedOf(t, p.App, "order_rescheduled")
	require.NoError(t, p.App.App.Resolvers.Orders.SeeToLate(t.Context(), 0))
	require.Nil(t, p.order(t, order).PromisedOn)
	require.Equal(t, before+1, mailedOf(t, p.App, "order_rescheduled"))
	require.NoError(t, p.App.App.Resolvers.Orders.SeeToLate(t.Context(), 0))
	require.Equal(t, before+1, mailedOf(t, p.App, "order_rescheduled"))
	require.Empty(t, write(t, p.App, cashier, "releaseOrder", "ReleaseOrderInput", `order { id }`, apptest.Variables{"orderId": order}, nil))
	require.Equal(t, p.day(2), *p.order(t, order).PromisedOn)
}

// What still arrives in time is late for those who send it, not for its customer.
func TestAnOrderThatArrivesInTimeIsLateForStaffAlone(t *testing.T) {
	t.Parallel()
	p := newPunctual(t)
	order := p.promised(t)
	exec(t, p.App, `UPDATE orders SET ship_by = $1, promised_on = $2`, p.day(-1), p.day(7))
	before := mailedOf(t, p.App, "order_rescheduled")
	require.NoError(t, p.App.App.Resolvers.Orders.SeeToLate(t.Context(), 0))
	require.Equal(t, before, mailedOf(t, p.App, "order_rescheduled"))
	require.Equal(t, p.day(7), *p.order(t, order).PromisedOn)
	require.Equal(t, []string{order}, lateOrders(t, p.App, cashier))
}

func TestOrdersThatNobodyApprovesAreGivenUp(t *testing.T) {
	t.Parallel()
	w := newWholesaler(t, "10000", "APPROVAL")
	set := func(actor access.Actor, days int) (int, string) {
		t.Helper()
		var got struct{ SetApprovalDays struct{ ApprovalDays *int } }
		answer := w.DoAs(t, actor, `mutation($d: Int!) { setApprovalDays(input: {days: $d}) { approvalDays userErrors { code } } }`, apptest.Variables{"d": days})
		if answer.Code() != "" {
			return 0, answer.Code()
		}
		answer.Into(t, &got)
		if got.SetApprovalDays.ApprovalDays == nil {
			return 0, "refused"
		}
		return *got.SetApprovalDays.ApprovalDays, ""
	}
	for _, days := range []int{0, -1, 366} {
		_, code := set(seller, days)
		require.Equal(t, "refused", code, days)
	}
	_, code := set(cashier, 3)
	require.Equal(t, "FORBIDDEN", code)
	_, code = set(access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Stores: []uuid.UUID{w.WarehouseID}, Permissions: access.Permissions}, 3)
	require.NotEmpty(t, code)

	kaede := w.buyer(t, "kaede@example.jp", "BUYER", "2000")
	w.buyer(t, "boss@example.jp", "APPROVER", nil)
	waits := kaede.order(t, "intent-1", "ON_ACCOUNT", 5)
	require.Equal(t, "PENDING_APPROVAL", waits.Order.Status)
	requireStock(t, w.App, w.leash, 100, 5)
	by := func() string {
		t.Helper()
		var got struct{ Order struct{ ApproveBy string } }
		kaede.do(t, `query($o: ID!) { order(id: $o) { approveBy } }`, apptest.Variables{"o": waits.Order.ID}).Into(t, &got)
		return got.Order.ApproveBy
	}
	day := time.Now().In(time.FixedZone("JST", 9*60*60)).AddDate(0, 0, 14)
	require.Equal(t, day.Format(time.DateOnly)+"T14:59:59Z", by(), "the end of the fourteenth day")
	asked := func() int { return len(toApprove(t, w.App, waits.Order.Number)) }
	see := func() {
		t.Helper()
		require.NoError(t, w.App.App.Resolvers.Orders.SeeToApprovals(t.Context()))
	}
	see()
	require.Equal(t, 1, asked(), "there is time yet")
	exec(t, w.App, `UPDATE orders SET placed_at = now() - interval '12 days', approve_by = now() + interval '2 days'`)
	see()
	see()
	require.Equal(t, 2, asked(), "approvers are reminded once")
	exec(t, w.App, `UPDATE orders SET approve_by = now() - interval '1 minute'`)
	before := mailedOf(t, w.App, "order_cancelled")
	see()
	see()
	var got struct {
		Order struct {
			Status  string
			History []struct{ Type, Reason string }
		}
	}
	kaede.do(t, `query($o: ID!) { order(id: $o) { status history { type reason } } }`, apptest.Variables{"o": waits.Order.ID}).Into(t, &got)
	require.Equal(t, "CANCELLED", got.Order.Status)
	last := got.Order.History[len(got.Order.History)-1]
	require.Equal(t, [2]string{"order.cancelled", "承認期限までに承認されなかったため"}, [2]string{last.Type, last.Reason})
	require.Equal(t, before+1, mailedOf(t, w.App, "order_cancelled"))
	requireStock(t, w.App, w.leash, 100, 0)
	require.Zero(t, w.owed(t))
	require.Equal(t, "ORDER_STATUS_CONFLICT", w.staff.mutate(t, "approveOrder", apptest.Variables{"orderId": waits.Order.ID}).code())

	days, code := set(seller, 3)
	require.Empty(t, code)
	require.Equal(t, 3, days)
	b := apptest.Serve(t, w.Shop, w.App.App.Config) // a process that has not read the channels yet
	var asks struct{ ApprovalDays int }
	b.DoAs(t, seller, `{ approvalDays }`, nil).Into(t, &asks)
	require.Equal(t, 3, asks.ApprovalDays)
}

func TestWhatArrivesIsSharedOutAsTheChannelPrefers(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	exec(t, a, `UPDATE channels SET allocation = ARRAY['NEAREST']`)
	exec(t, a, `UPDATE locations SET address = '{"prefecture": "OSAKA"}' WHERE id = $1`, a.WarehouseID)
	leash := a.AddProduct(t, "leash", 1980).Variants[0]
	a.SetStock(t, leash, 0)
	backOrders(t, a, nil, 5)
	waits := buyer(t, a, a.AddShipping(t, "parcel", 0), leash, 1)
	require.Empty(t, waits.place(t, "intent-1", "1980").UserErrors)
	shop := openShop(t, a, "shibuya", "TOKYO", map[uuid.UUID]int{leash: 1})
	exec(t, a, `UPDATE locations SET ships = true WHERE id = $1`, shop)
	receive(t, a, leash, 1)
	requireShopStock(t, a, shop, leash, 1, 1)
	requireStock(t, a, leash, 1, 0)
	requireSums(t, a)
}

func TestWhatReplacesReturnedGoodsComesFromWhereTheChannelPrefers(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	exec(t, a, `UPDATE channels SET allocation = ARRAY['NEAREST']`)
	exec(t, a, `UPDATE locations SET address = '{"prefecture": "OSAKA"}' WHERE id = $1`, a.WarehouseID)
	d := newDelivered(t, a).arrive(t)
	var red uuid.UUID
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT id FROM variants WHERE sku = 'leash-2'`).Scan(&red))
	shop := openShop(t, a, "shibuya", "TOKYO", map[uuid.UUID]int{red: 5})
	exec(t, a, `UPDATE locations SET ships = true WHERE id = $1`, shop)
	may := d.approved(t, "EXCHANGE", piecesOf(d.leashes, 2, "CHANGED_MIND", apptest.Variables{"exchangeVariantId": id.Global("Variant", red)}))
	require.Empty(t, d.staff.back(t, "receiveReturn", d.came(may, "restock", 2)).UserErrors)
	requireShopStock(t, a, shop, red, 5, 2)
}

func TestATransferThatIsPutOffMovesWhatIsPromised(t *testing.T) {
	t.Parallel()
	p := newPunctual(t)
	p.SetStock(t, p.box, 0)
	backOrders(t, p.App, nil, 50)
	shop, umeda := openShop(t, p.App, "shibuya", "TOKYO", map[uuid.UUID]int{p.box: 10}), openShop(t, p.App, "umeda", "OSAKA", nil)
	c := &carrier{App: p.App, warehouse: id.Global("Location", shop), shop: id.Global("Location", p.WarehouseID)}
	order := p.awaiting(t, nil, "intent-1", "")
	anew(t, p.App)
	require.Nil(t, p.order(t, order).PromisedOn, "nobody knows when a box comes")
	before := mails(t, p.App)

	sent := c.send(t, apptest.Variables{"expectedOn": p.day(3)}, apptest.Variables{"variantId": id.Global("Variant", p.box), "quantity": 10})
	require.Empty(t, sent.UserErrors)
	anew(t, p.App)
	require.Equal(t, p.day(6), *p.order(t, order).PromisedOn, "a transfer that is announced counts")
	require.Equal(t, before+1, mails(t, p.App))

	expect := func(actor access.Actor, day any) string {
		t.Helper()
		var got struct{ RescheduleStockTransfer transferAnswer }
		p.DoAs(t, actor, `mutation($input: RescheduleStockTransferInput!) { rescheduleStockTransfer(input: $input) { transfer { id } userErrors { code field message } } }`,
			in(apptest.Variables{"transferId": sent.Transfer.ID, "expectedOn": day})).Into(t, &got)
		anew(t, p.App)
		return got.RescheduleStockTransfer.code()
	}
	require.Empty(t, expect(keeper, p.day(8)))
	got := p.order(t, order)
	require.Equal(t, [2]string{p.day(11), p.day(9)}, [2]string{*got.PromisedOn, *got.ShipBy})
	last := got.History[len(got.History)-1]
	require.Equal(t, [4]string{"order.rescheduled", "商品の入荷予定が変わったため", p.day(6), p.day(11)}, [4]string{last.Type, last.Reason, *last.PromisedBefore, *last.PromisedOn})
	require.Empty(t, expect(keeper, p.day(8)), "the same day")
	require.Equal(t, before+2, mails(t, p.App), "the customer is told once")
	require.Equal(t, 1, countOf(t, p.App, `SELECT count(*) FROM events WHERE type = 'transfer.rescheduled'`))
	stocker := func(at uuid.UUID) access.Actor {
		return access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Stores: []uuid.UUID{at}, Permissions: []access.Permission{access.InventoryRead, access.InventoryWrite}}
	}
	require.Equal(t, "FORBIDDEN", expect(stocker(umeda), p.day(3)), "it neither leaves theirs nor comes to it")
	require.Empty(t, expect(stocker(shop), p.day(3)), "who sent it knows")
	require.Equal(t, p.day(6), *p.order(t, order).PromisedOn, "sooner, too")

	// It never arrives: the promise is taken back, and staff see it.
	require.Empty(t, c.change(t, "closeStockTransfer", "CloseStockTransferInput", apptest.Variables{"transferId": sent.Transfer.ID, "returned": true}).UserErrors)
	anew(t, p.App)
	require.Nil(t, p.order(t, order).PromisedOn)
	require.Equal(t, before+4, mails(t, p.App))
	require.Equal(t, []string{order}, lateOrders(t, p.App, cashier))
	require.Equal(t, "TRANSFER_OVER", expect(keeper, p.day(3)))
}
