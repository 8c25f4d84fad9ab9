package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/dispatch"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/shipping"
)

const resultColumns = `id, brand_id, file_name, digest, jsonb_array_length(rows) AS rows, done, shipped, parcels, known, rejections, created_at`

// InsertResult keeps a file with its rows. One that is there already is answered instead.
func (s *Dispatch) InsertResult(ctx context.Context, r dispatch.Result, rows []dispatch.ResultRow, by dispatch.Uploader) (dispatch.Result, error) {
	if _, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO shipment_results (id, brand_id, file_name, digest, rows, rejections, actor, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (brand_id, digest) DO NOTHING`,
		r.ID, r.BrandID, r.FileName, r.Digest, orEmpty(rows), orEmpty(r.Rejections), by, r.CreatedAt); err != nil {
		return r, err
	}
	kept, err := first[dispatch.Result](ctx, s.db, `SELECT `+resultColumns+` FROM shipment_results WHERE brand_id = $1 AND digest = $2`, r.BrandID, r.Digest)
	if err != nil || kept == nil {
		return r, err
	}
	return *kept, nil
}

// Result is the file with the id; nil if there is none.
func (s *Dispatch) Result(ctx context.Context, resultID uuid.UUID) (*dispatch.Result, error) {
	return first[dispatch.Result](ctx, s.db, `SELECT `+resultColumns+` FROM shipment_results WHERE id = $1`, resultID)
}

// Rows are the file's, and who uploaded it.
func (s *Dispatch) Rows(ctx context.Context, resultID uuid.UUID) ([]dispatch.ResultRow, dispatch.Uploader, error) {
	type file struct {
		Rows  []dispatch.ResultRow
		Actor dispatch.Uploader
	}
	found, err := first[file](ctx, s.db, `SELECT rows, actor FROM shipment_results WHERE id = $1`, resultID)
	if err != nil || found == nil {
		return nil, dispatch.Uploader{}, err
	}
	return found.Rows, found.Actor, nil
}

// Advance notes what became of the row with the index, once.
func (s *Dispatch) Advance(ctx context.Context, resultID uuid.UUID, row int, step dispatch.Step) (bool, error) {
	var more []dispatch.Rejection
	if step.Rejection != nil {
		more = append(more, *step.Rejection)
	}
	tag, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE shipment_results SET done = done + 1, shipped = shipped + $3, parcels = parcels + $4, known = known + $5, rejections = rejections || $6
		WHERE id = $1 AND done = $2`, resultID, row, step.Shipped, step.Parcels, step.Known, orEmpty(more))
	return tag.RowsAffected() == 1, err
}

// Results is one page of the brand's files, the last first.
func (s *Dispatch) Results(ctx context.Context, brandID uuid.UUID, args page.Args) (page.Connection[dispatch.Result], error) {
	named := pgx.NamedArgs{"brand": brandID}
	found, err := keyset(ctx, s.db, args, resultColumns+` FROM shipment_results`, `brand_id = @brand`, `(id)`, `id DESC`, named,
		func(k uuid.UUID) []any { return []any{k} }, func(r dispatch.Result) uuid.UUID { return r.ID })
	found.Count = func(ctx context.Context) (int, error) {
		return one[int](ctx, s.db, `SELECT count(*) FROM shipment_results WHERE brand_id = @brand`, named)
	}
	return found, err
}

// Named are the shipments of the brand's order with the number.
func (s *Dispatch) Named(ctx context.Context, brandID uuid.UUID, number, key string) ([]dispatch.Found, error) {
	return collect[dispatch.Found](ctx, s.db, `
		SELECT h.id, h.nth, h.status, EXISTS (SELECT FROM parcels p WHERE p.shipment_id = h.id AND p.key = $3) AS known
		FROM shipments h JOIN orders o ON o.id = h.order_id WHERE o.brand_id = $1 AND o.number = $2 ORDER BY h.nth`, brandID, number, key)
}

// CarrierCoded is the brand's carrier with the code; nil if there is none.
func (s *Dispatch) CarrierCoded(ctx context.Context, brandID uuid.UUID, code string) (*shipping.Carrier, error) {
	return first[shipping.Carrier](ctx, s.db, `SELECT `+carrierColumns+` FROM shipping_carriers c WHERE c.brand_id = $1 AND c.code = $2`, brandID, code)
}
