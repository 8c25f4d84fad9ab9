package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/inventory"
)

const (
	shopColumns = `o.id, o.brand_id, o.code, o.name, o.address, coalesce(h.pick_up, false) AS pick_up, coalesce(h.pick_up_days, 7) AS pick_up_days,
		coalesce(h.stock_shown, 'BAND') AS stock_shown, h.latitude, h.longitude`
	openShops = `locations o LEFT JOIN shops h ON h.location_id = o.id`
	openShop  = `o.brand_id = @brand AND o.kind = 'SHOP' AND o.active`
)

// Shops are the brand's shops that are open.
func (s *Inventory) Shops(ctx context.Context, brandID uuid.UUID) ([]inventory.Shop, error) {
	return collect[inventory.Shop](ctx, s.db, `SELECT `+shopColumns+` FROM `+openShops+` WHERE `+openShop+` ORDER BY o.priority, o.id`, pgx.NamedArgs{"brand": brandID})
}

// SaveShop writes what a shop offers, and its address.
func (s *Inventory) SaveShop(ctx context.Context, h inventory.Shop) error {
	batch := &pgx.Batch{}
	batch.Queue(`UPDATE locations SET address = $2 WHERE id = $1`, h.ID, h.Address)
	batch.Queue(`
		INSERT INTO shops (location_id, pick_up, pick_up_days, stock_shown, latitude, longitude) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (location_id) DO UPDATE SET pick_up = excluded.pick_up, pick_up_days = excluded.pick_up_days, stock_shown = excluded.stock_shown,
			latitude = excluded.latitude, longitude = excluded.longitude`,
		h.ID, h.PickUp, h.PickUpDays, h.StockShown, h.Latitude, h.Longitude)
	return s.db.later(ctx, batch)
}

// ShopStock is what every open shop has of the variants; of a set, of what it holds.
func (s *Inventory) ShopStock(ctx context.Context, brandID uuid.UUID, variantIDs []uuid.UUID) ([]inventory.ShopStock, error) {
	return collect[inventory.ShopStock](ctx, s.db, `
		WITH need AS (
			SELECT v.id AS asked, v.id AS variant_id, 1 AS quantity FROM variants v
			WHERE v.id = ANY(@ids) AND v.brand_id = @brand AND NOT EXISTS (SELECT FROM sets z WHERE z.variant_id = v.id)
			UNION ALL
			SELECT z.set_id, z.variant_id, z.quantity FROM set_parts z
			WHERE z.set_id = ANY(@ids) AND NOT EXISTS (SELECT FROM set_slots c WHERE c.set_id = z.set_id)
		), there AS (
			SELECT n.asked, o.id AS shop_id, min(coalesce(l.free, 0) / n.quantity) AS free
			FROM need n CROSS JOIN locations o LEFT JOIN stock_levels l ON l.location_id = o.id AND l.variant_id = n.variant_id
			WHERE `+openShop+` GROUP BY n.asked, o.id
		)
		SELECT t.asked AS variant_id, t.free, `+shopColumns+`
		FROM there t JOIN `+openShops+` ON o.id = t.shop_id ORDER BY t.asked, o.priority, o.id`,
		pgx.NamedArgs{"ids": variantIDs, "brand": brandID})
}
