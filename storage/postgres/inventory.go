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
