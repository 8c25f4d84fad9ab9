package postgres

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/shipping"
)

const (
	carrierColumns = `c.id, c.brand_id, c.code, c.name, c.tracking_url, c.active, c.collection_calendar_id, c.delivery_calendar_id`
	zoneColumns    = `z.id, z.brand_id, z.code, z.name, z.prefectures, z.postal_codes, z.lead_days, z.active`
)

// Carriers are the brand's carriers, closed ones included.
func (s *Shipping) Carriers(ctx context.Context, brandID uuid.UUID) ([]shipping.Carrier, error) {
	return collect[shipping.Carrier](ctx, s.db, `
		SELECT `+carrierColumns+` FROM shipping_carriers c WHERE c.brand_id = @brand ORDER BY c.code`, pgx.NamedArgs{"brand": brandID})
}

// LockCarrier reads a carrier of the brand and locks it; nil if there is none.
func (s *Shipping) LockCarrier(ctx context.Context, brandID, carrierID uuid.UUID) (*shipping.Carrier, error) {
	return first[shipping.Carrier](ctx, s.db, `
		SELECT `+carrierColumns+` FROM shipping_carriers c WHERE c.brand_id = @brand AND c.id = @id FOR UPDATE`,
		pgx.NamedArgs{"brand": brandID, "id": carrierID})
}

// SaveCarrier writes a carrier, new or not.
func (s *Shipping) SaveCarrier(ctx context.Context, c shipping.Carrier) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO shipping_carriers (id, brand_id, code, name, tracking_url, active)
		VALUES (@id, @brand, @code, @name, @url, @active)
		ON CONFLICT (id) DO UPDATE SET code = excluded.code, name = excluded.name, tracking_url = excluded.tracking_url, active = excluded.active`,
		pgx.NamedArgs{"id": c.ID, "brand": c.BrandID, "code": c.Code, "name": c.Name, "url": c.TrackingURL, "active": c.Active})
	return shippingCodeTaken(err, "shipping_carriers_brand_id_code_key")
}

// Zones are the brand's zones, closed ones included.
func (s *Shipping) Zones(ctx context.Context, brandID uuid.UUID) ([]shipping.Zone, error) {
	return collect[shipping.Zone](ctx, s.db, `
		SELECT `+zoneColumns+` FROM shipping_zones z WHERE z.brand_id = @brand ORDER BY z.code`, pgx.NamedArgs{"brand": brandID})
}

// LockZone reads a zone of the brand and locks it; nil if there is none.
func (s *Shipping) LockZone(ctx context.Context, brandID, zoneID uuid.UUID) (*shipping.Zone, error) {
	return first[shipping.Zone](ctx, s.db, `
		SELECT `+zoneColumns+` FROM shipping_zones z WHERE z.brand_id = @brand AND z.id = @id FOR UPDATE`,
		pgx.NamedArgs{"brand": brandID, "id": zoneID})
}

// LockZones are the brand's open zones; nobody changes one until the transaction ends.
func (s *Shipping) LockZones(ctx context.Context, brandID uuid.UUID) ([]shipping.Zone, error) {
	return collect[shipping.Zone](ctx, s.db, `
		SELECT `+zoneColumns+` FROM shipping_zones z WHERE z.brand_id = @brand AND z.active ORDER BY z.id FOR SHARE`,
		pgx.NamedArgs{"brand": brandID})
}

// SaveZone writes a zone, new or not.
func (s *Shipping) SaveZone(ctx context.Context, z shipping.Zone) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO shipping_zones (id, brand_id, code, name, prefectures, postal_codes, lead_days, active)
		VALUES (@id, @brand, @code, @name, @prefectures, @postal, @lead, @active)
		ON CONFLICT (id) DO UPDATE SET code = excluded.code, name = excluded.name, prefectures = excluded.prefectures,
			postal_codes = excluded.postal_codes, lead_days = excluded.lead_days, active = excluded.active`,
		pgx.NamedArgs{"id": z.ID, "brand": z.BrandID, "code": z.Code, "name": z.Name, "prefectures": z.Prefectures,
			"postal": z.PostalCodes, "lead": z.LeadDays, "active": z.Active})
	return shippingCodeTaken(err, "shipping_zones_brand_id_code_key")
}

// ZoneUsed reports whether a method that is offered speaks of the zone.
func (s *Shipping) ZoneUsed(ctx context.Context, brandID, zoneID uuid.UUID) (bool, error) {
	return one[bool](ctx, s.db, `
		SELECT EXISTS (SELECT FROM shipping_methods m WHERE m.brand_id = @brand AND m.active AND @zone = ANY(m.zone_ids))`,
		pgx.NamedArgs{"brand": brandID, "zone": zoneID})
}

// traitsColumns are what is known of the variant v with its traits y, said or not.
const traitsColumns = `v.id AS variant_id, coalesce(y.length, 0) AS length, coalesce(y.width, 0) AS width, coalesce(y.height, 0) AS height,
	coalesce(y.temperature, 'AMBIENT') AS temperature, coalesce(y.oversize, false) AS oversize, coalesce(y.no_direct, false) AS no_direct`

// Traits are those of the brand's variants among those.
func (s *Shipping) Traits(ctx context.Context, brandID uuid.UUID, variantIDs []uuid.UUID) ([]shipping.Traits, error) {
	return s.traits(ctx, brandID, variantIDs, ``)
}

// LockTraits is Traits with the variants locked.
func (s *Shipping) LockTraits(ctx context.Context, brandID uuid.UUID, variantIDs []uuid.UUID) ([]shipping.Traits, error) {
	return s.traits(ctx, brandID, variantIDs, ` FOR NO KEY UPDATE OF v`)
}

func (s *Shipping) traits(ctx context.Context, brandID uuid.UUID, variantIDs []uuid.UUID, lock string) ([]shipping.Traits, error) {
	return collect[shipping.Traits](ctx, s.db, `
		SELECT `+traitsColumns+` FROM variants v LEFT JOIN shipping_traits y ON y.variant_id = v.id
		WHERE v.brand_id = @brand AND v.id = ANY(@ids) ORDER BY v.id`+lock, pgx.NamedArgs{"brand": brandID, "ids": variantIDs})
}

// SaveTraits writes traits in one statement: they travel as one JSON array.
func (s *Shipping) SaveTraits(ctx context.Context, all []shipping.Traits) error {
	raw, err := json.Marshal(all)
	if err != nil {
		return err
	}
	_, err = s.db.conn(ctx).Exec(ctx, `
		INSERT INTO shipping_traits (variant_id, length, width, height, temperature, oversize, no_direct)
		SELECT variant_id, length, width, height, temperature, oversize, no_direct
		FROM jsonb_populate_recordset(NULL::shipping_traits, @all::jsonb)
		ON CONFLICT (variant_id) DO UPDATE SET length = excluded.length, width = excluded.width, height = excluded.height,
			temperature = excluded.temperature, oversize = excluded.oversize, no_direct = excluded.no_direct`,
		pgx.NamedArgs{"all": string(raw)})
	return err
}
