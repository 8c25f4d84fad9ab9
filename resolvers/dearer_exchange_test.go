package resolvers_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

// dearerOrder is an order of dearer goods, as staff see it.
type dearerOrder struct {
	Status                                      string
	Paid                                        bool
	Subtotal, Discount, Tax, Total, CarriedOver *struct{ Amount string }
	Lines                                       []struct {
		Unit, Total struct{ Amount string }
		Breakdown   []struct {
			Rule            string
			Change, Running struct{ Amount string }
		}
	}
}

func (c counter) dearer(t testing.TB, order string) dearerOrder {
	t.Helper()
	var got struct{ Order dearerOrder }
	c.DoAs(t, packer, `query($o: ID!) { order(id: $o) { status paid subtotal { amount } discount { amount } tax { amount } total { amount } carriedOver { amount }
		lines { unit { amount } total { amount } breakdown { rule change { amount } running { amount } } } } }`, apptest.Variables{"o": order}).Into(t, &got)
	return got.Order
}

// transferred notes that so much came in for the order, by whatever payment is open.
func (c counter) transferred(t testing.TB, order, amount string) {
	t.Helper()
	var bill struct {
		Order struct{ Payments []struct{ ID, Status string } }
	}
	c.DoAs(t, packer, `query($o: ID!) { order(id: $o) { payments { id status } } }`, apptest.Variables{"o": order}).Into(t, &bill)
	var got struct {
		RecordBankTransfer struct{ UserErrors []userError }
	}
	c.DoAs(t, packer, `mutation($in: RecordBankTransferInput!) { recordBankTransfer(input: $in) { userErrors { code field message } } }`, apptest.Variables{"in": apptest.Variables{
		"idempotencyKey": id.New().String(), "paymentId": bill.Order.Payments[len(bill.Order.Payments)-1].ID, "amount": amount, "payerName": "ﾔﾏﾀﾞ ﾊﾅｺ", "receivedAt": "2026-11-25T01:00:00Z",
	}}).Into(t, &got)
	require.Empty(t, got.RecordBankTransfer.UserErrors)
}

// forABed wants a bed of 2,003 yen instead of a leash of 1,001, which has come back.
func (d delivered) forABed(t *testing.T) (may returnSeen, order string) {
	t.Helper()
	may = d.approved(t, "EXCHANGE", piecesOf(d.leashes, 1, "CHANGED_MIND", apptest.Variables{"exchangeVariantId": id.Global("Variant", d.bed)}))
	in := d.came(may, "restock", 1)
	got := d.staff.back(t, "receiveReturn", in)
	require.Empty(t, got.UserErrors)
	require.Equal(t, "COMPLETED", got.Return.Status)
	receipt := got.Return.Receipts[0]
	require.Equal(t, []any{"0", "1001", "PENDING_PAYMENT", false, "1002"},
		[]any{receipt.Refund.Amount, receipt.CarriedOver.Amount, receipt.ExchangeOrder.Status, receipt.ExchangeOrder.Paid, receipt.ExchangeOrder.Total.Amount})
	require.Equal(t, receipt.ExchangeOrder.ID, d.staff.back(t, "receiveReturn", in).Return.Receipts[0].ExchangeOrder.ID, "the same intent orders once")
	requireStock(t, d.App, d.bed, 99, 1)
	requireStock(t, d.App, d.leash, 98, 0)
	require.Zero(t, d.refunded(t))
	return may, receipt.ExchangeOrder.ID
}

func TestDearerGoodsAreSentOnceTheDifferenceIsPaid(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	d := newDelivered(t, a).arrive(t)
	_, order := d.forABed(t)
	o := d.staff.dearer(t, order)
	require.Equal(t, []string{"2003", "1001", "91", "1002", "1001"}, []string{o.Subtotal.Amount, o.Discount.Amount, o.Tax.Amount, o.Total.Amount, o.CarriedOver.Amount})
	require.Len(t, o.Lines, 1)
	line := o.Lines[0]
	require.Equal(t, []string{"2003", "1002", "EXCHANGE", "2003", "-1001", "1002"},
		[]string{line.Unit.Amount, line.Total.Amount, line.Breakdown[0].Rule, line.Breakdown[0].Change.Amount, line.Breakdown[1].Change.Amount, line.Breakdown[1].Running.Amount})
	require.Equal(t, "ORDER_UNPAID", d.staff.instruct(t, order, nil).code())
	require.Equal(t, "ORDER_REPLACES_RETURN", counter{a, feeSetter}.edit(t, order, apptest.Variables{"shippingFee": "0"}).code())

	var paid struct{ PayOrder payAnswer }
	d.Do(t, `mutation($o: ID!) { payOrder(input: {idempotencyKey: "dearer-0001", orderId: $o, paymentMethod: BANK_TRANSFER}) {
		order { id status } payment { id method status instructions { amount { amount } } } userErrors { code field message } } }`, apptest.Variables{"o": order}, "X-Cart-Token", d.token).Into(t, &paid)
	require.Empty(t, paid.PayOrder.UserErrors, "the guest pays it like any order")
	d.staff.transferred(t, order, "1002")
	o = d.staff.dearer(t, order)
	require.Equal(t, []any{"CONFIRMED", true}, []any{o.Status, o.Paid})
	d.staff.ship(t, order)
	require.Equal(t, "SHIPPED", d.staff.dearer(t, order).Status)
	requireStock(t, a, d.bed, 98, 0)
	balance := trialBalance(t, a)
	require.Equal(t, []string{"6509", "0"}, []string{balance["BANK"], balance["DEPOSITS"]})
	require.Zero(t, d.refunded(t))

	// Given back later, they bring all that was paid for them.
	bed := d.staff.linesOf(t, order)[0]
	require.Equal(t, "1002", d.staff.takeBack(t, order, bed, 1).Refund.Amount)
	require.Equal(t, int64(1001), d.refunded(t))
	require.Equal(t, 1002, countOf(t, a, `SELECT sum(refunded)::int FROM payments WHERE order_id = $1`, keyOf(t, order)))
	openMails(t, a)
	require.Equal(t, 1, countOf(t, a, `SELECT count(*) FROM river_job WHERE kind = 'send_message' AND args->'message'->>'kind' = 'return_notice' AND args->'message'->'content'->>'refund' = '2003'`))
	require.Equal(t, []int{1001, 0}, []int{countOf(t, a, `SELECT refund FROM return_receipts WHERE exchange_order_id = $1`, keyOf(t, order)), countOf(t, a, `SELECT carried FROM return_receipts WHERE exchange_order_id = $1`, keyOf(t, order))})
	balance = trialBalance(t, a)
	require.Equal(t, []string{"4506", "0"}, []string{balance["BANK"], balance["DEPOSITS"]})
}

func TestDearerGoodsAreExchangedForCheaperOnesAgain(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	d := newDelivered(t, a).arrive(t)
	_, order := d.forABed(t)
	d.staff.transferred(t, order, "1002")
	d.staff.ship(t, order)
	may := exchanged(t, a, order, d.staff.linesOf(t, order)[0], d.leash)
	got := d.staff.back(t, "receiveReturn", d.came(may, "restock", 1))
	require.Empty(t, got.UserErrors)
	// The leash is cheaper by 1,002 of 2,003 yen: of the 1,002 that this order was paid it
	// gives 501 back, of the 1,001 that were carried over 500.
	require.Equal(t, []string{"501", "0"}, []string{got.Return.Refund.Amount, got.Return.Receipts[0].ExchangeOrder.Total.Amount})
	require.Equal(t, int64(500), d.refunded(t))
	require.Equal(t, "0", trialBalance(t, a)["DEPOSITS"])
}

func TestWhatWasCarriedOverGoesBackWithAnOrderThatNobodyPays(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	d := newDelivered(t, a).arrive(t)
	may, order := d.forABed(t)
	exec(t, a, `UPDATE payments SET due_at = now() - interval '1 hour' WHERE status = 'PENDING'`)
	require.NoError(t, a.App.Payments.Expire(t.Context()))
	require.Equal(t, "CANCELLED", d.staff.dearer(t, order).Status)
	requireStock(t, a, d.bed, 99, 0)
	require.Equal(t, int64(1001), d.refunded(t))
	var seen struct {
		Order struct{ Returns []returnSeen }
	}
	a.DoAs(t, packer, `query($o: ID!) { order(id: $o) { returns { id lines { refund { amount } } receipts { refund { amount } carriedOver { amount } } refund { amount } } } }`, apptest.Variables{"o": d.order}).Into(t, &seen)
	r := seen.Order.Returns[0]
	require.Equal(t, []string{may.ID, "1001", "1001", "0", "1001"}, []string{r.ID, r.Refund.Amount, r.Receipts[0].Refund.Amount, r.Receipts[0].CarriedOver.Amount, r.Lines[0].Refund.Amount})
	balance := trialBalance(t, a)
	require.Equal(t, []string{"4506", "0"}, []string{balance["BANK"], balance["DEPOSITS"]})
	openMails(t, a)
	require.Equal(t, 1, countOf(t, a, `SELECT count(*) FROM river_job WHERE kind = 'send_message' AND args->'message'->>'kind' = 'order_cancelled' AND args->'message'->'content'->>'refund' = '1001'`))

	// The same by the customer, who thinks better of it; once.
	_, second := func() (returnSeen, string) {
		again := d.approved(t, "EXCHANGE", piecesOf(d.leashes, 1, "CHANGED_MIND", apptest.Variables{"exchangeVariantId": id.Global("Variant", d.bed)}))
		got := d.staff.back(t, "receiveReturn", d.came(again, "restock", 1))
		require.Empty(t, got.UserErrors)
		return *got.Return, got.Return.Receipts[0].ExchangeOrder.ID
	}()
	cancel := func() string {
		var got struct{ CancelOrder orderAnswer }
		d.Do(t, `mutation($o: ID!) { cancelOrder(input: {`+aKey()+` orderId: $o}) { `+orderFields+` } }`, apptest.Variables{"o": second}, "X-Cart-Token", d.token).Into(t, &got)
		return got.CancelOrder.code()
	}
	require.Empty(t, cancel())
	require.Equal(t, "ORDER_STATUS_CONFLICT", cancel())
	require.Equal(t, int64(2002), d.refunded(t))
	require.Equal(t, "0", trialBalance(t, a)["DEPOSITS"])
}

func TestPaidDearerGoodsThatAreCancelledGiveAllBack(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	d := newDelivered(t, a).arrive(t)
	_, order := d.forABed(t)
	d.staff.transferred(t, order, "1002")
	var got struct{ CancelOrder orderAnswer }
	a.DoAs(t, packer, `mutation($o: ID!) { cancelOrder(input: {`+aKey()+` orderId: $o, reason: "欠品"}) { `+orderFields+` } }`, apptest.Variables{"o": order}).Into(t, &got)
	require.Empty(t, got.CancelOrder.UserErrors)
	require.Equal(t, int64(1001), d.refunded(t))
	openMails(t, a)
	require.Equal(t, 1, countOf(t, a, `SELECT count(*) FROM river_job WHERE kind = 'send_message' AND args->'message'->>'kind' = 'order_cancelled' AND args->'message'->'content'->>'refund' = '2003'`))
	balance := trialBalance(t, a)
	require.Equal(t, []string{"5508", "-1002"}, []string{balance["BANK"], balance["DEPOSITS"]}, "staff send the difference back, as of any cancelled order")
}

func TestPointsFollowAnExchangeForDearerGoods(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	issueAs(t, s.App)
	bed := s.AddProduct(t, "bed", 2980).Variants[0]
	b := s.buyer(t, 0)
	order, line := b.arrived(t)
	s.follow(t, order)
	require.Equal(t, 59, b.has(t).Pending)
	exchange := func() string {
		asked := b.wants(t, order, line, "EXCHANGE", 1, apptest.Variables{"lines": []apptest.Variables{piecesOf(line, 1, "DEFECTIVE", apptest.Variables{"exchangeVariantId": id.Global("Variant", bed)})}})
		require.Empty(t, asked.UserErrors)
		may := s.returned(t, "approveReturn", apptest.Variables{"returnId": asked.Return.ID})
		require.Empty(t, s.returned(t, "receiveReturn", s.takes(may, 1, nil)).UserErrors)
		var made uuid.UUID
		require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT exchange_order_id FROM return_receipts ORDER BY at DESC LIMIT 1`).Scan(&made))
		return id.Global("Order", made)
	}
	desk := counter{s.App, packer}
	first := exchange()
	desk.transferred(t, first, "1000")
	for _, h := range desk.ship(t, first) {
		require.Empty(t, desk.move(t, "deliverShipment", apptest.Variables{"shipmentId": h.ID}).UserErrors)
	}
	s.follow(t, first)
	s.follow(t, order)
	require.Equal(t, 69, b.has(t).Pending, "what was earned stays, and the difference earns too")

	second := exchange()
	exec(t, s.App, `UPDATE payments SET due_at = now() - interval '1 hour' WHERE status = 'PENDING'`)
	require.NoError(t, s.App.App.Payments.Expire(t.Context()))
	require.Equal(t, "CANCELLED", desk.dearer(t, second).Status)
	s.follow(t, order)
	require.Equal(t, 49, b.has(t).Pending, "of what went back nothing is earned")
	require.Equal(t, []int64{1980}, s.notes(t, order), "the sale is corrected in writing")
	balance := trialBalance(t, s.App)
	require.Equal(t, []string{"5620", "0"}, []string{balance["BANK"], balance["DEPOSITS"]})
}

func TestACompanyOwesTheDifferenceOfDearerGoods(t *testing.T) {
	t.Parallel()
	w := newWholesaler(t, "20000", "BLOCK")
	bed := w.AddProduct(t, "bed", 1500).Variants[0]
	kaede := w.buyer(t, "kaede@example.jp", "BUYER", nil)
	order := kaede.order(t, "intent-1", "ON_ACCOUNT", 3).Order.ID
	staff := counter{w.App, packer}
	staff.ship(t, order)
	line := staff.linesOf(t, order)[0]
	exchange := func() string {
		may := exchanged(t, w.App, order, line, bed)
		got := staff.back(t, "receiveReturn", apptest.Variables{"idempotencyKey": id.New().String(), "returnId": may.ID, "locationId": id.Global("Location", w.WarehouseID),
			"lines": []apptest.Variables{{"lineId": may.Lines[0].ID, "restock": 1}}})
		require.Empty(t, got.UserErrors)
		placed := got.Return.Receipts[0].ExchangeOrder
		require.Equal(t, []any{"CONFIRMED", false, "500"}, []any{placed.Status, placed.Paid, placed.Total.Amount})
		return placed.ID
	}
	staff.ship(t, exchange())
	require.Equal(t, 3500, w.owed(t))
	require.Equal(t, "3500", trialBalance(t, w.App)["RECEIVABLE"])
	second := exchange()
	require.Equal(t, 4000, w.owed(t))
	var got struct{ CancelOrder orderAnswer }
	w.DoAs(t, packer, `mutation($o: ID!) { cancelOrder(input: {`+aKey()+` orderId: $o}) { `+orderFields+` } }`, apptest.Variables{"o": second}).Into(t, &got)
	require.Empty(t, got.CancelOrder.UserErrors)
	require.Equal(t, 2500, w.owed(t), "neither the difference nor what was carried over is owed")
	require.Equal(t, "2500", trialBalance(t, w.App)["RECEIVABLE"])
}

func TestDearerGoodsThatArePickedUpArePaidAtTheTill(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	variants := a.AddProduct(t, "leash", 1980, 2480).Variants
	umeda := openShop(t, a, "umeda", "OSAKA", map[uuid.UUID]int{variants[0]: 3, variants[1]: 2})
	guest, ours := picks(t, a, umeda, variants[0], 2), counter{a, clerkOf(umeda)}
	order := guest.order(t, "3960", "AT_SHOP").Order.ID
	ready := func(order string) string {
		require.Empty(t, ours.fetch(t, "readyPickUp", apptest.Variables{"orderId": order}).UserErrors)
		return *guest.pickUp(t, order).Code
	}
	cash := apptest.Variables{"payment": apptest.Variables{"method": "CASH"}}
	require.Empty(t, ours.handOver(t, order, ready(order), cash).UserErrors)
	exchange := func() string {
		may := exchanged(t, a, order, ours.look(t, order).Lines[0].ID, variants[1])
		got := ours.back(t, "receiveReturn", apptest.Variables{"idempotencyKey": id.New().String(), "returnId": may.ID, "locationId": id.Global("Location", umeda),
			"lines": []apptest.Variables{{"lineId": may.Lines[0].ID, "restock": 1}}})
		require.Empty(t, got.UserErrors)
		require.Equal(t, []any{"CONFIRMED", false, "500"}, []any{got.Return.Receipts[0].ExchangeOrder.Status, got.Return.Receipts[0].ExchangeOrder.Paid, got.Return.Receipts[0].ExchangeOrder.Total.Amount})
		return got.Return.Receipts[0].ExchangeOrder.ID
	}
	first := exchange()
	code := ready(first)
	require.NotEmpty(t, ours.handOver(t, first, code, nil).UserErrors, "not without its money")
	require.Empty(t, ours.handOver(t, first, code, cash).UserErrors)
	require.Equal(t, 4460, countOf(t, a, `SELECT sum(captured - refunded)::int FROM payments`))
	requireShopStock(t, a, umeda, variants[1], 1, 0)

	// Nobody comes for the second: what was carried over goes back.
	second := exchange()
	ready(second)
	exec(t, a, `UPDATE pick_ups SET expires_at = now() - interval '1 day' WHERE order_id = $1`, keyOf(t, second))
	require.NoError(t, a.App.Resolvers.Orders.SeeToPickUps(access.With(t.Context(), access.System)))
	require.Equal(t, "EXPIRED", guest.pickUp(t, second).State)
	require.Equal(t, 1980, countOf(t, a, `SELECT sum(refunded)::int FROM payments WHERE order_id = $1`, keyOf(t, order)))
	requireShopStock(t, a, umeda, variants[1], 1, 0)
}

// Over the counter, the difference is taken at the till with the goods that come back.
func TestDearerGoodsAreExchangedOverTheCounter(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	issueAs(t, a)
	variants := a.AddProduct(t, "leash", 1980, 2480).Variants
	umeda := openShop(t, a, "umeda", "OSAKA", map[uuid.UUID]int{variants[0]: 2, variants[1]: 2})
	ours := counter{a, clerkOf(umeda)}
	sold := ours.sell(t, apptest.Variables{"shopId": id.Global("Location", umeda), "expectedTotal": "1980", "tenders": []apptest.Variables{{"method": "CASH"}},
		"lines": []apptest.Variables{pieceOf(variants[0], 1)}})
	require.Empty(t, sold.UserErrors)
	may := exchanged(t, a, sold.Order.ID, counter{a, editor}.look(t, sold.Order.ID).Lines[0].ID, variants[1])
	in := func(tenders ...apptest.Variables) apptest.Variables {
		return apptest.Variables{"idempotencyKey": id.New().String(), "returnId": may.ID, "locationId": id.Global("Location", umeda), "tenders": tenders,
			"lines": []apptest.Variables{{"lineId": may.Lines[0].ID, "restock": 1}}}
	}
	none := ours.back(t, "receiveReturn", in())
	require.Equal(t, "TENDERS_MISMATCH tenders", none.code())
	require.Contains(t, none.UserErrors[0].Message, "500", "the till is told how much it is")
	require.Equal(t, "TENDERS_MISMATCH tenders.0", ours.back(t, "receiveReturn", in(apptest.Variables{"method": "CASH", "amount": "501"})).code())
	require.Equal(t, "TENDERS_MISMATCH tenders", ours.back(t, "receiveReturn", in(apptest.Variables{"method": "CASH", "amount": "499"})).code())
	require.Equal(t, "PAYMENT_METHOD_UNAVAILABLE tenders.0.method", ours.back(t, "receiveReturn", in(apptest.Variables{"method": "CARD"})).code())
	requireShopStock(t, a, umeda, variants[0], 1, 0)
	requireShopStock(t, a, umeda, variants[1], 2, 0)

	both := in(apptest.Variables{"method": "CARD_TERMINAL", "amount": "200", "reference": "T-1"}, apptest.Variables{"method": "CASH"})
	got := ours.back(t, "receiveReturn", both)
	require.Empty(t, got.UserErrors)
	placed := got.Return.Receipts[0].ExchangeOrder
	require.Equal(t, []any{"DELIVERED", true, "500", "1980"}, []any{placed.Status, placed.Paid, placed.Total.Amount, got.Return.Receipts[0].CarriedOver.Amount})
	require.Equal(t, placed.ID, ours.back(t, "receiveReturn", both).Return.Receipts[0].ExchangeOrder.ID, "the same intent is taken once")
	requireShopStock(t, a, umeda, variants[0], 2, 0)
	requireShopStock(t, a, umeda, variants[1], 1, 0)
	balance := trialBalance(t, a)
	require.Equal(t, []string{"2280", "0"}, []string{balance["CASHumeda"], balance["DEPOSITS"]})
	require.Equal(t, []int64{500}, issuedOf(t, a, placed.ID), "the difference is invoiced, with its tax")

	// Given back, they bring all that was paid for them, out of the till.
	require.Equal(t, "500", counter{a, packer}.takeBack(t, placed.ID, counter{a, editor}.look(t, placed.ID).Lines[0].ID, 1).Refund.Amount)
	require.Equal(t, 2480, countOf(t, a, `SELECT sum(refunded)::int FROM payments`))
	require.Equal(t, "0", trialBalance(t, a)["DEPOSITS"])
}

func TestTendersAreForDearerGoodsOverTheCounterOnly(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	d := newDelivered(t, a).arrive(t)
	may := d.approved(t, "EXCHANGE", piecesOf(d.leashes, 1, "CHANGED_MIND", apptest.Variables{"exchangeVariantId": id.Global("Variant", d.bed)}))
	cash := []apptest.Variables{{"method": "CASH"}}
	require.Equal(t, "TENDERS_MISMATCH tenders.0", d.staff.back(t, "receiveReturn", with(d.came(may, "restock", 1), "tenders", cash)).code(), "it is sent, and paid before")
	back := d.approved(t, "REFUND", piecesOf(d.leashes, 1, "CHANGED_MIND", nil))
	require.Equal(t, "TENDERS_MISMATCH tenders", d.staff.back(t, "receiveReturn", with(d.came(back, "restock", 1), "tenders", cash)).code(), "nothing is to be paid")
}

// dearerAgain exchanges a piece of the order's first line for the other goods, and answers the
// order of these.
func (d delivered) dearerAgain(t testing.TB, order string, other uuid.UUID) (returned returnSeen, placed string) {
	t.Helper()
	may := exchanged(t, d.App, order, d.staff.linesOf(t, order)[0], other)
	got := d.staff.back(t, "receiveReturn", d.came(may, "restock", 1))
	require.Empty(t, got.UserErrors)
	return *got.Return, got.Return.Receipts[0].ExchangeOrder.ID
}

// A bed that replaced a leash is exchanged for a sofa: what was paid for the bed by both
// orders is carried over, and goes back by both.
func TestDearerGoodsAreExchangedForDearerOnesAgain(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	issueAs(t, a)
	d := newDelivered(t, a).arrive(t)
	_, bed := d.forABed(t)
	d.staff.transferred(t, bed, "1002")
	d.staff.ship(t, bed)
	sofa := a.AddProduct(t, "sofa", 5000).Variants[0]
	returned, order := d.dearerAgain(t, bed, sofa)
	receipt := returned.Receipts[0]
	require.Equal(t, []string{"2003", "2997", "PENDING_PAYMENT"}, []string{receipt.CarriedOver.Amount, receipt.ExchangeOrder.Total.Amount, receipt.ExchangeOrder.Status})
	d.staff.transferred(t, order, "2997")
	d.staff.ship(t, order)
	balance := trialBalance(t, a)
	require.Equal(t, []string{"9506", "0"}, []string{balance["BANK"], balance["DEPOSITS"]}, "4,506 were paid first")

	require.Equal(t, "2997", d.staff.takeBack(t, order, d.staff.linesOf(t, order)[0], 1).Refund.Amount)
	require.Equal(t, int64(1001), d.refunded(t), "the leash by the first order")
	paid := func(order string) int {
		return countOf(t, a, `SELECT coalesce(sum(refunded), 0)::int FROM payments WHERE order_id = $1`, keyOf(t, order))
	}
	require.Equal(t, []int{1002, 2997}, []int{paid(bed), paid(order)})
	require.Equal(t, []int64{1002, 1002}, issuedOf(t, a, bed), "an invoice, and its credit note")
	balance = trialBalance(t, a)
	require.Equal(t, []string{"4506", "0"}, []string{balance["BANK"], balance["DEPOSITS"]})
}

// A leash that replaced a leash for nothing is exchanged for a bed: what was paid for the first
// is carried over, however often it was replaced.
func TestWhatReplacedGoodsForNothingIsExchangedForDearerOnes(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	d := newDelivered(t, a).arrive(t)
	returned, again := d.dearerAgain(t, d.order, d.leash)
	require.Equal(t, []string{"0", "0"}, []string{returned.Receipts[0].CarriedOver.Amount, returned.Receipts[0].ExchangeOrder.Total.Amount})
	d.staff.ship(t, again)
	_, third := d.dearerAgain(t, again, d.leash)
	d.staff.ship(t, third)
	returned, bed := d.dearerAgain(t, third, d.bed)
	receipt := returned.Receipts[0]
	require.Equal(t, []string{"1001", "1002", "PENDING_PAYMENT"}, []string{receipt.CarriedOver.Amount, receipt.ExchangeOrder.Total.Amount, receipt.ExchangeOrder.Status})
	require.Zero(t, d.refunded(t))

	exec(t, a, `UPDATE payments SET due_at = now() - interval '1 hour' WHERE status = 'PENDING'`)
	require.NoError(t, a.App.Payments.Expire(t.Context()))
	require.Equal(t, "CANCELLED", d.staff.dearer(t, bed).Status)
	require.Equal(t, int64(1001), d.refunded(t), "nobody paid: the leash is paid back by the order that was paid for it")
	require.Zero(t, countOf(t, a, `SELECT sum(carried)::int FROM return_receipts`), "nothing is carried over any more")
	require.Equal(t, "0", trialBalance(t, a)["DEPOSITS"])
}

// Many who give the order up at once give back once.
func TestWhatWasCarriedOverGoesBackOnce(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	d := newDelivered(t, a).arrive(t)
	_, order := d.forABed(t)
	done := make(chan bool, 6)
	for range cap(done) {
		go func() {
			var got struct{ CancelOrder orderAnswer }
			a.DoAs(t, packer, `mutation($o: ID!) { cancelOrder(input: {`+aKey()+` orderId: $o}) { `+orderFields+` } }`, apptest.Variables{"o": order}).Into(t, &got)
			done <- len(got.CancelOrder.UserErrors) == 0
		}()
	}
	won := 0
	for range cap(done) {
		select {
		case ok := <-done:
			if ok {
				won++
			}
		case <-time.After(2 * time.Minute):
			require.Fail(t, "nobody answers")
		}
	}
	require.Equal(t, 1, won)
	require.Equal(t, int64(1001), d.refunded(t))
}
