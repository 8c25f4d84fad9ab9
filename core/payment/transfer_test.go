package payment_test

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/stripe/stripetest"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/payment"
)

var received = time.Date(2026, 11, 24, 1, 0, 0, 0, time.UTC)

func TestOrderByBankTransferSaysWhereToPay(t *testing.T) {
	t.Parallel()
	s := open(t)
	p := s.only(t, s.place(t, payment.MethodBankTransfer))
	require.Equal(t, "のれん銀行", p.Instructions.BankName)
	require.Equal(t, "A1001", p.Instructions.Reference)
	require.Equal(t, int64(1980), p.Instructions.Amount)
	jst := p.DueAt.In(time.FixedZone("JST", 9*60*60))
	require.Equal(t, "23:59:59", jst.Format("15:04:05"), "to the end of the day in Japan")
	require.Equal(t, []messaging.Kind{messaging.KindBankTransfer}, s.outbox.kinds())
}

func TestTransferIsComparedWithWhatWasAsked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		amounts    []int64
		outcome    payment.TransferOutcome
		difference int64
		status     payment.Status
	}{
		"exact":       {[]int64{1980}, payment.TransferExact, 0, payment.StatusCaptured},
		"short":       {[]int64{1900}, payment.TransferShort, -80, payment.StatusPending},
		"over":        {[]int64{2000}, payment.TransferOver, 20, payment.StatusCaptured},
		"in parts":    {[]int64{1900, 80}, payment.TransferExact, 0, payment.StatusCaptured},
		"paid double": {[]int64{1980, 1980}, payment.TransferOver, 1980, payment.StatusCaptured},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			order := s.place(t, payment.MethodBankTransfer)
			var got payment.TransferResult
			for i, amount := range c.amounts {
				var err error
				got, err = s.record(t, order, amount, string(rune('a'+i)))
				require.NoError(t, err)
			}
			require.Equal(t, c.outcome, got.Outcome)
			require.Equal(t, c.difference, got.Gap)
			require.Equal(t, c.status, got.Payment.Status)
			require.Equal(t, c.status != payment.StatusPending, s.orders.row(order).totals.Secured() >= 1980)
		})
	}
}

func TestSameTransferIsRecordedOnce(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodBankTransfer)
	_, err := s.record(t, order, 1980, "statement 7")
	require.NoError(t, err)
	got, err := s.record(t, order, 1980, "statement 7")
	require.NoError(t, err)
	require.Equal(t, payment.TransferExact, got.Outcome)
	require.Equal(t, int64(1980), s.only(t, order).CapturedMinor)
	_, err = s.record(t, order, 1, "statement 7")
	require.ErrorIs(t, err, idempotency.ErrReused)
}

func TestTransferForAGivenUpOrderIsLateAndOwedBack(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodBankTransfer)
	s.time.turn(30 * 24 * time.Hour)
	require.NoError(t, s.Expire(t.Context()))
	require.True(t, s.orders.row(order).due.Cancelled)

	got, err := s.record(t, order, 1980, "k")
	require.NoError(t, err)
	require.Equal(t, payment.TransferLate, got.Outcome)
	require.Contains(t, s.events(t, order), "payment.refund_due")

	p, err := s.Refund(as(t, clerk), payment.RefundInput{PaymentID: got.Payment.ID, Amount: yen(1980), IdempotencyKey: "key-0000-r"})
	require.NoError(t, err)
	require.Equal(t, payment.StatusRefunded, p.Status)
}

func TestPartlyPaidTransferIsNotGivenUpUnseen(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodBankTransfer)
	_, err := s.record(t, order, 1900, "k")
	require.NoError(t, err)
	s.time.turn(30 * 24 * time.Hour)
	require.NoError(t, s.Expire(t.Context()))
	require.False(t, s.orders.row(order).due.Cancelled)
}

func TestOnlyStaffRecordTransfers(t *testing.T) {
	t.Parallel()
	s := open(t)
	p := s.only(t, s.place(t, payment.MethodBankTransfer))
	in := payment.TransferInput{PaymentID: p.ID, Amount: yen(1980), ReceivedAt: received, IdempotencyKey: "key-0000-k"}
	_, err := s.RecordTransfer(as(t, customer), in)
	require.ErrorIs(t, err, fault.ErrForbidden)

	in.PaymentID = id.New()
	_, err = s.RecordTransfer(as(t, clerk), in)
	require.ErrorIs(t, err, fault.ErrNotFound)
	in.PaymentID = s.only(t, s.place(t, payment.MethodCard)).ID
	_, err = s.RecordTransfer(as(t, clerk), in)
	require.ErrorIs(t, err, payment.ErrNotTransfer)
	_, err = s.RecordTransfer(as(t, clerk), payment.TransferInput{})
	require.Len(t, fault.All(err), 3)
	in.Amount = decimal.RequireFromString("0.5")
	in.PaymentID = p.ID
	_, err = s.RecordTransfer(as(t, clerk), in)
	require.ErrorIs(t, err, money.ErrPrecision)
}

func TestStaffRefundThroughStripe(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodCard)
	paid, err := s.pay(t, order, stripetest.CardVisa, "k1")
	require.NoError(t, err)
	in := payment.RefundInput{PaymentID: paid.Payment.ID, Amount: yen(980), Reason: "傷あり", IdempotencyKey: "key-0000-r1"}

	_, err = s.Refund(as(t, customer), in)
	require.ErrorIs(t, err, fault.ErrForbidden)
	_, err = s.Refund(as(t, clerk), in)
	require.NoError(t, err)
	_, err = s.Refund(as(t, clerk), in)
	require.NoError(t, err, "the same key asks once")
	in.IdempotencyKey, in.Amount = "key-0000-r2", yen(1001)
	_, err = s.Refund(as(t, clerk), in)
	require.ErrorIs(t, err, payment.ErrRefundTooMuch, "what is under way counts")

	require.NoError(t, s.work(t))
	require.Equal(t, int64(1000), s.stripe.Taken())
	p := s.only(t, order)
	require.Equal(t, payment.StatusPartlyRefunded, p.Status)
	require.Equal(t, int64(980), p.RefundedMinor)
	in.Amount = yen(1000)
	_, err = s.Refund(as(t, clerk), in)
	require.NoError(t, err)
	require.NoError(t, s.work(t))
	require.Equal(t, payment.StatusRefunded, s.only(t, order).Status)
}

func yen(n int64) decimal.Decimal { return decimal.NewFromInt(n) }

func (s *shop) record(t *testing.T, order [16]byte, amount int64, key string) (payment.TransferResult, error) {
	t.Helper()
	return s.RecordTransfer(as(t, clerk), payment.TransferInput{
		PaymentID: s.only(t, order).ID, Amount: yen(amount), PayerName: "ﾔﾏﾀﾞ ﾊﾅｺ", ReceivedAt: received, IdempotencyKey: "key-0000-" + key,
	})
}
