package order

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
)

// ours fails where staff of a shop would change an order that is not their shop's: one
// that was not bought there, is not picked up there, and of which nothing leaves from
// there. They may see it, since its goods may come back to any shop.
func (s *Service) ours(ctx context.Context, o Order) error {
	stores, narrowed := access.StoresOf(ctx)
	if !narrowed || o.ShopID != nil && slices.Contains(stores, *o.ShopID) {
		return nil
	}
	if leaves, err := s.store.LeavesFrom(ctx, o.ID, stores); err != nil || leaves {
		return err
	}
	return fault.ErrForbidden
}

// inBrand is the context in the brand, for what jobs and webhooks do in no channel: events,
// of stock and campaigns too, are the brand's whoever caused them.
func inBrand(ctx context.Context, brandID uuid.UUID) context.Context {
	if channel.From(ctx).BrandID != uuid.Nil {
		return ctx
	}
	return channel.With(ctx, channel.Channel{BrandID: brandID})
}
