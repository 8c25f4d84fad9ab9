package app

import (
	"cmp"
	"context"
	"strings"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/display"
	"github.com/noren-commerce/noren/core/inventory"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/sealing"
	"github.com/noren-commerce/noren/core/wishlist"
	"github.com/noren-commerce/noren/storage/postgres"
)

// window shows variants as the actor of the context sees them.
type window struct {
	prices *pricing.Service
	rules  *display.Service
	stock  *inventory.Service
	goods  *catalog.Service
}

// newWishes puts together what members would like to have.
func newWishes(cfg Config, db *postgres.DB, sealed *sealing.Keys, w window, jobs *postgres.Jobs, channels *channel.Service, now clock.Clock) (*wishlist.Service, error) {
	stops, err := wishlist.NewStops(cfg.Secret, cfg.PublicURL)
	return wishlist.New(wishlist.Parts{
		Tx: db, Store: postgres.NewWishLists(db), Events: postgres.NewEvents(db), Sold: w, Now: now,
		Watch: wishlist.Watch{
			Shop: w, Channels: channels.All, Outbox: jobs,
			ShopURL: strings.TrimSuffix(cmp.Or(cfg.ShopURL, cfg.PublicURL), "/"), Stops: stops, Addresses: postgres.NewMailings(db, sealed),
		},
	}), err
}

// Visible reports whether the channel shows the variant to the actor.
func (w window) Visible(ctx context.Context, variantID uuid.UUID) (bool, error) {
	variants, err := w.goods.VariantsByID(ctx, []uuid.UUID{variantID})
	if err != nil || len(variants) == 0 {
		return false, err
	}
	products, err := w.goods.ByIDs(ctx, []uuid.UUID{variants[0].ProductID})
	if err != nil || len(products) == 0 {
		return false, err
	}
	standings, err := w.rules.Standings(ctx, 0, []uuid.UUID{variantID})
	standing, ruled := standings[variantID]
	return !ruled || standing.Visible, err
}

// See is what the actor sees of variants that the channel sells.
func (w window) See(ctx context.Context, variantIDs []uuid.UUID) (map[uuid.UUID]wishlist.Seen, error) {
	standings, err := w.rules.Standings(ctx, 0, variantIDs)
	if err != nil {
		return nil, err
	}
	desk, err := w.prices.Desk(ctx, pricing.Ask{})
	if err != nil {
		return nil, err
	}
	sheets, err := desk.Sheets(ctx, variantIDs)
	if err != nil {
		return nil, err
	}
	all, err := w.stock.Free(ctx, variantIDs)
	if err != nil {
		return nil, err
	}
	seen := make(map[uuid.UUID]wishlist.Seen, len(variantIDs))
	for _, free := range all {
		standing, ruled := standings[free.VariantID]
		if ruled && !standing.Visible {
			continue
		}
		var s wishlist.Seen
		if !free.Hidden {
			out := free.Availability() == inventory.OutOfStock
			s.SoldOut = &out
		}
		if !ruled || standing.PriceHidden == nil {
			if s.Price, err = pieceAt(desk, sheets, free.VariantID); err != nil {
				return nil, err
			}
		}
		seen[free.VariantID] = s
	}
	return seen, nil
}

// pieceAt is what one piece costs; nil if it has no price.
func pieceAt(desk *pricing.Desk, sheets pricing.Book, variantID uuid.UUID) (*int64, error) {
	line, err := desk.Piece(sheets[variantID], pricing.Item{VariantID: variantID, Quantity: 1})
	if err != nil || line == nil {
		return nil, err
	}
	return &line.Unit.Minor, nil
}
