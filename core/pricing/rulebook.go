package pricing

import (
	"cmp"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/sale"
	"github.com/noren-commerce/noren/core/scope"
)

// List is a price list (価格表): prices of variants for an audience, for a time. A list for
// one member or company holds that customer's own prices (特価).
type List struct {
	ID           uuid.UUID
	BrandID      uuid.UUID
	Code         string
	Name         i18n.Text
	Currency     money.Currency
	TaxInclusive bool
	scope.Audience
	scope.Window
	Precedence int      // among lists of one audience the lower number wins
	BelowFloor bool     // its prices may go below the lowest allowed ones
	Channels   []string // codes of the channels that sell by it
	CreatedAt  time.Time
	ClosedAt   *time.Time // nil while it is open
}

// GlobalID is the list's id in the schema.
func (l List) GlobalID() string { return id.Global("PriceList", l.ID) }

// For is whom the list is for; nil if it is only what a channel names as its own.
func (l List) For() *scope.Audience {
	if l.Kind == "" {
		return nil
	}
	return &l.Audience
}

// Personal reports whether the list holds one customer's own prices.
func (l List) Personal() bool {
	return l.Kind == scope.Member || l.Kind == scope.Company
}

// Rules are a brand's rules as they are kept.
type Rules struct {
	Version   int64 // of all the brand's rules; it moves with every change
	Lists     []List
	Rates     []Rate
	Discounts []QuantityDiscount
	Parents   []Parent // the tree of categories
	Sets      []sale.Set
	Samples   []sale.Terms
}

// Parent says which category stands above another.
type Parent struct {
	ID       uuid.UUID
	ParentID *uuid.UUID
}

// Rulebook is a brand's rules at one version, ready to be looked up. It never
// changes, so that all who quote share it.
type Rulebook struct {
	Version   int64
	lists     map[scope.Audience][]List
	rates     [rateKinds]scope.Index[*Rate]
	discounts scope.Index[*QuantityDiscount]
	parents   map[uuid.UUID]uuid.UUID
	byID      map[uuid.UUID]List
	sets      map[uuid.UUID]*sale.Set
	samples   map[uuid.UUID]*sale.Terms
}

// NewRulebook makes the rules ready.
func NewRulebook(rules Rules) *Rulebook {
	b := &Rulebook{Version: rules.Version, lists: map[scope.Audience][]List{}, parents: map[uuid.UUID]uuid.UUID{}, byID: map[uuid.UUID]List{}, sets: map[uuid.UUID]*sale.Set{}, samples: map[uuid.UUID]*sale.Terms{}}
	for i := range rules.Samples {
		b.samples[rules.Samples[i].VariantID] = &rules.Samples[i]
	}
	for i := range rules.Sets {
		b.sets[rules.Sets[i].VariantID] = &rules.Sets[i]
	}
	for _, l := range rules.Lists {
		b.byID[l.ID] = l
		if l.Kind != "" {
			b.lists[l.Audience] = append(b.lists[l.Audience], l)
		}
	}
	for _, some := range b.lists {
		slices.SortFunc(some, func(x, y List) int {
			return cmp.Or(cmp.Compare(x.Precedence, y.Precedence), y.From.Compare(x.From), cmp.Compare(x.Code, y.Code))
		})
	}
	// Among rules of one scope the later window wins: what is said for a week
	// covers what is said for good.
	rates := slices.Clone(rules.Rates)
	slices.SortFunc(rates, func(x, y Rate) int { return cmp.Or(y.From.Compare(x.From), cmp.Compare(y.ID.String(), x.ID.String())) })
	for i := range rates {
		rates[i].prepare()
		b.rates[rateIndex(rates[i].Kind)].Add(rates[i].Audience, rates[i].Target, &rates[i])
	}
	discounts := slices.Clone(rules.Discounts)
	slices.SortFunc(discounts, func(x, y QuantityDiscount) int {
		return cmp.Or(y.From.Compare(x.From), cmp.Compare(y.ID.String(), x.ID.String()))
	})
	for i := range discounts {
		discounts[i].prepare()
		b.discounts.Add(discounts[i].Audience, discounts[i].Target, &discounts[i])
	}
	for _, p := range rules.Parents {
		if p.ParentID != nil {
			b.parents[p.ID] = *p.ParentID
		}
	}
	return b
}

// views are the rules that concern a buyer.
func (b *Rulebook) views(buyer scope.Buyer) (rates [rateKinds]scope.View[*Rate], discounts scope.View[*QuantityDiscount]) {
	for i := range b.rates {
		rates[i] = b.rates[i].For(buyer)
	}
	return rates, b.discounts.For(buyer)
}

// Lists are the price lists in the currency that concern a buyer at the moment, by
// precedence; the channel's own, which everybody sees, is the last. Lists that
// contain tax where the channel's does not, or the other way round, have no say.
func (b *Rulebook) Lists(buyer scope.Buyer, own uuid.UUID, currency money.Currency, at time.Time) []List {
	lists := make([]List, 0, 2)
	standard, known := b.byID[own]
	if !known {
		standard = List{ID: own, Currency: currency}
	}
	for _, audience := range buyer.Audiences() {
		for _, l := range b.lists[audience] {
			if l.ID != own && l.Currency == currency && l.Holds(at) && (!known || l.TaxInclusive == standard.TaxInclusive) {
				lists = append(lists, l)
			}
		}
	}
	return append(lists, standard)
}

// Above are the categories and all that stand above them, the nearest first.
func (b *Rulebook) Above(categories []uuid.UUID) []uuid.UUID {
	all := slices.Clone(categories)
	for level := categories; len(level) > 0; {
		var up []uuid.UUID
		for _, c := range level {
			if parent, ok := b.parents[c]; ok && !slices.Contains(all, parent) {
				all, up = append(all, parent), append(up, parent)
			}
		}
		level = up
	}
	return all
}

// quiet reports whether no rate or discount concerns the buyer, so that nothing
// asks for more of the goods than their prices.
func (b *Rulebook) quiet(buyer scope.Buyer) bool {
	rates, discounts := b.views(buyer)
	for _, view := range rates {
		if len(view) > 0 {
			return false
		}
	}
	return len(discounts) == 0
}

// floorless reports whether no floor is kept for anybody.
func (b *Rulebook) floorless() bool { return b.rates[rateIndex(RateFloor)].Empty() }

// Place completes sheets: it adds the categories that stand above the goods' own, and to
// those of sets what they may hold.
func (b *Rulebook) Place(book Book) {
	b.fill(book)
	if len(b.parents) == 0 {
		return
	}
	for _, sheet := range book {
		if len(sheet.Categories) > 0 {
			sheet.Categories = b.Above(sheet.Categories)
		}
	}
}
