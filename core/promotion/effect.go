package promotion

import (
	"cmp"

	"github.com/noren-commerce/noren/core/pricing"
)

// state is the cart while campaigns on the order are worked out one after another.
type state struct {
	units   []int64 // of a piece, after campaigns on pieces and the surcharge
	off     []int64 // of each line, by campaigns on the order
	claimed []int   // pieces that are in some set: a piece is in one set at most
	fee     int64   // of shipping that is left
	gave    int64   // all together, shipping too
}

func (t *table) start(units []int64) *state {
	s := &state{units: units, off: make([]int64, len(units)), claimed: make([]int, len(units))}
	if fee := t.d.In.Shipping; fee != nil {
		s.fee = fee.Amount
	}
	return s
}

func (s *state) copy() *state {
	c := *s
	c.off, c.claimed = append([]int64(nil), s.off...), append([]int(nil), s.claimed...)
	return &c
}

// room is how much may still be taken off a line.
func (t *table) room(s *state, i int) int64 {
	line := t.lines[i]
	return max((s.units[i]-line.Floor())*int64(line.Quantity)-s.off[i], 0)
}

// effect is what a campaign takes off goods: an amount, to be borne by lines in
// proportion to weights; and the pieces that its sets claim. Weights are good until
// the next effect is worked out.
type effect struct {
	amount  int64
	lines   []int
	weights []int64
	claims  []int // pieces, in step with lines; nil if it is not for sets
}

// effect works out a campaign on the order.
func (t *table) effect(h *hit, s *state) (effect, error) {
	b := h.c.goods
	if b == nil || b.Kind.onPieces() {
		return effect{}, nil
	}
	var e effect
	var err error
	if b.Kind.onSets() {
		e, err = t.onSets(h, s)
	} else {
		e, err = t.onOrder(h, s)
	}
	if b.UpTo != nil {
		e.amount = min(e.amount, *b.UpTo)
	}
	for j, i := range e.lines {
		e.weights[j] = min(e.weights[j], t.room(s, i))
	}
	return e, err
}

func (t *table) onOrder(h *hit, s *state) (effect, error) {
	if cap(t.weights) < len(t.lines) {
		t.weights = make([]int64, len(t.lines))
	}
	e := effect{lines: h.lines, weights: t.weights[:len(h.lines)]}
	var all int64
	for j, i := range h.lines {
		whole := s.units[i] * int64(t.lines[i].Quantity)
		all += whole - s.off[i]
		e.weights[j] = whole
	}
	var err error
	if b := h.c.goods; b.Kind == OrderPercent {
		e.amount, err = b.portion(all)
	} else {
		e.amount = *b.Amount
	}
	return e, err
}

// portion is the benefit's percentage of an amount.
func (b *given) portion(amount int64) (int64, error) {
	return b.rounding.Portion(amount, b.millionths, 1_000_000, 1)
}

// onSets works out a benefit for sets. The sets are made of the dearest pieces, and
// only as many are made as save something: what is best for the customer.
func (t *table) onSets(h *hit, s *state) (effect, error) {
	all := t.serving(h, s)
	byPrice(all)
	b, limit := h.c.goods, h.c.need.sets(all)
	if most := h.c.Conditions.MaxSets; most > 0 {
		limit = min(limit, most)
	}
	if limit == 0 {
		return effect{}, nil
	}
	if b.Kind == Cheapest {
		return t.cheapest(h, all, limit)
	}
	taken := make([]int, len(all))
	if b.Kind == SetPrice {
		limit = most(limit, func(k int) int64 { return h.c.need.dearest(all, k, taken) - int64(k)**b.Amount })
		if limit == 0 {
			return effect{}, nil
		}
	}
	sum := h.c.need.dearest(all, limit, taken)
	e := effect{}
	for j, p := range all {
		if taken[j] > 0 {
			e.lines, e.claims = append(e.lines, p.line), append(e.claims, taken[j])
			e.weights = append(e.weights, p.price*int64(taken[j]))
		}
	}
	var err error
	switch b.Kind {
	case SetPrice:
		e.amount = sum - int64(limit)**b.Amount
	case SetAmount:
		e.amount = min(int64(limit)**b.Amount, sum)
	default:
		e.amount, err = b.portion(sum)
	}
	return e, err
}

// cheapest takes a percentage off the cheapest pieces of each set. Pieces are put
// into sets from the dearest to the cheapest, as a shopper would at the till.
func (t *table) cheapest(h *hit, all []pieces, sets int) (effect, error) {
	size, free := h.c.need[0], h.c.goods.Pieces
	var e effect
	at := 0
	for _, p := range all {
		n := min(p.free, sets*size-at)
		if n <= 0 {
			break
		}
		count := cheapestOf(at+n, size, free) - cheapestOf(at, size, free)
		at += n
		each, err := h.c.goods.portion(p.price)
		if err != nil {
			return effect{}, err
		}
		e.lines, e.claims = append(e.lines, p.line), append(e.claims, n)
		e.weights = append(e.weights, each*int64(count))
		e.amount += each * int64(count)
	}
	return e, nil
}

// shipping is what the campaign takes off the fee.
func (h *hit) shipping(s *state) int64 {
	switch b := h.c.ship; {
	case b == nil:
		return 0
	case b.UpTo != nil:
		return min(s.fee, *b.UpTo)
	}
	return s.fee
}

// value is what the campaign would save, without letting it act.
func (t *table) value(h *hit, s *state) (int64, error) {
	e, err := t.effect(h, s)
	if err != nil {
		return 0, err
	}
	var room int64
	for _, w := range e.weights {
		room += w
	}
	return max(min(e.amount, room), 0) + h.shipping(s), nil
}

// take lets the campaign act on the state, and gives what it saved.
func (t *table) take(h *hit, s *state) (int64, error) {
	e, err := t.effect(h, s)
	if err != nil {
		return 0, err
	}
	saved := int64(0)
	if e.amount > 0 {
		if cap(t.shares) < len(t.lines) {
			t.shares = make([]int64, len(t.lines))
		}
		shares := t.shares[:len(e.lines)]
		saved = pricing.Share(e.weights, e.amount, shares, func(i, j int) int { return cmp.Compare(e.lines[i], e.lines[j]) })
		for j, i := range e.lines {
			s.off[i] += shares[j]
		}
		t.claim(s, e, saved)
	}
	fee := h.shipping(s)
	s.fee -= fee
	s.gave += saved + fee
	return saved + fee, nil
}

// claim keeps the pieces of sets from other sets, if the sets saved anything.
func (t *table) claim(s *state, e effect, saved int64) {
	if saved == 0 {
		return
	}
	for j, n := range e.claims {
		s.claimed[e.lines[j]] += n
	}
}
