package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/dispatch"
	"github.com/noren-commerce/noren/core/prize"
)

// Waiting locks and reads exchanges of goods that have not left, as parcels.
func (s *Prizes) Waiting(ctx context.Context, w dispatch.Wanted) ([]dispatch.Delivery, error) {
	where, args := `e.brand_id = @brand AND e.state IN ('REQUESTED', 'PACKED') AND e.address IS NOT NULL`, pgx.NamedArgs{"brand": w.BrandID, "ids": w.ShipmentIDs, "limit": w.Limit}
	switch {
	case len(w.ShipmentIDs) > 0:
		where += ` AND e.id = ANY(@ids)`
	case !w.Exported:
		where += ` AND e.exported_at IS NULL`
	}
	ids, err := column[uuid.UUID](ctx, s.db, `SELECT e.id FROM prize_exchanges e WHERE `+where+` ORDER BY e.created_at, e.id LIMIT @limit FOR NO KEY UPDATE`, args)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	return s.Parcels(ctx, ids)
}

// Parcels are the exchanges in the order of the ids, but for those that were cancelled, or
// whose address was forgotten.
func (s *Prizes) Parcels(ctx context.Context, exchangeIDs []uuid.UUID) ([]dispatch.Delivery, error) {
	all, err := s.exchanges(ctx, `JOIN unnest($1::uuid[]) WITH ORDINALITY AS asked (asked_id, position) ON asked_id = id WHERE state <> 'CANCELLED' AND address IS NOT NULL ORDER BY position`, exchangeIDs)
	if err != nil {
		return nil, err
	}
	parcels := make([]dispatch.Delivery, len(all))
	for i, e := range all {
		parcels[i] = parcel(e)
	}
	return parcels, nil
}

func parcel(e prize.Exchange) dispatch.Delivery {
	return dispatch.Delivery{
		ID: e.ID, Source: dispatch.OfPrizes, Number: e.Reference(), To: *e.Address, Temperature: "AMBIENT",
		Goods: []dispatch.Goods{{Name: e.PrizeName["ja"], Quantity: e.Quantity}},
	}
}
