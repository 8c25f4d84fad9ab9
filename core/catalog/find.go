package catalog

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/display"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/search"
)

// SearchResult is what a search finds: a Product, Category or ProductBrand.
type SearchResult interface{ GlobalID() string }

// SuggestionKind is what a suggestion leads to.
type SuggestionKind string

// The kinds of suggestion.
const (
	SuggestProduct  SuggestionKind = "PRODUCT"
	SuggestCategory SuggestionKind = "CATEGORY"
	SuggestBrand    SuggestionKind = "BRAND"
	SuggestQuery    SuggestionKind = "QUERY" // what others asked for
)

// Suggestion is one way on from a half-typed word.
type Suggestion struct {
	Kind SuggestionKind
	Text i18n.Text
	Slug string // of the product, category or brand; empty for a query
}

// maxSuggestions bounds an answer of suggestions.
const maxSuggestions = 20

// Search finds products, and the categories and brands that are so named, in the
// channel of the request: shelves first, then products in the wanted order.
func (s *Service) Search(ctx context.Context, in ListInput) (page.Connection[SearchResult], error) {
	if err := in.Filter.Validate(); err != nil {
		return page.Connection[SearchResult]{}, err
	}
	q, err := s.query(ctx, in)
	if err != nil || q.Words.Empty() {
		return page.Connection[SearchResult]{Edges: []page.Edge[SearchResult]{}}, err
	}
	var found page.Connection[SearchResult]
	err = s.rules.Through(ctx, func(v *display.View) (err error) {
		found, err = s.store.Search(ctx, q.through(v))
		return err
	})
	if err == nil && len(found.Edges) > 0 && (in.Page.After == nil || *in.Page.After == "") {
		s.popular.asked(ctx, q.BrandID, q.Words.Text)
	}
	return found, err
}

// Suggestions are ways on from a half-typed word, however it is written.
func (s *Service) Suggestions(ctx context.Context, beginning string, first int) ([]Suggestion, error) {
	if first < 0 || first > maxSuggestions {
		return nil, ErrTooMany.With(maxSuggestions).At("first")
	}
	keys := search.Beginnings(beginning)
	if len(keys) == 0 || first == 0 {
		return []Suggestion{}, nil
	}
	c := channel.From(ctx)
	var found []Suggestion
	err := s.rules.Through(ctx, func(v *display.View) (err error) {
		found, err = s.store.Suggest(ctx, SuggestQueryInput{ChannelID: c.ID, BrandID: c.BrandID, At: s.now(), Keys: keys, First: first, View: v})
		return err
	})
	return found, err
}

// CategoriesByID are the brand's categories among ids.
func (s *Service) CategoriesByID(ctx context.Context, ids []uuid.UUID) ([]Category, error) {
	return s.store.CategoriesByID(ctx, channel.From(ctx).BrandID, ids)
}

// BrandsByID are the product brands among ids.
func (s *Service) BrandsByID(ctx context.Context, ids []uuid.UUID) ([]ProductBrand, error) {
	return s.store.BrandsByID(ctx, channel.From(ctx).BrandID, ids)
}
