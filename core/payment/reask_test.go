package payment_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/stripe/stripetest"
	"github.com/noren-commerce/noren/core/payment"
)

// edit lets an order that came to so much come to the total.
func (s *shop) edit(t *testing.T, order uuid.UUID, before, total int64) error {
	t.Helper()
	row := s.orders.row(order)
	row.due.Amount = total
	s.orders.put(&row)
	return s.db.InTx(t.Context(), func(ctx context.Context) error { return s.Reask(ctx, order, before, total) })
}

func TestATransferIsOfWhatAnEditedOrderComesTo(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodBankTransfer)
	require.NoError(t, s.edit(t, order, 1980, 2500))
	p := s.only(t, order)
	require.Equal(t, []int64{2500, 2500}, []int64{p.AmountMinor, p.Instructions.Amount})
	got, err := s.record(t, order, 1500, "a")
	require.NoError(t, err)
	require.Equal(t, payment.TransferShort, got.Outcome)
	require.NoError(t, s.edit(t, order, 2500, 1500))
	p = s.only(t, order)
	require.Equal(t, payment.StatusCaptured, p.Status, "what has come in pays it")
	require.Equal(t, int64(1500), p.AmountMinor)

	gone := s.place(t, payment.MethodBankTransfer)
	require.NoError(t, s.edit(t, gone, 1980, 0))
	require.Equal(t, payment.StatusCancelled, s.only(t, gone).Status)
}

func TestAPartThatIsAskedStaysAPart(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodBankTransfer)
	part := payment.PayInput{OrderID: order, Amount: some(1000), Method: payment.MethodBankTransfer, IdempotencyKey: "key-0000-part"}
	_, err := s.Pay(as(t, customer), part)
	require.NoError(t, err)
	asked := func() int64 { all := s.payments(t, order); return all[len(all)-1].AmountMinor }
	require.Equal(t, int64(1000), asked())
	require.NoError(t, s.edit(t, order, 1980, 1500))
	require.Equal(t, int64(1000), asked())
	require.NoError(t, s.edit(t, order, 1500, 800))
	require.Equal(t, int64(800), asked())
}

func TestACardIsChargedWhatAnEditedOrderComesTo(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodCard)
	require.NoError(t, s.edit(t, order, 1980, 1800))
	require.Equal(t, int64(1800), s.only(t, order).AmountMinor, "nobody can confirm it yet")
	waits, err := s.pay(t, order, "", "k1")
	require.NoError(t, err)

	require.NoError(t, s.edit(t, order, 1800, 1500))
	require.NoError(t, s.work(t))
	require.Equal(t, "canceled", s.stripe.Status(t, waits.Payment.Reference), "what the customer might confirm is gone")
	all := s.payments(t, order)
	require.Len(t, all, 2)
	require.Equal(t, payment.StatusCancelled, all[0].Status)
	require.Equal(t, int64(1500), all[1].AmountMinor)
	require.WithinDuration(t, *all[0].DueAt, *all[1].DueAt, time.Microsecond, "an edit gives no more time")
	_, err = s.pay(t, order, stripetest.CardVisa, "k2")
	require.NoError(t, err)
	require.Equal(t, int64(1500), s.stripe.Taken())
}

func TestACardIsNotChangedWhileItIsCharged(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodCard)
	s.stripe.LoseAnswers(100)
	_, err := s.pay(t, order, stripetest.CardVisa, "k1")
	require.ErrorIs(t, err, payment.ErrUnconfirmed)
	require.ErrorIs(t, s.edit(t, order, 1980, 1500), payment.ErrInProgress)
	require.Equal(t, int64(1980), s.only(t, order).AmountMinor)
}
