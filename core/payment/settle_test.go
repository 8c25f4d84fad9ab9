package payment_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/stripe/stripetest"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/prepaid"
)

// cards are gift cards that take everything back.
type cards struct {
	payment.Recorded
	back int64
}

func (*cards) Name() string           { return prepaid.GiftCards.Gateway }
func (*cards) Method() payment.Method { return payment.MethodGiftCard }
func (c *cards) GiveBack(_ context.Context, _ payment.Payment, amount int64, _ string) error {
	c.back += amount
	return nil
}

// purse has nothing to lock.
type purse struct{ payment.Purse }

func (purse) Lock(context.Context, uuid.UUID, []prepaid.Held) error { return nil }

// becomes lets an order come to another total, as an edit does, and says what goes back.
func (s *shop) becomes(t *testing.T, order uuid.UUID, total int64) (payment.Adjusted, error) {
	t.Helper()
	row := s.orders.row(order)
	before := row.due.Amount
	row.due.Amount = total
	var done payment.Adjusted
	err := s.db.InTx(t.Context(), func(ctx context.Context) (err error) {
		done, err = s.Adjust(ctx, order, before, total)
		return err
	})
	if err == nil {
		s.orders.put(&row)
	}
	return done, err
}

// told is what staff were told to send back of an order.
func (s *shop) told(t *testing.T, order uuid.UUID) (sum int64) {
	t.Helper()
	require.NoError(t, s.db.Pool().QueryRow(t.Context(), `
		SELECT coalesce(sum((data->>'amount')::bigint), 0) FROM events WHERE type = 'payment.refund_due' AND data->>'orderId' = $1`, order.String()).Scan(&sum))
	return sum
}

// Cash does not go back to the store: until staff have recorded what they sent, a second
// edit tells of the difference only.
func TestASecondEditTellsOfTheDifferenceOnly(t *testing.T) {
	t.Parallel()
	s := open(t)
	order, p := s.slip(t)
	s.says(t, s.stores.Pay(p.Reference))
	for _, step := range []struct{ total, refund, told int64 }{{1780, 200, 200}, {1680, 100, 300}} {
		done, err := s.becomes(t, order, step.total)
		require.NoError(t, err)
		require.Equal(t, []int64{step.refund, step.told}, []int64{done.Refund, s.told(t, order)})
	}
}

func TestAGiftCardGetsWhatIsMoreThanWasPaidByHand(t *testing.T) {
	t.Parallel()
	s := open(t)
	gift := &cards{}
	s.Own, s.Purse = []payment.Own{gift}, purse{}
	order := s.place(t, payment.MethodConvenienceStore)
	_, err := s.db.Pool().Exec(t.Context(), `UPDATE payments SET amount = 1680 WHERE order_id = $1`, order)
	require.NoError(t, err)
	require.NoError(t, s.work(t))
	d := s.Given(payment.OpenInput{OrderID: order, BrandID: s.orders.brand, OrderNumber: "A-1001", Amount: 300, Currency: "JPY"}, prepaid.Held{Kind: prepaid.GiftCards, ID: id.New()})
	d.Payment.ID = uuid.UUID{6: 0x70, 8: 0x80} // it paid first
	require.NoError(t, s.db.InTx(t.Context(), func(ctx context.Context) error {
		if err := s.store.Insert(ctx, d.Payment); err != nil {
			return err
		}
		return s.Opened(ctx, d)
	}))
	s.says(t, s.stores.Pay(s.payments(t, order)[1].Reference))

	_, err = s.becomes(t, order, 1780)
	require.NoError(t, err)
	require.Equal(t, []int64{200, 0}, []int64{s.told(t, order), gift.back})
	done, err := s.becomes(t, order, 250)
	require.NoError(t, err)
	require.Equal(t, int64(1530), done.Refund)
	require.Equal(t, []int64{1680, 50}, []int64{s.told(t, order), gift.back})
}

// Money is taken once: had the order left, nobody could take the rest.
func TestNothingLeavesWhileAPartOfItsMoneyIsTaken(t *testing.T) {
	t.Parallel()
	s, order, p := held(t)
	require.NoError(t, s.capture(t, p, some(600), "k1"))
	take := func(total int64) error {
		return s.db.InTx(t.Context(), func(ctx context.Context) error { return s.Take(ctx, order, total) })
	}
	require.ErrorIs(t, take(1980), payment.ErrInProgress)
	require.NoError(t, take(600), "all that it comes to is being taken")
	require.NoError(t, s.work(t))
	require.Equal(t, int64(600), s.stripe.Taken())
}

// Nobody can ask a gateway that was switched off: goods come back and orders are edited all
// the same, and staff see what they have to give back.
func TestGoodsComeBackThoughTheGatewayIsGone(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodCard)
	_, err := s.pay(t, order, stripetest.CardVisa, "k1")
	require.NoError(t, err)
	s.Gateways = s.Gateways[1:]
	require.NoError(t, s.db.InTx(t.Context(), func(ctx context.Context) error {
		given, err := s.GiveBack(ctx, payment.GiveBackInput{OrderID: order, CauseID: id.New(), Minor: 500})
		require.Equal(t, int64(500), given.Minor)
		return err
	}))
	require.NoError(t, s.db.InTx(t.Context(), func(ctx context.Context) error {
		refused, err := s.Refused(ctx, payment.RefusedInput{OrderID: order, CauseID: id.New(), Minor: 80})
		require.Equal(t, int64(80), refused.Refund)
		return err
	}))
	for _, step := range []struct{ total, refund int64 }{{1780, 200}, {1680, 100}} {
		done, err := s.becomes(t, order, step.total)
		require.NoError(t, err)
		require.Equal(t, step.refund, done.Refund)
	}
	require.Empty(t, s.jobs.take())
	done, err := s.store.OperationsOf(t.Context(), []uuid.UUID{s.only(t, order).ID})
	require.NoError(t, err)
	var left []int64
	for _, o := range done {
		if o.Kind == payment.OperationRefund && o.Status == payment.OperationRefused {
			left = append(left, o.AmountMinor)
		}
	}
	require.Equal(t, []int64{500, 80, 200, 100}, left)
}
