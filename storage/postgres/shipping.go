package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/shipping"
)

// Shipping keeps shipping methods in PostgreSQL.
type Shipping struct{ db *DB }

// NewShipping makes the store of shipping methods.
func NewShipping(db *DB) *Shipping { return &Shipping{db} }

// shippingColumns are the columns of shipping.Method, for the alias m.
const shippingColumns = `m.id, m.brand_id, m.code, m.name, m.fee, m.tax_class, m.position, m.active`

// ShippingMethods are the brand's active methods, in its order.
func (s *Shipping) ShippingMethods(ctx context.Context, brandID uuid.UUID) ([]shipping.Method, error) {
	return collect[shipping.Method](ctx, s.db, `
		SELECT `+shippingColumns+` FROM shipping_methods m
		WHERE m.brand_id = @brand AND m.active ORDER BY m.position, m.code`, pgx.NamedArgs{"brand": brandID})
}
