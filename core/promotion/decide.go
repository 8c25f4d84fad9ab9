package promotion

import (
	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/pricing"
)

// decision is the campaigns that apply to one quote.
type decision struct {
	t      *table
	found  []*hit
	choice choice
	gave   map[*hit]int64 // what a campaign took off goods and shipping so far
}

// Decide chooses the campaigns that apply.
func (v *view) Decide(d *pricing.Draft) (pricing.Decision, error) {
	t := lay(d, v)
	if len(t.lines) == 0 {
		return nil, nil
	}
	found := t.find()
	if len(found) == 0 {
		return nil, nil
	}
	c, err := t.choose(found)
	if err != nil {
		return nil, err
	}
	return &decision{t: t, found: found, choice: c, gave: map[*hit]int64{}}, nil
}

// Lines changes the prices of pieces.
func (x *decision) Lines(d *pricing.Draft) error {
	for i, moves := range x.choice.moves {
		line := x.t.lines[i]
		for _, m := range moves {
			before := line.Unit.Minor
			if d.Reprice(line, m.unit, m.h.c.rule, m.h.c.label, m.h.c.ID) {
				m.h.won++
				x.gave[m.h] += (before - m.unit) * int64(line.Quantity)
			}
		}
	}
	if d.In.Terms.Trace {
		x.noteLines(d)
	}
	return nil
}

// Order takes off what needs more than one line to decide, and says what each
// campaign gave.
func (x *decision) Order(d *pricing.Draft) error {
	t := x.t
	units := make([]int64, len(t.lines))
	for i, line := range t.lines {
		units[i] = line.Unit.Minor
	}
	s := t.start(units)
	for _, h := range x.found {
		if h.won > 0 {
			x.ship(d, h, s)
		}
	}
	for _, h := range x.choice.order {
		e, err := t.effect(h, s)
		if err != nil {
			return err
		}
		if e.amount > 0 {
			lines := make([]*pricing.Line, len(e.lines))
			for j, i := range e.lines {
				lines[j] = t.lines[i]
			}
			taken := d.TakeOffBy(lines, e.weights, e.amount, h.c.rule, h.c.label, h.c.ID)
			for _, i := range e.lines {
				s.off[i] = t.lines[i].Discount.Minor
			}
			t.claim(s, e, taken)
			x.gave[h] += taken
		}
		x.ship(d, h, s)
	}
	for _, h := range x.found {
		if x.applies(h) {
			d.Quote.Applied = append(d.Quote.Applied, x.applied(d, h))
		}
	}
	d.Quote.Coupons = x.coupons()
	if d.In.Terms.Trace {
		x.noteOrder(d)
	}
	return nil
}

// ship takes the campaign's part off the shipping fee.
func (x *decision) ship(d *pricing.Draft, h *hit, s *state) {
	if amount := h.shipping(s); amount > 0 {
		taken := d.FreeShipping(amount, h.c.label, h.c.ID)
		s.fee -= taken
		x.gave[h] += taken
	}
}

// applies reports whether the campaign had a say.
func (x *decision) applies(h *hit) bool {
	if h.won > 0 {
		return true
	}
	for _, chosen := range x.choice.order {
		if chosen == h {
			return x.gave[h] > 0 || h.c.extras
		}
	}
	return false
}

func (x *decision) applied(d *pricing.Draft, h *hit) pricing.Applied {
	a := pricing.Applied{CampaignID: h.c.ID, CouponID: h.coupon, Label: h.c.label, Discount: money.Of(x.gave[h], d.In.Terms.Currency)}
	for _, b := range h.c.Benefits {
		switch b.Kind {
		case FreeGift:
			times := 1
			if b.PerSet {
				times = h.sets
				if most := h.c.Conditions.MaxSets; most > 0 {
					times = min(times, most)
				}
			}
			a.Gifts = append(a.Gifts, pricing.Gift{VariantID: b.Variant, Quantity: b.Pieces * times, Required: b.Required})
		case Points:
			a.Points = *b.Factor
		case IssueCoupon:
			a.Issues = b.Issues
		}
	}
	return a
}

// noteLines explains, on each line, the campaigns for its pieces.
func (x *decision) noteLines(d *pricing.Draft) {
	for _, h := range x.found {
		if b := h.c.goods; b == nil || !b.Kind.onPieces() {
			continue
		}
		for _, i := range h.lines {
			line, reason := x.t.lines[i], h.reason
			candidate := pricing.Candidate{Rule: h.c.rule, Source: h.c.ID, Label: h.c.label}
			if unit, err := h.c.goods.piece(x.t.base[i]); err == nil {
				if reason == "" {
					reason = x.pieceReason(h, i, unit)
				}
				shown := money.Of(max(unit, line.Floor()), line.Unit.Currency)
				candidate.Unit = &shown
			}
			candidate.Reason, candidate.Outcome = reason, outcomeOf(reason)
			d.Note(line, candidate)
		}
	}
}

// pieceReason is why a campaign that fits did or did not make the line's price.
func (x *decision) pieceReason(h *hit, i int, unit int64) pricing.Reason {
	exclusive := h.c.Stacking == Exclusive
	for _, m := range x.choice.moves[i] {
		if m.h == h {
			return pricing.ReasonApplied
		}
		exclusive = exclusive || m.h.c.Stacking == Exclusive
	}
	for _, m := range x.choice.moves[i] {
		if h.c.Group != "" && m.h.c.Group == h.c.Group {
			return pricing.ReasonOutranked
		}
	}
	switch {
	case exclusive || x.exclusive():
		return pricing.ReasonNotCombinable
	case unit < x.t.base[i] && x.t.base[i] <= x.t.lines[i].Floor():
		return pricing.ReasonFloor
	}
	return pricing.ReasonNoGain
}

// exclusive reports whether one campaign applies that goes with no other.
func (x *decision) exclusive() bool {
	for _, h := range x.choice.order {
		if h.c.Stacking == Exclusive {
			return true
		}
	}
	for _, moves := range x.choice.moves {
		for _, m := range moves {
			if m.h.c.Stacking == Exclusive {
				return true
			}
		}
	}
	return false
}

// noteOrder explains the campaigns on the order.
func (x *decision) noteOrder(d *pricing.Draft) {
	for _, h := range x.found {
		if b := h.c.goods; b != nil && b.Kind.onPieces() {
			continue
		}
		reason := h.reason
		if reason == "" {
			reason = x.orderReason(h)
		}
		d.NoteOrder(pricing.Candidate{Rule: h.c.rule, Source: h.c.ID, Label: h.c.label, Outcome: outcomeOf(reason), Reason: reason})
	}
}

func (x *decision) orderReason(h *hit) pricing.Reason {
	if x.applies(h) {
		return pricing.ReasonApplied
	}
	for _, other := range x.choice.order {
		if h.c.Group != "" && other.c.Group == h.c.Group {
			return pricing.ReasonOutranked
		}
	}
	if x.exclusive() || h.c.Stacking == Exclusive {
		return pricing.ReasonNotCombinable
	}
	return pricing.ReasonNoGain
}

func outcomeOf(r pricing.Reason) pricing.Outcome {
	switch r {
	case pricing.ReasonApplied:
		return pricing.Won
	case pricing.ReasonOutranked, pricing.ReasonNotCombinable:
		return pricing.Lost
	}
	return pricing.NotApplied
}

// coupons says what became of the coupons that the buyer has entered.
func (x *decision) coupons() []pricing.CouponOutcome {
	var all []pricing.CouponOutcome
	for _, h := range x.found {
		if h.coupon == uuid.Nil {
			continue
		}
		reason := h.reason
		switch {
		case x.applies(h):
			reason = pricing.ReasonApplied
		case reason == "" && h.c.goods != nil && h.c.goods.Kind.onPieces():
			reason = pricing.ReasonNoGain
			if x.exclusive() || h.c.Stacking == Exclusive {
				reason = pricing.ReasonNotCombinable
			}
		case reason == "":
			reason = x.orderReason(h)
		}
		all = append(all, pricing.CouponOutcome{CouponID: h.coupon, Reason: reason})
	}
	return all
}
