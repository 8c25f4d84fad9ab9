package resolvers_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/stripe/stripetest"
	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

type savedCard struct {
	ID             string
	Confirmed      bool
	Network, Last4 string
	ExpiresOn      *string
}

type savedAnswer struct {
	SavedCard    *savedCard
	ClientSecret *string
	NeedsAction  bool
	RemovedID    *string
	UserErrors   []userError
}

func (a savedAnswer) fault() string { return recurringAnswer{UserErrors: a.UserErrors}.fault() }

// cardholder is a member of a shop with Stripe, who gets goods again and again.
type cardholder struct {
	regular
	stripe *stripetest.Server
}

func newCardholder(t *testing.T) cardholder {
	t.Helper()
	server := stripetest.New(t)
	a := apptest.Start(t, func(c *app.Config) {
		c.StripeSecretKey, c.StripeWebhookSecret, c.StripeAPIBase = stripetest.Key, stripetest.WebhookSecret, server.URL
		c.ShopURL = "https://shop.example.jp"
	})
	r := regular{App: a, method: a.AddShipping(t, "parcel", 500), litter: a.AddProduct(t, "litter", 1000).Variants[0], customer: newCustomer(t, a, "hanako@example.jp")}
	r.ask = func(q string, v apptest.Variables) apptest.Answer { return r.do(t, q, v) }
	return cardholder{r, server}
}

func saveWith(t testing.TB, ask asking, key, token string) savedAnswer {
	t.Helper()
	var got struct{ SaveCard savedAnswer }
	ask(`mutation($in: SaveCardInput!) { saveCard(input: $in) { savedCard { id confirmed network last4 expiresOn } clientSecret needsAction userErrors { code field message } } }`,
		apptest.Variables{"in": apptest.Variables{"idempotencyKey": key, "cardToken": token}}).Into(t, &got)
	return got.SaveCard
}

func named(t testing.TB, ask asking, field, selection, cardID string) savedAnswer {
	t.Helper()
	var got map[string]savedAnswer
	ask(`mutation($in: SavedCardInput!) { `+field+`(input: $in) { `+selection+` userErrors { code field message } } }`,
		apptest.Variables{"in": apptest.Variables{"savedCardId": cardID}}).Into(t, &got)
	return got[field]
}

func confirmCard(t testing.TB, ask asking, cardID string) savedAnswer {
	t.Helper()
	return named(t, ask, "confirmSavedCard", "savedCard { id confirmed network last4 expiresOn } needsAction", cardID)
}

func removeCard(t testing.TB, ask asking, cardID string) savedAnswer {
	t.Helper()
	return named(t, ask, "removeSavedCard", "removedId", cardID)
}

// card saves a card and gives its id.
func (k cardholder) card(t *testing.T, token string) string {
	t.Helper()
	saved := saveWith(t, k.ask, id.New().String(), token)
	require.Empty(t, saved.UserErrors)
	return saved.SavedCard.ID
}

func (k cardholder) cards(t *testing.T) []savedCard {
	t.Helper()
	var got struct{ SavedCards []savedCard }
	k.ask(`{ savedCards { id confirmed network last4 expiresOn } }`, nil).Into(t, &got)
	return got.SavedCards
}

// byCard subscribes with a saved card and lets the first order fall due and be placed.
func (k cardholder) byCard(t *testing.T, cardID string) string {
	t.Helper()
	wish := with(k.wish(), "paymentMethod", "CARD")
	wish["savedCardId"] = cardID
	made := k.ask.recur(t, "subscribeRecurringOrder", wish)
	require.Empty(t, made.UserErrors)
	k.due(t)
	k.run(t)
	require.Equal(t, 1, k.orders(t))
	return made.RecurringOrder.ID
}

// charge does what waits to be asked of the gateway, as the job does.
func (k cardholder) charge(t *testing.T) error {
	t.Helper()
	var open []uuid.UUID
	require.NoError(t, k.App.DB.Pool().QueryRow(t.Context(), `SELECT coalesce(array_agg(id), '{}') FROM payment_operations WHERE status = 'OUTSTANDING'`).Scan(&open))
	require.Len(t, open, 1)
	return k.App.App.Payments.Execute(t.Context(), open[0])
}

type charged struct {
	ID, Status string
	Paid       bool
	Payments   []struct{ Status, FailureCode string }
}

func (k cardholder) order(t *testing.T) charged {
	t.Helper()
	var got struct {
		Orders struct{ Nodes []charged }
	}
	k.App.DoAs(t, cashier, `{ orders(first: 1) { nodes { id status paid payments { status failureCode } } } }`, nil).Into(t, &got)
	require.Len(t, got.Orders.Nodes, 1)
	return got.Orders.Nodes[0]
}

func TestASavedCardIsChargedForWhatComesAgain(t *testing.T) {
	t.Parallel()
	k := newCardholder(t)
	recurringID := k.byCard(t, k.card(t, stripetest.CardVisa))
	require.NoError(t, k.charge(t))

	o := k.order(t)
	require.True(t, o.Paid)
	require.Equal(t, "CAPTURED", o.Payments[0].Status)
	require.Equal(t, int64(2500), k.stripe.Taken())
	sent := k.stripe.Requests()
	form := sent[len(sent)-1].Form
	require.Equal(t, []string{"true", "cus_1", "pm_kept_seti_1"}, []string{form.Get("off_session"), form.Get("customer"), form.Get("payment_method")})

	exec(t, k.App, `UPDATE recurring_orders SET next_on = $1`, time.Now().In(jst).AddDate(0, 0, -1))
	k.run(t)
	require.NoError(t, k.charge(t))
	require.Equal(t, int64(5000), k.stripe.Taken(), "and the next time again")

	var got struct {
		RecurringOrder struct{ SavedCard *savedCard }
	}
	k.ask(`query($id: ID!) { recurringOrder(id: $id) { savedCard { network last4 expiresOn } } }`, apptest.Variables{"id": recurringID}).Into(t, &got)
	require.Equal(t, []string{"visa", "4242", "2031-02-28"}, []string{got.RecurringOrder.SavedCard.Network, got.RecurringOrder.SavedCard.Last4, *got.RecurringOrder.SavedCard.ExpiresOn})
}

func TestALostAnswerChargesASavedCardOnce(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]func(s *stripetest.Server, calls int){"lost": (*stripetest.Server).LoseAnswers, "never arrived": (*stripetest.Server).DropCalls} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newCardholder(t)
			k.byCard(t, k.card(t, stripetest.CardVisa))
			trouble(k.stripe, 100)
			require.Error(t, k.charge(t), "the job is to come back")
			trouble(k.stripe, 0)
			require.NoError(t, k.charge(t))
			require.True(t, k.order(t).Paid)
			require.Equal(t, int64(2500), k.stripe.Taken())
		})
	}
}

func TestADeclinedSavedCardLeavesTheOrderToBePaidOtherwise(t *testing.T) {
	t.Parallel()
	for token, code := range map[string]string{stripetest.CardLaterFails: "generic_decline", stripetest.CardLaterAsks: "authentication_required"} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			k := newCardholder(t)
			k.byCard(t, k.card(t, token))
			require.NoError(t, k.charge(t))
			o := k.order(t)
			require.False(t, o.Paid)
			require.Equal(t, []string{"FAILED", code}, []string{o.Payments[0].Status, o.Payments[0].FailureCode})
			require.Equal(t, 1, queuedMails(t, k.App, "card_declined"))
			var days float64
			require.NoError(t, k.App.DB.Pool().QueryRow(t.Context(), `SELECT extract(epoch FROM due_at - created_at) / 86400 FROM payments`).Scan(&days))
			require.InDelta(t, 3, days, 0.01, "the order waits three days")

			require.Empty(t, k.pay(t, o.ID, apptest.Variables{"cardToken": stripetest.CardVisa}).code())
			require.True(t, k.order(t).Paid)
			require.Equal(t, int64(2500), k.stripe.Taken())
		})
	}
}

func (k cardholder) pay(t *testing.T, orderID string, how apptest.Variables) payAnswer {
	t.Helper()
	how["orderId"], how["idempotencyKey"] = orderID, id.New().String()
	var got struct{ PayOrder payAnswer }
	k.ask(`mutation($in: PayOrderInput!) { payOrder(input: $in) { order { status paid } payment { status } clientSecret needsAction userErrors { code field message } } }`,
		apptest.Variables{"in": how}).Into(t, &got)
	return got.PayOrder
}

func TestACustomerPaysWithASavedCard(t *testing.T) {
	t.Parallel()
	k := newCardholder(t)
	k.byCard(t, k.card(t, stripetest.CardLaterFails))
	require.NoError(t, k.charge(t))
	o, other := k.order(t), k.card(t, stripetest.CardLaterAsks)
	require.Equal(t, "INVALID", k.pay(t, o.ID, apptest.Variables{"savedCardId": other, "cardToken": stripetest.CardVisa}).code(), "one card at a time")
	require.Equal(t, "SAVED_CARD_UNKNOWN", k.pay(t, o.ID, apptest.Variables{"savedCardId": id.Global("SavedCard", id.New())}).code())
	require.Empty(t, k.pay(t, o.ID, apptest.Variables{"savedCardId": other}).code(), "the customer is there to confirm")
	require.True(t, k.order(t).Paid)
}

func TestACardIsKeptOnce(t *testing.T) {
	t.Parallel()
	k := newCardholder(t)
	k.stripe.LoseAnswers(100)
	require.Equal(t, "PAYMENT_UNCONFIRMED", saveWith(t, k.ask, "my-first-card", stripetest.CardVisa).fault())
	require.Empty(t, k.cards(t))
	k.stripe.LoseAnswers(0)
	one := saveWith(t, k.ask, "my-first-card", stripetest.CardVisa)
	require.Empty(t, one.UserErrors)
	require.Equal(t, one, saveWith(t, k.ask, "my-first-card", stripetest.CardVisa))
	require.Equal(t, 1, k.stripe.Kept())
	require.Len(t, k.cards(t), 1)
	require.Equal(t, "IDEMPOTENCY_KEY_REUSED idempotencyKey", saveWith(t, k.ask, "my-first-card", stripetest.CardLaterAsks).fault())
}

func TestACardThatNeedsThreeDSecureIsKeptWhenItIsConfirmed(t *testing.T) {
	t.Parallel()
	k := newCardholder(t)
	begun := saveWith(t, k.ask, "needs-3ds-1", stripetest.CardThreeDSecure)
	require.True(t, begun.NeedsAction)
	require.Equal(t, "seti_1_secret", *begun.ClientSecret)
	require.False(t, begun.SavedCard.Confirmed)
	require.True(t, confirmCard(t, k.ask, begun.SavedCard.ID).NeedsAction, "not yet")
	require.Empty(t, k.cards(t))
	wish := with(k.wish(), "paymentMethod", "CARD")
	wish["savedCardId"] = begun.SavedCard.ID
	require.Equal(t, "SAVED_CARD_UNKNOWN savedCardId", k.ask.recur(t, "subscribeRecurringOrder", wish).fault(), "and it pays nothing yet")

	k.stripe.ConfirmSetup(t)
	done := confirmCard(t, k.ask, begun.SavedCard.ID)
	require.True(t, done.SavedCard.Confirmed)
	require.Equal(t, "4242", k.cards(t)[0].Last4)
	k.byCard(t, begun.SavedCard.ID)
	require.NoError(t, k.charge(t))
	require.True(t, k.order(t).Paid)
}

func TestWhatSavingACardRefuses(t *testing.T) {
	t.Parallel()
	k := newCardholder(t)
	require.Equal(t, "INVALID cardToken", saveWith(t, k.ask, "a-card-number", "4242424242424242").fault())
	require.Equal(t, "CARD_DECLINED cardToken", saveWith(t, k.ask, "declined-1", stripetest.CardDeclined).fault())
	require.Equal(t, "CARD_DECLINED cardToken", saveWith(t, k.ask, "declined-1", stripetest.CardDeclined).fault(), "the same answer again")
	require.Equal(t, "PAYMENT_REFUSED cardToken", saveWith(t, k.ask, "unknown-1", "pm_nobody").fault())
	require.Empty(t, k.cards(t))

	for range 10 {
		k.card(t, stripetest.CardVisa)
	}
	require.Equal(t, "SAVED_CARDS_FULL", saveWith(t, k.ask, "one-too-many", stripetest.CardVisa).fault())

	without := newRegular(t)
	require.Equal(t, "PAYMENT_METHOD_UNAVAILABLE", saveWith(t, without.ask, "no-gateway", stripetest.CardVisa).fault())
	require.Equal(t, "UNAUTHENTICATED", k.App.Do(t, `{ savedCards { id } }`, nil).Code(), "a guest keeps none")
}

// orderOf is an order of the stranger's that waits for a card.
func orderOf(t *testing.T, k cardholder, c customer) string {
	t.Helper()
	c.do(t, `mutation($v: ID!) { addCartLine(input: {variantId: $v}) { userErrors { code } } }`, apptest.Variables{"v": id.Global("Variant", k.litter)})
	var got struct{ PlaceOrder orderAnswer }
	c.do(t, `mutation($in: UpdateCartInput!) { updateCart(input: $in) { userErrors { code } } }`, apptest.Variables{"in": apptest.Variables{
		"email": "taro@example.jp", "shippingMethodId": id.Global("ShippingMethod", k.method), "shippingAddress": newAddress("山田 太郎"),
	}})
	c.do(t, `mutation { placeOrder(input: {idempotencyKey: "a-stranger-1", expectedTotal: "1500", paymentMethod: CARD}) { `+orderFields+` } }`, nil).Into(t, &got)
	require.Empty(t, got.PlaceOrder.UserErrors)
	return got.PlaceOrder.Order.ID
}

func payWith(t testing.TB, ask asking, orderID, cardID string) payAnswer {
	t.Helper()
	var got struct{ PayOrder payAnswer }
	ask(`mutation($in: PayOrderInput!) { payOrder(input: $in) { payment { status } userErrors { code field message } } }`,
		apptest.Variables{"in": apptest.Variables{"orderId": orderID, "idempotencyKey": id.New().String(), "savedCardId": cardID}}).Into(t, &got)
	return got.PayOrder
}

func TestWhatBecameOfACardIsFoundOut(t *testing.T) {
	t.Parallel()
	k := newCardholder(t)
	sweep := func() {
		exec(t, k.App, `UPDATE saved_cards SET updated_at = updated_at - interval '25 hours' WHERE state <> 'KEPT'`)
		require.NoError(t, k.App.App.Resolvers.SavedCards.Forget(access.With(t.Context(), access.System)))
	}
	k.card(t, stripetest.CardVisa)
	k.stripe.LoseAnswers(100)
	require.Equal(t, "PAYMENT_UNCONFIRMED", saveWith(t, k.ask, "lost-answer-1", stripetest.CardVisa).fault())
	k.stripe.LoseAnswers(0)
	sweep()
	require.Len(t, k.cards(t), 2, "Stripe keeps it, and so does the member")

	require.True(t, saveWith(t, k.ask, "confirmed-1", stripetest.CardThreeDSecure).NeedsAction)
	k.stripe.ConfirmSetup(t)
	sweep()
	require.Len(t, k.cards(t), 3, "confirmed, but the client never said so")

	left := saveWith(t, k.ask, "left-alone-1", stripetest.CardThreeDSecure).SavedCard.ID
	k.stripe.DropCalls(100)
	require.Equal(t, "PAYMENT_UNCONFIRMED", saveWith(t, k.ask, "never-arrived", stripetest.CardVisa).fault())
	k.stripe.DropCalls(0)
	sweep()
	require.Len(t, k.cards(t), 3)
	require.Equal(t, 3, k.stripe.Kept())
	require.Equal(t, "NOT_FOUND savedCardId", confirmCard(t, k.ask, left).fault())
	var rows int
	require.NoError(t, k.App.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM saved_cards`).Scan(&rows))
	require.Equal(t, 3, rows, "what was never finished is gone")
}

func TestACardIsItsMembersOwn(t *testing.T) {
	t.Parallel()
	k := newCardholder(t)
	mine := k.card(t, stripetest.CardVisa)
	stranger := newCustomer(t, k.App, "taro@example.jp")
	theirs := asking(func(q string, v apptest.Variables) apptest.Answer { return stranger.do(t, q, v) })
	require.Equal(t, "NOT_FOUND savedCardId", confirmCard(t, theirs, mine).fault())
	require.Equal(t, "NOT_FOUND savedCardId", removeCard(t, theirs, mine).fault())
	wish := with(k.wish(), "paymentMethod", "CARD")
	wish["savedCardId"] = mine
	require.Equal(t, "SAVED_CARD_UNKNOWN savedCardId", theirs.recur(t, "subscribeRecurringOrder", wish).fault())
	wish["memberId"] = k.id
	require.Equal(t, "SAVED_CARD_UNKNOWN savedCardId", as(t, k.App, cashier).recur(t, "subscribeRecurringOrder", wish).fault(), "staff charge nobody's card")
	delete(wish, "memberId")
	require.Equal(t, "SAVED_CARD_UNKNOWN savedCardId", recurringAnswer{UserErrors: payWith(t, theirs, orderOf(t, k, stranger), mine).UserErrors}.fault(), "nobody pays with another's card")
	require.Zero(t, k.stripe.Taken())
	made := k.ask.recur(t, "subscribeRecurringOrder", wish).RecurringOrder
	changed := as(t, k.App, cashier).recur(t, "changeRecurringOrder", apptest.Variables{
		"recurringOrderId": made.ID, "revision": made.Revision, "terms": apptest.Variables{"lines": []apptest.Variables{wantedLine(k.litter, 1, nil)}},
	})
	require.Empty(t, changed.UserErrors, "but the card that the member chose stays")
}

func TestARemovedCardIsForgotten(t *testing.T) {
	t.Parallel()
	k := newCardholder(t)
	used, spare := k.card(t, stripetest.CardVisa), k.card(t, stripetest.CardVisa)
	recurringID := k.byCard(t, used)
	require.NoError(t, k.charge(t))
	require.Equal(t, "SAVED_CARD_IN_USE savedCardId", removeCard(t, k.ask, used).fault())
	now := k.ask.recurringOrder(t, recurringID)
	require.Empty(t, k.ask.recur(t, "changeRecurringOrder", apptest.Variables{"recurringOrderId": recurringID, "revision": now.Revision, "terms": apptest.Variables{"savedCardId": spare}}).UserErrors)
	require.Equal(t, used, *removeCard(t, k.ask, used).RemovedID)
	require.Equal(t, "NOT_FOUND savedCardId", removeCard(t, k.ask, used).fault())
	require.Len(t, k.cards(t), 1)

	forget := k.App.App.Resolvers.SavedCards.Forget
	k.stripe.DropCalls(100)
	require.Error(t, forget(access.With(t.Context(), access.System)), "Stripe does not answer")
	k.stripe.DropCalls(0)
	require.NoError(t, forget(access.With(t.Context(), access.System)))
	require.Equal(t, 1, k.stripe.Kept())
	require.NoError(t, forget(access.With(t.Context(), access.System)), "and nothing is left to do")
}

func TestTheCardsOfWhoLeavesAreForgotten(t *testing.T) {
	t.Parallel()
	k := newCardholder(t)
	k.byCard(t, k.card(t, stripetest.CardVisa))
	k.card(t, stripetest.CardLaterAsks)
	require.Equal(t, 2, k.stripe.Kept())
	require.Empty(t, done(t, k.App, k.bearer, `closeAccount(input: {password: "`+goodPassword+`"})`))
	require.NoError(t, k.App.App.Resolvers.SavedCards.Forget(access.With(t.Context(), access.System)))
	require.Zero(t, k.stripe.Kept())
	require.NoError(t, k.charge(t), "what was about to be charged is not")
	require.Zero(t, k.stripe.Taken())
}

func TestAnErasedMembersCardsAreForgotten(t *testing.T) {
	t.Parallel()
	k := newCardholder(t)
	k.byCard(t, k.card(t, stripetest.CardVisa))
	_, member, err := id.Parse(k.id)
	require.NoError(t, err)
	require.NoError(t, k.App.App.Resolvers.Members.Store.Erase(t.Context(), member, time.Now()))
	require.NoError(t, k.App.App.Resolvers.SavedCards.Forget(access.With(t.Context(), access.System)))
	require.Zero(t, k.stripe.Kept())
	require.NoError(t, k.charge(t), "what was about to be charged is not")
	require.Zero(t, k.stripe.Taken())
}
