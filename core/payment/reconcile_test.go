package payment_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/stripe/stripetest"
	"github.com/noren-commerce/noren/core/payment"
)

// What stays unanswered for ever, at the head of a page and beyond it, holds up no other, and
// is asked less and less often.
func TestUnansweredOperationsDoNotHoldUpTheOthers(t *testing.T) {
	t.Parallel()
	s := open(t)
	stuck := s.only(t, s.place(t, payment.MethodCard))
	_, err := s.db.Pool().Exec(t.Context(), `UPDATE payments SET gateway = 'gone' WHERE id = $1`, stuck.ID)
	require.NoError(t, err)
	_, err = s.db.Pool().Exec(t.Context(), `
		INSERT INTO payment_operations (id, payment_id, kind, status, amount, client_key, reason, attempts, detail, created_at)
		SELECT gen_random_uuid(), $1, 'VOID', 'OUTSTANDING', 0, '', '', 0, '', $2::timestamptz - interval '1 day' FROM generate_series(1, 205)`, stuck.ID, s.time.read())
	require.NoError(t, err)
	order := s.place(t, payment.MethodCard)
	s.stripe.LoseAnswers(100)
	_, err = s.pay(t, order, stripetest.CardVisa, "k1")
	require.ErrorIs(t, err, payment.ErrUnconfirmed)
	s.stripe.LoseAnswers(0)
	s.time.turn(3 * time.Minute)
	require.ErrorIs(t, s.Reconcile(t.Context()), payment.ErrNoGateway)
	require.Equal(t, payment.StatusCaptured, s.only(t, order).Status)

	asked := func() (n, lookups int) {
		t.Helper()
		require.NoError(t, s.db.Pool().QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE look_at IS NOT NULL), sum(lookups) FROM payment_operations WHERE payment_id = $1`, stuck.ID).Scan(&n, &lookups))
		return n, lookups
	}
	n, lookups := asked()
	require.Equal(t, []int{205, 205}, []int{n, lookups})
	require.NoError(t, s.Reconcile(t.Context()), "nobody is asked again at once")
	for _, wait := range []time.Duration{2, 4, 8, 16, 32, 60, 60} {
		s.time.turn(wait*time.Minute - time.Second)
		require.NoError(t, s.Reconcile(t.Context()))
		s.time.turn(2 * time.Second)
		require.ErrorIs(t, s.Reconcile(t.Context()), payment.ErrNoGateway)
	}
	_, lookups = asked()
	require.Equal(t, 8*205, lookups)
}
