package payment_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/adapters/banktransfer"
	"github.com/noren-commerce/noren/adapters/stripe"
	"github.com/noren-commerce/noren/adapters/stripe/stripetest"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/payment"
)

func TestUnsignedWebhookChangesNothing(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodCard)
	got, err := s.pay(t, order, "", "k1")
	require.NoError(t, err)
	s.stripe.Confirm(t, got.Payment.Reference)
	body, _ := s.stripe.Event(t, "payment_intent.succeeded", got.Payment.Reference)

	for _, signature := range []string{"", "t=1,v1=00", stripetest.Sign(body, "whsec_other", time.Now())} {
		_, err := s.HandleNotice(t.Context(), stripe.Name, body, signature)
		require.ErrorIs(t, err, payment.ErrUnsigned)
	}
	_, err = s.HandleNotice(t.Context(), banktransfer.Name, body, "")
	require.ErrorIs(t, err, payment.ErrNoGateway)
	require.Equal(t, payment.StatusPending, s.only(t, order).Status)
}

func TestReplayedWebhookCountsOnce(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodCard)
	got, err := s.pay(t, order, "", "k1")
	require.NoError(t, err)
	s.stripe.Confirm(t, got.Payment.Reference)
	body, signature := s.stripe.Event(t, "payment_intent.succeeded", got.Payment.Reference)

	outcome, err := s.HandleNotice(t.Context(), stripe.Name, body, signature)
	require.NoError(t, err)
	require.Equal(t, payment.NoticeApplied, outcome)
	outcome, err = s.HandleNotice(t.Context(), stripe.Name, body, stripetest.Sign(body, stripetest.WebhookSecret, time.Now()))
	require.NoError(t, err)
	require.Equal(t, payment.NoticeReplayed, outcome)
	require.Equal(t, []string{"payment.captured"}, s.events(t, order))
	require.Len(t, s.outbox.kinds(), 1)
}

func TestOldWebhooksAreForgotten(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodCard)
	got, err := s.pay(t, order, "", "k1")
	require.NoError(t, err)
	_, err = s.notice(t, "payment_intent.created", got.Payment.Reference)
	require.NoError(t, err)
	known := func() (n int) {
		require.NoError(t, s.db.Pool().QueryRow(t.Context(), `SELECT count(*) FROM payment_notices`).Scan(&n))
		return n
	}
	s.time.turn(89 * 24 * time.Hour)
	require.NoError(t, s.Forget(t.Context()))
	require.Equal(t, 1, known())
	s.time.turn(2 * 24 * time.Hour)
	require.NoError(t, s.Forget(t.Context()))
	require.Zero(t, known())
}

func TestWebhooksOutOfOrderNeverMoveAPaymentBack(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodCard)
	got, err := s.pay(t, order, stripetest.CardDeclined, "k1")
	require.ErrorIs(t, err, payment.ErrCardDeclined)
	reference := got.Payment.Reference
	failed, _ := s.stripe.Event(t, "payment_intent.payment_failed", reference)
	s.stripe.Confirm(t, reference)
	_, err = s.notice(t, "payment_intent.succeeded", reference)
	require.NoError(t, err)
	require.Equal(t, payment.StatusCaptured, s.only(t, order).Status)

	outcome, err := s.HandleNotice(t.Context(), stripe.Name, failed, stripetest.Sign(failed, stripetest.WebhookSecret, time.Now()))
	require.NoError(t, err)
	require.Equal(t, payment.NoticeApplied, outcome)
	p := s.only(t, order)
	require.Equal(t, payment.StatusCaptured, p.Status)
	require.Equal(t, int64(1980), s.orders.row(order).totals.Secured())
}

func TestWebhookThatOvertakesTheReplyIsUnderstood(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodCard)
	s.stripe.LoseAnswers(100)
	_, err := s.pay(t, order, stripetest.CardVisa, "k1")
	require.ErrorIs(t, err, payment.ErrUnconfirmed)
	require.Empty(t, s.only(t, order).Reference)

	_, err = s.notice(t, "payment_intent.succeeded", "pi_1")
	require.NoError(t, err)
	require.Equal(t, payment.StatusCaptured, s.only(t, order).Status)
	require.Equal(t, "pi_1", s.only(t, order).Reference)
	s.stripe.LoseAnswers(0)
	s.time.turn(3 * time.Minute)
	require.NoError(t, s.Reconcile(t.Context()))
	require.Equal(t, []string{"payment.captured"}, s.events(t, order))
}

func TestWebhookAboutSomebodyElsesPaymentIsIgnored(t *testing.T) {
	t.Parallel()
	s, elsewhere := open(t), stripetest.New(t)
	g := stripe.New(stripe.Config{SecretKey: stripetest.Key, BaseURL: elsewhere.URL})
	a, err := g.Start(t.Context(), payment.StartRequest{Key: id.New(), PaymentID: id.New(), Amount: 1, Currency: "JPY", Token: stripetest.CardVisa})
	require.NoError(t, err)
	body, signature := elsewhere.Event(t, "payment_intent.succeeded", a.Reference)
	outcome, err := s.HandleNotice(t.Context(), stripe.Name, body, signature)
	require.NoError(t, err)
	require.Equal(t, payment.NoticeIgnored, outcome)
}

func TestMoneyForACancelledOrderGoesBack(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodCard)
	got, err := s.pay(t, order, "", "k1")
	require.NoError(t, err)
	s.cancel(t, order)
	require.Equal(t, payment.StatusCancelled, s.only(t, order).Status)

	// The customer confirms before Stripe hears of the cancellation.
	s.stripe.Confirm(t, got.Payment.Reference)
	require.NoError(t, s.work(t)) // the void finds the money taken …
	require.Equal(t, payment.StatusCaptured, s.only(t, order).Status)
	require.NoError(t, s.work(t)) // … and gives it back
	require.Equal(t, payment.StatusRefunded, s.only(t, order).Status)
	require.Zero(t, s.stripe.Taken())
	require.NotContains(t, s.outbox.kinds(), "payment_received")
}

func TestCancelledOrderIsRefundedOnceThoughTheAnswerIsLost(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodCard)
	_, err := s.pay(t, order, stripetest.CardVisa, "k1")
	require.NoError(t, err)
	s.cancel(t, order)
	s.stripe.LoseAnswers(100)
	require.ErrorIs(t, s.work(t), payment.ErrUnanswered)
	s.stripe.LoseAnswers(0)
	s.time.turn(3 * time.Minute)
	require.NoError(t, s.Reconcile(t.Context()))
	require.Equal(t, payment.StatusRefunded, s.only(t, order).Status)
	require.Zero(t, s.stripe.Taken())
	require.NoError(t, s.Reconcile(t.Context()))
	require.Zero(t, s.stripe.Taken())
}

func TestCancelWhileTheStartIsUnansweredIsUndone(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodCard)
	s.stripe.LoseAnswers(100)
	_, err := s.pay(t, order, stripetest.CardVisa, "k1")
	require.ErrorIs(t, err, payment.ErrUnconfirmed)
	s.cancel(t, order)
	require.ErrorIs(t, s.work(t), payment.ErrUnanswered)
	s.stripe.LoseAnswers(0)
	s.time.turn(3 * time.Minute)
	require.NoError(t, s.Reconcile(t.Context()))
	require.NoError(t, s.work(t))
	require.Zero(t, s.stripe.Taken())
	require.Equal(t, payment.StatusRefunded, s.only(t, order).Status)
}

func TestUnpaidOrderIsGivenUpInTime(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodCard)
	got, err := s.pay(t, order, "", "k1")
	require.NoError(t, err)
	s.time.turn(59 * time.Minute)
	require.NoError(t, s.Expire(t.Context()))
	require.False(t, s.orders.row(order).due.Cancelled)
	s.time.turn(2 * time.Minute)
	require.NoError(t, s.Expire(t.Context()))
	require.True(t, s.orders.row(order).due.Cancelled)
	require.NoError(t, s.work(t))
	require.Equal(t, "canceled", s.stripe.Status(t, got.Payment.Reference))
	_, err = s.pay(t, order, stripetest.CardVisa, "k2")
	require.ErrorIs(t, err, payment.ErrNotPayable)
}

func TestPaidOrderWhoseWebhookWasLostIsNotGivenUp(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodCard)
	got, err := s.pay(t, order, "", "k1")
	require.NoError(t, err)
	s.stripe.Confirm(t, got.Payment.Reference)
	s.time.turn(2 * time.Hour)
	require.NoError(t, s.Expire(t.Context()))
	require.False(t, s.orders.row(order).due.Cancelled)
	require.Equal(t, payment.StatusCaptured, s.only(t, order).Status)
}

func TestOrderWhoseChargeIsUnansweredIsNotGivenUpYet(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodCard)
	s.stripe.LoseAnswers(100)
	_, err := s.pay(t, order, stripetest.CardVisa, "k1")
	require.ErrorIs(t, err, payment.ErrUnconfirmed)
	s.stripe.LoseAnswers(0)
	s.time.turn(2 * time.Hour)
	require.NoError(t, s.Expire(t.Context()))
	require.False(t, s.orders.row(order).due.Cancelled)
	require.NoError(t, s.Reconcile(t.Context()))
	require.NoError(t, s.Expire(t.Context()))
	require.False(t, s.orders.row(order).due.Cancelled)
	require.Equal(t, payment.StatusCaptured, s.only(t, order).Status)
}

// TestAnyOrderOfAnswersEndsAlike feeds the answers of one card payment in any
// order, any number of times: money never shrinks, and all orders of the same
// answers that hold money end with the same sums.
func TestAnyOrderOfAnswersEndsAlike(t *testing.T) {
	t.Parallel()
	answers := []payment.Answer{
		{Reference: "pi_1", Status: payment.StatusPending, Currency: "JPY"},
		{Reference: "pi_1", Status: payment.StatusFailed, Currency: "JPY", Decline: &payment.Decline{Code: "expired_card"}},
		{Reference: "pi_1", Status: payment.StatusAuthorised, Currency: "JPY", Authorised: 1980},
		{Reference: "pi_1", Status: payment.StatusCaptured, Currency: "JPY", Captured: 1980},
		{Reference: "pi_1", Status: payment.StatusCaptured, Currency: "JPY", Captured: 1980, Refunded: 480, RefundsKnown: true},
		{Reference: "pi_1", Status: payment.StatusCaptured, Currency: "JPY", Captured: 1980, Refunded: 1980, RefundsKnown: true},
	}
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		p := payment.Payment{Status: payment.StatusPending, AmountMinor: 1980, Currency: "JPY"}
		seen := map[int]bool{}
		for _, i := range rapid.SliceOfN(rapid.IntRange(0, len(answers)-1), 1, 20).Draw(t, "answers") {
			before := p
			p = p.Advance(answers[i], now)
			seen[i] = true
			if p.CapturedMinor < before.CapturedMinor || p.RefundedMinor < before.RefundedMinor {
				t.Fatalf("money shrank: %+v to %+v", before, p)
			}
			if p.CapturedMinor > 0 && (p.Open() || p.Status == payment.StatusAuthorised) {
				t.Fatalf("money is here and the payment says %s", p.Status)
			}
		}
		want := payment.StatusPending
		switch {
		case seen[5]:
			want = payment.StatusRefunded
		case seen[4]:
			want = payment.StatusPartlyRefunded
		case seen[3]:
			want = payment.StatusCaptured
		case seen[2]:
			want = payment.StatusAuthorised
		case seen[1]:
			want = payment.StatusFailed
		}
		if p.Status != want {
			t.Fatalf("ended %s, not %s", p.Status, want)
		}
	})
}
