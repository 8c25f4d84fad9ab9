package resolvers_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/stripe/stripetest"
	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

// work asks staff for one thing of the payment, and answers how it stands or why not.
func (s *till) work(t *testing.T, field, payment string, more apptest.Variables) string {
	t.Helper()
	input := apptest.Variables{"idempotencyKey": id.New().String(), "paymentId": payment}
	for name, value := range more {
		input[name] = value
	}
	return as(t, s.App, cashier).done(t, field, "payment { status }", input, "payment.status")[0]
}

// becomes waits until the gateway has done what staff asked for.
func (s *till) becomes(t *testing.T, status string) {
	t.Helper()
	require.Eventually(t, func() bool { return s.payment(t).Status == status }, time.Minute, 20*time.Millisecond, status)
}

func hold(c *app.Config) { c.CardHold = true }

func TestHeldMoneyIsTakenInPart(t *testing.T) {
	t.Parallel()
	s := newTill(t, "CARD", hold)
	s.Work(t)
	require.Empty(t, s.pay(t, "attempt-1", stripetest.CardVisa).UserErrors)
	held := s.payment(t)
	require.Equal(t, "AUTHORISED", held.Status)
	refund := apptest.Variables{"amount": "1", "reason": "お詫び"}
	require.Equal(t, "REFUND_EXCEEDS_PAYMENT amount", s.work(t, "refundPayment", held.ID, refund), "nothing was taken yet")
	require.Equal(t, "CAPTURE_EXCEEDS_HOLD amount", s.work(t, "capturePayment", held.ID, apptest.Variables{"amount": "2641"}))
	require.Equal(t, "AMOUNT_INVALID amount", s.work(t, "capturePayment", held.ID, apptest.Variables{"amount": "0"}))
	require.Equal(t, "AUTHORISED", s.work(t, "capturePayment", held.ID, apptest.Variables{"amount": "2000"}))
	s.becomes(t, "CAPTURED")
	require.Equal(t, int64(2000), s.stripe.Taken())
	require.Zero(t, s.stripe.Held(), "the gateway lets go of the rest")
	require.Equal(t, "PAYMENT_NOT_HELD paymentId", s.work(t, "capturePayment", held.ID, nil), "taken once")
	require.Equal(t, "PAYMENT_CAPTURED paymentId", s.work(t, "voidPayment", held.ID, nil))
	require.Equal(t, "REFUND_EXCEEDS_PAYMENT amount", s.work(t, "refundPayment", held.ID, apptest.Variables{"amount": "2001", "reason": "お詫び"}))
	require.Equal(t, int64(2000), s.stripe.Taken())
}

func TestMoneyIsNotTakenAfterItsHoldWasGivenUp(t *testing.T) {
	t.Parallel()
	s := newTill(t, "CARD", hold)
	s.Work(t)
	require.Empty(t, s.pay(t, "attempt-1", stripetest.CardVisa).UserErrors)
	held := s.payment(t)
	key := apptest.Variables{"idempotencyKey": "give-it-up-1", "reason": "お客様都合"}
	require.NotContains(t, s.work(t, "voidPayment", held.ID, key), "_")
	s.becomes(t, "CANCELLED")
	require.Eventually(t, func() bool { return s.stripe.Held() == 0 }, time.Minute, 20*time.Millisecond)
	require.Equal(t, "CANCELLED", s.work(t, "voidPayment", held.ID, key), "the same intent again")
	require.Equal(t, "PAYMENT_NOT_HELD paymentId", s.work(t, "capturePayment", held.ID, nil))
	require.Zero(t, s.stripe.Taken())
	require.Equal(t, "PENDING_PAYMENT", s.status(t), "it waits for its money again")
	mailed(t, s.App, "あらためてお支払いください")
	require.NoError(t, s.App.App.Resolvers.Payments.Expire(t.Context()))
	require.Equal(t, "PENDING_PAYMENT", s.status(t), "its customer has time")
	exec(t, s.App, `UPDATE payments SET due_at = now() - interval '1 minute'`)
	require.NoError(t, s.App.App.Resolvers.Payments.Expire(t.Context()))
	require.Equal(t, "CANCELLED", s.status(t))
	require.Equal(t, "FORBIDDEN", as(t, s.App, access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.OrderRead}}).done(t, "capturePayment", "payment { id }",
		apptest.Variables{"idempotencyKey": id.New().String(), "paymentId": held.ID})[0])
}

// What has left may be paid when the hold was over: no shipment takes what is held then.
func TestAnOrderThatLeftIsPaidAfterItsHold(t *testing.T) {
	t.Parallel()
	s := newTill(t, "CARD", hold)
	require.Empty(t, s.pay(t, "attempt-1", stripetest.CardVisa).UserErrors)
	held := s.payment(t)
	s.ship(t) // nobody works: the money is not taken yet
	exec(t, s.App, `UPDATE payment_operations SET status = 'REFUSED', answered_at = now() WHERE kind = 'CAPTURE'`)
	require.Equal(t, "CANCELLED", s.work(t, "voidPayment", held.ID, nil))
	s.Work(t)
	require.Equal(t, "SHIPPED", s.status(t))
	again := s.pay(t, "attempt-2", stripetest.CardVisa)
	require.Empty(t, again.UserErrors)
	require.True(t, again.Order.Paid)
	require.Eventually(t, func() bool { return s.stripe.Taken() == 2640 }, time.Minute, 20*time.Millisecond, "it is taken at once")
	require.Equal(t, "ALREADY_PAID", s.pay(t, "attempt-3", stripetest.CardVisa).code())
}

func TestStaffTakeMoneyAtATill(t *testing.T) {
	t.Parallel()
	s := newTill(t, "BANK_TRANSFER")
	staff := as(t, s.App, cashier)
	take := func(key, method, amount string) string {
		input := apptest.Variables{"idempotencyKey": key, "orderId": s.order, "method": method}
		if amount != "" {
			input["amount"] = amount
		}
		got := staff.done(t, "recordTillPayment", "payment { status amount { amount } }", input, "payment.status", "payment.amount.amount")
		return fmt.Sprint(got)
	}
	require.Equal(t, "[PAYMENT_METHOD_UNAVAILABLE method]", take("till-0001", "CARD", "100"))
	require.Equal(t, "[PAYMENT_EXCEEDS_DUE amount]", take("till-0001", "CASH", "2641"))
	require.Equal(t, "[CAPTURED 1000]", take("till-0001", "CASH", "1000"))
	require.Equal(t, "[CAPTURED 1000]", take("till-0001", "CASH", "1000"), "counted once")
	require.Equal(t, "[IDEMPOTENCY_KEY_REUSED idempotencyKey]", take("till-0001", "CASH", "1001"))
	require.Equal(t, "[CAPTURED 1640]", take("till-0002", "CARD_TERMINAL", ""), "all that is left")
	require.Equal(t, "[ALREADY_PAID]", take("till-0003", "CASH", "1"))
	require.Equal(t, []string{"true", "3"}, staff.read(t, `query($o: ID!) { order(id: $o) { paid payments { id } } }`, apptest.Variables{"o": s.order}, "order.paid", "order.payments"))
	require.Equal(t, "1000", trialBalance(t, s.App)["CASH"])
}

func TestBankLinesAreMatchedAgain(t *testing.T) {
	t.Parallel()
	d := newDesk(t, apptest.Start(t))
	const again = `mutation { rematchBankLines { userErrors { code } } }`
	require.Equal(t, []string{"0"}, as(t, d.App, bookkeeper).read(t, again, nil, "rematchBankLines.userErrors"))
	require.Equal(t, 1, jobsOf(t, d.App, "bank_match"))
	require.Equal(t, "FORBIDDEN", as(t, d.App, cashier)(again, nil).Code())
}

func TestALotsRecallEnds(t *testing.T) {
	t.Parallel()
	p := newPantry(t)
	require.Empty(t, p.receive(t, 5, lotPieces("A", "2099-01-31", 5)))
	staff := as(t, p.App, packer)
	lot := staff.read(t, `{ stockLots { nodes { id number } } }`, nil, "stockLots.nodes.0.id")[0]
	named := apptest.Variables{"lotId": lot}
	require.Equal(t, []string{"表示の誤り"}, staff.done(t, "recallStockLot", "lot { recalledFor }", with(named, "reason", "表示の誤り"), "lot.recalledFor"))
	require.Equal(t, []string{""}, staff.done(t, "endStockLotRecall", "lot { recalledFor }", named, "lot.recalledFor"))
	guest := &shopper{App: p.App}
	require.Empty(t, guest.add(t, p.food, 5).UserErrors, "its pieces are sold again")
	seen := staff.read(t, `query($id: ID!) { stockLot(id: $id) { number levels { available quarantined } } stockLotMovements(lotId: $id) { nodes { kind available quarantined } } }`,
		apptest.Variables{"id": lot}, "stockLot.number", "stockLot.levels.0.available", "stockLot.levels.0.quarantined", "stockLotMovements.nodes")
	require.Equal(t, []string{"A", "5", "0", "3"}, seen, "came, was set apart, and came back")
	require.Equal(t, "FORBIDDEN", as(t, p.App, cashier)(`query($id: ID!) { stockLot(id: $id) { number } }`, apptest.Variables{"id": lot}).Code())
}

func TestAnAnnouncedDeliveryIsLookedUp(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	bed := a.AddProduct(t, "bed", 5000).Variants[0]
	(&depot{App: a}).announce(t, bed, 5, "2099-01-01")
	staff := as(t, a, packer)
	key := staff.read(t, `{ stockDeliveries { nodes { id } } }`, nil, "stockDeliveries.nodes.0.id")[0]
	require.Equal(t, []string{"2099-01-01", "1"}, staff.read(t, `query($id: ID!) { stockDelivery(id: $id) { expectedOn lines { quantity } } }`, apptest.Variables{"id": key}, "stockDelivery.expectedOn", "stockDelivery.lines"))
	require.Equal(t, []string{"<nil>"}, staff.read(t, `query($id: ID!) { stockDelivery(id: $id) { expectedOn } }`, apptest.Variables{"id": id.Global("StockDelivery", id.New())}, "stockDelivery"))
}

func TestLabelFormatsAreThoseOfTheTrade(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	var got struct {
		LabelFormats []struct {
			Code                                 string
			Columns, Rows, Labels                int
			Width, Height, Left, Top, GapX, GapY float64
		}
	}
	a.DoAs(t, cashier, `{ labelFormats { code columns rows labels width height left top gapX gapY } }`, nil).Into(t, &got)
	require.NotEmpty(t, got.LabelFormats)
	for _, f := range got.LabelFormats {
		require.Equal(t, f.Columns*f.Rows, f.Labels, f.Code)
		require.LessOrEqual(t, f.Left+float64(f.Columns)*f.Width+float64(f.Columns-1)*f.GapX, 210.0, "%s fits on A4", f.Code)
		require.LessOrEqual(t, f.Top+float64(f.Rows)*f.Height+float64(f.Rows-1)*f.GapY, 297.0, "%s fits on A4", f.Code)
	}
}

func TestTheNextRecurringOrderIsPricedAhead(t *testing.T) {
	t.Parallel()
	r := newRegular(t)
	made := r.ask.recur(t, "subscribeRecurringOrder", r.wish()).RecurringOrder
	const next = `query($id: ID!) { recurringOrderCart(id: $id) { lines { quantity problem { code } } shippingFee { amount } total { amount } } }`
	paths := []string{"recurringOrderCart.total.amount", "recurringOrderCart.shippingFee.amount", "recurringOrderCart.lines.0.problem"}
	require.Equal(t, []string{"2500", "500", "<nil>"}, r.ask.read(t, next, apptest.Variables{"id": made.ID}, paths...))
	exec(t, r.App, `UPDATE prices SET amount = 1200 WHERE variant_id = $1`, r.litter)
	r.SetStock(t, r.litter, 1)
	require.Equal(t, []string{"2900", "INSUFFICIENT_STOCK"}, r.ask.read(t, next, apptest.Variables{"id": made.ID}, paths[0], "recurringOrderCart.lines.0.problem.code"))
	taro := newCustomer(t, r.App, "taro@example.jp")
	require.Equal(t, []string{"<nil>"}, asking(func(q string, v apptest.Variables) apptest.Answer { return taro.do(t, q, v) }).read(t, next, apptest.Variables{"id": made.ID}, "recurringOrderCart"))
}
