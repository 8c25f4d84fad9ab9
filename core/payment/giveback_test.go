package payment_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/payment"
)

// Goods bought at one shop come back at another: its till pays, and has less.
func TestCashGoesOutOfTheTillOfThePlaceThatTakesTheGoodsIn(t *testing.T) {
	t.Parallel()
	s := open(t)
	order, sold, back := s.place(t, payment.MethodBankTransfer), id.New(), id.New()
	for place, code := range map[[16]byte]string{sold: "ginza", back: "ueno"} {
		_, err := s.db.Pool().Exec(t.Context(), `INSERT INTO locations (id, brand_id, code, name, kind, ships, priority) VALUES ($1, $2, $3, '{"ja":"店"}', 'SHOP', false, 99)`, place, s.orders.brand, code)
		require.NoError(t, err)
	}
	_, err := s.RecordTill(as(t, clerk), payment.TillInput{OrderID: order, Method: payment.MethodCash, ShopID: &sold, IdempotencyKey: "key-0000-till"})
	require.NoError(t, err)
	give := func(in payment.GiveBackInput) {
		in.OrderID, in.CauseID = order, id.New()
		require.NoError(t, s.db.InTx(t.Context(), func(ctx context.Context) error {
			given, err := s.GiveBack(ctx, in)
			require.Equal(t, in.Minor, given.Minor)
			return err
		}))
	}
	give(payment.GiveBackInput{Minor: 500, At: back})
	give(payment.GiveBackInput{Minor: 80})
	balances := s.balances(t, order)
	require.Equal(t, []int64{1900, -500}, []int64{balances["CASHginza"], balances["CASHueno"]})
}
