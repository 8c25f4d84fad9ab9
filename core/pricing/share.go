package pricing

import (
	"cmp"
	"math/bits"
	"slices"
)

// Share divides an amount in proportion to weights, by largest remainder, writes the
// parts into shares and gives their sum: the amount, or all weights together where
// that is less. No part is above its weight. Equal remainders are served in the
// order that compare gives, so that the division depends on what is divided and
// not on how it is listed.
func Share(weights []int64, amount int64, shares []int64, compare func(i, j int) int) (taken int64) {
	var all int64
	for _, w := range weights {
		all += w
	}
	if amount >= all {
		copy(shares, weights)
		return all
	}
	clear(shares)
	if amount <= 0 {
		return 0
	}
	type part struct {
		at   int
		rest uint64
	}
	parts := make([]part, 0, len(weights))
	for i, w := range weights {
		high, low := bits.Mul64(uint64(amount), uint64(w)) //nolint:gosec // neither is negative
		whole, rest := bits.Div64(high, low, uint64(all))  //nolint:gosec // amount < all, so the quotient fits
		shares[i] = int64(whole)                           //nolint:gosec // at most the weight
		taken += shares[i]
		if rest > 0 {
			parts = append(parts, part{i, rest})
		}
	}
	if taken == amount {
		return taken
	}
	slices.SortFunc(parts, func(a, b part) int { return cmp.Or(cmp.Compare(b.rest, a.rest), compare(a.at, b.at)) })
	for _, p := range parts[:amount-taken] {
		shares[p.at]++
	}
	return amount
}
