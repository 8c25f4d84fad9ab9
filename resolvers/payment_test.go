package resolvers_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/mailbox"
	"github.com/noren-commerce/noren/adapters/stripe/stripetest"
	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

var cashier = access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.OrderRead, access.OrderWrite}}

type paymentAnswer struct {
	ID, Method, Status string
	Captured, Refunded struct{ Amount string }
	FailureCode        string
	Instructions       *struct {
		BankName, Reference string
		Amount              struct{ Amount string }
	}
	Operations []struct{ Kind, Status string }
}

type payAnswer struct {
	Order *struct {
		Status string
		Paid   bool
	}
	Payment      *paymentAnswer
	ClientSecret *string
	NeedsAction  bool
	UserErrors   []userError
}

func (p payAnswer) code() string {
	if len(p.UserErrors) == 0 {
		return ""
	}
	return p.UserErrors[0].Code
}

// till is a shop with Stripe, and a guest at checkout with an order of 2,640 yen.
type till struct {
	*shopper
	stripe *stripetest.Server
	order  string
}

func newTill(t *testing.T, method string, options ...func(*app.Config)) *till {
	t.Helper()
	server := stripetest.New(t)
	a := apptest.Start(t, append(options, func(c *app.Config) {
		c.StripeSecretKey, c.StripeWebhookSecret, c.StripeAPIBase = stripetest.Key, stripetest.WebhookSecret, server.URL
		c.StripePublicKey = "pk_test_1"
	})...)
	leash := a.AddProduct(t, "leash", 1980)
	parcel := a.AddShipping(t, "parcel", 660)
	s := &till{shopper: &shopper{App: a}, stripe: server}
	s.add(t, leash.Variants[0], 1)
	s.fillIn(t, parcel)
	var placed struct{ PlaceOrder orderAnswer }
	s.Do(t, `mutation($m: PaymentMethod!) { placeOrder(input: {idempotencyKey: "intent-1", expectedTotal: "2640", paymentMethod: $m}) { `+orderFields+` } }`,
		apptest.Variables{"m": method}, "X-Cart-Token", s.token).Into(t, &placed)
	require.Empty(t, placed.PlaceOrder.UserErrors)
	s.order = placed.PlaceOrder.Order.ID
	return s
}

func (s *till) pay(t *testing.T, key, card string) payAnswer {
	t.Helper()
	var got struct{ PayOrder payAnswer }
	s.Do(t, `mutation($k: String!, $o: ID!, $c: String!) { payOrder(input: {idempotencyKey: $k, orderId: $o, cardToken: $c}) {
		order { status paid } payment { id method status captured { amount } refunded { amount } } clientSecret needsAction userErrors { code field message } } }`,
		apptest.Variables{"k": key, "o": s.order, "c": card}, "X-Cart-Token", s.token).Into(t, &got)
	return got.PayOrder
}

func (s *till) payment(t *testing.T) paymentAnswer {
	t.Helper()
	var got struct {
		Order struct{ Payments []paymentAnswer }
	}
	s.DoAs(t, cashier, `query($o: ID!) { order(id: $o) { payments { id method status captured { amount } refunded { amount } failureCode operations { kind status } } } }`,
		apptest.Variables{"o": s.order}).Into(t, &got)
	require.Len(t, got.Order.Payments, 1)
	return got.Order.Payments[0]
}

func TestShopSaysHowItIsPaid(t *testing.T) {
	t.Parallel()
	s := newTill(t, "CARD")
	var got struct {
		PaymentMethods []struct{ Method, Name, PublicKey string }
	}
	s.Do(t, `{ paymentMethods { method name publicKey } }`, nil).Into(t, &got)
	require.Len(t, got.PaymentMethods, 2)
	require.Equal(t, "pk_test_1", got.PaymentMethods[0].PublicKey)
	require.Equal(t, "銀行振込（前払い）", got.PaymentMethods[1].Name)

	without := apptest.Start(t)
	without.Do(t, `{ paymentMethods { method name publicKey } }`, nil).Into(t, &got)
	require.Len(t, got.PaymentMethods, 1, "without Stripe's key no card is offered, in development too")
}

func TestGuestPaysByCard(t *testing.T) {
	t.Parallel()
	s := newTill(t, "CARD")

	declined := s.pay(t, "attempt-1", stripetest.CardDeclined)
	require.Equal(t, "CARD_DECLINED", declined.code())
	require.Equal(t, "カードが承認されませんでした。別のカードをお試しください", declined.UserErrors[0].Message)
	require.Equal(t, "FAILED", declined.Payment.Status)
	require.Equal(t, "PENDING_PAYMENT", declined.Order.Status)

	paid := s.pay(t, "attempt-2", stripetest.CardVisa)
	require.Empty(t, paid.UserErrors)
	require.Equal(t, "CAPTURED", paid.Payment.Status)
	require.Equal(t, "2640", paid.Payment.Captured.Amount)
	require.Equal(t, "CONFIRMED", paid.Order.Status)
	require.True(t, paid.Order.Paid)
	require.Equal(t, int64(2640), s.stripe.Taken())

	require.Equal(t, "CONFIRMED", s.pay(t, "attempt-2", stripetest.CardVisa).Order.Status, "the same key replays")
	require.Equal(t, "IDEMPOTENCY_KEY_REUSED", s.pay(t, "attempt-2", "pm_other").code())
	require.Equal(t, "ALREADY_PAID", s.pay(t, "attempt-3", stripetest.CardVisa).code())
	require.Equal(t, int64(2640), s.stripe.Taken())
}

func TestStripesWebhookConfirmsTheOrder(t *testing.T) {
	t.Parallel()
	s := newTill(t, "CARD")
	started := s.pay(t, "attempt-1", stripetest.CardThreeDSecure)
	require.True(t, started.NeedsAction)
	require.NotNil(t, started.ClientSecret)
	s.stripe.Confirm(t, "pi_1")
	body, signature := s.stripe.Event(t, "payment_intent.succeeded", "pi_1")

	require.Equal(t, http.StatusBadRequest, s.webhook(t, body, ""))
	require.Equal(t, "PENDING", s.payment(t).Status)
	require.Equal(t, http.StatusOK, s.webhook(t, body, signature))
	require.Equal(t, "CAPTURED", s.payment(t).Status)
	require.Equal(t, http.StatusOK, s.webhook(t, body, stripetest.Sign(body, stripetest.WebhookSecret, time.Now())), "a replay is taken, and counts once")

	late := bytes.Replace(bytes.Replace(body, []byte(`"evt_1"`), []byte(`"evt_0"`), 1), []byte(`"succeeded"`), []byte(`"requires_action"`), 1)
	require.Equal(t, http.StatusOK, s.webhook(t, late, stripetest.Sign(late, stripetest.WebhookSecret, time.Now())))
	require.Equal(t, "CAPTURED", s.payment(t).Status, "an event out of order moves nothing back")
	var order struct {
		Order struct {
			Status  string
			History []struct{ Type string }
		}
	}
	s.Do(t, `query($o: ID!) { order(id: $o) { status history { type } } }`, apptest.Variables{"o": s.order}, "X-Cart-Token", s.token).Into(t, &order)
	require.Equal(t, "CONFIRMED", order.Order.Status)
	require.Len(t, order.Order.History, 2)
}

func TestCallsToTheGatewayAreCounted(t *testing.T) {
	t.Parallel()
	s := newTill(t, "CARD")
	s.pay(t, "attempt-1", stripetest.CardDeclined)
	s.pay(t, "attempt-2", stripetest.CardVisa)
	response, err := http.Get(s.URL + "/metrics")
	require.NoError(t, err)
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	for _, line := range []string{
		`noren_gateway_call_duration_seconds_count{gateway="stripe",outcome="declined",verb="start"} 1`,
		`noren_gateway_call_duration_seconds_count{gateway="stripe",outcome="done",verb="start"} 1`,
		`noren_payments_waiting{what="unanswered"} 0`,
	} {
		require.Contains(t, string(raw), line)
	}
}

func TestSomebodyElseCannotPayOrSeeAPayment(t *testing.T) {
	t.Parallel()
	s := newTill(t, "CARD")
	key := s.pay(t, "attempt-1", "").Payment.ID
	stranger := &till{shopper: &shopper{App: s.App, token: "SOMEBODYELSE"}, order: s.order}
	require.Equal(t, "NOT_FOUND", stranger.pay(t, "attempt-2", stripetest.CardVisa).code())

	node := `query($id: ID!) { node(id: $id) { id } }`
	var got struct{ Node *struct{ ID string } }
	s.Do(t, node, apptest.Variables{"id": key}, "X-Cart-Token", "SOMEBODYELSE").Into(t, &got)
	require.Nil(t, got.Node)
	s.Do(t, node, apptest.Variables{"id": key}, "X-Cart-Token", s.token).Into(t, &got)
	require.Equal(t, key, got.Node.ID)

	for _, field := range []string{"reference", "failureCode", "gateway", "operations { kind }", "transfers { amount { amount } }"} {
		answer := s.Do(t, `query($o: ID!) { order(id: $o) { payments { `+field+` } } }`, apptest.Variables{"o": s.order}, "X-Cart-Token", s.token)
		require.NotEmpty(t, answer.Errors, field)
	}
	for _, mutation := range []string{
		`recordBankTransfer(input: {idempotencyKey: "12345678", paymentId: $p, amount: "1", receivedAt: "2026-11-24T00:00:00Z"}) { userErrors { code } }`,
		`refundPayment(input: {idempotencyKey: "12345678", paymentId: $p, amount: "1"}) { userErrors { code } }`,
	} {
		require.NotEmpty(t, s.Do(t, `mutation($p: ID!) { `+mutation+` }`, apptest.Variables{"p": key}, "X-Cart-Token", s.token).Errors)
	}
	require.NotEmpty(t, s.Do(t, `{ payments { totalCount } }`, nil, "X-Cart-Token", s.token).Errors)
}

func TestCancelledOrderIsRefunded(t *testing.T) {
	t.Parallel()
	s := newTill(t, "CARD")
	s.Work(t)
	require.Empty(t, s.pay(t, "attempt-1", stripetest.CardVisa).UserErrors)
	var cancelled struct{ CancelOrder orderAnswer }
	s.Do(t, `mutation($o: ID!) { cancelOrder(input: {`+aKey()+` orderId: $o, reason: "気が変わった"}) { `+orderFields+` } }`,
		apptest.Variables{"o": s.order}, "X-Cart-Token", s.token).Into(t, &cancelled)
	require.Equal(t, "CANCELLED", cancelled.CancelOrder.Order.Status)
	require.Eventually(t, func() bool { return s.payment(t).Status == "REFUNDED" }, 3*time.Minute, 20*time.Millisecond)
	require.Zero(t, s.stripe.Taken())
	require.Equal(t, []struct{ Kind, Status string }{{"START", "DONE"}, {"REFUND", "DONE"}}, s.payment(t).Operations)
	require.Eventually(t, func() bool { return len(s.App.App.Mailbox.To("hanako@example.jp")) == 3 }, 3*time.Minute, 20*time.Millisecond)
}

func TestStaffRecordABankTransfer(t *testing.T) {
	t.Parallel()
	s := newTill(t, "BANK_TRANSFER")
	s.Work(t)
	var order struct {
		Order struct{ Payments []paymentAnswer }
	}
	s.Do(t, `query($o: ID!) { order(id: $o) { payments { id instructions { bankName reference amount { amount } } } } }`,
		apptest.Variables{"o": s.order}, "X-Cart-Token", s.token).Into(t, &order)
	how := order.Order.Payments[0].Instructions
	require.Equal(t, "見本銀行", how.BankName)
	require.Equal(t, "2640", how.Amount.Amount)
	require.Eventually(t, func() bool { return len(s.App.App.Mailbox.To("hanako@example.jp")) == 2 }, 3*time.Minute, 20*time.Millisecond,
		"the confirmation, and where to pay")

	record := func(key, amount string) (outcome, difference, code, status string) {
		var got struct {
			RecordBankTransfer struct {
				Outcome    *string
				Difference *struct{ Amount string }
				UserErrors []userError
			}
		}
		s.DoAs(t, cashier, `mutation($k: String!, $p: ID!, $a: Decimal!) { recordBankTransfer(input: {
			idempotencyKey: $k, paymentId: $p, amount: $a, payerName: "ﾔﾏﾀﾞ ﾊﾅｺ", receivedAt: "2026-11-24T01:00:00Z"
		}) { outcome difference { amount } userErrors { code field message } } }`,
			apptest.Variables{"k": key, "p": order.Order.Payments[0].ID, "a": amount}).Into(t, &got)
		if r := got.RecordBankTransfer; len(r.UserErrors) > 0 {
			return "", "", r.UserErrors[0].Code, s.status(t)
		}
		return *got.RecordBankTransfer.Outcome, got.RecordBankTransfer.Difference.Amount, "", s.status(t)
	}
	var early struct {
		RecordBankTransfer struct{ UserErrors []userError }
	}
	s.DoAs(t, cashier, `mutation($p: ID!) { recordBankTransfer(input: {idempotencyKey: "statement-early", paymentId: $p, amount: "2000", receivedAt: "2099-01-01T00:00:00Z"}) { userErrors { code field message } } }`,
		apptest.Variables{"p": order.Order.Payments[0].ID}).Into(t, &early)
	require.Equal(t, "INVALID", early.RecordBankTransfer.UserErrors[0].Code)
	require.Equal(t, []string{"receivedAt"}, early.RecordBankTransfer.UserErrors[0].Field)

	for i, step := range [][5]string{
		{"0", "", "", "AMOUNT_INVALID", "PENDING_PAYMENT"},
		{"-5", "", "", "AMOUNT_INVALID", "PENDING_PAYMENT"},
		{"0.5", "", "", "AMOUNT_TOO_FINE", "PENDING_PAYMENT"},
		{"2000", "SHORT", "-640", "", "PENDING_PAYMENT"},
		{"640", "EXACT", "0", "", "CONFIRMED"},
		{"100", "OVER", "100", "", "CONFIRMED"},
	} {
		outcome, difference, code, status := record(fmt.Sprintf("statement-%d", i), step[0])
		require.Equal(t, step, [5]string{step[0], outcome, difference, code, status})
	}

	var list struct {
		Payments struct {
			TotalCount int
			Nodes      []struct {
				Captured  struct{ Amount string }
				Transfers []struct{ PayerName string }
			}
		}
	}
	attention := `{ payments(filter: {attention: true}) { totalCount nodes { captured { amount } transfers { payerName } } } }`
	s.DoAs(t, cashier, attention, nil).Into(t, &list)
	require.Equal(t, 1, list.Payments.TotalCount)
	require.Equal(t, "2740", list.Payments.Nodes[0].Captured.Amount)
	require.Len(t, list.Payments.Nodes[0].Transfers, 3)

	refund := func(key, amount string) {
		var got struct {
			RefundPayment struct{ UserErrors []userError }
		}
		s.DoAs(t, cashier, `mutation($k: String!, $p: ID!, $a: Decimal!) { refundPayment(input: {idempotencyKey: $k, paymentId: $p, amount: $a}) { userErrors { code } } }`,
			apptest.Variables{"k": key, "p": order.Order.Payments[0].ID, "a": amount}).Into(t, &got)
		require.Empty(t, got.RefundPayment.UserErrors)
	}
	refund("refund-over", "100")
	s.DoAs(t, cashier, attention, nil).Into(t, &list)
	require.Zero(t, list.Payments.TotalCount, "the excess has gone back")
	require.Equal(t, "CONFIRMED", s.status(t))

	s.Do(t, `mutation($o: ID!) { cancelOrder(input: {`+aKey()+` orderId: $o}) { userErrors { code } } }`, apptest.Variables{"o": s.order}, "X-Cart-Token", s.token)
	require.Equal(t, "CANCELLED", s.status(t))
	s.DoAs(t, cashier, attention, nil).Into(t, &list)
	require.Equal(t, 1, list.Payments.TotalCount, "the transfer is owed back")
	refund("refund-rest", "2640")
	s.DoAs(t, cashier, attention, nil).Into(t, &list)
	require.Zero(t, list.Payments.TotalCount)
	require.Equal(t, "REFUNDED", s.payment(t).Status)
}

func TestUnpaidOrderGivesItsStockBack(t *testing.T) {
	t.Parallel()
	s := newTill(t, "CARD")
	s.Work(t)
	variant := s.variant(t)
	requireStock(t, s.App, variant, 100, 1)
	require.Equal(t, "CARD_DECLINED", s.pay(t, "attempt-1", stripetest.CardDeclined).code())

	require.NoError(t, s.App.App.Payments.Expire(t.Context()))
	require.Equal(t, "PENDING_PAYMENT", s.status(t), "it is not due yet")
	_, err := s.DB.Pool().Exec(t.Context(), `UPDATE payments SET due_at = now() - interval '1 second'`)
	require.NoError(t, err)
	require.NoError(t, s.App.App.Payments.Expire(t.Context()))
	require.NoError(t, s.App.App.Payments.Expire(t.Context()))

	require.Equal(t, "CANCELLED", s.status(t))
	requireStock(t, s.App, variant, 100, 0)
	require.Equal(t, "ORDER_NOT_PAYABLE", s.pay(t, "attempt-2", stripetest.CardVisa).code())
	require.Eventually(t, func() bool { return s.stripe.Status(t, "pi_1") == "canceled" }, 3*time.Minute, 20*time.Millisecond)
	require.Eventually(t, func() bool {
		mails := s.App.App.Mailbox.To("hanako@example.jp")
		return slices.ContainsFunc(mails, func(l mailbox.Letter) bool { return strings.Contains(l.Text, "お支払い期限までに") })
	}, 3*time.Minute, 20*time.Millisecond)
}

func TestPaymentsOfManyOrdersCostAsManyStatementsAsOfOne(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980)
	parcel := a.AddShipping(t, "parcel", 660)
	query := `{ payments(first: 50) { nodes { id operations { kind } transfers { id } } } orders { nodes { payments { id operations { kind } } } } }`
	place := func(key string) {
		s := &shopper{App: a}
		s.add(t, leash.Variants[0], 1)
		s.fillIn(t, parcel)
		require.Empty(t, s.place(t, key, "2640").UserErrors)
	}
	count := func() int {
		answer := a.DoAs(t, cashier, query, nil)
		require.Empty(t, answer.Errors)
		return answer.Statements
	}
	place("intent-00")
	one := count()
	require.Positive(t, one)
	for i := range 7 {
		place(fmt.Sprintf("intent-1%d", i))
	}
	require.Equal(t, one, count())
}

func TestOrderThatCostsNothingIsPaid(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	sample := a.AddProduct(t, "sample", 0)
	free := a.AddShipping(t, "free", 0)
	s := &shopper{App: a}
	s.add(t, sample.Variants[0], 1)
	s.fillIn(t, free)
	placed := s.place(t, "intent-1", "0")
	require.Empty(t, placed.UserErrors)
	require.Equal(t, "CONFIRMED", placed.Order.Status)
}

func TestMethodThatTheShopDoesNotTakePlacesNothing(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980)
	parcel := a.AddShipping(t, "parcel", 660)
	s := &shopper{App: a}
	s.add(t, leash.Variants[0], 1)
	s.fillIn(t, parcel)
	var placed struct{ PlaceOrder orderAnswer }
	s.Do(t, `mutation { placeOrder(input: {idempotencyKey: "intent-1", expectedTotal: "2640", paymentMethod: CARD}) { `+orderFields+` } }`,
		nil, "X-Cart-Token", s.token).Into(t, &placed)
	require.Equal(t, "PAYMENT_METHOD_UNAVAILABLE", placed.PlaceOrder.code())
	require.Equal(t, []string{"paymentMethod"}, placed.PlaceOrder.UserErrors[0].Field)
	requireStock(t, a, leash.Variants[0], 100, 0)
	require.Empty(t, s.place(t, "intent-1", "2640").UserErrors, "the key was not used up")
}

func (s *till) variant(t *testing.T) (variant uuid.UUID) {
	t.Helper()
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT variant_id FROM order_lines`).Scan(&variant))
	return variant
}

func (s *till) status(t *testing.T) string {
	t.Helper()
	var got struct{ Order struct{ Status string } }
	s.Do(t, `query($o: ID!) { order(id: $o) { status } }`, apptest.Variables{"o": s.order}, "X-Cart-Token", s.token).Into(t, &got)
	return got.Order.Status
}

func (s *till) webhook(t *testing.T, body []byte, signature string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/webhooks/stripe", bytes.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Stripe-Signature", signature)
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	return response.StatusCode
}
