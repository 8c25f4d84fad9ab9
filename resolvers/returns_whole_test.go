package resolvers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
)

// An exchanged piece is not back, however much else is; when what replaced it is, the first
// order is back whole, and its shipping fee with it.
func TestWhatReplacedGoodsCountsForTheOrderTheyCameFrom(t *testing.T) {
	t.Parallel()
	for name, exchanges := range map[string]int{"once": 1, "a replacement of a replacement": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := apptest.Start(t)
			d := newDelivered(t, a).arrive(t)
			of, line := d, d.beds
			for range exchanges {
				may := of.approved(t, "EXCHANGE", piecesOf(line, 1, "DEFECTIVE", nil))
				got := d.staff.back(t, "receiveReturn", d.came(may, "scrap", 1))
				require.Empty(t, got.UserErrors)
				of.order = got.Return.Receipts[0].ExchangeOrder.ID
				of = of.arrive(t)
				line = lineOf(t, a, of.order)
			}
			leashes := d.approved(t, "REFUND", piecesOf(d.leashes, 3, "DEFECTIVE", nil))
			got := d.staff.back(t, "receiveReturn", d.came(leashes, "restock", 3))
			require.Empty(t, got.UserErrors)
			require.Equal(t, "0", got.Return.Receipts[0].ShippingFee.Amount, "the bed that replaced the other is with the customer")
			require.Equal(t, int64(3003), d.refunded(t))

			bed := of.approved(t, "REFUND", piecesOf(line, 1, "DEFECTIVE", nil))
			last := d.came(bed, "restock", 1)
			require.Empty(t, d.staff.back(t, "receiveReturn", last).UserErrors)
			require.Empty(t, d.staff.back(t, "receiveReturn", last).UserErrors)
			require.Equal(t, int64(3003+501), d.refunded(t), "once")
			fee := 0
			require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `
				SELECT sum(c.shipping_fee) FROM return_receipts c JOIN returns r ON r.id = c.return_id WHERE r.order_id = $1`, keyOf(t, d.order)).Scan(&fee))
			require.Equal(t, 501, fee)
		})
	}
}

func TestTheFeeStaysIfTheReplacementWasOnlyUnwanted(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	d := newDelivered(t, a).arrive(t)
	may := d.approved(t, "EXCHANGE", piecesOf(d.beds, 1, "DEFECTIVE", nil))
	got := d.staff.back(t, "receiveReturn", d.came(may, "scrap", 1))
	require.Empty(t, got.UserErrors)
	of := d
	of.order = got.Return.Receipts[0].ExchangeOrder.ID
	of = of.arrive(t)
	bed := of.approved(t, "REFUND", piecesOf(lineOf(t, a, of.order), 1, "CHANGED_MIND", nil))
	require.Empty(t, d.staff.back(t, "receiveReturn", d.came(bed, "restock", 1)).UserErrors)
	leashes := d.approved(t, "REFUND", piecesOf(d.leashes, 3, "DEFECTIVE", nil))
	require.Empty(t, d.staff.back(t, "receiveReturn", d.came(leashes, "restock", 3)).UserErrors)
	require.Equal(t, int64(3003), d.refunded(t))
}
