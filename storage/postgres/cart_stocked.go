package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/scope"
)

// Stocked are variants that the channel sells, one piece of each, and where they lie.
func (s *Carts) Stocked(ctx context.Context, in cart.Lookup, variantIDs []uuid.UUID) (cart.Stocked, error) {
	var found cart.Stocked
	args := cartArgs(in, pgx.NamedArgs{"ids": variantIDs})
	batch := &pgx.Batch{}
	queueRows(batch, &[]basketRow{}, func(rows []basketRow) {
		found.Goods = make(map[uuid.UUID]scope.Goods, len(rows))
		items, sheets, _ := itemsOf(rows)
		found.Items = items
		for id, sheet := range sheets {
			found.Goods[id] = sheet.Goods
		}
	}, itemsSQL(basketLines{singleLines, `true`, share, shippingPlaces}), args)
	queueRows(batch, &found.Levels, nil, levelsSQL(`(SELECT g.variant_id FROM `+singleLines+lineGoods+`)`, shippingPlaces), args)
	return found, s.db.conn(ctx).SendBatch(ctx, batch).Close()
}
