package returns

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/order"
)

// What was carried over goes back by the order that was paid it, to the yen, in whatever steps.
func TestWhatWasCarriedOverTwiceGoesBackByBothOrders(t *testing.T) {
	t.Parallel()
	c := Receipt{CarriedMinor: 3004, Lines: []Inspected{{CarriedMinor: 2003, ChainedMinor: 1001}, {CarriedMinor: 1001}}}
	var own, chained int64
	for _, step := range []int64{1, 1000, 999, 5000} {
		back, err := c.carriedBack(uuid.New(), step)
		require.NoError(t, err)
		own, chained = own+back.RefundMinor, chained+back.chainedMinor
		require.Equal(t, int64(3004), own+chained+c.CarriedMinor, "no yen is lost")
		require.Equal(t, c.CarriedMinor, c.Lines[0].CarriedMinor+c.Lines[1].CarriedMinor)
		require.LessOrEqual(t, c.Lines[0].ChainedMinor, c.Lines[0].CarriedMinor)
	}
	require.Equal(t, []int64{2003, 1001, 0}, []int64{own, chained, c.CarriedMinor})
	require.Equal(t, int64(2003), c.Lines[0].RefundMinor+c.Lines[1].RefundMinor)
	back, err := c.carriedBack(uuid.New(), 1)
	require.NoError(t, err)
	require.Zero(t, back.RefundMinor+back.chainedMinor, "nothing is left")
}

// Goods that cost nothing themselves bear what was paid for what they replaced.
func TestGoodsThatReplacedOthersForNothingBearWhatWasPaid(t *testing.T) {
	t.Parallel()
	leash, bed := uuid.New(), uuid.New()
	lines := []order.Line{{ID: uuid.New(), VariantID: leash, Quantity: 2}, {ID: uuid.New(), VariantID: bed, Quantity: 1}}
	c := changing{behind: map[uuid.UUID]int64{leash: 2002, bed: 2003}}
	c.Order, c.Lines = order.Order{CarriedMinor: 4005}, lines
	own, chained, err := c.costs(Pieces{lines[0].ID: 1, lines[1].ID: 1})
	require.NoError(t, err)
	require.Zero(t, own[lines[0].ID]+own[lines[1].ID])
	require.Equal(t, []int64{1001, 2003}, []int64{chained[lines[0].ID], chained[lines[1].ID]})
}
