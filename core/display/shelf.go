package display

import (
	"cmp"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/scope"
)

// Pin holds a product at a position of a category's page, counted from 1.
type Pin struct {
	ID         uuid.UUID
	BrandID    uuid.UUID
	CategoryID uuid.UUID
	ChannelID  *uuid.UUID // nil for every channel of the brand
	Channel    *string    // its code
	ProductID  uuid.UUID
	Position   int
	scope.Window
	CreatedAt time.Time
	ClosedAt  *time.Time
}

// GlobalID is the pin's id in the schema.
func (p Pin) GlobalID() string { return id.Global("CategoryPin", p.ID) }

// ProductGlobalID is the product's id in the schema.
func (p Pin) ProductGlobalID() string { return id.Global("Product", p.ProductID) }

// CategoryGlobalID is the category's id in the schema.
func (p Pin) CategoryGlobalID() string { return id.Global("Category", p.CategoryID) }

// ShelfSort is the order in which a category's page stands unless the shopper
// chooses another.
type ShelfSort struct {
	CategoryID uuid.UUID
	Sort       string // a catalog.Sort
}

// Sort is the order of the category with the slug; empty if none is set. One that
// is set for a category above holds for those below it.
func (v *View) Sort(slug string) string {
	for _, category := range v.book.tree.Path(v.book.tree.slugs[slug]) {
		for _, s := range v.book.Sorts {
			if s.CategoryID == category {
				return s.Sort
			}
		}
	}
	return ""
}

// Pinned are the pins of the category with the slug as they were at the moment, by
// position. One for the channel goes before one for all channels, and a product
// that is pinned twice stands at the earlier position.
func (v *View) Pinned(slug string, at time.Time) []Pin {
	category, ok := v.book.tree.slugs[slug]
	if !ok {
		return nil
	}
	var pins []Pin
	for _, p := range v.book.Pins {
		if p.CategoryID == category && (p.ChannelID == nil || *p.ChannelID == v.channelID) &&
			p.Holds(at) && !p.CreatedAt.After(at) && (p.ClosedAt == nil || p.ClosedAt.After(at)) {
			pins = append(pins, p)
		}
	}
	slices.SortFunc(pins, func(a, b Pin) int {
		return cmp.Or(a.Position-b.Position, everywhere(a.ChannelID)-everywhere(b.ChannelID), slices.Compare(b.ID[:], a.ID[:]))
	})
	var best []Pin
	for _, p := range pins {
		taken := slices.ContainsFunc(best, func(o Pin) bool { return o.Position == p.Position || o.ProductID == p.ProductID })
		if !taken {
			best = append(best, p)
		}
	}
	return best
}

// BadgeKind is why a product wears a badge.
type BadgeKind string

// The kinds of badge.
const (
	BadgeNew     BadgeKind = "NEW"     // published in the last days
	BadgeSale    BadgeKind = "SALE"    // a crossed-out price stands beside the price
	BadgeLimited BadgeKind = "LIMITED" // few, or for a time
	BadgeCustom  BadgeKind = "CUSTOM"  // what staff choose
)

// Badge says which products wear a badge, and when.
type Badge struct {
	ID      uuid.UUID
	BrandID uuid.UUID
	Code    string
	Kind    BadgeKind
	Label   i18n.Text
	scope.Target
	scope.Window
	ChannelID *uuid.UUID
	Channel   *string // its code
	Days      *int    // for NEW: how many days since it was published
	Position  int
	CreatedAt time.Time
	ClosedAt  *time.Time
}

// GlobalID is the badge's id in the schema.
func (b Badge) GlobalID() string { return id.Global("Badge", b.ID) }

// Worn is a badge as a product wears it.
type Worn struct {
	Code  string
	Kind  BadgeKind
	Label i18n.Text
}

var sale = Worn{Code: "sale", Kind: BadgeSale, Label: i18n.Text{"ja": "セール", "en": "Sale"}}

// Badges are the badges of a product with these facts; onSale says that a
// crossed-out price shows. Of several definitions of NEW or SALE the one for the
// narrower goods counts, of the same goods the one for the channel.
func (v *View) Badges(f Facts, onSale bool) []Worn {
	var chosen []Badge
	decided := map[BadgeKind]bool{}
	for _, b := range v.fitting(places(f.Goods(v.book.tree, uuid.Nil).Targets())) {
		if b.Kind == BadgeNew || b.Kind == BadgeSale {
			if decided[b.Kind] {
				continue
			}
			decided[b.Kind] = true
		}
		wears := (b.Kind != BadgeNew || v.isNew(f, b)) && (b.Kind != BadgeSale || onSale)
		if wears && !slices.ContainsFunc(chosen, func(o Badge) bool { return o.Code == b.Code }) {
			chosen = append(chosen, b)
		}
	}
	slices.SortStableFunc(chosen, func(a, b Badge) int { return a.Position - b.Position })
	worn := make([]Worn, len(chosen))
	for i, b := range chosen {
		worn[i] = Worn{b.Code, b.Kind, b.Label}
	}
	if onSale && !decided[BadgeSale] {
		worn = append(worn, sale)
	}
	return worn
}

func (v *View) isNew(f Facts, b Badge) bool {
	return f.PublishedAt != nil && b.Days != nil && v.at.Before(f.PublishedAt.AddDate(0, 0, *b.Days))
}

// fitting are the definitions in force for the targets, the narrower first.
func (v *View) fitting(targets map[scope.Target]int) []Badge {
	var all []Badge
	for _, b := range v.book.Badges {
		_, fits := targets[b.Target]
		if fits && (b.ChannelID == nil || *b.ChannelID == v.channelID) && b.Holds(v.at) {
			all = append(all, b)
		}
	}
	slices.SortFunc(all, func(a, b Badge) int {
		return cmp.Or(compareTargets(v.book.tree, a.Target, b.Target), everywhere(a.ChannelID)-everywhere(b.ChannelID), slices.Compare(b.ID[:], a.ID[:]))
	})
	return all
}

// everywhere is 1 for what holds in every channel and so gives way.
func everywhere(channelID *uuid.UUID) int {
	if channelID == nil {
		return 1
	}
	return 0
}
