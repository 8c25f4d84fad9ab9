package points_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/purchase"
)

// spent is what a member has bought for, by the sums that ranks go by.
func (c *counter) spent(t testing.TB, m uuid.UUID) (sum int64) {
	require.NoError(t, c.shop.DB.Pool().QueryRow(t.Context(), `SELECT coalesce(sum(total), 0)::bigint FROM purchase_sums WHERE member_id = $1`, m).Scan(&sum))
	return sum
}

func gum(yen int64) purchase.ReceiptLine {
	return purchase.ReceiptLine{Code: "gum", Quantity: 1, Amount: decimal.NewFromInt(yen)}
}

func TestAMovedReceiptTakesItsReturnsAlong(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	other := c.card(t, otherCard)
	c.ring(t, "1", card, c.clock(), [3]any{"lead-1", 2, 10000})
	require.Equal(t, [3]int64{0, 100, 0}, c.has(t, c.member))
	c.ring(t, "2", card, c.clock(), [3]any{"lead-1", -1, -5000}, [3]any{"gum", 1, 1000})
	require.Equal(t, [3]int64{0, 60, 0}, c.has(t, c.member))
	require.NoError(t, c.move(t, "1", &other))
	require.Equal(t, [3]int64{}, c.has(t, c.member))
	require.Equal(t, [3]int64{0, 60, 0}, c.has(t, other), "what is left of the goods, and what was bought with the return")
	require.Equal(t, []int64{0, 6000}, []int64{c.spent(t, c.member), c.spent(t, other)})
	require.NoError(t, c.move(t, "1", nil))
	require.Equal(t, [3]int64{}, c.has(t, other))
	require.NoError(t, c.move(t, "1", &c.member), "and what came back has stayed with it")
	require.Equal(t, [3]int64{0, 60, 0}, c.has(t, c.member))
	require.Equal(t, []int64{6000, 0}, []int64{c.spent(t, c.member), c.spent(t, other)})
	c.ring(t, "3", card, c.clock(), [3]any{"lead-1", -1, -5000})
	require.Equal(t, [3]int64{0, 10, 0}, c.has(t, c.member), "the rest of the goods takes the rest of the points")
	require.NoError(t, c.move(t, "1", &other))
	require.Equal(t, [3]int64{0, 10, 0}, c.has(t, other))
	require.Equal(t, int64(1000), c.spent(t, other))
}

func TestCorrectedLinesBearWhatCameBack(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	c.rule(t, "once", points.Terms{Occasion: points.Purchased, Points: 50})
	c.pass(time.Minute)
	c.ring(t, "1", card, c.clock(), [3]any{"lead-1", 2, 10000}, [3]any{"gum", 1, 1000})
	require.Equal(t, [3]int64{0, 160, 0}, c.has(t, c.member))
	c.ring(t, "2", card, c.clock(), [3]any{"lead-1", -1, -5000})
	left := c.has(t, c.member)
	require.Equal(t, [3]int64{0, 87, 0}, left, "six parts of eleven")
	for name, lines := range map[string][]purchase.ReceiptLine{
		"for less than came back": {leads(1, 4000), gum(9000)}, "other goods": {gum(20000)}, "less in all": {leads(1, 5000), {Code: "coupon", Quantity: 1, Amount: decimal.NewFromInt(-1000)}},
	} {
		require.ErrorIs(t, c.rewrite(t, "1", lines...), purchase.ErrBelow, name)
	}
	require.Equal(t, left, c.has(t, c.member), "what fails changes nothing")
	require.NoError(t, c.rewrite(t, "1", leads(3, 15000)))
	require.Equal(t, [3]int64{0, 133, 0}, c.has(t, c.member), "two thirds of 200")
	require.NoError(t, c.rewrite(t, "1", leads(2, 10000)))
	require.Equal(t, [3]int64{0, 75, 0}, c.has(t, c.member))
	c.ring(t, "3", card, c.clock(), [3]any{"lead-1", -1, -2500})
	require.Equal(t, [3]int64{0, 37, 0}, c.has(t, c.member), "a return knows what all goods earn by now: a quarter of 150 is left")
	require.NoError(t, c.rewrite(t, "1", leads(2, 7500)))
	require.Equal(t, [3]int64{}, c.has(t, c.member), "down to what came back")
}

func TestAVoidedReceiptTakesBackWhatIsLeft(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	bought := c.clock()
	c.pass(8 * 24 * time.Hour)
	c.ring(t, "1", card, bought, [3]any{"lead-1", 2, 10000})
	require.Equal(t, [3]int64{100, 0, 0}, c.has(t, c.member))
	c.ring(t, "2", card, c.clock(), [3]any{"lead-1", -1, -5000})
	require.Equal(t, [3]int64{50, 0, 0}, c.has(t, c.member))
	_, err := c.Post(t.Context(), c.posting(points.Use, c.member, "used", 20))
	require.NoError(t, err)
	require.NoError(t, c.void(t, "1"))
	require.Equal(t, [3]int64{0, 0, 20}, c.has(t, c.member), "50 of 100, not all; what was used is owed")
	require.NoError(t, c.rewrite(t, "2", leads(-1, -5000), gum(1000)))
	require.Equal(t, [3]int64{0, 10, 20}, c.has(t, c.member), "what came back stays that of the void one")
}

func TestAReturnIsPutRight(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	other := c.card(t, otherCard)
	c.ring(t, "1", card, c.clock(), [3]any{"lead-1", 1, 10000})
	c.pass(time.Hour)
	c.ring(t, "2", card, c.clock(), [3]any{"lead-1", 1, 20000})
	require.Equal(t, [3]int64{0, 300, 0}, c.has(t, c.member))
	c.pass(time.Hour)
	c.ring(t, "3", card, c.clock(), [3]any{"lead-1", -2, -30000})
	require.Equal(t, [3]int64{}, c.has(t, c.member))
	require.ErrorIs(t, c.move(t, "1", &other), purchase.ErrShared, "goods of the other came back, too")
	require.NoError(t, c.rewrite(t, "3", leads(-1, -20000)))
	require.Equal(t, [3]int64{0, 100, 0}, c.has(t, c.member))
	require.NoError(t, c.move(t, "1", &other))
	require.Equal(t, [3]int64{0, 100, 0}, c.has(t, other))
	c.pass(time.Minute)
	require.NoError(t, c.void(t, "3"))
	require.Equal(t, [3]int64{0, 200, 0}, c.has(t, c.member), "nothing came back")

	c.ring(t, "4", otherCard, c.clock(), [3]any{"lead-1", -1, -15000})
	require.Equal(t, [3]int64{0, 0, 50}, c.has(t, other), "5,000 of it of no receipt")
	require.NoError(t, c.move(t, "4", &c.member))
	require.Equal(t, [3]int64{0, 100, 0}, c.has(t, other))
	require.Equal(t, [3]int64{0, 50, 0}, c.has(t, c.member))
	require.NoError(t, c.void(t, "4"))
	require.Equal(t, [3]int64{0, 200, 0}, c.has(t, c.member))
	c.ring(t, "5", card, c.clock(), [3]any{"lead-1", -2, -25000})
	require.Equal(t, [3]int64{0, 0, 50}, c.has(t, c.member))
	require.NoError(t, c.void(t, "5"))
	require.Equal(t, [3]int64{0, 200, 0}, c.has(t, c.member), "what was of no receipt is given back, too")
}

func TestOfWhatCameBackBeforeItWasWrittenDown(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	other := c.card(t, otherCard)
	c.ring(t, "1", card, c.clock(), [3]any{"lead-1", 2, 10000})
	require.Equal(t, [3]int64{0, 100, 0}, c.has(t, c.member))
	c.ring(t, "2", card, c.clock(), [3]any{"lead-1", -1, -5000})
	require.Equal(t, [3]int64{0, 50, 0}, c.has(t, c.member))
	c.exec(t, `DELETE FROM point_returns`)
	c.exec(t, `UPDATE point_purchases SET backs_known = false, earned = NULL`)
	require.ErrorIs(t, c.move(t, "1", &other), purchase.ErrReturned)
	require.ErrorIs(t, c.rewrite(t, "1", leads(3, 15000)), purchase.ErrReturned)
	require.ErrorIs(t, c.void(t, "2"), purchase.ErrIsReturn)
	require.NoError(t, c.void(t, "1"), "what is left can be told")
	require.Equal(t, [3]int64{}, c.has(t, c.member))
}
