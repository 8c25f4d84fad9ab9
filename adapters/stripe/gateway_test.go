package stripe_test

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/stripe"
	"github.com/noren-commerce/noren/adapters/stripe/stripetest"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/payment"
)

// TestEveryCallIsAsStripeDescribesIt runs against stripe-mock alone, which
// answers fixtures but refuses what is not in Stripe's API description.
func TestEveryCallIsAsStripeDescribesIt(t *testing.T) {
	t.Parallel()
	g := stripe.New(stripe.Config{SecretKey: stripetest.Key, BaseURL: stripetest.Mock(t)})
	start := payment.StartRequest{
		Key: id.New(), PaymentID: id.New(), OrderNumber: "A-1001", Amount: 1980, Currency: "JPY",
		Token: stripetest.CardVisa, ReturnURL: "https://shop.example.jp/back",
	}
	created, err := g.Start(t.Context(), start)
	require.NoError(t, err)
	require.NotEmpty(t, created.Reference)
	require.NotEmpty(t, created.ClientSecret)

	start.Reference = created.Reference
	_, err = g.Start(t.Context(), start)
	require.NoError(t, err)
	_, err = g.Capture(t.Context(), payment.AmountRequest{Key: id.New(), Reference: created.Reference, Amount: 1980, Currency: "JPY"})
	require.NoError(t, err)
	_, err = g.Void(t.Context(), payment.VoidRequest{Key: id.New(), Reference: created.Reference})
	require.NoError(t, err)
	_, err = g.Refund(t.Context(), payment.AmountRequest{Key: id.New(), Reference: created.Reference, Amount: 980, Currency: "JPY"})
	require.NoError(t, err)
	kept, err := g.Keep(t.Context(), payment.KeepRequest{Key: id.New(), MemberID: id.New(), Token: stripetest.CardVisa, ReturnURL: "https://shop.example.jp/back"})
	require.NoError(t, err)
	_, err = g.Keeping(t.Context(), payment.KeepingRequest{Setup: kept.Setup})
	require.NoError(t, err)
	start.Token, start.Kept = "", &payment.KeptCard{Customer: kept.Customer, Reference: "pm_1", Absent: true}
	_, err = g.Start(t.Context(), start)
	require.NoError(t, err)
	start.Reference = ""
	_, err = g.Start(t.Context(), start)
	require.NoError(t, err)
	require.NoError(t, g.Forget(t.Context(), "pm_1"))
	require.NoError(t, g.Abandon(t.Context(), kept.Setup))
	_, err = g.Keeping(t.Context(), payment.KeepingRequest{Key: id.New(), Since: time.Now()})
	require.ErrorIs(t, err, payment.ErrNeverArrived)
	_, err = g.Find(t.Context(), payment.FindRequest{PaymentID: id.New(), Since: time.Now()})
	require.ErrorIs(t, err, payment.ErrNeverArrived)
}

func TestYenAreSentWithoutDecimalsUnderTheOperationsKey(t *testing.T) {
	t.Parallel()
	server, g := gateway(t)
	r := request(stripetest.CardVisa)

	got, err := g.Start(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, payment.StatusCaptured, got.Status)
	require.Equal(t, int64(1980), got.Captured)
	require.Equal(t, "JPY", string(got.Currency))

	sent := server.Requests()[0]
	require.Equal(t, "1980", sent.Form.Get("amount"))
	require.Equal(t, "jpy", sent.Form.Get("currency"))
	require.Equal(t, r.Key.String(), sent.Key)
	require.Equal(t, r.PaymentID.String(), sent.Form.Get("metadata[noren_payment]"))
}

func TestDeclinedCardIsAnAnswer(t *testing.T) {
	t.Parallel()
	server, g := gateway(t)
	r := request(stripetest.CardDeclined)

	got, err := g.Start(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, payment.StatusFailed, got.Status)
	require.Equal(t, "insufficient_funds", got.Decline.Code)
	require.NotEmpty(t, got.Reference, "the PaymentIntent stays and takes another card")

	r.Key, r.Reference, r.Token = id.New(), got.Reference, stripetest.CardVisa
	got, err = g.Start(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, payment.StatusCaptured, got.Status)
	require.Equal(t, 1, server.Intents())
}

func TestUnknownCardIsRefused(t *testing.T) {
	t.Parallel()
	_, g := gateway(t)
	_, err := g.Start(t.Context(), request("4242424242424242"))
	require.ErrorContains(t, err, "No such PaymentMethod")
	require.NotErrorIs(t, err, payment.ErrUnanswered)
}

func TestThreeDSecureNeedsTheCustomer(t *testing.T) {
	t.Parallel()
	server, g := gateway(t)
	got, err := g.Start(t.Context(), request(stripetest.CardThreeDSecure))
	require.NoError(t, err)
	require.Equal(t, payment.StatusPending, got.Status)
	require.True(t, got.NeedsAction)
	require.NotEmpty(t, got.ClientSecret)

	server.Confirm(t, got.Reference)
	found, err := g.Find(t.Context(), payment.FindRequest{Reference: got.Reference})
	require.NoError(t, err)
	require.Equal(t, payment.StatusCaptured, found.Status)
}

func TestHeldMoneyIsTakenLater(t *testing.T) {
	t.Parallel()
	server := stripetest.New(t)
	g := stripe.New(stripe.Config{SecretKey: stripetest.Key, BaseURL: server.URL, HoldOnly: true})
	held, err := g.Start(t.Context(), request(stripetest.CardVisa))
	require.NoError(t, err)
	require.Equal(t, payment.StatusAuthorised, held.Status)
	require.Equal(t, int64(1980), held.Authorised)
	require.Zero(t, server.Taken())

	taken, err := g.Capture(t.Context(), payment.AmountRequest{Key: id.New(), Reference: held.Reference, Amount: 1500, Currency: "JPY"})
	require.NoError(t, err)
	require.Equal(t, int64(1500), taken.Captured)
}

func TestVoidOfTakenMoneySaysThatItIsTaken(t *testing.T) {
	t.Parallel()
	_, g := gateway(t)
	taken, err := g.Start(t.Context(), request(stripetest.CardVisa))
	require.NoError(t, err)
	got, err := g.Void(t.Context(), payment.VoidRequest{Key: id.New(), Reference: taken.Reference})
	require.NoError(t, err)
	require.Equal(t, payment.StatusCaptured, got.Status)
}

func TestLostAnswerIsRetriedUnderTheSameKey(t *testing.T) {
	t.Parallel()
	server, g := gateway(t)
	server.LoseAnswers(1)
	got, err := g.Start(t.Context(), request(stripetest.CardVisa))
	require.NoError(t, err)
	require.Equal(t, payment.StatusCaptured, got.Status)
	require.Equal(t, int64(1980), server.Taken(), "charged once")
	require.Len(t, server.Requests(), 2)
}

func TestAnswerLostForGoodIsFoundAgain(t *testing.T) {
	t.Parallel()
	server, g := gateway(t)
	server.LoseAnswers(100)
	r := request(stripetest.CardVisa)
	_, err := g.Start(t.Context(), r)
	require.ErrorIs(t, err, payment.ErrUnanswered)
	server.LoseAnswers(0)

	find := payment.FindRequest{PaymentID: r.PaymentID, Since: time.Now(), Operation: payment.Operation{ID: r.Key, Kind: payment.OperationStart}}
	found, err := g.Find(t.Context(), find)
	require.NoError(t, err)
	require.Equal(t, int64(1980), found.Captured)

	find.PaymentID = id.New()
	_, err = g.Find(t.Context(), find)
	require.ErrorIs(t, err, payment.ErrNeverArrived)
}

func TestRefundIsFoundByItsOperation(t *testing.T) {
	t.Parallel()
	_, g := gateway(t)
	taken, err := g.Start(t.Context(), request(stripetest.CardVisa))
	require.NoError(t, err)
	back := payment.AmountRequest{Key: id.New(), Reference: taken.Reference, Amount: 480, Currency: "JPY"}
	got, err := g.Refund(t.Context(), back)
	require.NoError(t, err)
	require.Equal(t, int64(480), got.Refunded)
	require.True(t, got.RefundsKnown)

	find := payment.FindRequest{Reference: taken.Reference, Operation: payment.Operation{ID: back.Key, Kind: payment.OperationRefund}}
	_, err = g.Find(t.Context(), find)
	require.NoError(t, err)
	find.Operation.ID = id.New()
	_, err = g.Find(t.Context(), find)
	require.ErrorIs(t, err, payment.ErrNeverArrived)

	back.Key, back.Amount = id.New(), 1501
	_, err = g.Refund(t.Context(), back)
	require.Error(t, err, "more than was taken")
}

func TestStripeThatDoesNotAnswerIsNeitherYesNorNo(t *testing.T) {
	t.Parallel()
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Stripe-Should-Retry", "false")
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = w.Write([]byte(`{"error":{"type":"api_error","message":"down"}}`))
	}))
	defer broken.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer silent.Close()
	wrongKey := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"error":{"type":"invalid_request_error","message":"Invalid API Key provided"}}`))
	}))
	defer wrongKey.Close()

	for name, url := range map[string]string{"500": broken.URL, "silence": "http://" + silent.Addr().String(), "wrong key": wrongKey.URL} {
		t.Run(name, func(t *testing.T) {
			g := stripe.New(stripe.Config{SecretKey: "sk_test_secret", BaseURL: url, Timeout: 50 * time.Millisecond})
			_, err := g.Start(t.Context(), request(stripetest.CardVisa))
			require.ErrorIs(t, err, payment.ErrUnanswered)
			require.NotContains(t, err.Error(), "sk_test_secret")
		})
	}
}

func TestWebhookIsReadOnlyIfSigned(t *testing.T) {
	t.Parallel()
	server, g := gateway(t)
	taken, err := g.Start(t.Context(), request(stripetest.CardVisa))
	require.NoError(t, err)
	body, signature := server.Event(t, "payment_intent.succeeded", taken.Reference)

	n, err := g.Interpret(body, signature)
	require.NoError(t, err)
	require.Equal(t, taken.Reference, n.Answer.Reference)
	require.Equal(t, payment.StatusCaptured, n.Answer.Status)
	require.NotEqual(t, uuid.Nil, n.PaymentID)

	for name, wrong := range map[string]string{
		"none":           "",
		"garbage":        "hello",
		"no v1":          strings.Split(signature, ",")[0],
		"another secret": stripetest.Sign(body, "whsec_other", time.Now()),
		"too old":        stripetest.Sign(body, stripetest.WebhookSecret, time.Now().Add(-6*time.Minute)),
	} {
		_, err := g.Interpret(body, wrong)
		require.ErrorIs(t, err, payment.ErrUnsigned, name)
	}
	_, err = g.Interpret([]byte(strings.Replace(string(body), "1980", "1", 1)), signature)
	require.ErrorIs(t, err, payment.ErrUnsigned, "changed on the way")

	unset := stripe.New(stripe.Config{SecretKey: stripetest.Key})
	_, err = unset.Interpret(body, stripetest.Sign(body, "", time.Now()))
	require.ErrorIs(t, err, payment.ErrUnsigned, "an empty secret proves nothing")
}

func TestWebhookAboutOtherThingsIsNoPayment(t *testing.T) {
	t.Parallel()
	_, g := gateway(t)
	for _, kind := range []string{"customer.created", "payout.paid", "charge.dispute.created"} {
		body := []byte(`{"id":"evt_1","object":"event","type":"` + kind + `","created":1,"data":{"object":{"id":"x","object":"y"}}}`)
		n, err := g.Interpret(body, stripetest.Sign(body, stripetest.WebhookSecret, time.Now()))
		require.NoError(t, err)
		require.Empty(t, n.Answer.Reference)
	}
}

func TestRefundWebhookTellsWhatWasGivenBack(t *testing.T) {
	t.Parallel()
	server, g := gateway(t)
	taken, err := g.Start(t.Context(), request(stripetest.CardVisa))
	require.NoError(t, err)
	_, err = g.Refund(t.Context(), payment.AmountRequest{Key: id.New(), Reference: taken.Reference, Amount: 480, Currency: "JPY"})
	require.NoError(t, err)
	n, err := g.Interpret(server.Event(t, "charge.refunded", taken.Reference))
	require.NoError(t, err)
	require.Equal(t, int64(480), n.Answer.Refunded)
	require.Equal(t, taken.Reference, n.Answer.Reference)
}

func TestAKeptCardIsChargedInItsCustomersAbsence(t *testing.T) {
	t.Parallel()
	server, g := gateway(t)
	keep := payment.KeepRequest{Key: id.New(), MemberID: id.New(), Token: stripetest.CardVisa}
	kept, err := g.Keep(t.Context(), keep)
	require.NoError(t, err)
	require.Equal(t, []any{"visa", "4242", 2031, 2, false}, []any{kept.Network, kept.Last4, kept.ExpiryYear, kept.ExpiryMonth, kept.NeedsAction})
	again, err := g.Keep(t.Context(), keep)
	require.NoError(t, err)
	require.Equal(t, kept, again, "the same key keeps one card")

	r := request("")
	r.Kept = &payment.KeptCard{Customer: kept.Customer, Reference: kept.Card, Absent: true}
	got, err := g.Start(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, payment.StatusCaptured, got.Status)

	begun, err := g.Start(t.Context(), request("")) // by a customer, who has not confirmed it
	require.NoError(t, err)
	r.Key, r.Reference, r.Kept.Absent = id.New(), begun.Reference, false
	got, err = g.Start(t.Context(), r)
	require.NoError(t, err, "the payment becomes its customer's")
	require.Equal(t, payment.StatusCaptured, got.Status)

	require.NoError(t, g.Forget(t.Context(), kept.Card))
	require.NoError(t, g.Forget(t.Context(), kept.Card), "forgotten already")
	server.LoseAnswers(100)
	require.ErrorIs(t, g.Forget(t.Context(), kept.Card), payment.ErrUnanswered)
}

func TestOnlyAnUnknownCardCountsAsForgotten(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests, http.StatusBadRequest} {
		refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Stripe-Should-Retry", "false")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(`{"error":{"type":"invalid_request_error","message":"no"}}`))
		}))
		defer refusing.Close()
		g := stripe.New(stripe.Config{SecretKey: stripetest.Key, BaseURL: refusing.URL, Retries: -1})
		require.Error(t, g.Forget(t.Context(), "pm_1"), status)
		require.Error(t, g.Abandon(t.Context(), "seti_1"), status)
	}
}

func TestACardWhoseKeepingWasLostIsFoundAgain(t *testing.T) {
	t.Parallel()
	server, g := gateway(t)
	keep := payment.KeepRequest{Key: id.New(), MemberID: id.New(), Customer: "cus_1", Token: stripetest.CardVisa}
	server.LoseAnswers(100)
	_, err := g.Keep(t.Context(), keep)
	require.ErrorIs(t, err, payment.ErrUnanswered)
	server.LoseAnswers(0)
	found, err := g.Keeping(t.Context(), payment.KeepingRequest{Key: keep.Key, Since: time.Now()})
	require.NoError(t, err)
	require.Equal(t, "4242", found.Last4)
}

func FuzzInterpret(f *testing.F) {
	g := stripe.New(stripe.Config{SecretKey: stripetest.Key, WebhookSecret: stripetest.WebhookSecret})
	f.Add([]byte(`{"id":"evt_1","object":"event","type":"payment_intent.succeeded","data":{"object":{"id":"pi_1"}}}`))
	f.Add([]byte(`{"id":"evt_1","object":"event","type":"charge.refunded","data":{"object":{"object":"charge","payment_intent":"pi_1"}}}`))
	f.Add([]byte(`{"object":"event","data":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		n, err := g.Interpret(body, stripetest.Sign(body, stripetest.WebhookSecret, time.Now()))
		if err == nil && !json.Valid(body) {
			t.Errorf("read %q as %+v", body, n)
		}
	})
}

func gateway(t *testing.T) (*stripetest.Server, *stripe.Gateway) {
	t.Helper()
	server := stripetest.New(t)
	return server, stripe.New(stripe.Config{SecretKey: stripetest.Key, WebhookSecret: stripetest.WebhookSecret, BaseURL: server.URL})
}

func request(card string) payment.StartRequest {
	return payment.StartRequest{Key: id.New(), PaymentID: id.New(), OrderNumber: "A-1001", Amount: 1980, Currency: "JPY", Token: card}
}
