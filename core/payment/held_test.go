package payment_test

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/stripe"
	"github.com/noren-commerce/noren/adapters/stripe/stripetest"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/storage/postgres"
)

func holding(c *stripe.Config) { c.HoldOnly = true }

// held is an order of 1,980 yen whose money is held.
func held(t *testing.T) (*shop, uuid.UUID, payment.Payment) {
	t.Helper()
	s := open(t, holding)
	order := s.place(t, payment.MethodCard)
	_, err := s.pay(t, order, stripetest.CardVisa, "k1")
	require.NoError(t, err)
	p := s.only(t, order)
	require.Equal(t, payment.StatusAuthorised, p.Status)
	return s, order, p
}

// some is an amount that may also be left out.
func some(n int64) *decimal.Decimal {
	d := yen(n)
	return &d
}

func (s *shop) capture(t *testing.T, p payment.Payment, amount *decimal.Decimal, key string) error {
	t.Helper()
	_, err := s.Capture(as(t, clerk), payment.CaptureInput{PaymentID: p.ID, Amount: amount, IdempotencyKey: "capture-" + key})
	return err
}

func (s *shop) void(t *testing.T, p payment.Payment, key string) error {
	t.Helper()
	_, err := s.Void(as(t, clerk), payment.VoidInput{PaymentID: p.ID, IdempotencyKey: "void-key-" + key})
	return err
}

func (s *shop) balances(t *testing.T, order uuid.UUID) map[string]int64 {
	t.Helper()
	all, err := postgres.NewJournal(s.db).OfOrder(t.Context(), order)
	require.NoError(t, err)
	named := map[string]int64{}
	for place, minor := range all {
		if minor != 0 {
			named[string(place.Account)+place.Sub] = minor
		}
	}
	return named
}

func TestStaffTakeAPartOfWhatIsHeld(t *testing.T) {
	t.Parallel()
	s, order, p := held(t)
	require.Empty(t, s.balances(t, order), "what is held has not moved")

	require.ErrorIs(t, s.capture(t, p, some(1981), "k0"), payment.ErrCaptureTooMuch)
	require.ErrorIs(t, s.capture(t, p, some(0), "k0"), payment.ErrAmount)
	half := decimal.RequireFromString("0.5")
	require.Error(t, s.capture(t, p, &half, "k0"))
	require.NoError(t, s.capture(t, p, some(1500), "k1"))
	require.NoError(t, s.capture(t, p, some(1500), "k1"), "the same key asks once")
	require.ErrorIs(t, s.capture(t, p, some(1400), "k1"), idempotency.ErrReused)
	require.ErrorIs(t, s.capture(t, p, some(100), "k2"), payment.ErrInProgress)
	require.ErrorIs(t, s.void(t, p, "k1"), payment.ErrInProgress)
	require.NoError(t, s.work(t))

	p = s.only(t, order)
	require.Equal(t, payment.StatusCaptured, p.Status)
	require.Equal(t, int64(1500), p.CapturedMinor)
	require.Zero(t, p.AuthorisedMinor, "the gateway has let go of the rest")
	require.Equal(t, int64(1500), s.stripe.Taken())
	require.ErrorIs(t, s.capture(t, p, nil, "k3"), payment.ErrNotHeld)
	require.ErrorIs(t, s.void(t, p, "k2"), payment.ErrAlreadyCaptured)
	require.Equal(t, map[string]int64{"CLEARINGstripe": 1500, "DEPOSITS": -1500}, s.balances(t, order))

	_, err := s.Pay(as(t, customer), payment.PayInput{OrderID: order, Method: payment.MethodCard, Token: stripetest.CardVisa, IdempotencyKey: "the-rest-1"})
	require.NoError(t, err, "the rest is paid by another")
	rest := s.payments(t, order)[1]
	require.Equal(t, int64(480), rest.AmountMinor)
	require.Equal(t, []any{int64(480), true}, []any{lapsed(t, s).Amount, lapsed(t, s).Until == nil}, "an order that is paid in part is not given up")
	require.Equal(t, int64(1980), s.orders.row(order).totals.Covered())
}

// lapsed is the last mail that says that a hold is over.
func lapsed(t *testing.T, s *shop) (last messaging.PaymentLapsed) {
	t.Helper()
	for _, m := range s.outbox.sent {
		if m.Kind == messaging.KindPaymentLapsed {
			require.NoError(t, json.Unmarshal(m.Content, &last))
		}
	}
	return last
}

func TestNoMoreIsTakenThanAnEditedOrderComesTo(t *testing.T) {
	t.Parallel()
	s, order, p := held(t)
	edited := s.orders.row(order)
	edited.due.Amount -= 480
	s.orders.put(&edited)
	require.ErrorIs(t, s.capture(t, p, some(1501), "k0"), payment.ErrCaptureTooMuch)
	require.NoError(t, s.capture(t, p, nil, "k1"))
	require.NoError(t, s.work(t))
	require.Equal(t, int64(1500), s.only(t, order).CapturedMinor)
	require.Equal(t, int64(1500), s.stripe.Taken())
}

func TestHeldMoneyIsGivenUp(t *testing.T) {
	t.Parallel()
	s, order, p := held(t)
	require.NoError(t, s.void(t, p, "k1"))
	require.NoError(t, s.void(t, p, "k1"), "the same key asks once")
	require.ErrorIs(t, s.capture(t, p, nil, "k1"), payment.ErrInProgress)
	require.NoError(t, s.work(t))
	require.ErrorIs(t, s.capture(t, p, nil, "k2"), payment.ErrNotHeld)
	require.ErrorIs(t, s.void(t, p, "k2"), payment.ErrNotHeld)
	require.Equal(t, payment.StatusCancelled, s.only(t, order).Status)
	require.Equal(t, "canceled", s.stripe.Status(t, p.Reference))
	require.Zero(t, s.orders.row(order).totals.Covered(), "the order knows that it is not paid any more")
	require.Empty(t, s.balances(t, order))
	require.Equal(t, []messaging.Kind{messaging.KindPaymentLapsed}, s.outbox.kinds())
	until := s.only(t, order).DueAt
	require.Equal(t, s.Deadline(payment.MethodConvenienceStore, s.time.read()), until.UTC(), "its customer has time to pay another way")
	require.Equal(t, []any{int64(1980), until.UTC()}, []any{lapsed(t, s).Amount, *lapsed(t, s).Until})

	_, err := s.Capture(as(t, customer), payment.CaptureInput{PaymentID: p.ID, IdempotencyKey: "capture-k9"})
	require.ErrorIs(t, err, fault.ErrForbidden)
	_, err = s.Void(as(t, customer), payment.VoidInput{PaymentID: p.ID, IdempotencyKey: "void-key-k9"})
	require.ErrorIs(t, err, fault.ErrForbidden)
}

func TestRefundsAtOnceNeverExceedWhatWasTaken(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodCard)
	_, err := s.pay(t, order, stripetest.CardVisa, "k1")
	require.NoError(t, err)
	p := s.only(t, order)

	results := make([]error, 32)
	var all sync.WaitGroup
	for i := range results {
		all.Go(func() {
			_, results[i] = s.Refund(as(t, clerk), payment.RefundInput{PaymentID: p.ID, Amount: yen(100), IdempotencyKey: fmt.Sprintf("refund-%02d", i)})
		})
	}
	all.Wait()
	given := int64(0)
	for _, err := range results {
		if err == nil {
			given += 100
			continue
		}
		require.ErrorIs(t, err, payment.ErrRefundTooMuch)
	}
	require.Equal(t, int64(1900), given, "as many as fit")
	require.NoError(t, s.work(t))
	p = s.only(t, order)
	require.Equal(t, int64(1900), p.RefundedMinor)
	require.Equal(t, int64(80), s.stripe.Taken())
	require.Equal(t, map[string]int64{"CLEARINGstripe": 80, "DEPOSITS": -80}, s.balances(t, order))
}

func TestOrderIsPaidInParts(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodCard)
	take := func(amount *decimal.Decimal, key string) error {
		_, err := s.RecordTill(as(t, clerk), payment.TillInput{OrderID: order, Method: payment.MethodCash, Amount: amount, Reference: "R-1", IdempotencyKey: "till-" + key})
		return err
	}
	require.ErrorIs(t, take(some(1981), "key0"), payment.ErrAboveDue)
	require.ErrorIs(t, take(some(-1), "key0"), payment.ErrAmount)
	require.NoError(t, take(some(1000), "key1"))
	require.NoError(t, take(some(1000), "key1"), "the same key records once")
	require.ErrorIs(t, take(some(900), "key1"), idempotency.ErrReused)
	_, err := s.RecordTill(as(t, clerk), payment.TillInput{OrderID: order, Method: payment.MethodCard, IdempotencyKey: "till-key2"})
	require.ErrorIs(t, err, payment.ErrMethodUnavailable, "a till takes no payment of the web shop")
	_, err = s.RecordTill(as(t, customer), payment.TillInput{OrderID: order, Method: payment.MethodCash, IdempotencyKey: "till-key2"})
	require.ErrorIs(t, err, fault.ErrForbidden)

	pay := func(amount *decimal.Decimal, key string) error {
		_, err := s.Pay(as(t, customer), payment.PayInput{OrderID: order, Token: stripetest.CardVisa, Amount: amount, IdempotencyKey: "part-" + key})
		return err
	}
	require.ErrorIs(t, pay(some(981), "key1"), payment.ErrAboveDue)
	require.NoError(t, pay(some(500), "key2"))
	require.NoError(t, pay(some(500), "key2"))
	require.False(t, s.orders.row(order).totals.Covered() >= 1980)
	_, err = s.Pay(as(t, customer), payment.PayInput{OrderID: order, Method: payment.MethodBankTransfer, IdempotencyKey: "part-key3"})
	require.NoError(t, err, "the rest by transfer")
	_, err = s.RecordTransfer(as(t, clerk), payment.TransferInput{PaymentID: s.payments(t, order)[3].ID, Amount: yen(480), ReceivedAt: received, IdempotencyKey: "part-key3-in"})
	require.NoError(t, err)
	require.ErrorIs(t, pay(nil, "key4"), payment.ErrAlreadyPaid)
	require.Equal(t, map[string]int64{"CASH": 1000, "CLEARINGstripe": 500, "BANK": 480, "DEPOSITS": -1980}, s.balances(t, order))

	_, err = s.Pay(as(t, customer), payment.PayInput{OrderID: s.place(t, payment.MethodCard), Method: payment.MethodCash, IdempotencyKey: "part-key5"})
	require.ErrorIs(t, err, payment.ErrMethodUnavailable, "customers do not pay at the till by themselves")
}

func TestRestOfAShortTransferIsPaidByCard(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodBankTransfer)
	_, err := s.record(t, order, 1500, "a")
	require.NoError(t, err)
	_, err = s.Pay(as(t, customer), payment.PayInput{OrderID: order, Method: payment.MethodCard, Token: stripetest.CardVisa, IdempotencyKey: "the-rest-1"})
	require.NoError(t, err)
	all := s.payments(t, order)
	require.Equal(t, payment.StatusCaptured, all[0].Status, "the transfer is content with what came")
	require.Equal(t, int64(1500), all[0].AmountMinor)
	require.Equal(t, int64(480), all[1].CapturedMinor)
}

func TestLedgerMovesTheDepositWhenTheOrderShips(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodCard)
	_, err := s.pay(t, order, stripetest.CardVisa, "k1")
	require.NoError(t, err)
	s.ship(t, order)
	s.ship(t, order)
	sold := map[string]int64{"CLEARINGstripe": 1980, "SALES": -1800, "TAXSTANDARD": -180}
	require.Equal(t, sold, s.balances(t, order), "once, whoever says it twice")

	refund := func(amount int64, key string) {
		_, err := s.Refund(as(t, clerk), payment.RefundInput{PaymentID: s.only(t, order).ID, Amount: yen(amount), IdempotencyKey: "refund-" + key})
		require.NoError(t, err)
		require.NoError(t, s.work(t))
	}
	refund(333, "k1")
	require.Equal(t, map[string]int64{"CLEARINGstripe": 1647, "SALES": -1800, "TAXSTANDARD": -150, "RETURNS": 303}, s.balances(t, order), "the tax in proportion, rounded down")
	refund(1647, "k2")
	require.Equal(t, map[string]int64{"SALES": -1800, "RETURNS": 1800}, s.balances(t, order), "and nothing is left of it in the end")
}

// ship writes the sale down, as the order's service does.
func (s *shop) ship(t *testing.T, order uuid.UUID) {
	t.Helper()
	require.NoError(t, s.Books.(*ledger.Books).Sold(t.Context(), sale(s, order)))
}
