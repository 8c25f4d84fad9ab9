package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/importing"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/scope"
)

// BelowStaged reports whether a row needs the permission to go below the floor.
func (s *PriceImports) BelowStaged(ctx context.Context, runID uuid.UUID) (bool, error) {
	return one[bool](ctx, s.DB, `SELECT EXISTS (SELECT FROM price_import_rows WHERE import_id = $1 AND below)`, runID)
}

// StagedPrices are new prices behind the line that no list lets go below the floor, the
// next first.
func (s *PriceImports) StagedPrices(ctx context.Context, runID uuid.UUID, behind, size int) ([]*importing.PriceLine, error) {
	type row struct {
		Line   int
		SKU    string
		Change importing.PriceChangeKind
		scope.Audience
		ListID    *uuid.UUID
		VariantID *uuid.UUID
		Amount    *int64
		Currency  money.Currency
	}
	rows, err := collect[row](ctx, s.DB, `
		SELECT r.line, r.sku, r.change, r.audience_kind, r.audience_id, r.list_id, r.variant_id, r.amount, coalesce(l.currency, c.currency) AS currency
		FROM price_import_rows r JOIN price_imports i ON i.id = r.import_id JOIN channels c ON c.id = i.channel_id
		LEFT JOIN price_lists l ON l.id = r.list_id
		WHERE r.import_id = $1 AND r.line > $2 AND r.change IN ('ADDED', 'CHANGED') AND r.amount IS NOT NULL AND l.below_floor IS NOT TRUE
		ORDER BY r.line LIMIT $3`, runID, behind, size)
	lines := make([]*importing.PriceLine, len(rows))
	for i, r := range rows {
		lines[i] = &importing.PriceLine{Line: r.Line, SKU: r.SKU, Change: r.Change, Audience: r.Audience, ListID: r.ListID, VariantID: r.VariantID, Amount: r.Amount, Currency: r.Currency}
	}
	return lines, err
}

// RejectStaged moves rows that were to be applied to the rejections.
func (s *PriceImports) RejectStaged(ctx context.Context, runID uuid.UUID, rejected []importing.Rejection) error {
	if len(rejected) == 0 {
		return nil
	}
	lines := make([]int, len(rejected))
	for i, r := range rejected {
		lines[i] = r.Line
	}
	batch := &pgx.Batch{}
	batch.Queue(`DELETE FROM price_import_rows WHERE import_id = $1 AND line = ANY($2)`, runID, lines)
	queueRejections(batch, runID, rejected)
	return s.conn(ctx).SendBatch(ctx, batch).Close()
}

// ListlessHolders are the customers whose list has to be made, or opened again.
func (s *PriceImports) ListlessHolders(ctx context.Context, runID uuid.UUID) ([]scope.Audience, error) {
	return collect[scope.Audience](ctx, s.DB, `
		SELECT DISTINCT r.audience_kind, r.audience_id FROM price_import_rows r
		WHERE r.import_id = @run AND r.change IN ('ADDED', 'CHANGED') AND r.audience_kind IN ('MEMBER', 'COMPANY')
			AND NOT EXISTS (SELECT FROM price_lists l WHERE l.id = r.list_id AND l.closed_at IS NULL)
		ORDER BY 1, 2`, pgx.NamedArgs{"run": runID})
}

// ApplyPrices puts the staged prices in force, in one round trip. Whether the prices
// are still those of the preview is told by how many of them are found and locked, and
// by how many new ones find their place free.
func (s *PriceImports) ApplyPrices(ctx context.Context, r importing.PriceRun, at time.Time) error {
	args := pgx.NamedArgs{"run": r.ID, "brand": r.BrandID, "at": at}
	batch := &pgx.Batch{}
	batch.Queue(`
		UPDATE price_import_rows r SET list_id = l.id FROM price_imports i JOIN channels c ON c.id = i.channel_id JOIN price_lists l ON l.currency = c.currency AND l.brand_id = i.brand_id
		WHERE i.id = @run AND r.import_id = i.id AND r.list_id IS NULL AND l.audience_kind = r.audience_kind AND l.audience_id = r.audience_id AND l.closed_at IS NULL`, args)
	stale := func(row pgx.Row) error {
		var found, expected int
		if err := row.Scan(&found, &expected); err != nil {
			return err
		}
		if found != expected {
			return importing.ErrPreviewStale.At("id")
		}
		return nil
	}
	batch.Queue(`
		WITH held AS (
			SELECT p.id FROM price_import_rows r JOIN prices p ON p.id = r.old_id JOIN price_lists l ON l.id = p.price_list_id
			WHERE r.import_id = @run AND p.amount = r.old_amount AND p.compare_at IS NOT DISTINCT FROM r.old_compare AND p.valid_until = r.old_until
				AND (l.closed_at IS NULL OR r.change = 'UNCHANGED')
			ORDER BY p.id FOR UPDATE OF p
		)
		SELECT (SELECT count(*) FROM held), (SELECT count(*) FROM price_import_rows WHERE import_id = @run AND old_id IS NOT NULL)`, args).QueryRow(stale)
	batch.Queue(`
		WITH added AS (
			INSERT INTO prices (id, price_list_id, variant_id, min_quantity, valid_from, valid_until, amount, compare_at)
			SELECT gen_random_uuid(), r.list_id, r.variant_id, r.min_quantity, r.valid_from, r.valid_until, r.amount, r.compare_at
			FROM price_import_rows r JOIN price_lists l ON l.id = r.list_id AND l.closed_at IS NULL
			WHERE r.import_id = @run AND r.change = 'ADDED'
			ORDER BY r.variant_id, r.list_id, r.min_quantity
			ON CONFLICT DO NOTHING RETURNING 1
		)
		SELECT (SELECT count(*) FROM added), (SELECT count(*) FROM price_import_rows WHERE import_id = @run AND change = 'ADDED')`, args).QueryRow(stale)
	batch.Queue(`
		UPDATE prices p SET amount = r.amount, compare_at = r.compare_at, valid_until = r.valid_until
		FROM price_import_rows r WHERE r.import_id = @run AND r.change = 'CHANGED' AND p.id = r.old_id`, args)
	batch.Queue(`DELETE FROM prices p USING price_import_rows r WHERE r.import_id = @run AND r.change = 'CLOSED' AND p.id = r.old_id AND p.valid_from >= @at`, args)
	batch.Queue(`
		UPDATE prices p SET valid_until = @at FROM price_import_rows r
		WHERE r.import_id = @run AND r.change = 'CLOSED' AND p.id = r.old_id AND p.valid_until > @at AND p.valid_from < @at`, args)
	batch.Queue(`
		INSERT INTO named_members (brand_id, member_id)
		SELECT DISTINCT @brand::uuid, audience_id FROM price_import_rows WHERE import_id = @run AND audience_kind = 'MEMBER' ON CONFLICT DO NOTHING`, args)
	if err := s.conn(ctx).SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	return s.moveRules(ctx, r.BrandID, rulesMoved{})
}

// StagedRates are changing rows behind the line, the next first.
func (s *PriceImports) StagedRates(ctx context.Context, runID uuid.UUID, behind, size int) ([]importing.StagedRate, error) {
	return collect[importing.StagedRate](ctx, s.DB, `
		SELECT line, change, rate, old_rate FROM price_import_rows WHERE import_id = $1 AND line > $2 ORDER BY line LIMIT $3`, runID, behind, size)
}

// StagedTurns are the moments ahead at which staged windows open or close.
func (s *PriceImports) StagedTurns(ctx context.Context, runID uuid.UUID, now time.Time) ([]time.Time, error) {
	type moment struct{ At time.Time }
	rows, err := collect[moment](ctx, s.DB, `
		SELECT DISTINCT m.at FROM price_import_rows r, LATERAL (VALUES (r.valid_from), (r.valid_until)) AS m (at)
		WHERE r.import_id = $1 AND r.change IN ('ADDED', 'CHANGED') AND m.at > $2 AND m.at < 'infinity' ORDER BY 1 LIMIT 1000`, runID, now)
	moments := make([]time.Time, len(rows))
	for i, r := range rows {
		moments[i] = r.At
	}
	return moments, err
}

// RepricedProducts are products behind the given one whose listings must follow: those
// of lists that channels sell by.
func (s *PriceImports) RepricedProducts(ctx context.Context, runID, behind uuid.UUID, size int) ([]uuid.UUID, error) {
	type product struct{ ProductID uuid.UUID }
	rows, err := collect[product](ctx, s.DB, `
		SELECT DISTINCT r.product_id FROM price_import_rows r
		WHERE r.import_id = $1 AND r.change <> 'UNCHANGED' AND r.product_id > $2 AND EXISTS (SELECT FROM channels c WHERE c.price_list_id = r.list_id)
		ORDER BY 1 LIMIT $3`, runID, behind, size)
	ids := make([]uuid.UUID, len(rows))
	for i, r := range rows {
		ids[i] = r.ProductID
	}
	return ids, err
}
