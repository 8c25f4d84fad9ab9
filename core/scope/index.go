package scope

import (
	"iter"

	"github.com/google/uuid"
)

// Index finds the rules that hold for a buyer's goods without looking at others:
// what it costs grows with how many fit, not with how many there are.
type Index[R any] struct{ by map[Audience]*shelf[R] }

// shelf is the rules of one audience by what they are for. Ids are unique among
// variants, products, categories and brands alike.
type shelf[R any] struct {
	ids    map[uuid.UUID][]R
	values map[Target][]R // attributes and tags
	all    []R
}

// Add enters a rule. Among rules of the same audience and target, those that were
// added first are found first.
func (x *Index[R]) Add(a Audience, t Target, rule R) {
	if x.by == nil {
		x.by = map[Audience]*shelf[R]{}
	}
	s := x.by[a]
	if s == nil {
		s = &shelf[R]{ids: map[uuid.UUID][]R{}, values: map[Target][]R{}}
		x.by[a] = s
	}
	switch t.Kind {
	case AllGoods:
		s.all = append(s.all, rule)
	case Attribute, Tag:
		s.values[t] = append(s.values[t], rule)
	default:
		s.ids[t.ID] = append(s.ids[t.ID], rule)
	}
}

// Empty reports whether the index holds no rule.
func (x *Index[R]) Empty() bool { return len(x.by) == 0 }

// For is the part of the index that concerns a buyer. The zero Index concerns nobody.
func (x *Index[R]) For(b Buyer) View[R] {
	if len(x.by) == 0 {
		return nil
	}
	var view View[R]
	for _, a := range b.Audiences() {
		if s := x.by[a]; s != nil {
			view = append(view, s)
		}
	}
	return view
}

// View is the rules that concern one buyer.
type View[R any] []*shelf[R]

// Of yields the rules for the goods: those of the most specific audience first,
// and of one audience those of the most specific target.
func (v View[R]) Of(g Goods) iter.Seq[R] {
	return func(yield func(R) bool) {
		for _, s := range v {
			if !s.each(g, yield) {
				return
			}
		}
	}
}

func (s *shelf[R]) each(g Goods, yield func(R) bool) bool {
	if len(s.ids) > 0 {
		if !some(s.ids[g.VariantID], yield) || !some(s.ids[g.ProductID], yield) {
			return false
		}
		for _, category := range g.Categories {
			if !some(s.ids[category], yield) {
				return false
			}
		}
		if !some(s.ids[g.BrandID], yield) {
			return false
		}
	}
	return s.eachValue(g, yield) && some(s.all, yield)
}

func (s *shelf[R]) eachValue(g Goods, yield func(R) bool) bool {
	if len(s.values) == 0 {
		return true
	}
	for _, a := range g.Attributes {
		if !some(s.values[Target{Attribute, a.ID, a.Value}], yield) {
			return false
		}
	}
	for _, tag := range g.Tags {
		if !some(s.values[Target{Kind: Tag, Value: tag}], yield) {
			return false
		}
	}
	return true
}

func some[R any](rules []R, yield func(R) bool) bool {
	for _, rule := range rules {
		if !yield(rule) {
			return false
		}
	}
	return true
}
