package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/prize"
)

// Shop reports whether the brand has the shop or the event's stand, open.
func (s *Prizes) Shop(ctx context.Context, brandID, shopID uuid.UUID) (bool, error) {
	return NewCounters(s.db).Shop(ctx, brandID, shopID)
}

// ShopStocks are the prizes' pieces at shops, by their codes.
func (s *Prizes) ShopStocks(ctx context.Context, prizeIDs, stores []uuid.UUID, narrowed bool) ([]prize.ShopStock, error) {
	return collect[prize.ShopStock](ctx, s.db, `
		SELECT k.prize_id, k.location_id, k.stock FROM prize_shop_stocks k JOIN locations o ON o.id = k.location_id
		WHERE k.prize_id = ANY($1) AND (NOT $3 OR k.location_id = ANY($2)) ORDER BY k.prize_id, o.code, o.id`, prizeIDs, stores, narrowed)
}

// MoveShopStock adds pieces at a shop, or takes some away; false if there were fewer than none.
func (s *Prizes) MoveShopStock(ctx context.Context, prizeID, shopID uuid.UUID, by int64, at time.Time) (bool, error) {
	if by < 0 {
		tag, err := s.db.conn(ctx).Exec(ctx, `
			UPDATE prize_shop_stocks SET stock = stock + $3, updated_at = $4 WHERE prize_id = $1 AND location_id = $2 AND stock + $3 >= 0`, prizeID, shopID, by, at)
		return tag.RowsAffected() > 0, err
	}
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO prize_shop_stocks AS k (prize_id, location_id, stock, updated_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (prize_id, location_id) DO UPDATE SET stock = k.stock + $3, updated_at = $4`, prizeID, shopID, by, at)
	return err == nil, err
}

// TakeShopStock takes pieces at a shop, at what each costs, while the prize is offered.
func (s *Prizes) TakeShopStock(ctx context.Context, prizeID, shopID uuid.UUID, pieces int, each int64, at time.Time) (bool, error) {
	tag, err := s.db.conn(ctx).Exec(ctx, `
		WITH offered AS (SELECT id FROM prizes WHERE id = $1 AND points = $4 AND closed_at IS NULL FOR SHARE)
		UPDATE prize_shop_stocks k SET stock = k.stock - $3, updated_at = greatest(k.updated_at, $5)
		FROM offered p WHERE k.prize_id = p.id AND k.location_id = $2 AND k.stock >= $3`, prizeID, shopID, pieces, each, at)
	return tag.RowsAffected() > 0, err
}
