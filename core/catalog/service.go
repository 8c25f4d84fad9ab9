package catalog

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/page"
)

// Store keeps the catalog.
type Store interface {
	Listed(ctx context.Context, q ListQuery) (page.Connection[Product], error)
	ProductBySlug(ctx context.Context, channelID uuid.UUID, slug string, at time.Time) (*Product, error)
	ProductsByID(ctx context.Context, channelID uuid.UUID, ids []uuid.UUID, at time.Time) ([]Product, error)
	VariantsOf(ctx context.Context, productIDs []uuid.UUID) ([]Variant, error)
	VariantsByID(ctx context.Context, ids []uuid.UUID) ([]Variant, error)
	Categories(ctx context.Context, brandID uuid.UUID) ([]Category, error)
}

// ListQuery asks for one page of what a channel shows at a moment.
type ListQuery struct {
	ChannelID uuid.UUID
	At        time.Time
	Page      page.Args
}

// Service answers what is in the catalog.
type Service struct {
	store Store
	now   clock.Clock
}

// New makes the catalog service.
func New(store Store, now clock.Clock) *Service { return &Service{store: store, now: now} }

// List is one page of the products that the request's channel shows, newest first.
func (s *Service) List(ctx context.Context, args page.Args) (page.Connection[Product], error) {
	return s.store.Listed(ctx, ListQuery{ChannelID: channel.From(ctx).ID, At: s.now(), Page: args})
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
