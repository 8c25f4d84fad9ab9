package promotion

import (
	"cmp"
	"slices"
)

// pieces is one line as a combination sees it.
type pieces struct {
	line  int
	free  int   // pieces that no other set has
	price int64 // of one
	mask  uint8 // which parts they may stand for
}

// demand is what a combination asks: the pieces of each part.
type demand []int

// within is what the parts in the mask ask together.
func (d demand) within(mask uint8) (n int) {
	for p, quantity := range d {
		if mask&(1<<p) != 0 {
			n += quantity
		}
	}
	return n
}

// sets is how many complete sets the pieces make. Parts may overlap, so each group
// of parts is held against the pieces that serve any of them (Hall's condition).
func (d demand) sets(all []pieces) int {
	most := -1
	for mask := uint8(1); mask < 1<<len(d); mask++ {
		serving := 0
		for _, p := range all {
			if p.mask&mask != 0 {
				serving += p.free
			}
		}
		if k := serving / d.within(mask); most < 0 || k < most {
			most = k
		}
	}
	return max(most, 0)
}

// dearest chooses the pieces of k sets that cost most, for which a benefit saves
// most, and writes how many of each line into taken. Sets of pieces that can be
// dealt out to parts form a matroid, so taking the dearest that still fits is best.
// all must be sorted by byPrice.
func (d demand) dearest(all []pieces, k int, taken []int) (sum int64) {
	var inside [1 << maxParts]int // pieces taken that fit only into the mask
	for i, p := range all {
		n := p.free
		for mask := p.mask; mask < 1<<len(d); mask = (mask + 1) | p.mask {
			n = min(n, k*d.within(mask)-inside[mask])
		}
		n = max(n, 0)
		taken[i] = n
		if n == 0 {
			continue
		}
		sum += int64(n) * p.price
		for mask := p.mask; mask < 1<<len(d); mask = (mask + 1) | p.mask {
			inside[mask] += n
		}
	}
	return sum
}

// byPrice sorts pieces, the dearest first; equal ones by line, which are in an
// order of their own.
func byPrice(all []pieces) {
	slices.SortFunc(all, func(a, b pieces) int { return cmp.Or(cmp.Compare(b.price, a.price), cmp.Compare(a.line, b.line)) })
}

// most is the k from 0 to limit at which gain, which rises ever more slowly and then
// falls, is greatest; of equal ones the smallest.
func most(limit int, gain func(k int) int64) int {
	low, high := 0, limit
	for low < high {
		middle := (low + high) / 2
		if gain(middle+1) > gain(middle) {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

// cheapestOf counts, among the first n pieces of a row sorted by price, those that
// are the last free ones of their group of size.
func cheapestOf(n, size, free int) int { return n/size*free + max(n%size-(size-free), 0) }
