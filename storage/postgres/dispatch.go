package postgres

import (
	"context"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/dispatch"
	"github.com/noren-commerce/noren/core/page"
)

// Dispatch keeps files to and from carriers in PostgreSQL.
type Dispatch struct{ db *DB }

// NewDispatch makes the store of carriers' files.
func NewDispatch(db *DB) *Dispatch { return &Dispatch{db} }

const senderColumns = `brand_id, profile, address, customer_code, fare_code, updated_at`

// Sender is who the brand's parcels come from; nil if nobody has said.
func (s *Dispatch) Sender(ctx context.Context, brandID uuid.UUID, profile string) (*dispatch.Sender, error) {
	return first[dispatch.Sender](ctx, s.db, `SELECT `+senderColumns+` FROM shipment_senders WHERE brand_id = $1 AND profile = $2`, brandID, profile)
}

// Senders are who the brand's parcels come from, by profile.
func (s *Dispatch) Senders(ctx context.Context, brandID uuid.UUID) ([]dispatch.Sender, error) {
	return collect[dispatch.Sender](ctx, s.db, `SELECT `+senderColumns+` FROM shipment_senders WHERE brand_id = $1 ORDER BY profile`, brandID)
}

// SaveSender keeps who the brand's parcels come from.
func (s *Dispatch) SaveSender(ctx context.Context, x dispatch.Sender) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO shipment_senders (`+senderColumns+`) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (brand_id, profile) DO UPDATE SET address = $3, customer_code = $4, fare_code = $5, updated_at = $6`,
		x.BrandID, x.Profile, x.Address, x.CustomerCode, x.FareCode, x.UpdatedAt)
	return err
}

// Waiting locks and reads shipments that wait to leave. All of an order's money is
// collected with the first of its shipments that stands: what points and gift cards have
// not paid, with its part of the tax.
func (s *Dispatch) Waiting(ctx context.Context, w dispatch.Wanted) ([]dispatch.Delivery, error) {
	where, args := `h.brand_id = @brand AND h.status = 'INSTRUCTED' AND o.shipping_mode <> 'PICK_UP'`, pgx.NamedArgs{"brand": w.BrandID, "limit": w.Limit}
	if len(w.ShipmentIDs) > 0 {
		where, args["ids"] = where+` AND h.id = ANY(@ids)`, w.ShipmentIDs
	} else {
		where += ` AND h.batch_id IS NULL AND o.held = ''`
	}
	if len(w.LocationIDs) > 0 {
		where, args["locations"] = where+` AND h.location_id = ANY(@locations)`, w.LocationIDs
	}
	if w.CarrierID != nil {
		where, args["carrier"] = where+` AND (SELECT m.carrier_id FROM shipping_methods m WHERE m.id = (o.shipping_method->>'id')::uuid) = @carrier`, *w.CarrierID
	}
	return collect[dispatch.Delivery](ctx, s.db, `
		SELECT h.id, 'ORDERS' AS source, o.id AS order_id, o.number, h.nth, o.held <> '' AS held, o.shipping_address AS "to", o.shipping_mode AS mode, o.billing_address AS billing,
			coalesce((SELECT c.name FROM companies c WHERE c.id = o.company_id), (SELECT a.name FROM accounts a WHERE a.id = o.member_id), '') AS buyer, coalesce(o.member_id, '00000000-0000-0000-0000-000000000000') AS buyer_id,
			g.temperature, g.goods, coalesce(p.due, 0) AS collect, coalesce(o.tax * p.due / nullif(o.total, 0), 0) AS collect_tax, h.deliver_on,
			CASE WHEN h.band IS NULL THEN '' ELSE left(coalesce(h.band->>'from', '08:00'), 2) || '-' || left(coalesce(h.band->>'to', '21:00'), 2) END AS time_band
		FROM shipments h JOIN orders o ON o.id = h.order_id
		CROSS JOIN LATERAL (
			SELECT CASE WHEN bool_or(t.temperature = 'FROZEN') THEN 'FROZEN' WHEN bool_or(t.temperature = 'CHILLED') THEN 'CHILLED' ELSE 'AMBIENT' END AS temperature,
				jsonb_agg(jsonb_build_object('name', coalesce(part.value->'name'->>'ja', l.name->>'ja'), 'quantity', x.quantity) ORDER BY l.position, x.variant_id) AS goods
			FROM shipment_lines x JOIN order_lines l ON l.id = x.line_id LEFT JOIN shipping_traits t ON t.variant_id = x.variant_id
			LEFT JOIN LATERAL (SELECT q.value FROM jsonb_array_elements(l.parts) q WHERE q.value->>'variantId' = x.variant_id::text LIMIT 1) part ON true
			WHERE x.shipment_id = h.id
		) g
		LEFT JOIN LATERAL (
			SELECT sum(p.amount - p.captured)::bigint AS due FROM payments p
			WHERE p.order_id = o.id AND p.method = 'CASH_ON_DELIVERY' AND p.status IN ('PENDING', 'AUTHORISED')
			  AND NOT EXISTS (SELECT FROM shipments e WHERE e.order_id = o.id AND e.nth < h.nth AND e.status NOT IN ('CANCELLED', 'REFUSED'))
		) p ON true
		WHERE `+where+` ORDER BY h.instructed_at, h.id LIMIT @limit FOR UPDATE OF h`, args)
}

const batchColumns = `id, source, brand_id, number, profile, location_id, file_name, shipments, remarks, actor_role, created_by, created_at, ship_on, exchange_ids`

// InsertBatch keeps a file under the brand's next number and marks its shipments, or
// exchanges of prizes.
func (s *Dispatch) InsertBatch(ctx context.Context, b dispatch.Batch, content []byte, shipmentIDs []uuid.UUID) (dispatch.Batch, error) {
	content, err := s.db.sealFile(ctx, b.ID, content)
	if err != nil {
		return b, err
	}
	sealed := b
	sealed.Remarks = slices.Clone(b.Remarks)
	keyID, err := s.db.seal(ctx, &sealed)
	if err != nil {
		return b, err
	}
	kept, err := first[dispatch.Batch](ctx, s.db, `
		WITH brand AS (
			SELECT id FROM brands WHERE id = @brand FOR NO KEY UPDATE
		), kept AS (
			INSERT INTO shipment_batches (id, source, brand_id, number, profile, location_id, file_name, shipments, remarks, content, key_id, actor_role, created_by, created_at, ship_on, exchange_ids)
			SELECT @id, @source, brand.id, n.number, @profile, @location, @name || '_' || n.number || '.csv', @shipments, @remarks, @content, @key, @role, @by, @at, @ship_on, @exchanges
			FROM brand, LATERAL (SELECT coalesce(max(x.number), 0) + 1 AS number FROM shipment_batches x WHERE x.brand_id = brand.id) n
			RETURNING `+batchColumns+`
		), marked AS (
			UPDATE shipments SET batch_id = @id, exported_at = @at WHERE @source = 'ORDERS' AND id = ANY(@marked)
		), prizes AS (
			UPDATE prize_exchanges SET batch_id = @id, exported_at = @at WHERE id = ANY(@exchanges)
		)
		SELECT `+batchColumns+` FROM kept`, pgx.NamedArgs{
		"id": b.ID, "brand": b.BrandID, "profile": b.Profile, "location": b.LocationID, "name": b.FileName, "shipments": b.Shipments,
		"remarks": orEmpty(sealed.Remarks), "content": orEmpty(content), "key": keyID, "role": b.ActorRole, "by": b.CreatedBy, "at": b.CreatedAt, "marked": shipmentIDs,
		"source": b.Source, "ship_on": b.ShipOn, "exchanges": orEmpty(b.ExchangeIDs),
	})
	if err != nil || kept == nil {
		return b, err
	}
	return *kept, nil
}

// Batch is the file with the id; nil if there is none.
func (s *Dispatch) Batch(ctx context.Context, batchID uuid.UUID) (*dispatch.Batch, error) {
	return first[dispatch.Batch](ctx, s.db, `SELECT `+batchColumns+` FROM shipment_batches WHERE id = $1`, batchID)
}

// BatchNumbered is the brand's file with the number; nil if there is none.
func (s *Dispatch) BatchNumbered(ctx context.Context, brandID uuid.UUID, number int) (*dispatch.Batch, error) {
	return first[dispatch.Batch](ctx, s.db, `SELECT `+batchColumns+` FROM shipment_batches WHERE brand_id = $1 AND number = $2`, brandID, number)
}

// Batches is one page of the brand's files, the last first.
func (s *Dispatch) Batches(ctx context.Context, q dispatch.BatchQuery) (page.Connection[dispatch.Batch], error) {
	where, named := `brand_id = @brand AND (source = 'ORDERS' OR @prizes)`, pgx.NamedArgs{"brand": q.BrandID, "prizes": q.Prizes}
	if len(q.LocationIDs) > 0 {
		where, named["locations"] = where+` AND location_id = ANY(@locations)`, q.LocationIDs
	}
	found, err := keyset(ctx, s.db, q.Page, batchColumns+` FROM shipment_batches`, where, `(number)`, `number DESC`, named,
		func(n int) []any { return []any{n} }, func(b dispatch.Batch) int { return b.Number })
	found.Count = func(ctx context.Context) (int, error) {
		return one[int](ctx, s.db, `SELECT count(*) FROM shipment_batches WHERE `+where, named)
	}
	return found, err
}

// Content is what is in a file.
func (s *Dispatch) Content(ctx context.Context, batchID uuid.UUID) ([]byte, error) {
	kept, err := one[[]byte](ctx, s.db, `SELECT content FROM shipment_batches WHERE id = $1`, batchID)
	if err != nil {
		return nil, err
	}
	return s.db.openFile(ctx, batchID, kept)
}
