package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/noren-commerce/noren/core/inventory"
)

const stocktakeColumns = `k.id, k.brand_id, k.location_id, k.state, k.note, k.started_at, k.updated_at`

// InsertStocktake writes a new stocktake; while one is open there it is inventory.ErrStocktakeOpen.
func (s *Inventory) InsertStocktake(ctx context.Context, k inventory.Stocktake) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO stocktakes (id, brand_id, location_id, state, note, started_at, updated_at)
		VALUES (@id, @brand, @location, @state, @note, @started, @updated)`, stocktakeArgs(k))
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.ConstraintName == "stocktakes_open" {
		return inventory.ErrStocktakeOpen
	}
	return err
}

func stocktakeArgs(k inventory.Stocktake) pgx.NamedArgs {
	return pgx.NamedArgs{"id": k.ID, "brand": k.BrandID, "location": k.LocationID, "state": k.State, "note": k.Note, "started": k.StartedAt, "updated": k.UpdatedAt}
}

// LockStocktake reads a stocktake of the brand and locks it; nil if there is none.
func (s *Inventory) LockStocktake(ctx context.Context, brandID, stocktakeID uuid.UUID) (*inventory.Stocktake, error) {
	return first[inventory.Stocktake](ctx, s.db, `SELECT `+stocktakeColumns+` FROM stocktakes k WHERE k.id = @id AND k.brand_id = @brand FOR UPDATE`,
		pgx.NamedArgs{"id": stocktakeID, "brand": brandID})
}

// EndStocktake writes how a stocktake ended.
func (s *Inventory) EndStocktake(ctx context.Context, k inventory.Stocktake) error {
	_, err := s.db.conn(ctx).Exec(ctx, `UPDATE stocktakes SET state = @state, updated_at = @updated WHERE id = @id`, stocktakeArgs(k))
	return err
}

// CountLines writes down what was counted, with what the books say now.
func (s *Inventory) CountLines(ctx context.Context, k inventory.Stocktake, lines []inventory.CountedLine) error {
	args := stocktakeArgs(k)
	variants, counted := make([]uuid.UUID, len(lines)), make([]int, len(lines))
	for i, l := range lines {
		variants[i], counted[i] = l.VariantID, l.Counted
		args["at"], args["actor"] = l.CountedAt, l.ActorID
	}
	args["variants"], args["counted"] = variants, counted
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO stocktake_lines (stocktake_id, variant_id, book, counted, counted_at, actor_id)
		SELECT @id, n.variant, coalesce(s.on_hand, 0), n.counted, @at, @actor::uuid
		FROM unnest(@variants::uuid[], @counted::int[]) AS n (variant, counted)
		LEFT JOIN stock_levels s ON s.variant_id = n.variant AND s.location_id = @location
		ON CONFLICT (stocktake_id, variant_id) DO UPDATE SET
			book = excluded.book, counted = excluded.counted, counted_at = excluded.counted_at, actor_id = excluded.actor_id`, args)
	return err
}

// ZeroUncounted counts nothing of every variant that lies there by the books and was
// not counted.
func (s *Inventory) ZeroUncounted(ctx context.Context, k inventory.Stocktake, at time.Time, actor *uuid.UUID) error {
	args := stocktakeArgs(k)
	args["at"], args["actor"] = at, actor
	batch := &pgx.Batch{}
	batch.Queue(`
		INSERT INTO stocktake_lots (stocktake_id, variant_id, lot_id, book, counted)
		SELECT @id, k.variant_id, k.lot_id, k.available + k.quarantined, 0
		FROM stock_levels s JOIN stock_lot_levels k ON k.variant_id = s.variant_id AND k.location_id = s.location_id
		WHERE s.location_id = @location AND s.tracked AND s.on_hand > 0 AND k.available + k.quarantined > 0
			AND NOT EXISTS (SELECT FROM stocktake_lines l WHERE l.stocktake_id = @id AND l.variant_id = s.variant_id)`, args)
	batch.Queue(`
		INSERT INTO stocktake_lines (stocktake_id, variant_id, book, counted, counted_at, actor_id)
		SELECT @id, s.variant_id, s.on_hand, 0, @at, @actor::uuid FROM stock_levels s
		WHERE s.location_id = @location AND s.on_hand > 0
		ON CONFLICT (stocktake_id, variant_id) DO NOTHING`, args)
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

// Short are the variants of which less would be left than is reserved; the levels
// that would change are locked.
func (s *Inventory) Short(ctx context.Context, k inventory.Stocktake) (found []inventory.Shortage, err error) {
	args, batch := stocktakeArgs(k), &pgx.Batch{}
	batch.Queue(`
		INSERT INTO stock_levels (variant_id, location_id)
		SELECT l.variant_id, @location FROM stocktake_lines l WHERE l.stocktake_id = @id AND l.counted <> l.book
		ORDER BY l.variant_id ON CONFLICT DO NOTHING`, args)
	batch.Queue(`
		SELECT FROM stock_levels s JOIN stocktake_lines l ON l.variant_id = s.variant_id
		WHERE s.location_id = @location AND l.stocktake_id = @id AND l.counted <> l.book
		ORDER BY s.variant_id FOR UPDATE OF s`, args)
	queueRows(batch, &found, nil, `
		SELECT v.id AS variant_id, v.sku, s.reserved - s.on_hand - l.counted + l.book AS missing
		FROM stocktake_lines l JOIN stock_levels s ON s.variant_id = l.variant_id AND s.location_id = @location JOIN variants v ON v.id = l.variant_id
		WHERE l.stocktake_id = @id AND l.counted < l.book AND s.on_hand + l.counted - l.book < s.reserved ORDER BY v.sku`, args)
	err = s.db.conn(ctx).SendBatch(ctx, batch).Close()
	return found, err
}

// BookDifferences changes the levels, which are locked, and adds a movement for each
// difference; it answers the variants that differed.
func (s *Inventory) BookDifferences(ctx context.Context, k inventory.Stocktake, m inventory.Movement) ([]uuid.UUID, error) {
	args := stocktakeArgs(k)
	args["at"], args["kind"], args["reference"] = m.At, m.Kind, m.Reference
	return read(ctx, s.db, `
		WITH differing AS (
			SELECT l.variant_id, l.counted - l.book AS pieces FROM stocktake_lines l WHERE l.stocktake_id = @id AND l.counted <> l.book
		), moved AS (
			INSERT INTO stock_movements (id, at, variant_id, location_id, kind, quantity, reference, actor_role, actor_id)
			SELECT gen_random_uuid(), @at, variant_id, @location, @kind, pieces, @reference, @role, @actor::uuid FROM differing
		)
		UPDATE stock_levels s SET on_hand = s.on_hand + d.pieces FROM differing d
		WHERE s.variant_id = d.variant_id AND s.location_id = @location RETURNING s.variant_id AS id`, []any{acting(ctx, args)}, collectIDs)
}
