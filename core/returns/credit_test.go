package returns

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/order"
)

// A credit note says what goes back: with tax shown it comes to the refund to the yen;
// without, to less by under a yen for each of its lines.
func TestACreditNoteComesToTheRefund(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o, lines := bought(t)
		c := changing{Standing: order.Standing{Order: o, Lines: lines}, r: &Return{}}
		receipt := Receipt{ShippingMinor: rapid.Int64Range(0, 900).Draw(t, "shipping")}
		for _, l := range lines {
			p := Inspected{LineID: l.ID, ReturnLineID: id.New(), Restocked: 1, RefundMinor: rapid.Int64Range(0, l.TotalMinor).Draw(t, "refund")}
			receipt.Lines, receipt.RefundMinor = append(receipt.Lines, p), receipt.RefundMinor+p.RefundMinor
		}
		receipt.RefundMinor += receipt.ShippingMinor
		receipt.RefundMinor -= rapid.Int64Range(0, receipt.RefundMinor).Draw(t, "refunded before")
		taken := c.credited(receipt)
		shown, gross := int64(0), int64(0)
		for _, one := range taken {
			amount, err := money.Parse(one.Amount, o.Currency)
			require.NoError(t, err)
			require.Positive(t, amount.Minor)
			shown += amount.Minor
			gross += money.TaxOf(one.Class, amount, o.TaxInclusive, money.RoundHalfUp).Gross.Minor
		}
		if o.TaxInclusive {
			require.Equal(t, receipt.RefundMinor, shown)
			return
		}
		require.LessOrEqual(t, shown, receipt.RefundMinor)
		require.InDelta(t, receipt.RefundMinor, gross, float64(2*len(lines)*len(money.TaxClasses)+1))
	})
}
