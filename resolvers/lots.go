package resolvers

import (
	"context"

	"github.com/noren-commerce/noren/core/inventory"
	"github.com/noren-commerce/noren/graph/model"
)

func lotPayload(ctx context.Context, l *inventory.Lot, err error) (model.StockLotPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.StockLotPayload{Lot: l, UserErrors: errors}, err
}

func lotFilter(f *model.StockLotFilter) (in inventory.LotFilter, err error) {
	if f == nil {
		return in, nil
	}
	if in.VariantID, err = locationKey(f.VariantID); err != nil {
		return in, err
	}
	if in.LocationID, err = locationKey(f.LocationID); err != nil {
		return in, err
	}
	in.Number, in.Blocked, in.InStock, in.ExpiringSoon = value(f.Number), f.Recalled, f.InStock, f.ExpiringSoon
	return in, nil
}
