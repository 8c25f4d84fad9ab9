package payment_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/stripe/stripetest"
	"github.com/noren-commerce/noren/core/payment"
)

// What cannot be settled, at the head of a page and beyond it, holds up no other.
func TestPartlyPaidOrdersDoNotHoldUpTheOthers(t *testing.T) {
	t.Parallel()
	s := open(t)
	stuck := s.place(t, payment.MethodBankTransfer)
	_, err := s.Pay(as(t, customer), payment.PayInput{OrderID: stuck, Amount: some(1000), Method: payment.MethodBankTransfer, IdempotencyKey: "key-0000-part"})
	require.NoError(t, err)
	last := s.payments(t, stuck)[1]
	_, err = s.RecordTransfer(as(t, clerk), payment.TransferInput{PaymentID: last.ID, Amount: yen(1000), ReceivedAt: s.time.read(), IdempotencyKey: "key-0000-b"})
	require.NoError(t, err)
	_, err = s.db.Pool().Exec(t.Context(), `
		INSERT INTO payments (id, brand_id, order_id, method, gateway, status, currency, amount, authorised, captured, refunded, reference, failure_code, due_at, created_at, updated_at)
		SELECT gen_random_uuid(), brand_id, order_id, method, gateway, 'PENDING', currency, 980, 0, 0, 0, '', '', created_at - interval '1 day', created_at, created_at
		FROM payments, generate_series(1, 205) WHERE id = $1`, last.ID)
	require.NoError(t, err)
	late := s.place(t, payment.MethodBankTransfer)
	s.time.turn(30 * 24 * time.Hour)
	require.NoError(t, s.Expire(t.Context()))
	require.False(t, s.orders.row(stuck).due.Cancelled)
	require.True(t, s.orders.row(late).due.Cancelled)
}

func TestWhatIsPaidOtherwiseIsClosed(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place(t, payment.MethodBankTransfer)
	row := s.orders.row(order)
	row.due.Amount = 0 // it costs nothing any more
	s.orders.put(&row)
	s.time.turn(30 * 24 * time.Hour)
	require.NoError(t, s.Expire(t.Context()))
	require.Equal(t, payment.StatusCancelled, s.only(t, order).Status)
	require.False(t, s.orders.row(order).due.Cancelled)
}

// Nobody can ask a gateway that was switched off: its orders are given up all the same, and
// staff see what was not asked.
func TestAnOrderIsGivenUpThoughItsGatewayIsGone(t *testing.T) {
	t.Parallel()
	s := open(t)
	unpaid, paid, untried := s.place(t, payment.MethodCard), s.place(t, payment.MethodCard), s.place(t, payment.MethodCard)
	_, err := s.pay(t, unpaid, "", "k1")
	require.NoError(t, err)
	_, err = s.pay(t, paid, stripetest.CardVisa, "k2")
	require.NoError(t, err)
	s.Gateways = s.Gateways[1:]
	s.time.turn(2 * time.Hour)
	require.NoError(t, s.Expire(t.Context()))
	require.True(t, s.orders.row(unpaid).due.Cancelled)
	require.True(t, s.orders.row(untried).due.Cancelled)
	require.Equal(t, payment.StatusCancelled, s.only(t, unpaid).Status)
	s.cancel(t, paid)
	require.Empty(t, s.jobs.take())

	list, err := s.store.List(t.Context(), payment.Query{BrandID: s.orders.brand, Attention: true})
	require.NoError(t, err)
	var shown []uuid.UUID
	for _, e := range list.Edges {
		shown = append(shown, e.Node.OrderID)
	}
	require.ElementsMatch(t, []uuid.UUID{unpaid, paid}, shown)
	done, err := s.store.OperationsOf(t.Context(), []uuid.UUID{s.only(t, paid).ID})
	require.NoError(t, err)
	require.Equal(t, []any{payment.OperationRefund, payment.OperationRefused, int64(1980)}, []any{done[1].Kind, done[1].Status, done[1].AmountMinor})
}

func TestAnOrderWhosePaymentIsGivenUpExpires(t *testing.T) {
	t.Parallel()
	s := open(t)
	voided, changed := s.standing(t), s.standing(t)
	for i, order := range []uuid.UUID{voided, changed} {
		require.NoError(t, s.void(t, s.only(t, order), string(rune('a'+i))))
	}
	_, err := s.Pay(as(t, customer), payment.PayInput{OrderID: changed, Method: payment.MethodBankTransfer, IdempotencyKey: "key-0000-anew"})
	require.NoError(t, err)
	s.time.turn(59 * time.Minute)
	require.NoError(t, s.Expire(t.Context()))
	require.False(t, s.orders.row(voided).due.Cancelled, "it may be paid another way until then")
	s.time.turn(2 * time.Minute)
	require.NoError(t, s.Expire(t.Context()))
	require.True(t, s.orders.row(voided).due.Cancelled)
	require.False(t, s.orders.row(changed).due.Cancelled)
	s.time.turn(30 * 24 * time.Hour)
	require.NoError(t, s.Expire(t.Context()))
	require.True(t, s.orders.row(changed).due.Cancelled)
}

// standing is an order by card that waits for its money, with a row.
func (s *shop) standing(t *testing.T) uuid.UUID {
	t.Helper()
	order := s.place(t, payment.MethodCard)
	_, err := s.db.Pool().Exec(t.Context(), `
		INSERT INTO orders (id, number, brand_id, channel_id, email, language, status, currency, tax_inclusive, subtotal, shipping_fee, tax, total, taxes, breakdown,
			shipping_address, shipping_method, payment_method, placed_at, updated_at)
		SELECT $1::uuid, $1::uuid::text, brand_id, id, 'hanako@example.jp', 'ja', 'PENDING_PAYMENT', 'JPY', true, 1980, 0, 180, 1980, '[]', '[]', '{}', '{}', 'CARD', now(), now() FROM channels LIMIT 1`, order)
	require.NoError(t, err)
	return order
}
