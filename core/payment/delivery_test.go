package payment_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/payment"
)

// bandsOf draws bands as SaveDeliveryTerms lets them be.
func bandsOf(t *rapid.T) []payment.DeliveryBand {
	limits := rapid.SliceOfNDistinct(rapid.Int64Range(1, 1_000_000), 0, 19, rapid.ID[int64]).Draw(t, "limits")
	slices.Sort(limits)
	var bands []payment.DeliveryBand
	for _, limit := range limits {
		bands = append(bands, payment.DeliveryBand{UpTo: &limit, FeeMinor: rapid.Int64Range(0, 2000).Draw(t, "fee")})
	}
	return append(bands, payment.DeliveryBand{FeeMinor: rapid.Int64Range(0, 2000).Draw(t, "fee")})
}

func TestChargeIsThatOfTheFirstBandThatReachesTheTotal(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		terms := payment.DeliveryTerms{Bands: bandsOf(t)}
		total := rapid.Int64Range(1, 2_000_000).Draw(t, "total")
		charge, found := terms.Charge(total), 0
		for i, b := range terms.Bands {
			from := int64(0)
			if i > 0 {
				from = *terms.Bands[i-1].UpTo
			}
			if total > from && (b.UpTo == nil || total <= *b.UpTo) {
				found++
				if charge != b.FeeMinor {
					t.Fatalf("%d costs %d, not %d", total, charge, b.FeeMinor)
				}
			}
		}
		if found != 1 {
			t.Fatalf("%d bands hold for %d", found, total)
		}
		if charge != terms.Charge(total) {
			t.Fatal("the same total costs something else")
		}
	})
}

func TestDearerOrdersNeverCostLessWhereBandsRise(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		bands := bandsOf(t)
		fees := make([]int64, len(bands))
		for i, b := range bands {
			fees[i] = b.FeeMinor
		}
		slices.Sort(fees)
		for i := range bands {
			bands[i].FeeMinor = fees[i]
		}
		terms := payment.DeliveryTerms{Bands: bands}
		less := rapid.Int64Range(1, 2_000_000).Draw(t, "less")
		more := rapid.Int64Range(less, 2_000_000).Draw(t, "more")
		if terms.Charge(less) > terms.Charge(more) {
			t.Fatalf("%d costs %d, and %d costs %d", less, terms.Charge(less), more, terms.Charge(more))
		}
	})
}

func TestChargeAtTheEdgeOfABand(t *testing.T) {
	t.Parallel()
	first, second := int64(10_000), int64(30_000)
	terms := payment.DeliveryTerms{Bands: []payment.DeliveryBand{{&first, 330}, {&second, 440}, {nil, 660}}}
	for total, charge := range map[int64]int64{1: 330, 10_000: 330, 10_001: 440, 30_000: 440, 30_001: 660, 1 << 50: 660} {
		require.Equal(t, charge, terms.Charge(total), total)
	}
}
