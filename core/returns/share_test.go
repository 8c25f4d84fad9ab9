package returns

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/pricing"
)

// bought draws an order: what its lines come to, less a discount on all of it, with a
// shipping fee, and tax on top where prices are without.
func bought(t *rapid.T) (order.Order, []order.Line) {
	o := order.Order{ID: id.New(), Currency: "JPY", TaxInclusive: rapid.Bool().Draw(t, "inclusive")}
	o.ShippingMinor, o.ChargeMinor = rapid.Int64Range(0, 2000).Draw(t, "fee"), rapid.Int64Range(0, 1000).Draw(t, "charge")
	var lines []order.Line
	var sum, gross int64
	for range rapid.IntRange(1, 6).Draw(t, "lines") {
		l := order.Line{
			ID: id.New(), OrderID: o.ID, Quantity: rapid.IntRange(1, 9).Draw(t, "quantity"), TotalMinor: rapid.Int64Range(0, 300_000).Draw(t, "total"),
			TaxClass: rapid.SampledFrom(money.TaxClasses).Draw(t, "class"), Currency: o.Currency,
		}
		if rapid.Bool().Draw(t, "set") {
			half := l.TotalMinor / 2
			l.Parts = []order.Part{
				{VariantID: id.New(), Quantity: l.Quantity, TaxClass: money.TaxReduced, Amount: money.Of(half, o.Currency)},
				{VariantID: id.New(), Quantity: 2 * l.Quantity, TaxClass: money.TaxStandard, Amount: money.Of(l.TotalMinor-half, o.Currency)},
			}
		}
		lines, sum = append(lines, l), sum+l.TotalMinor
		gross += weight(l, false) / 100
	}
	o.SubtotalMinor = sum
	o.DiscountMinor = rapid.Int64Range(0, sum).Draw(t, "discount")
	o.TotalMinor = sum - o.DiscountMinor + o.ShippingMinor + o.ChargeMinor
	if !o.TaxInclusive {
		o.TotalMinor = gross - min(o.DiscountMinor, gross) + (o.ShippingMinor+o.ChargeMinor)*11/10
	}
	return o, lines
}

func TestWhatComesBackBitByBitIsNeverWorthMoreThanTheOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o, lines := bought(t)
		s := sharesOf(o, lines)
		came, left := Pieces{}, 0
		for _, l := range lines {
			left += l.Quantity
		}
		var refunded int64
		for left > 0 {
			now := Pieces{}
			for _, l := range lines {
				if n := rapid.IntRange(0, l.Quantity-came[l.ID]).Draw(t, "pieces"); n > 0 {
					now[l.ID], left = n, left-n
				}
			}
			cost, err := s.back(came, now)
			require.NoError(t, err)
			for line, n := range now {
				require.GreaterOrEqual(t, cost[line], int64(0))
				refunded += cost[line]
				came[line] += n
			}
			require.LessOrEqual(t, refunded, o.TotalMinor)
			require.Equal(t, left == 0, s.whole(came))
			all, err := s.of(came)
			require.NoError(t, err)
			require.Equal(t, all, refunded, "it does not matter in which steps the pieces came")
		}
		require.Equal(t, o.TotalMinor, refunded+s.shipping, "all of it is the order's total")
	})
}

func TestPiecesBearTheirPartOfADiscount(t *testing.T) {
	t.Parallel()
	leash := order.Line{ID: id.New(), Quantity: 3, TotalMinor: 3000, TaxClass: money.TaxStandard}
	bed := order.Line{ID: id.New(), Quantity: 1, TotalMinor: 7000, TaxClass: money.TaxStandard}
	o := order.Order{Currency: "JPY", TaxInclusive: true, SubtotalMinor: 10000, DiscountMinor: 1000, ShippingMinor: 500, TotalMinor: 9500}
	s := sharesOf(o, []order.Line{leash, bed})
	cost, err := s.back(Pieces{}, Pieces{leash.ID: 1})
	require.NoError(t, err)
	require.Equal(t, int64(900), cost[leash.ID], "a tenth was taken off")
	cost, err = s.back(Pieces{leash.ID: 1}, Pieces{leash.ID: 2, bed.ID: 1})
	require.NoError(t, err)
	require.Equal(t, amounts{leash.ID: 1800, bed.ID: 6300}, cost)
	require.Equal(t, int64(500), s.shipping)
	o.ChargeMinor, o.TotalMinor = 330, 9830
	cost, err = sharesOf(o, []order.Line{leash, bed}).back(Pieces{}, Pieces{leash.ID: 1})
	require.NoError(t, err)
	require.Equal(t, int64(900), cost[leash.ID], "the charge for cash on delivery is none of the goods'")
}

// A charge that was sold at another rate than the shipping fee goes back at it.
func TestTheChargeGoesBackAtTheRateItWasSoldWith(t *testing.T) {
	t.Parallel()
	o := order.Order{Currency: "JPY", ShippingMinor: 500, ChargeMinor: 300, Breakdown: []pricing.Step{{Rule: pricing.RulePaymentCharge, TaxClass: money.TaxReduced}}}
	require.Equal(t, int64(550+324), withTax(o, o.ShippingMinor, o.ChargeMinor))
	require.Equal(t, []share{{"送料", money.TaxStandard, 550}, {"手数料", money.TaxReduced, 324}}, feesByClass(o, 874))
	o.Breakdown = nil
	require.Equal(t, int64(880), withTax(o, o.ShippingMinor, o.ChargeMinor))
	require.Equal(t, []share{{"送料・手数料", money.TaxStandard, 880}}, feesByClass(o, 880))
}

// A fee has the tax of its method's class; the goods bear the rest.
func TestTheFeeHasItsOwnTax(t *testing.T) {
	t.Parallel()
	line := order.Line{ID: id.New(), Quantity: 1, TotalMinor: 1000, TaxClass: money.TaxStandard}
	for class, fee := range map[money.TaxClass]int64{"": 550, money.TaxStandard: 550, money.TaxReduced: 540, money.TaxExempt: 500} {
		o := order.Order{Currency: "JPY", ShippingMinor: 500, TotalMinor: 1100 + fee, ShippingMethod: order.Shipping{TaxClass: class}}
		s := sharesOf(o, []order.Line{line})
		require.Equal(t, []int64{fee, 1100}, []int64{s.shipping, s.goods}, class)
		require.Equal(t, fee, refusedShipping(o, []order.Shipment{{Status: order.ShipmentRefused, ShippingMinor: 500}}), class)
	}
}
