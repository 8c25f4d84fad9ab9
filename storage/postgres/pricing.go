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

// priceColumns are the columns of pricing.Price, for the alias r. Open ends of a
// window become the ends of the calendar.
const priceColumns = `r.id, r.variant_id, r.min_quantity,
	greatest(r.valid_from, '0001-01-01Z') AS valid_from, least(r.valid_until, '9999-12-31Z') AS valid_until,
	r.amount, r.compare_at`

// Prices are the rows of the list for the variants whose window is not over.
func (s *Pricing) Prices(ctx context.Context, priceListID uuid.UUID, variantIDs []uuid.UUID) ([]pricing.Price, error) {
	return collect[pricing.Price](ctx, s.db, `
		SELECT `+priceColumns+` FROM prices r
		WHERE r.price_list_id = @list AND r.variant_id = ANY(@variants) AND r.valid_until > now()`,
		pgx.NamedArgs{"list": priceListID, "variants": variantIDs})
}
