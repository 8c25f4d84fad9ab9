package promotion

import (
	"github.com/noren-commerce/noren/core/pricing"
)

// maxTries bounds how many combinations of campaigns on the order are worked out in
// full. Beyond it each group is decided by itself, in order.
const maxTries = 64

// choice is campaigns that apply together.
type choice struct {
	moves [][]move // of each line, in order
	units []int64  // of a piece, after the moves and the surcharge
	order []*hit   // on the order, in order
	gave  int64
}

// move is one campaign's price of a piece.
type move struct {
	h    *hit
	unit int64
}

// choose finds the admissible choice that saves the customer most: the campaigns
// that go together, of each group one at most, or one exclusive campaign alone.
// Equal ones go to the campaigns that go together, then to the first in order.
func (t *table) choose(found []*hit) (choice, error) {
	var together, alone []*hit
	for _, h := range found {
		switch {
		case h.reason != "":
			continue
		case h.c.Stacking == Exclusive:
			alone = append(alone, h)
			continue
		}
		together = append(together, h)
		if t.floored && !t.v.book.byRank[h.c.Group] {
			alone = append(alone, h) // a floor may leave a campaign less after others than by itself
		}
	}
	best, err := t.combine(together)
	if err != nil {
		return best, err
	}
	for _, h := range alone {
		c, err := t.combine([]*hit{h})
		if err != nil {
			return best, err
		}
		if c.gave > best.gave || best.empty() && !c.empty() {
			best = c
		}
	}
	return best, nil
}

// empty reports whether no campaign applies.
func (c *choice) empty() bool {
	for _, moves := range c.moves {
		if len(moves) > 0 {
			return false
		}
	}
	return len(c.order) == 0
}

// combine works campaigns out together: on each line those for pieces, then those
// on the order.
func (t *table) combine(hits []*hit) (choice, error) {
	c, err := t.onPieces(hits)
	if err != nil || !t.d.Whole() {
		return c, err
	}
	s := t.start(c.units)
	s.gave = c.gave
	var onOrder []*hit
	for _, h := range hits {
		switch {
		case h.c.goods == nil || !h.c.goods.Kind.onPieces():
			onOrder = append(onOrder, h)
		case h.c.ship != nil && c.has(h):
			fee := h.shipping(s)
			s.fee, s.gave = s.fee-fee, s.gave+fee
		}
	}
	tried, err := t.search(onOrder, s)
	c.order, c.gave = tried.hits, tried.gave
	return c, err
}

func (c *choice) has(h *hit) bool {
	for _, moves := range c.moves {
		for _, m := range moves {
			if m.h == h {
				return true
			}
		}
	}
	return false
}

// onPieces decides, line by line, which campaigns make the price of a piece. Each
// step leaves a lower price lower, so the best of each group in turn is the best of
// all that may go together.
func (t *table) onPieces(hits []*hit) (choice, error) {
	c := choice{moves: make([][]move, len(t.lines)), units: make([]int64, len(t.lines))}
	copy(c.units, t.base)
	done := map[string]int{} // group → the line on which it was decided, plus one
	lineHits := make([][]*hit, len(t.lines))
	for _, h := range hits {
		if b := h.c.goods; b != nil && b.Kind.onPieces() {
			for _, i := range h.lines {
				lineHits[i] = append(lineHits[i], h)
			}
		}
	}
	for i, some := range lineHits {
		for j, h := range some {
			group := h.c.Group
			if group != "" {
				if done[group] == i+1 {
					continue
				}
				done[group] = i + 1
			}
			if err := t.step(&c, i, some[j:], group); err != nil {
				return c, err
			}
		}
		if len(c.moves[i]) == 0 && t.d.In.Terms.Mode != pricing.ShipDirect {
			continue
		}
		before, err := t.d.Surcharged(t.lines[i], t.base[i])
		if err != nil {
			return c, err
		}
		if c.units[i], err = t.d.Surcharged(t.lines[i], c.units[i]); err != nil {
			return c, err
		}
		c.gave += (before - c.units[i]) * int64(t.lines[i].Quantity)
	}
	return c, nil
}

// step lets one campaign of the group, or the first of some if it has none, change
// the price of a piece.
func (t *table) step(c *choice, i int, some []*hit, group string) error {
	var won *hit
	best := c.units[i]
	for j, h := range some {
		if group == "" && j > 0 {
			break
		}
		if h.c.Group != group {
			continue
		}
		unit, err := h.c.goods.piece(c.units[i])
		if err != nil {
			return err
		}
		if unit = max(unit, t.lines[i].Floor()); unit < best {
			won, best = h, unit
			if t.v.book.byRank[group] {
				break
			}
		}
	}
	if won != nil {
		c.units[i] = best
		c.moves[i] = append(c.moves[i], move{won, best})
	}
	return nil
}

// piece is the price of one piece under the benefit.
func (b *given) piece(unit int64) (int64, error) {
	switch b.Kind {
	case FixedPrice:
		return min(unit, *b.Amount), nil
	case LineAmount:
		return max(unit-*b.Amount, 0), nil
	}
	off, err := b.portion(unit)
	if b.UpTo != nil {
		off = min(off, *b.UpTo)
	}
	return max(unit-off, 0), err
}

// tried is campaigns on the order that were worked out together.
type tried struct {
	hits []*hit
	gave int64
}

// slot is a place that at most one of some campaigns takes.
type slot struct {
	some   []*hit
	skip   bool // leaving it empty may be better: sets compete for pieces
	byRank bool
}

// search finds which campaigns on the order save most together.
func (t *table) search(hits []*hit, s *state) (tried, error) {
	slots := t.slots(hits)
	tries := 1
	for _, p := range slots {
		n := len(p.some)
		if p.byRank {
			n = 1
		}
		if p.skip {
			n++
		}
		if tries *= n; tries > maxTries {
			tries = maxTries + 1
		}
	}
	if tries > maxTries {
		return t.greedy(hits, slots, s)
	}
	return t.deep(slots, s, nil)
}

func (t *table) slots(hits []*hit) []slot {
	var slots []slot
	groups := map[string]int{}
	for _, h := range hits {
		set := h.c.goods != nil && h.c.goods.Kind.onSets()
		if h.c.Group != "" {
			if at, known := groups[h.c.Group]; known {
				slots[at].some = append(slots[at].some, h)
				slots[at].skip = slots[at].skip || set && !slots[at].byRank
				continue
			}
			groups[h.c.Group] = len(slots)
		}
		byRank := t.v.book.byRank[h.c.Group]
		slots = append(slots, slot{some: []*hit{h}, skip: set && !byRank, byRank: byRank})
	}
	return slots
}

// deep works out every way to fill the slots.
func (t *table) deep(slots []slot, s *state, chosen []*hit) (tried, error) {
	if len(slots) == 0 {
		return tried{append([]*hit(nil), chosen...), s.gave}, nil
	}
	if len(slots) == 1 {
		return t.last(slots[0], s, chosen)
	}
	best, known := tried{}, false
	first, rest := slots[0], slots[1:]
	try := func(s *state, chosen []*hit) error {
		x, err := t.deep(rest, s, chosen)
		if !known || x.gave > best.gave {
			best, known = x, true
		}
		return err
	}
	for i, h := range first.some {
		after, saved, err := t.with(first, h, s)
		if err != nil {
			return best, err
		}
		with := chosen
		if saved > 0 || h.c.extras {
			with = append(chosen, h) //nolint:gocritic // each way goes on from what was chosen so far
		} else if first.byRank && i < len(first.some)-1 {
			continue
		}
		if err := try(after, with); err != nil || first.byRank {
			return best, err
		}
	}
	if first.skip {
		return best, try(s, chosen)
	}
	return best, nil
}

// with takes the campaign into the slot. Where another way may follow, the state
// before is kept for it.
func (t *table) with(p slot, h *hit, s *state) (after *state, saved int64, err error) {
	after = s
	if len(p.some) > 1 || p.skip {
		after = s.copy()
	}
	saved, err = t.take(h, after)
	return after, saved, err
}

// last fills the last slot with what saves most there.
func (t *table) last(p slot, s *state, chosen []*hit) (tried, error) {
	var won *hit
	most := int64(0)
	for _, h := range p.some {
		saved, err := t.value(h, s)
		if err != nil {
			return tried{}, err
		}
		if saved > most || won == nil && (saved > 0 || h.c.extras) {
			won, most = h, saved
			if p.byRank {
				break
			}
		}
	}
	all := append([]*hit(nil), chosen...)
	if won != nil {
		all = append(all, won)
	}
	return tried{all, s.gave + most}, nil
}

// greedy fills one slot after another with what saves most there, and holds the
// outcome against each campaign by itself.
func (t *table) greedy(hits []*hit, slots []slot, start *state) (tried, error) {
	var all tried
	s := start.copy()
	for _, p := range slots {
		x, err := t.last(p, s, nil)
		if err != nil {
			return all, err
		}
		for _, h := range x.hits {
			if _, err := t.take(h, s); err != nil {
				return all, err
			}
		}
		all.hits = append(all.hits, x.hits...)
	}
	all.gave = s.gave
	for _, h := range hits {
		if t.v.book.byRank[h.c.Group] {
			continue
		}
		saved, err := t.value(h, start)
		if err != nil {
			return all, err
		}
		if start.gave+saved > all.gave {
			all = tried{[]*hit{h}, start.gave + saved}
		}
	}
	return all, nil
}
