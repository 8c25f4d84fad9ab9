package postgres

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/noren-commerce/noren/core/shipping"
)

// Shipping keeps shipping methods in PostgreSQL.
type Shipping struct{ db *DB }

// NewShipping makes the store of shipping methods.
func NewShipping(db *DB) *Shipping { return &Shipping{db} }

// shippingColumns are the columns of shipping.Method, for the alias m.
const shippingColumns = `m.id, m.brand_id, m.code, m.name, m.description, m.fee, m.tax_class, m.position, m.active,
	m.carrier_id, m.tariff, m.limits, m.schedule, ` + methodZones + ` AS zones,
	` + carrierCalendar + `c.collection_calendar_id) AS collects, ` + carrierCalendar + `c.delivery_calendar_id) AS delivers, ` + methodPlaces + ` AS places`

// methodZones are the zones that the method m speaks of.
const methodZones = `(SELECT coalesce(jsonb_agg(to_jsonb(z) ORDER BY z.code), '[]') FROM shipping_zones z WHERE z.id = ANY(m.zone_ids))`

// ShippingMethods are the brand's active methods, in its order.
func (s *Shipping) ShippingMethods(ctx context.Context, brandID uuid.UUID) ([]shipping.Method, error) {
	return collect[shipping.Method](ctx, s.db, `
		SELECT `+shippingColumns+` FROM shipping_methods m
		WHERE m.brand_id = @brand AND m.active ORDER BY m.position, m.code`, pgx.NamedArgs{"brand": brandID})
}

// AllShippingMethods are the brand's methods, closed ones included, in its order.
func (s *Shipping) AllShippingMethods(ctx context.Context, brandID uuid.UUID) ([]shipping.Method, error) {
	return collect[shipping.Method](ctx, s.db, `
		SELECT `+shippingColumns+` FROM shipping_methods m
		WHERE m.brand_id = @brand ORDER BY m.position, m.code`, pgx.NamedArgs{"brand": brandID})
}

// LockShippingMethod reads a method of the brand and locks it; nil if there is none.
func (s *Shipping) LockShippingMethod(ctx context.Context, brandID, methodID uuid.UUID) (*shipping.Method, error) {
	return first[shipping.Method](ctx, s.db, `
		SELECT `+shippingColumns+` FROM shipping_methods m
		WHERE m.brand_id = @brand AND m.id = @id FOR UPDATE OF m`, pgx.NamedArgs{"brand": brandID, "id": methodID})
}

// SaveShippingMethod writes a method, new or not.
func (s *Shipping) SaveShippingMethod(ctx context.Context, m shipping.Method) error {
	zones := make([]uuid.UUID, len(m.Zones))
	for i, z := range m.Zones {
		zones[i] = z.ID
	}
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO shipping_methods (id, brand_id, code, name, description, fee, tax_class, position, active, carrier_id, tariff, limits, schedule, zone_ids)
		VALUES (@id, @brand, @code, @name, @description, @fee, @tax_class, @position, @active, @carrier, @tariff, @limits, @schedule, @zones)
		ON CONFLICT (id) DO UPDATE SET code = excluded.code, name = excluded.name, description = excluded.description,
			fee = excluded.fee, tax_class = excluded.tax_class, position = excluded.position, active = excluded.active,
			carrier_id = excluded.carrier_id, tariff = excluded.tariff, limits = excluded.limits, schedule = excluded.schedule, zone_ids = excluded.zone_ids`,
		pgx.NamedArgs{"id": m.ID, "brand": m.BrandID, "code": m.Code, "name": m.Name, "description": m.Description,
			"fee": m.FeeMinor, "tax_class": m.TaxClass, "position": m.Position, "active": m.Active, "carrier": m.CarrierID, "tariff": m.Tariff, "limits": m.Limits, "schedule": m.Schedule, "zones": zones})
	return shippingCodeTaken(err, "shipping_methods_brand_id_code_key")
}

// shippingCodeTaken is the failure of a code that is another's.
func shippingCodeTaken(err error, constraint string) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.ConstraintName == constraint {
		return shipping.ErrCodeTaken.At("code")
	}
	return err
}
