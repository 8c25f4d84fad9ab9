package display

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/scope"
)

// Question is who asks for which goods, where and when.
type Question struct {
	Buyer     scope.Buyer
	Goods     scope.Goods
	ChannelID uuid.UUID
	At        time.Time
	Zone      *time.Location
}

// Verdict is what the rules come to for one aspect.
type Verdict struct {
	Aspect  Aspect
	Allowed bool
	Rule    *Rule // the rule that won; nil if none had anything to say
	Steps   []Step
}

// Step is one rule's part in a verdict.
type Step struct {
	Rule    Rule
	Outcome Outcome
}

// Outcome is why a rule won, lost or did not apply.
type Outcome string

// The outcomes, in the order in which a rule is asked.
const (
	Silent        Outcome = "SILENT"         // says nothing of the aspect
	OtherChannel  Outcome = "OTHER_CHANNEL"  // is for another channel
	OutOfWindow   Outcome = "OUT_OF_WINDOW"  // has not begun, or is over
	OutOfSeason   Outcome = "OUT_OF_SEASON"  // rests at this time of the year
	OtherAudience Outcome = "OTHER_AUDIENCE" // is for other buyers
	OtherTarget   Outcome = "OTHER_TARGET"   // is for other goods
	WiderAudience Outcome = "WIDER_AUDIENCE" // lost to a rule for a narrower audience
	WiderTarget   Outcome = "WIDER_TARGET"   // lost to a rule for narrower goods
	Earlier       Outcome = "EARLIER"        // lost to a rule that was saved later
	Won           Outcome = "WON"
)

// Judge asks the rules of one aspect, and keeps what each had to say. The most
// specific rule wins: the narrower audience first, then the narrower target (of
// categories the deeper one), then the rule that was saved later. Without a rule
// everything is allowed.
func Judge(rules []Rule, tree Tree, aspect Aspect, q Question) Verdict {
	audiences, targets := places(q.Buyer.Audiences()), places(q.Goods.Targets())
	v := Verdict{Aspect: aspect, Allowed: true, Steps: make([]Step, len(rules))}
	winner := -1
	for i, r := range rules {
		outcome := applies(r, aspect, q, audiences, targets)
		v.Steps[i] = Step{r, outcome}
		if outcome == Won && (winner < 0 || compare(audiences, tree, r, rules[winner]) < 0) {
			winner = i
		}
	}
	for i := range v.Steps {
		if v.Steps[i].Outcome == Won && i != winner {
			v.Steps[i].Outcome = lost(audiences, tree, rules[i], rules[winner])
		}
	}
	if winner >= 0 {
		v.Rule = &rules[winner]
		v.Allowed = *v.Rule.Says(aspect) == Allow
	}
	return v
}

// applies is Won if nothing keeps the rule from deciding.
func applies(r Rule, aspect Aspect, q Question, audiences map[scope.Audience]int, targets map[scope.Target]int) Outcome {
	_, mine := audiences[r.Audience]
	_, these := targets[r.Target]
	switch season := r.Season(); {
	case r.Says(aspect) == nil:
		return Silent
	case r.ChannelID != nil && *r.ChannelID != q.ChannelID:
		return OtherChannel
	case !r.Holds(q.At):
		return OutOfWindow
	case season != nil && !season.Holds(q.At, q.Zone):
		return OutOfSeason
	case !mine:
		return OtherAudience
	case !these:
		return OtherTarget
	}
	return Won
}

// lost is in which respect the rule had to give way to the winner.
func lost(audiences map[scope.Audience]int, tree Tree, r, winner Rule) Outcome {
	switch {
	case audiences[r.Audience] != audiences[winner.Audience]:
		return WiderAudience
	case compareTargets(tree, r.Target, winner.Target) != 0:
		return WiderTarget
	}
	return Earlier
}

// kinds are the kinds of target from the narrowest to the widest.
var kinds = map[scope.TargetKind]int{
	scope.Variant: 0, scope.Product: 1, scope.Category: 2, scope.ProductBrand: 3, scope.Attribute: 4, scope.Tag: 5, scope.AllGoods: 6,
}

// compare puts the rule that wins first. The order is total, whatever the goods:
// so a buyer's rules can be put in it once.
func compare(audiences map[scope.Audience]int, tree Tree, a, b Rule) int {
	if c := audiences[a.Audience] - audiences[b.Audience]; c != 0 {
		return c
	}
	if c := compareTargets(tree, a.Target, b.Target); c != 0 {
		return c
	}
	if c := b.UpdatedAt.Compare(a.UpdatedAt); c != 0 {
		return c
	}
	return slices.Compare(b.ID[:], a.ID[:])
}

func compareTargets(tree Tree, a, b scope.Target) int {
	if c := kinds[a.Kind] - kinds[b.Kind]; c != 0 {
		return c
	}
	if a.Kind == scope.Category {
		return tree.Depth(b.ID) - tree.Depth(a.ID)
	}
	return 0
}

func places[K comparable](all []K) map[K]int {
	at := make(map[K]int, len(all))
	for i, k := range all {
		if _, there := at[k]; !there {
			at[k] = i
		}
	}
	return at
}

// Shelf is a category as far as display asks.
type Shelf struct {
	ID       uuid.UUID
	ParentID *uuid.UUID
	Slug     string
}

// Tree is the brand's categories.
type Tree struct {
	shelves map[uuid.UUID]Shelf
	depths  map[uuid.UUID]int
	slugs   map[string]uuid.UUID
}

// NewTree makes the tree of the shelves.
func NewTree(shelves []Shelf) Tree {
	t := Tree{make(map[uuid.UUID]Shelf, len(shelves)), make(map[uuid.UUID]int, len(shelves)), make(map[string]uuid.UUID, len(shelves))}
	for _, s := range shelves {
		t.shelves[s.ID], t.slugs[s.Slug] = s, s.ID
	}
	for _, s := range shelves {
		t.depths[s.ID] = len(t.Path(s.ID))
	}
	return t
}

// Path is the category and those above it, nearest first.
func (t Tree) Path(category uuid.UUID) []uuid.UUID {
	var path []uuid.UUID
	for s, ok := t.shelves[category]; ok && len(path) <= len(t.shelves); s, ok = t.shelves[*s.ParentID] {
		path = append(path, s.ID)
		if s.ParentID == nil {
			break
		}
	}
	return path
}

// Depth is how deep the category stands; 0 for one that is not there.
func (t Tree) Depth(category uuid.UUID) int { return t.depths[category] }

// Above are the categories and all those above them, the deepest first.
func (t Tree) Above(categories []uuid.UUID) []uuid.UUID {
	var all []uuid.UUID
	for _, c := range categories {
		for _, above := range t.Path(c) {
			if !slices.Contains(all, above) {
				all = append(all, above)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b uuid.UUID) int { return t.depths[b] - t.depths[a] })
	return all
}
