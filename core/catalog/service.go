package catalog

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/display"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/scope"
	"github.com/noren-commerce/noren/core/search"
)

// Glance is a look at what a channel shows at a moment, through the eyes of a
// buyer. A store that finds the view's rules out of date fails with
// display.ErrMoved. A nil View sees what no rule hides.
type Glance struct {
	ChannelID uuid.UUID
	At        time.Time
	View      *display.View
}

// Rules say what the actor of the context sees.
type Rules interface {
	// Through runs f with the actor's view, again when the rules have moved.
	Through(ctx context.Context, f func(*display.View) error) error
}

// Buyers know who asks.
type Buyers interface {
	Buyer(ctx context.Context) (scope.Buyer, error)
}

// Store keeps the catalog.
type Store interface {
	StaffStore
	Listed(ctx context.Context, q ListQuery) (ProductPage, error)
	Search(ctx context.Context, q ListQuery) (page.Connection[SearchResult], error)
	Suggest(ctx context.Context, in SuggestQueryInput) ([]Suggestion, error)
	Synonyms(ctx context.Context, brandID uuid.UUID) ([]Synonym, error)
	CountQueries(ctx context.Context, asked []Asked) error
	ProductBySlug(ctx context.Context, g Glance, slug string) (*Product, error)
	ProductsByID(ctx context.Context, g Glance, ids []uuid.UUID) ([]Product, error)
	VariantsOf(ctx context.Context, productIDs []uuid.UUID) ([]Variant, error)
	VariantsByID(ctx context.Context, ids []uuid.UUID) ([]Variant, error)
	Categories(ctx context.Context, brandID uuid.UUID) ([]Category, error)
	CategoriesByID(ctx context.Context, brandID uuid.UUID, ids []uuid.UUID) ([]Category, error)
	BrandsByID(ctx context.Context, brandID uuid.UUID, ids []uuid.UUID) ([]ProductBrand, error)
}

// SuggestQueryInput asks for suggestions by the beginnings of their keys.
type SuggestQueryInput struct {
	ChannelID uuid.UUID
	BrandID   uuid.UUID
	At        time.Time
	Keys      []string
	First     int
	View      *display.View
}

// Service answers what is in the catalog.
type Service struct {
	store    Store
	rules    Rules
	buyers   Buyers
	words    *search.Analyzer
	synonyms *synonymBook
	popular  *popularity
	now      clock.Clock
}

// New makes the catalog service.
func New(store Store, rules Rules, buyers Buyers, words *search.Analyzer, now clock.Clock) *Service {
	return &Service{
		store: store, rules: rules, buyers: buyers, words: words, now: now,
		synonyms: &synonymBook{store: store, now: now, books: map[uuid.UUID]datedBook{}},
		popular:  &popularity{store: store, now: now, counts: map[askedKey]*Asked{}},
	}
}

// BySlug is the product that the channel shows under the slug, or fault.CodeNotFound.
func (s *Service) BySlug(ctx context.Context, slug string) (p *Product, err error) {
	err = s.rules.Through(ctx, func(v *display.View) (err error) {
		p, err = s.store.ProductBySlug(ctx, s.glance(ctx, v), slug)
		return err
	})
	if err != nil || p == nil {
		return nil, orNotFound(err)
	}
	return p, nil
}

// ByIDs are the products among ids that the channel shows, in no order.
func (s *Service) ByIDs(ctx context.Context, ids []uuid.UUID) (found []Product, err error) {
	err = s.rules.Through(ctx, func(v *display.View) (err error) {
		found, err = s.store.ProductsByID(ctx, s.glance(ctx, v), ids)
		return err
	})
	return found, err
}

func (s *Service) glance(ctx context.Context, v *display.View) Glance {
	return Glance{ChannelID: channel.From(ctx).ID, At: s.now(), View: v}
}

// VariantsOf are the active variants of many products, in the order of their positions.
func (s *Service) VariantsOf(ctx context.Context, productIDs []uuid.UUID) ([]Variant, error) {
	return s.store.VariantsOf(ctx, productIDs)
}

// VariantsByID are the active variants among ids.
func (s *Service) VariantsByID(ctx context.Context, ids []uuid.UUID) ([]Variant, error) {
	return s.store.VariantsByID(ctx, ids)
}

// Categories are all shelves of the channel's brand, parents before children.
func (s *Service) Categories(ctx context.Context) ([]Category, error) {
	return s.store.Categories(ctx, channel.From(ctx).BrandID)
}

func orNotFound(err error) error {
	if err != nil {
		return err
	}
	return fault.ErrNotFound
}
