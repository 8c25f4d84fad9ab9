package catalog

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/search"
)

// Store keeps the catalog.
type Store interface {
	StaffStore
	Listed(ctx context.Context, q ListQuery) (ProductPage, error)
	Search(ctx context.Context, q ListQuery) (page.Connection[SearchResult], error)
	Suggest(ctx context.Context, in SuggestQueryInput) ([]Suggestion, error)
	Synonyms(ctx context.Context, brandID uuid.UUID) ([]Synonym, error)
	CountQueries(ctx context.Context, asked []Asked) error
	ProductBySlug(ctx context.Context, channelID uuid.UUID, slug string, at time.Time) (*Product, error)
	ProductsByID(ctx context.Context, channelID uuid.UUID, ids []uuid.UUID, at time.Time) ([]Product, error)
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
}

// Service answers what is in the catalog.
type Service struct {
	store    Store
	words    *search.Analyzer
	synonyms *synonymBook
	popular  *popularity
	now      clock.Clock
}

// New makes the catalog service.
func New(store Store, words *search.Analyzer, now clock.Clock) *Service {
	return &Service{
		store: store, words: words, now: now,
		synonyms: &synonymBook{store: store, now: now, books: map[uuid.UUID]datedBook{}},
		popular:  &popularity{store: store, now: now, counts: map[askedKey]*Asked{}},
	}
}

// BySlug is the product that the channel shows under the slug, or fault.CodeNotFound.
func (s *Service) BySlug(ctx context.Context, slug string) (*Product, error) {
	p, err := s.store.ProductBySlug(ctx, channel.From(ctx).ID, slug, s.now())
	if err != nil || p == nil {
		return nil, orNotFound(err)
	}
	return p, nil
}

// ByIDs are the products among ids that the channel shows, in no order.
func (s *Service) ByIDs(ctx context.Context, ids []uuid.UUID) ([]Product, error) {
	return s.store.ProductsByID(ctx, channel.From(ctx).ID, ids, s.now())
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
