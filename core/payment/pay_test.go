package payment_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/stripe"
	"github.com/noren-commerce/noren/adapters/stripe/stripetest"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/payment"
)

func TestCardPaysTheOrder(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodCard)

	got, err := s.pay(t, order, stripetest.CardVisa, "k1")
	require.NoError(t, err)
	require.Equal(t, payment.StatusCaptured, got.Payment.Status)
	require.Equal(t, int64(1980), s.orders.row(order).totals.Secured())
	require.Equal(t, int64(1980), s.stripe.Taken())
	require.Equal(t, []string{"payment.captured"}, s.events(t, order))
	require.Equal(t, []messaging.Kind{messaging.KindPaymentReceived}, s.outbox.kinds())

	_, err = s.pay(t, order, stripetest.CardVisa, "k2")
	require.ErrorIs(t, err, payment.ErrAlreadyPaid)
	require.Equal(t, int64(1980), s.stripe.Taken())
}

func TestDeclinedCardLeavesTheOrderPayable(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodCard)

	got, err := s.pay(t, order, stripetest.CardDeclined, "k1")
	require.ErrorIs(t, err, payment.ErrCardDeclined)
	require.Equal(t, payment.StatusFailed, got.Payment.Status)
	require.Equal(t, "insufficient_funds", got.Payment.FailureCode)
	require.True(t, s.orders.row(order).due.Payable)

	_, err = s.pay(t, order, stripetest.CardDeclined, "k1")
	require.ErrorIs(t, err, payment.ErrCardDeclined, "the same key replays the answer")
	require.Len(t, s.stripe.Requests(), 1)

	got, err = s.pay(t, order, stripetest.CardVisa, "k2")
	require.NoError(t, err)
	require.Equal(t, payment.StatusCaptured, got.Payment.Status)
	require.Equal(t, 1, s.stripe.Intents())
	require.Equal(t, []string{"payment.failed", "payment.captured"}, s.events(t, order))
}

func TestCardsAreNotTriedOutWithoutEnd(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodCard)
	for i := range 10 {
		_, err := s.pay(t, order, stripetest.CardDeclined, fmt.Sprint(i))
		require.ErrorIs(t, err, payment.ErrCardDeclined)
	}
	asked := len(s.stripe.Requests())
	_, err := s.pay(t, order, stripetest.CardVisa, "last")
	require.ErrorIs(t, err, payment.ErrTooManyDeclines)
	require.Len(t, s.stripe.Requests(), asked)
	_, err = s.Pay(as(t, customer), payment.PayInput{OrderID: order, Method: payment.MethodBankTransfer, IdempotencyKey: "key-0000-bank"})
	require.NoError(t, err)
	_, err = s.Pay(as(t, customer), payment.PayInput{OrderID: order, Method: payment.MethodCard, Token: stripetest.CardVisa, IdempotencyKey: "key-0000-back"})
	require.ErrorIs(t, err, payment.ErrTooManyDeclines, "nor by going there and back")
}

func TestCardThatStripeDoesNotKnowIsRefused(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodCard)
	_, err := s.pay(t, order, "pm_unknown", "k1")
	require.ErrorIs(t, err, payment.ErrPaymentRefused)
	_, err = s.pay(t, order, "pm_unknown", "k1")
	require.ErrorIs(t, err, payment.ErrPaymentRefused)
	_, err = s.pay(t, order, stripetest.CardVisa, "k2")
	require.NoError(t, err)
}

func TestSameKeyTwiceAtOnceChargesOnce(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodCard)
	results := make([]error, 4)
	var all sync.WaitGroup
	for i := range results {
		all.Go(func() { _, results[i] = s.pay(t, order, stripetest.CardVisa, "k1") })
	}
	all.Wait()
	done := 0
	for _, err := range results {
		if err == nil {
			done++
			continue
		}
		require.ErrorIs(t, err, payment.ErrInProgress)
	}
	require.GreaterOrEqual(t, done, 1)
	require.Equal(t, int64(1980), s.stripe.Taken())
	require.Equal(t, 1, s.stripe.Intents())

	_, err := s.pay(t, order, stripetest.CardVisa, "k1")
	require.NoError(t, err)
	_, err = s.pay(t, order, "pm_card_mastercard", "k1")
	require.ErrorIs(t, err, idempotency.ErrReused)
}

func TestTwoKeysAtOnceChargeOnce(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodCard)
	var all sync.WaitGroup
	for _, key := range []string{"a", "b", "c", "d"} {
		all.Go(func() {
			if _, err := s.pay(t, order, stripetest.CardVisa, key); err != nil &&
				!errors.Is(err, payment.ErrInProgress) && !errors.Is(err, payment.ErrAlreadyPaid) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	require.Equal(t, int64(1980), s.stripe.Taken())
}

func TestThreeDSecureIsCompletedByTheWebhook(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodCard)
	got, err := s.pay(t, order, stripetest.CardThreeDSecure, "k1")
	require.NoError(t, err)
	require.True(t, got.NeedsAction)
	require.NotEmpty(t, got.ClientSecret)
	again, err := s.pay(t, order, stripetest.CardThreeDSecure, "k1")
	require.NoError(t, err)
	require.Equal(t, got.ClientSecret, again.ClientSecret, "a client that lost the answer gets it again")

	s.stripe.Confirm(t, got.Payment.Reference)
	outcome, err := s.notice(t, "payment_intent.succeeded", got.Payment.Reference)
	require.NoError(t, err)
	require.Equal(t, payment.NoticeApplied, outcome)
	require.Equal(t, payment.StatusCaptured, s.only(t, order).Status)
	require.Equal(t, int64(1980), s.orders.row(order).totals.Secured())
}

func TestClientMayConfirmByItself(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodCard)
	got, err := s.pay(t, order, "", "k1")
	require.NoError(t, err)
	require.Equal(t, payment.StatusPending, got.Payment.Status)
	require.NotEmpty(t, got.ClientSecret)
	var stored int
	require.NoError(t, s.db.Pool().QueryRow(t.Context(), `
		SELECT count(*) FROM payments p, payment_operations o WHERE p::text LIKE '%secret%' OR o::text LIKE '%secret%'`).Scan(&stored))
	require.Zero(t, stored, "the secret is passed on, never stored")
}

func TestSomebodyElsesOrderCannotBePaid(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodCard)
	_, err := s.Pay(as(t, other), payment.PayInput{OrderID: order, Token: stripetest.CardVisa, IdempotencyKey: "key-0000-k1"})
	require.ErrorIs(t, err, fault.ErrNotFound)
	require.Empty(t, s.stripe.Requests())

	another := channel.With(as(t, clerk), channel.Channel{BrandID: id.New()})
	_, err = s.RecordTransfer(another, payment.TransferInput{
		PaymentID: s.only(t, s.place(t, payment.MethodBankTransfer)).ID, Amount: yen(1980), ReceivedAt: received, IdempotencyKey: "key-0000-x",
	})
	require.ErrorIs(t, err, fault.ErrNotFound, "nor through another brand's channel")
}

func TestBadInputIsNamed(t *testing.T) {
	t.Parallel()
	for field, in := range map[string]payment.PayInput{
		"idempotencyKey": {},
		"cardToken":      {IdempotencyKey: "key-0000-k", Token: "4242424242424242"},
		"returnUrl":      {IdempotencyKey: "key-0000-k", ReturnURL: "javascript:alert(1)"},
	} {
		faults := fault.All(in.Validate())
		require.Len(t, faults, 1)
		require.Equal(t, field, faults[0].Field)
	}
	for token, ok := range map[string]bool{
		"pm_1NxYz": true, "tok_visa": true, "pm_card_visa": true, "": true, "4242 4242 4242 4242": false, "4242_4242": false,
		"pm_": false, "_x": false, "pm_x\n": false, "pm_" + strings.Repeat("x", 200): false,
	} {
		require.Equal(t, ok, payment.PayInput{IdempotencyKey: "key-0000-k", Token: token}.Validate() == nil, token)
	}
	s := open(t)
	order := s.place(t, payment.MethodCard)
	_, err := s.Pay(as(t, customer), payment.PayInput{OrderID: order, Method: "CHEQUE", IdempotencyKey: "key-0000-k"})
	require.ErrorIs(t, err, payment.ErrMethodUnavailable)
}

func TestLostAnswerIsLookedUpNotGuessed(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodCard)
	s.stripe.LoseAnswers(100)
	_, err := s.pay(t, order, stripetest.CardVisa, "k1")
	require.ErrorIs(t, err, payment.ErrUnconfirmed)
	require.Equal(t, payment.StatusPending, s.only(t, order).Status)
	_, err = s.pay(t, order, stripetest.CardVisa, "k2")
	require.ErrorIs(t, err, payment.ErrInProgress, "no second charge while the first may have happened")

	require.NoError(t, s.Reconcile(t.Context()))
	require.Equal(t, payment.StatusPending, s.only(t, order).Status, "too early: the call may still be under way")
	s.stripe.LoseAnswers(0)
	s.time.turn(3 * time.Minute)
	require.NoError(t, s.Reconcile(t.Context()))
	require.Equal(t, payment.StatusCaptured, s.only(t, order).Status)
	require.Equal(t, int64(1980), s.stripe.Taken())
	_, err = s.pay(t, order, stripetest.CardVisa, "k1")
	require.NoError(t, err)
}

func TestCallThatNeverArrivedFreesTheOrder(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodCard)
	s.stripe.DropCalls(100)
	_, err := s.pay(t, order, stripetest.CardVisa, "k1")
	require.ErrorIs(t, err, payment.ErrUnconfirmed)
	s.stripe.DropCalls(0)
	s.time.turn(3 * time.Minute)
	require.NoError(t, s.Reconcile(t.Context()))
	require.Zero(t, s.stripe.Taken(), "nobody is charged behind the back")
	_, err = s.pay(t, order, stripetest.CardVisa, "k1")
	require.ErrorIs(t, err, payment.ErrAbandoned)
	_, err = s.pay(t, order, stripetest.CardVisa, "k2")
	require.NoError(t, err)
	require.Equal(t, int64(1980), s.stripe.Taken())
}

func TestCustomerWhoLeavesDoesNotBreakOffTheCharge(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodCard)
	ctx, leave := context.WithCancel(as(t, customer))
	s.stripe.OnCall(leave)
	_, err := s.Pay(ctx, payment.PayInput{OrderID: order, Token: stripetest.CardVisa, IdempotencyKey: "key-0000-k1"})
	require.NoError(t, err)
	require.Equal(t, payment.StatusCaptured, s.only(t, order).Status)
}

func TestHeldMoneyIsTakenWhenTheOrderShips(t *testing.T) {
	t.Parallel()
	s := open(t, func(c *stripe.Config) { c.HoldOnly = true })
	order := s.place(t, payment.MethodCard)
	got, err := s.pay(t, order, stripetest.CardVisa, "k1")
	require.NoError(t, err)
	require.Equal(t, payment.StatusAuthorised, got.Payment.Status)
	require.Equal(t, int64(1980), s.orders.row(order).totals.Secured())
	require.Zero(t, s.stripe.Taken())

	require.NoError(t, s.db.InTx(t.Context(), func(ctx context.Context) error { return s.Take(ctx, order, 2_640) }))
	s.stripe.LoseAnswers(100)
	require.ErrorIs(t, s.work(t), payment.ErrUnanswered)
	s.stripe.LoseAnswers(0)
	s.time.turn(3 * time.Minute)
	require.NoError(t, s.Reconcile(t.Context()))
	require.Equal(t, int64(1980), s.only(t, order).CapturedMinor)
	require.Equal(t, int64(1980), s.stripe.Taken())
}

func TestCustomerChangesToAnotherMethod(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodCard)
	first, err := s.pay(t, order, stripetest.CardDeclined, "k1")
	require.ErrorIs(t, err, payment.ErrCardDeclined)

	got, err := s.Pay(as(t, customer), payment.PayInput{OrderID: order, Method: payment.MethodBankTransfer, IdempotencyKey: "key-0000-k2"})
	require.NoError(t, err)
	require.Equal(t, "A1001", got.Payment.Instructions.Reference)
	require.NoError(t, s.work(t))
	all := s.payments(t, order)
	require.Equal(t, payment.StatusCancelled, all[0].Status)
	require.Equal(t, "canceled", s.stripe.Status(t, first.Payment.Reference), "the old way to pay is closed at Stripe too")
	require.Contains(t, s.outbox.kinds(), messaging.KindBankTransfer)
}

// notice sends a webhook about the payment as Stripe would.
func (s *shop) notice(t *testing.T, kind, reference string) (payment.NoticeOutcome, error) {
	t.Helper()
	body, signature := s.stripe.Event(t, kind, reference)
	return s.HandleNotice(t.Context(), stripe.Name, body, signature)
}
