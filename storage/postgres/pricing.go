package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/pricing"
)

// Pricing keeps price lists in PostgreSQL.
type Pricing struct{ db *DB }

// NewPricing makes the store of prices.
func NewPricing(db *DB) *Pricing { return &Pricing{db} }

// Prices are the rows of the list for the variants whose window is not over.
func (s *Pricing) Prices(ctx context.Context, priceListID uuid.UUID, variantIDs []uuid.UUID) ([]pricing.Price, error) {
	return collect[pricing.Price](ctx, s.db, `
		SELECT id, variant_id, min_quantity,
			CASE WHEN valid_from = '-infinity' THEN '0001-01-01Z' ELSE valid_from END AS valid_from,
			CASE WHEN valid_until = 'infinity' THEN '9999-12-31Z' ELSE valid_until END AS valid_until,
			amount, compare_at
		FROM prices WHERE price_list_id = @list AND variant_id = ANY(@variants) AND valid_until > now()`,
		pgx.NamedArgs{"list": priceListID, "variants": variantIDs})
}
