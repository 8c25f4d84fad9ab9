package returns

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/order"
)

// However the pieces come, a return bears its flat fees once, never more than its goods are
// worth, and what each line gives back adds up to the refund.
func TestAReturnBearsItsFlatFeesOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o, lines := bought(t)
		days := 8
		r := &Return{ID: id.New(), OrderID: o.ID, Outcome: Refund, Currency: o.Currency, Terms: []Term{
			{Reason: ChangedMind, Days: &days, FeePercent: rapid.IntRange(0, 100).Draw(t, "percent"), FlatFeeMinor: rapid.Int64Range(0, 5000).Draw(t, "flat"), ParcelFeeMinor: rapid.Int64Range(0, 2000).Draw(t, "parcel"), ParcelPaidBy: ByCustomer},
			{Reason: Defective, Days: &days, ParcelPaidBy: ByShop},
		}}
		for _, l := range lines {
			reason := rapid.SampledFrom([]Reason{ChangedMind, Defective}).Draw(t, "reason")
			r.Lines = append(r.Lines, Line{ID: id.New(), OrderID: o.ID, LineID: l.ID, Reason: reason, Asked: l.Quantity, Approved: l.Quantity})
		}
		var terms []Term
		for _, l := range r.Lines {
			terms = append(terms, termOf(r.Terms, l.Reason))
		}
		var kept, worth, refunded, fees int64
		for step := 0; r.Status != Completed; step++ {
			receipt := Receipt{ID: id.New()}
			for i, l := range r.Lines {
				left := lines[i].Quantity - r.inspected(l.ID).Pieces()
				n := rapid.IntRange(0, left).Draw(t, "pieces")
				if step > 5 {
					n = left
				}
				if n > 0 {
					receipt.Lines = append(receipt.Lines, Inspected{LineID: l.LineID, ReturnLineID: l.ID, Restocked: n})
				}
			}
			if len(receipt.Lines) == 0 {
				continue
			}
			c := changing{Standing: order.Standing{Order: o, Lines: lines}, r: r, all: []Return{*r}}
			require.NoError(t, c.worth(&receipt))
			sum := receipt.ShippingMinor
			for _, p := range receipt.Lines {
				require.GreaterOrEqual(t, p.RefundMinor, int64(0))
				sum += p.RefundMinor
			}
			require.Equal(t, receipt.RefundMinor, sum)
			kept, refunded, fees = kept+receipt.FlatMinor, refunded+receipt.RefundMinor-receipt.ShippingMinor, fees+receipt.FeeMinor
			worth = refunded + kept
			r.receive(receipt)
		}
		require.Equal(t, sharesOf(o, lines).goods, refunded+fees, "what is kept and what goes back is what the goods cost")
		require.Equal(t, min(flat(terms), worth), kept)
	})
}

func TestTheHighestFlatFeesHold(t *testing.T) {
	t.Parallel()
	require.Equal(t, int64(800), flat([]Term{{FlatFeeMinor: 300}, {FlatFeeMinor: 100, ParcelFeeMinor: 500}}))
	days := 8
	rule := func(change func(*Term)) error {
		r := Rule{Terms: []Term{{Reason: ChangedMind, Days: &days, ParcelPaidBy: ByCustomer, FlatFeeMinor: 300, ParcelFeeMinor: 500}}}
		change(&r.Terms[0])
		return r.validate()
	}
	require.NoError(t, rule(func(*Term) {}))
	require.ErrorContains(t, rule(func(t *Term) { t.FlatFeeMinor = -1 }), "INVALID")
	require.ErrorContains(t, rule(func(t *Term) { t.ParcelFeeMinor = maxFee + 1 }), "INVALID")
	require.ErrorContains(t, rule(func(t *Term) { t.ParcelPaidBy = ByShop }), "INVALID", "what the shop pays is not kept")
	require.True(t, Term{ParcelPaidBy: ByCustomer, ParcelFeeMinor: 500}.onDelivery(), "the shop pays the carrier")
}
