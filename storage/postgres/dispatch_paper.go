package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/dispatch"
)

// Printable are shipments that wait to leave, of orders that are not held.
func (s *Dispatch) Printable(ctx context.Context, w dispatch.Wanted) ([]uuid.UUID, error) {
	where, args := `h.brand_id = @brand AND h.status = 'INSTRUCTED' AND o.held = ''`, pgx.NamedArgs{"brand": w.BrandID, "limit": w.Limit}
	if len(w.ShipmentIDs) > 0 {
		where, args["ids"] = where+` AND h.id = ANY(@ids)`, w.ShipmentIDs
	}
	if len(w.LocationIDs) > 0 {
		where, args["locations"] = where+` AND h.location_id = ANY(@locations)`, w.LocationIDs
	}
	if w.CarrierID != nil {
		where, args["carrier"] = where+` AND (SELECT m.carrier_id FROM shipping_methods m WHERE m.id = (o.shipping_method->>'id')::uuid) = @carrier`, *w.CarrierID
	}
	rows, err := collect[struct{ ID uuid.UUID }](ctx, s.db, `
		SELECT h.id FROM shipments h JOIN orders o ON o.id = h.order_id WHERE `+where+` ORDER BY h.instructed_at, h.id LIMIT @limit`, args)
	all := make([]uuid.UUID, len(rows))
	for i, r := range rows {
		all[i] = r.ID
	}
	return all, err
}

const paperColumns = `id, brand_id, kind, source, shipment_ids, format, skip, actor_role, created_by, created_at`

// InsertPaper keeps which shipments are printed together.
func (s *Dispatch) InsertPaper(ctx context.Context, p dispatch.Paper) error {
	_, err := s.db.conn(ctx).Exec(ctx, `INSERT INTO shipment_papers (`+paperColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		p.ID, p.BrandID, p.Kind, p.Source, p.ShipmentIDs, p.Format, p.Skip, p.ActorRole, p.CreatedBy, p.CreatedAt)
	return err
}

// Paper is the paper with the id; nil if there is none.
func (s *Dispatch) Paper(ctx context.Context, paperID uuid.UUID) (*dispatch.Paper, error) {
	return first[dispatch.Paper](ctx, s.db, `SELECT `+paperColumns+` FROM shipment_papers WHERE id = $1`, paperID)
}

// Packed are the shipments in the order of the ids; those that were called off are left
// out. What a part of a set costs alone stands on no paper.
func (s *Dispatch) Packed(ctx context.Context, shipmentIDs []uuid.UUID) ([]dispatch.Packed, error) {
	return collect[dispatch.Packed](ctx, s.db, `
		SELECT h.id AS shipment_id, o.id AS order_id, o.number, h.nth, o.placed_at, o.shipping_address AS "to", o.shipping_mode AS mode, o.billing_address AS billing,
			coalesce((SELECT c.name FROM companies c WHERE c.id = o.company_id), (SELECT a.name FROM accounts a WHERE a.id = o.member_id), '') AS buyer, coalesce(o.member_id, '00000000-0000-0000-0000-000000000000') AS buyer_id,
			(SELECT b.name->>'ja' FROM brands b WHERE b.id = o.brand_id) AS brand, (SELECT p.name->>'ja' FROM locations p WHERE p.id = h.location_id) AS location,
			g.temperature, h.deliver_on,
			CASE WHEN h.band IS NULL THEN '' ELSE left(coalesce(h.band->>'from', '08:00'), 2) || '-' || left(coalesce(h.band->>'to', '21:00'), 2) END AS time_band,
			o.currency, o.tax_inclusive, g.lines
		FROM unnest($1::uuid[]) WITH ORDINALITY AS asked (id, position) JOIN shipments h ON h.id = asked.id JOIN orders o ON o.id = h.order_id
		CROSS JOIN LATERAL (
			SELECT CASE WHEN bool_or(t.temperature = 'FROZEN') THEN 'FROZEN' WHEN bool_or(t.temperature = 'CHILLED') THEN 'CHILLED' ELSE 'AMBIENT' END AS temperature,
				jsonb_agg(jsonb_build_object(
					'sku', coalesce(part.value->>'sku', l.sku), 'barcode', coalesce(v.barcode, ''), 'name', coalesce(part.value->'name'->>'ja', l.name->>'ja'),
					'options', coalesce(part.value->'options', l.options), 'set', CASE WHEN part.value IS NULL THEN '' ELSE coalesce(l.name->>'ja', '') END,
					'quantity', x.quantity, 'unit', CASE WHEN part.value IS NULL THEN l.unit END) ORDER BY l.position, x.variant_id) AS lines
			FROM shipment_lines x JOIN order_lines l ON l.id = x.line_id LEFT JOIN variants v ON v.id = x.variant_id
			LEFT JOIN shipping_traits t ON t.variant_id = x.variant_id
			LEFT JOIN LATERAL (SELECT q.value FROM jsonb_array_elements(l.parts) q WHERE q.value->>'variantId' = x.variant_id::text LIMIT 1) part ON true
			WHERE x.shipment_id = h.id
		) g
		WHERE h.status <> 'CANCELLED' ORDER BY asked.position`, shipmentIDs)
}
