package pricing

import (
	"bytes"
	"cmp"
	"math/bits"
	"slices"
)

// share divides an amount among lines in proportion to their room, which without a
// floor is what they still cost, by largest remainder. What does not fit is left.
// The division depends on the lines, not on their order.
func share(lines []*Line, amount int64) (shares []int64, taken int64) {
	shares = make([]int64, len(lines))
	rooms := make([]int64, len(lines))
	var all int64
	for i, line := range lines {
		rooms[i] = line.Room()
		all += rooms[i]
	}
	amount = min(amount, all)
	if amount <= 0 {
		return shares, 0
	}
	type part struct {
		at   int
		rest uint64
	}
	parts := make([]part, 0, len(lines))
	for i, room := range rooms {
		high, low := bits.Mul64(uint64(amount), uint64(room)) //nolint:gosec // neither is negative
		whole, rest := bits.Div64(high, low, uint64(all))     //nolint:gosec // amount ≤ all, so the quotient fits
		shares[i] = int64(whole)                              //nolint:gosec // at most the room
		taken += shares[i]
		if rest > 0 {
			parts = append(parts, part{i, rest})
		}
	}
	slices.SortFunc(parts, func(a, b part) int {
		return cmp.Or(cmp.Compare(b.rest, a.rest),
			bytes.Compare(lines[a.at].VariantID[:], lines[b.at].VariantID[:]), cmp.Compare(lines[a.at].Quantity, lines[b.at].Quantity))
	})
	for _, p := range parts {
		if taken == amount {
			break
		}
		if shares[p.at] < rooms[p.at] {
			shares[p.at]++
			taken++
		}
	}
	return shares, taken
}
