package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/inventory"
)

// Inventory keeps stock in PostgreSQL.
type Inventory struct{ db *DB }

// NewInventory makes the store of stock.
func NewInventory(db *DB) *Inventory { return &Inventory{db} }

// Free counts the free pieces of the variants at the brand's shipping locations.
func (s *Inventory) Free(ctx context.Context, brandID uuid.UUID, variantIDs []uuid.UUID) ([]inventory.Free, error) {
	return collect[inventory.Free](ctx, s.db, `
		SELECT s.variant_id, sum(s.on_hand - s.reserved)::int AS pieces
		FROM stock_levels s JOIN locations l ON l.id = s.location_id
		WHERE s.variant_id = ANY(@variants) AND l.brand_id = @brand AND l.ships AND l.active
		GROUP BY s.variant_id`, pgx.NamedArgs{"variants": variantIDs, "brand": brandID})
}

// Restate writes down, for the products of the variants, whether anything of them
// can be ordered. The listings are locked first and the stock is read after that:
// of two orders that empty a product together, the later sees both.
func (s *Inventory) Restate(ctx context.Context, variantIDs []uuid.UUID) error {
	args := pgx.NamedArgs{"variants": variantIDs}
	batch := &pgx.Batch{}
	batch.Queue(`
		SELECT FROM product_listings WHERE product_id IN (SELECT product_id FROM variants WHERE id = ANY(@variants))
		ORDER BY channel_id, product_id FOR UPDATE`, args)
	batch.Queue(`
		UPDATE product_listings listing SET in_stock = now.in_stock
		FROM (
			SELECT p.id, EXISTS (
				SELECT FROM variants v JOIN stock_levels s ON s.variant_id = v.id JOIN locations l ON l.id = s.location_id
				WHERE v.product_id = p.id AND v.active AND l.ships AND l.active AND s.on_hand > s.reserved) AS in_stock
			FROM products p WHERE p.id IN (SELECT product_id FROM variants WHERE id = ANY(@variants))
		) now WHERE now.id = listing.product_id AND listing.in_stock <> now.in_stock`, args)
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}
