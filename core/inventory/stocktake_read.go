package inventory

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/page"
)

// At says where something is looked for; what is empty does not count.
type At struct {
	LocationID *uuid.UUID
	Stores     []uuid.UUID // at one of these
}

// Stocktake is a stocktake of the brand; nil if there is none.
func (k *Keeper) Stocktake(ctx context.Context, stocktakeID uuid.UUID) (*Stocktake, error) {
	if err := access.Require(ctx, access.InventoryRead); err != nil {
		return nil, err
	}
	return k.Stocktakes.Stocktake(ctx, channel.From(ctx).BrandID, stocktakeID)
}

// ListStocktakes is one page of the brand's stocktakes, the last begun first; staff of a
// shop see their own.
func (k *Keeper) ListStocktakes(ctx context.Context, locationID *uuid.UUID, args page.Args) (page.Connection[Stocktake], error) {
	if err := access.Require(ctx, access.InventoryRead); err != nil {
		return page.Connection[Stocktake]{}, err
	}
	stores, narrowed := access.StoresOf(ctx)
	if narrowed && len(stores) == 0 {
		return page.Connection[Stocktake]{}, nil
	}
	return k.Stocktakes.Stocktakes(ctx, channel.From(ctx).BrandID, At{locationID, stores}, args)
}

// CountedLines is one page of what a stocktake found, the last counted first.
func (k *Keeper) CountedLines(ctx context.Context, stocktakeID uuid.UUID, differing bool, args page.Args) (page.Connection[CountedLine], error) {
	if err := access.Require(ctx, access.InventoryRead); err != nil {
		return page.Connection[CountedLine]{}, err
	}
	return k.Stocktakes.CountedLines(ctx, stocktakeID, differing, args)
}

// Differing narrows what was counted to what differs from the books.
const Differing = "DIFFERING"

// FirstCounted are the first pages of what stocktakes found, the last counted first.
func (k *Keeper) FirstCounted(ctx context.Context, wanted []page.First) (map[page.First]page.Connection[CountedLine], error) {
	if err := access.Require(ctx, access.InventoryRead); err != nil {
		return nil, err
	}
	return k.Stocktakes.FirstCounted(ctx, wanted)
}

// Tallies are many stocktakes in numbers.
func (k *Keeper) Tallies(ctx context.Context, stocktakeIDs []uuid.UUID) ([]Tally, error) {
	if err := access.Require(ctx, access.InventoryRead); err != nil {
		return nil, err
	}
	return k.Stocktakes.Tallies(ctx, stocktakeIDs)
}
