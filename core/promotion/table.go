package promotion

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/pricing"
)

// table is the cart as campaigns reckon with it, laid out once for each quote.
// Lines are in an order of their own, so that the cart's does not matter.
type table struct {
	d       *pricing.Draft
	v       *view
	now     moment
	lines   []*pricing.Line
	base    []int64 // of a piece, before campaigns
	every   []int   // all lines
	amount  int64   // of all lines at base
	pieces  int
	floored bool   // some line has a lowest price
	hits    []*hit // by place in the book

	weights, shares []int64 // used again and again
}

// hit is a campaign that has some goods in the cart, or may have.
type hit struct {
	c      *ready
	lines  []int   // of the campaign's goods
	mask   []uint8 // of each line: the parts it may stand for; nil without a combination
	sets   int     // complete sets in the cart
	coupon uuid.UUID
	reason pricing.Reason // why it does not apply; empty if it fits
	won    int            // lines on which it made the price
	later  bool           // it did not run when the order was placed that is priced again
}

// lay puts the cart on the table.
func lay(d *pricing.Draft, v *view) *table {
	t := &table{d: d, v: v, now: momentOf(d.In.Terms.At, d.In.Terms.Zone)}
	t.lines = make([]*pricing.Line, 0, len(d.Quote.Lines))
	for i := range d.Quote.Lines {
		if line := &d.Quote.Lines[i]; line.Err == nil && line.Agreed == nil {
			t.lines = append(t.lines, line)
		}
	}
	slices.SortStableFunc(t.lines, func(x, y *pricing.Line) int {
		return cmp.Or(bytes.Compare(x.VariantID[:], y.VariantID[:]), cmp.Compare(x.Quantity, y.Quantity), cmp.Compare(x.Unit.Minor, y.Unit.Minor))
	})
	t.base, t.every = make([]int64, len(t.lines)), make([]int, len(t.lines))
	for i, line := range t.lines {
		t.base[i], t.every[i] = line.Unit.Minor, i
		t.amount += line.Unit.Minor * int64(line.Quantity)
		t.pieces += line.Quantity
		t.floored = t.floored || line.Floor() > 0
	}
	t.hits = make([]*hit, len(v.book.campaigns))
	return t
}

// find meets the campaigns that concern the cart: those for goods of a line by
// looking the line up, those for all goods once.
func (t *table) find() []*hit {
	found := make([]*hit, 0, 16)
	meet := func(c *ready) *hit {
		h := t.hits[c.at]
		if h == nil {
			h = &hit{c: c, reason: t.v.judge(c, &t.d.In.Terms, t.now), later: c.after(&t.d.In.Terms)}
			if c.NeedsCoupon {
				h.coupon = couponOf(c.ID, &t.d.In.Terms)
			}
			t.hits[c.at] = h
			found = append(found, h)
		}
		return h
	}
	for _, c := range t.v.wide {
		meet(c)
	}
	for i, line := range t.lines {
		goods := line.Goods()
		for e := range t.v.index.Of(goods) {
			h := meet(e.c)
			if h.reason != "" && !t.d.In.Terms.Trace || e.c.excludes(goods) || h.passes(line) {
				continue
			}
			if e.goods {
				h.at(i)
			}
			if e.parts != 0 {
				h.serves(i, e.parts, len(t.lines))
			}
		}
	}
	slices.SortFunc(found, func(x, y *hit) int { return cmp.Compare(x.c.at, y.c.at) })
	for _, h := range found {
		t.complete(h)
	}
	return found
}

// passes reports whether the line is left alone: its price was agreed before the campaign ran.
func (h *hit) passes(line *pricing.Line) bool { return h.later && line.Kept != nil }

// after reports whether the campaign did not run when the order was placed that is priced
// again, which has not used it either.
func (c *ready) after(terms *pricing.Terms) bool {
	p := terms.Placed
	if p == nil || p.Uses(c.ID) {
		return false
	}
	return c.From.After(p.At) || !c.Until.After(p.At) || c.Recurrence.narrows() && !c.Recurrence.holds(momentOf(p.At, terms.Zone))
}

// at notes that the line is of the campaign's goods.
func (h *hit) at(line int) {
	if n := len(h.lines); n == 0 || h.lines[n-1] != line {
		h.lines = append(h.lines, line)
	}
}

func (h *hit) serves(line int, parts uint8, lines int) {
	if h.mask == nil {
		h.mask = make([]uint8, lines)
	}
	h.mask[line] |= parts
}

// complete adds the lines of a campaign for all goods, counts the sets, and holds
// the cart against the campaign's conditions.
func (t *table) complete(h *hit) {
	if h.reason != "" && !t.d.In.Terms.Trace {
		return
	}
	switch {
	case h.c.all && len(h.c.except) == 0 && !h.later:
		h.lines = t.every
	case h.c.all:
		for i, line := range t.lines {
			if !h.c.excludes(line.Goods()) && !h.passes(line) {
				h.at(i)
			}
		}
	}
	if h.reason != "" {
		return
	}
	if len(h.c.need) > 0 {
		h.sets = h.c.need.sets(t.serving(h, nil))
	}
	if !t.meets(h) {
		h.reason = pricing.ReasonCondition
	}
}

// serving are the pieces of the cart that may stand for parts of the campaign's
// combination, less those that sets have claimed.
func (t *table) serving(h *hit, s *state) []pieces {
	for p, own := range h.c.own {
		if !own {
			for _, i := range h.lines {
				h.serves(i, 1<<p, len(t.lines))
			}
		}
	}
	all := make([]pieces, 0, len(h.lines))
	for i, mask := range h.mask {
		if mask == 0 {
			continue
		}
		p := pieces{line: i, free: t.lines[i].Quantity, price: t.base[i], mask: mask}
		if s != nil {
			p.free, p.price = p.free-s.claimed[i], s.units[i]
		}
		if p.free > 0 {
			all = append(all, p)
		}
	}
	return all
}

func (t *table) meets(h *hit) bool {
	k := &h.c.Conditions
	if len(h.c.need) > 0 && h.sets == 0 {
		return false
	}
	if len(h.lines) == 0 && (len(h.c.need) == 0 || k.MinAmount > 0 || k.MinQuantity > 0) {
		return false
	}
	if k.MinAmount == 0 && k.MinQuantity == 0 {
		return true
	}
	amount, count := t.amount, t.pieces
	if len(h.lines) != len(t.lines) {
		amount, count = 0, 0
		for _, i := range h.lines {
			amount += t.base[i] * int64(t.lines[i].Quantity)
			count += t.lines[i].Quantity
		}
	}
	return amount >= k.MinAmount && count >= k.MinQuantity
}
