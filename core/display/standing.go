package display

import (
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/fault"
)

// ErrPartRefused says that a set holds what the buyer may not have. It does not say
// what: the buyer may not know of it.
var ErrPartRefused = fault.Conflict("SET_PART_UNAVAILABLE", "このセットには購入いただけない商品が含まれています", "This set holds something that you cannot buy")

// Standing is how the buyer finds one variant of a product; of a product as a
// whole, if the variant is not named.
type Standing struct {
	Visible bool
	// NotPurchasable and PriceHidden say why not; nil if it can be, or is.
	NotPurchasable *fault.Error
	PriceHidden    *fault.Error

	unsold  bool // a rule keeps it from being bought, whether its price is shown or not
	unknown bool // it holds something that the buyer may not know of
	secret  bool // it holds something whose price the buyer is not told
}

// Found is how the buyer finds a variant that holds these, if it is a set, by the
// standings of each; follows says that its price follows theirs.
func Found(standings map[uuid.UUID]Standing, variantID uuid.UUID, follows bool, held []uuid.UUID) Standing {
	parts := make([]Standing, len(held))
	for i, v := range held {
		parts[i] = Of(standings, v)
	}
	return Of(standings, variantID).Holding(follows, parts...)
}

// Of is the variant's standing; of one that no rule speaks of, that it is shown, sold
// and priced.
func Of(standings map[uuid.UUID]Standing, variantID uuid.UUID) Standing {
	if s, ruled := standings[variantID]; ruled {
		return s
	}
	return Standing{Visible: true}
}

// NotQuotable is why the buyer may not even ask what it would cost; nil if the buyer may.
// What has no price to show, or is not for sale as it is, may be asked for; what the
// buyer may not know of may not, by itself or in a set.
func (s Standing) NotQuotable(unknown *fault.Error) *fault.Error {
	switch {
	case !s.Visible:
		return unknown
	case s.unknown:
		return ErrPartRefused
	}
	return nil
}

// Secret reports whether it holds something whose price the buyer is not told.
func (s Standing) Secret() bool { return s.secret }

// Standing asks the rules of all aspects for goods with these facts. A variant that is
// a set stands as what it holds lets it; of what can be chosen, some must be there.
func (v *View) Standing(f Facts, variantID uuid.UUID) Standing {
	s := v.alone(f, variantID)
	var parts []Standing
	choices, follows := map[int][]Standing{}, false
	for _, h := range f.Held {
		if h.SetID != variantID {
			continue
		}
		follows = h.Follows
		part := v.alone(h.Facts, h.VariantID)
		if h.Slot == 0 {
			parts = append(parts, part)
		} else {
			choices[h.Slot] = append(choices[h.Slot], part)
		}
	}
	s = s.Holding(follows, parts...)
	for _, some := range choices {
		s = s.offering(follows, some)
	}
	return s
}

// alone asks the rules for goods whatever they hold.
func (v *View) alone(f Facts, variantID uuid.UUID) Standing {
	targets := f.Goods(v.book.tree, variantID).Targets()
	s := Standing{}
	s.Visible, _ = v.Visible.decide(targets)
	if ok, rule := v.Priced.decide(targets); !ok {
		s.PriceHidden = refusal(ErrPriceHidden, rule)
		// What has no price to agree on cannot be bought.
		s.NotPurchasable = s.PriceHidden
	}
	if ok, rule := v.Buyable.decide(targets); !ok {
		s.NotPurchasable, s.unsold = refusal(ErrNotPurchasable, rule), true
	}
	return s
}

// Holding is how the buyer finds a set that by itself stands so and holds the parts: it
// cannot be bought if one of them cannot. If its price follows theirs, it has none to
// show where one of theirs is not told; a part with a price that is not told can still
// be in a set that has a price of its own.
func (s Standing) Holding(follows bool, parts ...Standing) Standing {
	for _, p := range parts {
		s.unknown, s.secret = s.unknown || !p.Visible, s.secret || p.untold() != nil
		if hidden := p.untold(); follows && hidden != nil && s.PriceHidden == nil {
			s.PriceHidden = hidden
		}
		if s.NotPurchasable == nil && p.kept() {
			s.NotPurchasable, s.unsold = ErrPartRefused, true
		}
	}
	if s.NotPurchasable == nil {
		s.NotPurchasable = s.PriceHidden
	}
	return s
}

// offering is how the buyer finds a set with a slot to be filled with some of the
// choices. A price that follows the parts is that of the cheapest choices, and would
// tell theirs.
func (s Standing) offering(follows bool, choices []Standing) Standing {
	usable := func(c Standing) bool { return !c.kept() && (!follows || c.untold() == nil) }
	if s.NotPurchasable == nil && !slices.ContainsFunc(choices, usable) {
		s.NotPurchasable, s.unsold = ErrPartRefused, true
	}
	for _, c := range choices {
		if hidden := c.untold(); follows && hidden != nil && s.PriceHidden == nil {
			s.PriceHidden = hidden
		}
	}
	return s
}

// kept reports whether the buyer may not have it.
func (s Standing) kept() bool { return !s.Visible || s.unsold }

// untold is why the buyer is not told its price; nil if the buyer is. A rule's own
// words would tell of what is not to be seen.
func (s Standing) untold() *fault.Error {
	if !s.Visible {
		return ErrPriceHidden
	}
	return s.PriceHidden
}
