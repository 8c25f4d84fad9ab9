package catalog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/display"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/search"
)

// Sort is the order of a list of products.
type Sort string

// The orders.
const (
	SortRelevance Sort = "RELEVANCE" // best match first; newest where nothing was asked
	SortNewest    Sort = "NEWEST"
	SortPriceAsc  Sort = "PRICE_ASC"
	SortPriceDesc Sort = "PRICE_DESC"
	SortName      Sort = "NAME" // by reading (五十音順)
)

// maxFilter bounds the values of one filter.
const maxFilter = 50

// Filter says which products a list holds. Values of one field are alternatives;
// fields narrow each other.
type Filter struct {
	Query      string   // words that must be found
	Categories []string // slugs; their subcategories count
	Brands     []string // slugs
	MinPrice   *decimal.Decimal
	MaxPrice   *decimal.Decimal
	InStock    *bool
	Tags       []string
	Attributes []AttributeFilter
}

// AttributeFilter asks for products by the value of one attribute.
type AttributeFilter struct {
	Code   string
	Values []string // alternatives, in canonical form
	Min    *decimal.Decimal
	Max    *decimal.Decimal
}

// Validate refuses filters that can hold nothing or cost too much.
func (f Filter) Validate() error {
	var all []error
	if f.MinPrice != nil && f.MinPrice.IsNegative() || f.MaxPrice != nil && f.MaxPrice.IsNegative() {
		all = append(all, errFilterPrice.At("filter.minPrice"))
	}
	if f.MinPrice != nil && f.MaxPrice != nil && f.MinPrice.GreaterThan(*f.MaxPrice) {
		all = append(all, errFilterPrice.At("filter.minPrice"))
	}
	for field, n := range map[string]int{
		"filter.categories": len(f.Categories), "filter.brands": len(f.Brands),
		"filter.tags": len(f.Tags), "filter.attributes": len(f.Attributes),
	} {
		if n > maxFilter {
			all = append(all, ErrTooMany.With(maxFilter).At(field))
		}
	}
	return errors.Join(append(all, f.attributes()...)...)
}

func (f Filter) attributes() []error {
	var all []error
	seen := map[string]bool{}
	for i, a := range f.Attributes {
		field := fmt.Sprintf("filter.attributes.%d", i)
		switch {
		case a.Code == "" || seen[a.Code]:
			all = append(all, errFilterAttribute.At(field+".code"))
		case len(a.Values) > maxFilter:
			all = append(all, ErrTooMany.With(maxFilter).At(field+".values"))
		case len(a.Values) == 0 && a.Min == nil && a.Max == nil:
			all = append(all, fault.ErrRequired.At(field+".values"))
		}
		seen[a.Code] = true
	}
	return all
}

// ListInput asks for one page of products.
type ListInput struct {
	Filter Filter
	Sort   Sort
	Page   page.Args
}

// ListQuery is a ListInput as the store answers it.
type ListQuery struct {
	ChannelID uuid.UUID
	BrandID   uuid.UUID
	Currency  money.Currency
	At        time.Time
	Filter    Filter
	Words     search.Query
	Sort      Sort
	Page      page.Args
	View      *display.View // through whose eyes; nil sees what no rule hides
	// Shelf is the slug of the category whose page this is, as it stands by itself:
	// its pins hold. Empty for any other list.
	Shelf string
	// StockHidden says that the buyer may not learn what is in stock: not by what the
	// list holds, nor by its order, nor by its facets.
	StockHidden bool
}

// through is the query as the view answers it: a category's page that nobody has
// sorted stands in the category's own order.
func (q ListQuery) through(v *display.View) ListQuery {
	q.View = v
	if q.Shelf == "" {
		return q
	}
	if own := Sort(v.Sort(q.Shelf)); own != "" {
		q.Sort = own
	}
	return q
}

// shelf is the slug of the category whose whole page is asked for; empty if it is
// another list.
func (in ListInput) shelf() string {
	f := in.Filter
	whole := f.Query == "" && len(f.Brands)+len(f.Tags)+len(f.Attributes) == 0 && f.MinPrice == nil && f.MaxPrice == nil && f.InStock == nil
	if whole && len(f.Categories) == 1 && (in.Sort == "" || in.Sort == SortRelevance) {
		return f.Categories[0]
	}
	return ""
}

// ProductPage is one page of products, with the facets of the whole list.
type ProductPage struct {
	page.Connection[Product]
	CountFacets func(ctx context.Context) ([]Facet, error)
}

// Facets count the list by category, brand, price, availability and attribute.
// They cost a query, made only when asked for.
func (p ProductPage) Facets(ctx context.Context) ([]Facet, error) {
	if p.CountFacets == nil {
		return []Facet{}, nil
	}
	return p.CountFacets(ctx)
}

// FacetKind is what a facet narrows by.
type FacetKind string

// The kinds of facet.
const (
	FacetCategory     FacetKind = "CATEGORY"
	FacetBrand        FacetKind = "BRAND"
	FacetPrice        FacetKind = "PRICE"
	FacetAvailability FacetKind = "AVAILABILITY"
	FacetAttribute    FacetKind = "ATTRIBUTE"
)

// Facet is one way to narrow a list. What is chosen in a facet narrows the others
// and not itself, so that its other values can still be chosen.
type Facet struct {
	Kind   FacetKind
	Code   string    // the attribute's code; empty for the other kinds
	Name   i18n.Text // the attribute's name
	Unit   string
	Values []FacetValue
}

// FacetValue is one value of a facet and how many products have it.
type FacetValue struct {
	Value    string // what the filter takes: a slug, or an attribute's canonical value
	Label    i18n.Text
	Count    int
	Selected bool
	Parent   *string // a category's parent, by slug
	Min      *money.Money
	Max      *money.Money // exclusive; nil for no bound
}

// List is one page of the products that the request's channel shows.
func (s *Service) List(ctx context.Context, in ListInput) (ProductPage, error) {
	if err := in.Filter.Validate(); err != nil {
		return ProductPage{}, err
	}
	q, err := s.query(ctx, in)
	if err != nil {
		return ProductPage{}, err
	}
	var found ProductPage
	err = s.rules.Through(ctx, func(v *display.View) (err error) {
		found, err = s.store.Listed(ctx, q.through(v))
		return err
	})
	return found, err
}

func (s *Service) query(ctx context.Context, in ListInput) (ListQuery, error) {
	c := channel.From(ctx)
	buyer, err := s.buyers.Buyer(ctx)
	if err != nil {
		return ListQuery{}, err
	}
	if buyer.StockHidden {
		in.Filter.InStock = nil
	}
	q := ListQuery{
		ChannelID: c.ID, BrandID: c.BrandID, Currency: money.Currency(c.Currency),
		At: s.now(), Filter: in.Filter, Sort: in.Sort, Page: in.Page, Shelf: in.shelf(),
		StockHidden: buyer.StockHidden,
	}
	if in.Filter.Query != "" {
		synonyms, err := s.synonyms.of(ctx, c.BrandID)
		if err != nil {
			return q, err
		}
		q.Words = s.words.Query(in.Filter.Query, synonyms)
	}
	if q.Sort == "" {
		q.Sort = SortRelevance
	}
	if q.Sort == SortRelevance && q.Words.Empty() {
		q.Sort = SortNewest
	}
	return q, nil
}
