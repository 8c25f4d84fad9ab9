package display

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/scope"
)

// View is the shop as one buyer sees it at one moment: the rules that hold for the
// buyer, put in order once, and ready to be asked by the thousand.
type View struct {
	// Version is that of the rulebook which the view was made from. Whoever reads
	// the database through a view compares it there, and fails with ErrMoved when
	// the rules are not these any more.
	Version int64
	BrandID uuid.UUID
	Visible Ladder
	Buyable Ladder
	Priced  Ladder

	book      *Book
	buyer     scope.Buyer
	channelID uuid.UUID
	at        time.Time
	until     time.Time // when the clock alone makes it another view
}

// Ladder is the rules of one aspect, the first to win on the lowest rung. A rung is
// twice the rule's place, and one more if the rule denies: of all rungs that a
// product stands on the lowest decides, and an odd one is a no.
type Ladder struct {
	rungs map[scope.Target]int
	rules []*Rule
	tree  *Tree
	deny  bool
}

// Open reports whether the ladder can refuse nothing.
func (l Ladder) Open() bool { return !l.deny }

// decide is whether the goods pass, and the rule that says so.
func (l Ladder) decide(targets []scope.Target) (bool, *Rule) {
	lowest := -1
	for _, t := range targets {
		if rung, ok := l.rungs[t]; ok && (lowest < 0 || rung < lowest) {
			lowest = rung
		}
	}
	if lowest < 0 {
		return true, nil
	}
	return lowest%2 == 0, l.rules[lowest/2]
}

// All is the rung of every product; nil if there is none.
func (l Ladder) All() *int {
	if rung, ok := l.rungs[scope.Everything]; ok {
		return &rung
	}
	return nil
}

// Rungs are the rungs of the kind as a JSON object, by id, value, or "id value" for
// attributes. A category's holds for those below it too. Nil if there are none.
func (l Ladder) Rungs(kind scope.TargetKind) json.RawMessage {
	rungs := map[string]int{}
	for t, rung := range l.rungs {
		if t.Kind != kind {
			continue
		}
		switch kind {
		case scope.Tag:
			rungs[t.Value] = rung
		case scope.Attribute:
			rungs[t.ID.String()+" "+t.Value] = rung
		default:
			rungs[t.ID.String()] = rung
		}
	}
	if len(rungs) == 0 {
		return nil
	}
	if kind == scope.Category {
		rungs = l.below(rungs)
	}
	raw, err := json.Marshal(rungs)
	if err != nil {
		return nil // a map of numbers always marshals
	}
	return raw
}

// below gives each category the lowest rung of those above it.
func (l Ladder) below(rungs map[string]int) map[string]int {
	all := map[string]int{}
	for category := range l.tree.shelves {
		for _, above := range l.tree.Path(category) {
			if rung, ok := rungs[above.String()]; ok {
				if have, there := all[category.String()]; !there || rung < have {
					all[category.String()] = rung
				}
			}
		}
	}
	return all
}

// newView makes the view of the buyer from the book.
func newView(b *Book, buyer scope.Buyer, channelID uuid.UUID, at time.Time, zone *time.Location) *View {
	v := &View{Version: b.Version, book: b, buyer: buyer, channelID: channelID, at: at, until: scope.Forever}
	audiences := places(buyer.Audiences())
	var mine []*Rule
	for i := range b.Rules {
		r := &b.Rules[i]
		v.until = earlier(v.until, r.turns(at, zone))
		if _, ok := audiences[r.Audience]; ok && r.inForce(channelID, at, zone) {
			mine = append(mine, r)
		}
	}
	slices.SortFunc(mine, func(x, y *Rule) int { return compare(audiences, b.tree, *x, *y) })
	v.Visible, v.Buyable, v.Priced = ladder(mine, &b.tree, Visible), ladder(mine, &b.tree, Purchasable), ladder(mine, &b.tree, PriceShown)
	return v
}

func ladder(rules []*Rule, tree *Tree, aspect Aspect) Ladder {
	l := Ladder{rungs: map[scope.Target]int{}, tree: tree}
	for _, r := range rules {
		says := r.Says(aspect)
		if says == nil {
			continue
		}
		if _, taken := l.rungs[r.Target]; taken {
			continue // a rule that comes before says it of the same goods
		}
		rung := 2 * len(l.rules)
		if *says == Deny {
			rung, l.deny = rung+1, true
		}
		l.rungs[r.Target], l.rules = rung, append(l.rules, r)
	}
	return l
}

// turns is the next moment at which the clock begins or ends the rule.
func (r Rule) turns(at time.Time, zone *time.Location) time.Time {
	next := scope.Forever
	for _, edge := range []time.Time{r.From, r.Until} {
		if edge.After(at) {
			next = earlier(next, edge)
		}
	}
	if r.SeasonFrom != nil {
		local := at.In(zone)
		next = earlier(next, time.Date(local.Year(), local.Month(), local.Day()+1, 0, 0, 0, 0, zone))
	}
	return next
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// Follows reports whether prices of sets may tell those of their parts.
func (v *View) Follows() bool { return v.book.Follows }

// Plain reports whether the view needs no facts: everything is shown, sold and priced.
func (v *View) Plain() bool { return v.Visible.Open() && v.Buyable.Open() && v.Priced.Open() }

// Unasked reports whether the view asks nothing of any product: it needs no facts
// and gives no badges but what a price gives.
func (v *View) Unasked() bool { return v.Plain() && len(v.book.Badges) == 0 }

// refusal says no in the words of the rule, where it has some.
func refusal(e *fault.Error, r *Rule) *fault.Error {
	if len(r.Message) == 0 {
		return e
	}
	c := *e
	c.JA, c.EN = r.Message.In(i18n.Default), r.Message.In("en")
	return &c
}

// Facts are what of a product rules ask, in one channel.
type Facts struct {
	ProductID   uuid.UUID
	BrandID     *uuid.UUID // the manufacturer's
	Categories  []uuid.UUID
	Tags        []string
	Attributes  []string // "id value"
	PublishedAt *time.Time
	Version     int64  // of the rulebook when they were read
	Held        []Held // by those of its variants that are sets
}

// Goods are the facts as rules ask for them, with the variant if it is not uuid.Nil.
func (f Facts) Goods(tree Tree, variantID uuid.UUID) scope.Goods {
	g := scope.Goods{VariantID: variantID, ProductID: f.ProductID, Categories: tree.Above(f.Categories), Tags: f.Tags}
	if f.BrandID != nil {
		g.BrandID = *f.BrandID
	}
	for _, a := range f.Attributes {
		key, value, _ := strings.Cut(a, " ")
		attribute, err := uuid.Parse(key)
		if err == nil {
			g.Attributes = append(g.Attributes, scope.AttributeValue{ID: attribute, Value: value})
		}
	}
	return g
}

// VariantFacts are the facts of a variant's product.
type VariantFacts struct {
	VariantID uuid.UUID
	Facts
}

// Held are the facts of a variant that a set of the product holds, or that can be
// chosen for it.
type Held struct {
	SetID     uuid.UUID
	Follows   bool // the set's price follows its parts
	Slot      int  // that it can be chosen for; 0 if it is always in the set
	VariantID uuid.UUID
	Facts
}
