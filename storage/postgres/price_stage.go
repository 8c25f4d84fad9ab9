package postgres

import (
	"context"
	"encoding/hex"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/importing"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/scope"
)

// FindPrices fills in what the lines name, as far as it is known, and what holds, in
// one statement.
func (s *PriceImports) FindPrices(ctx context.Context, r importing.PriceRun, currency money.Currency, now time.Time, lines []*importing.PriceLine) error {
	if len(lines) == 0 {
		return nil
	}
	wanted := make([]map[string]any, len(lines))
	for i, l := range lines {
		hash, err := s.addressText(ctx, l.Holder)
		if err != nil {
			return err
		}
		wanted[i] = map[string]any{"place": i, "sku": l.SKU, "list": l.ListID, "holder": l.Holder, "hash": hash, "quantity": l.MinQuantity, "begins": l.Window.From}
	}
	type row struct {
		Place        int
		VariantID    *uuid.UUID
		ProductID    *uuid.UUID
		AudienceKind *scope.AudienceKind
		AudienceID   *uuid.UUID
		ListID       *uuid.UUID
		Free         *bool
		OldID        *uuid.UUID
		OldUntil     *time.Time
		OldAmount    *int64
		OldCompare   *int64
		Before       *int64
	}
	customer, list := `(SELECT NULL::text AS kind, NULL::uuid AS id)`, `SELECT id, audience_kind, audience_id, below_floor FROM price_lists WHERE id = x.list`
	if r.Kind == importing.CustomerPrices {
		customer = `(
			SELECT 'COMPANY' AS kind, c.id FROM companies c WHERE c.brand_id = @brand AND c.code = x.holder AND c.closed_at IS NULL
			UNION ALL SELECT 'MEMBER', a.id FROM accounts a WHERE a.id = ` + accountAt(`x.hash`, `x.holder`) + ` AND ` + memberKnown + ` LIMIT 1)`
		list = `SELECT id, audience_kind, audience_id, below_floor FROM price_lists o
			WHERE o.brand_id = @brand AND o.audience_id = w.id AND o.audience_kind = w.kind AND o.currency = @currency
			ORDER BY o.closed_at IS NOT NULL, o.closed_at DESC LIMIT 1`
	}
	rows, err := collect[row](ctx, s.DB, `
		SELECT x.place, v.id AS variant_id, v.product_id, coalesce(w.kind, l.audience_kind) AS audience_kind, coalesce(w.id, l.audience_id) AS audience_id,
			l.id AS list_id, l.below_floor AS free, p.id AS old_id, least(p.valid_until, '9999-12-31Z') AS old_until, p.amount AS old_amount, p.compare_at AS old_compare, b.amount AS before
		FROM (SELECT *, CASE WHEN begins < '0002-01-01' THEN '-infinity' ELSE begins END AS at
			FROM jsonb_to_recordset(@rows) AS y (place int, sku text, list uuid, holder text, hash bytea, quantity int, begins timestamptz)) x
		LEFT JOIN variants v ON v.brand_id = @brand AND v.sku = x.sku
		LEFT JOIN LATERAL `+customer+` w ON true
		LEFT JOIN LATERAL (`+list+`) l ON true
		LEFT JOIN prices p ON p.variant_id = v.id AND p.price_list_id = l.id AND p.min_quantity = x.quantity AND p.valid_from = x.at
		LEFT JOIN LATERAL (
			SELECT o.amount FROM prices o WHERE o.variant_id = v.id AND o.price_list_id = l.id AND o.min_quantity <= x.quantity
				AND o.valid_from <= greatest(x.at, @now) AND o.valid_until > greatest(x.at, @now) ORDER BY o.min_quantity DESC, o.valid_from DESC LIMIT 1
		) b ON true`, pgx.NamedArgs{"brand": r.BrandID, "currency": currency, "now": now, "rows": wanted})
	for _, f := range rows {
		l := lines[f.Place]
		l.VariantID, l.ProductID, l.ListID, l.OldID, l.OldUntil = f.VariantID, f.ProductID, f.ListID, f.OldID, f.OldUntil
		l.OldAmount, l.OldCompare, l.Before, l.Free = f.OldAmount, f.OldCompare, f.Before, f.Free != nil && *f.Free
		if f.AudienceKind != nil && f.AudienceID != nil {
			l.Audience = scope.Audience{Kind: *f.AudienceKind, ID: *f.AudienceID}
		}
	}
	return err
}

// FindScopes answers whom and what rates are for; zero ids for what is not known.
func (s *PriceImports) FindScopes(ctx context.Context, brandID uuid.UUID, wanted []importing.ScopeText) ([]importing.FoundScope, error) {
	rows, err := s.scopeTexts(ctx, wanted)
	if err != nil {
		return nil, err
	}
	return collect[importing.FoundScope](ctx, s.DB, `
		SELECT x.place, coalesce(CASE x.audience_kind
			WHEN 'MEMBER' THEN (SELECT a.id FROM accounts a WHERE a.id = `+accountAt(`x.hash`, `x.audience`)+` AND `+memberKnown+`)
			WHEN 'COMPANY' THEN (SELECT id FROM companies WHERE brand_id = @brand AND code = x.audience AND closed_at IS NULL)
			WHEN 'GROUP' THEN (SELECT id FROM customer_groups WHERE brand_id = @brand AND code = x.audience AND closed_at IS NULL)
			END, @none::uuid) AS audience_id,
		coalesce(CASE x.target_kind
			WHEN 'VARIANT' THEN (SELECT id FROM variants WHERE brand_id = @brand AND sku = x.target)
			WHEN 'PRODUCT' THEN (SELECT id FROM products WHERE brand_id = @brand AND slug = x.target)
			WHEN 'CATEGORY' THEN (SELECT id FROM categories WHERE brand_id = @brand AND slug = x.target)
			WHEN 'BRAND' THEN (SELECT id FROM product_brands WHERE brand_id = @brand AND slug = x.target)
			WHEN 'ATTRIBUTE' THEN (SELECT id FROM attributes WHERE brand_id = @brand AND code = x.target)
			END, @none::uuid) AS target_id
		FROM jsonb_to_recordset(@rows) AS x (place int, audience_kind text, audience text, hash bytea, target_kind text, target text)`,
		pgx.NamedArgs{"brand": brandID, "none": uuid.Nil, "rows": rows})
}

func (s *PriceImports) scopeTexts(ctx context.Context, wanted []importing.ScopeText) ([]map[string]any, error) {
	rows := make([]map[string]any, len(wanted))
	for i, w := range wanted {
		hash, err := s.addressText(ctx, w.Audience)
		if err != nil {
			return nil, err
		}
		rows[i] = map[string]any{"place": w.Place, "audience_kind": w.AudienceKind, "audience": w.Audience, "hash": hash, "target_kind": w.TargetKind, "target": w.Target}
	}
	return rows, nil
}

// addressText is the hash of an account's address as JSON holds it for a bytea; nil for
// what is no address.
func (s *PriceImports) addressText(ctx context.Context, typed string) (*string, error) {
	if !strings.Contains(typed, "@") {
		return nil, nil
	}
	hash, err := s.addressHash(ctx, typed)
	if err != nil || hash == nil {
		return nil, err
	}
	text := `\x` + hex.EncodeToString(hash)
	return &text, nil
}

// StagePrices keeps lines, in one statement, and answers the earlier line for each
// whose key is taken.
func (s *PriceImports) StagePrices(ctx context.Context, runID uuid.UUID, lines []*importing.PriceLine) (map[int]int, error) {
	if len(lines) == 0 {
		return nil, nil
	}
	rows := make([]map[string]any, len(lines))
	for i, l := range lines {
		rows[i] = map[string]any{
			"line": l.Line, "key": l.Key, "change": l.Change, "holder": l.Holder, "sku": l.SKU, "audience_kind": l.Audience.Kind, "audience_id": l.Audience.ID,
			"list_id": l.ListID, "variant_id": l.VariantID, "product_id": l.ProductID, "min_quantity": l.MinQuantity, "valid_from": l.Window.From, "valid_until": l.Window.Until,
			"amount": l.Amount, "compare_at": l.CompareAt, "old_id": l.OldID, "old_until": l.OldUntil, "old_amount": l.OldAmount, "old_compare": l.OldCompare,
			"before": l.Before, "difference": l.Difference, "below": l.Below, "rate": l.Rate, "old_rate": l.OldRate,
		}
	}
	type double struct{ Line, First int }
	found, err := collect[double](ctx, s.DB, `
		WITH given AS (
			SELECT * FROM jsonb_to_recordset(@rows) AS x (line int, key text, change text, holder text, sku text, audience_kind text, audience_id uuid, list_id uuid,
				variant_id uuid, product_id uuid, min_quantity int, valid_from timestamptz, valid_until timestamptz, amount bigint, compare_at bigint,
				old_id uuid, old_until timestamptz, old_amount bigint, old_compare bigint, before bigint, difference numeric, below boolean, rate jsonb, old_rate jsonb)
		), kept AS (
			INSERT INTO price_import_rows (import_id, line, key, change, holder, sku, audience_kind, audience_id, list_id, variant_id, product_id, min_quantity,
				valid_from, valid_until, amount, compare_at, old_id, old_until, old_amount, old_compare, before, difference, below, rate, old_rate)
			SELECT @run, line, key, change, holder, sku, audience_kind, audience_id, list_id, variant_id, product_id, min_quantity,
				CASE WHEN valid_from < '0002-01-01' THEN '-infinity' ELSE valid_from END, CASE WHEN valid_until > '9999-01-01' THEN 'infinity' ELSE valid_until END,
				amount, compare_at, old_id, CASE WHEN old_until > '9999-01-01' THEN 'infinity' ELSE old_until END, old_amount, old_compare, before, difference, below, rate, old_rate
			FROM given ORDER BY line
			ON CONFLICT (import_id, key) DO NOTHING
			RETURNING line, key
		)
		SELECT g.line, coalesce(k.line, r.line) AS first
		FROM given g LEFT JOIN kept k ON k.key = g.key LEFT JOIN price_import_rows r ON r.import_id = @run AND r.key = g.key
		WHERE coalesce(k.line, r.line) <> g.line`, pgx.NamedArgs{"run": runID, "rows": rows})
	doubles := make(map[int]int, len(found))
	for _, d := range found {
		doubles[d.Line] = d.First
	}
	return doubles, err
}

// RemarkTiers remarks the rows whose larger quantity costs more by the piece than the
// next smaller one of the same file. They are taken all the same, as single ones are.
func (s *PriceImports) RemarkTiers(ctx context.Context, runID uuid.UUID) error {
	_, err := s.conn(ctx).Exec(ctx, `
		INSERT INTO price_import_rejections (run_id, number, line, "column", value, slug, warning, ja, en)
		SELECT $1, (SELECT coalesce(max(number), 0) FROM price_import_rejections WHERE run_id = $1) + row_number() OVER (ORDER BY line), line, 'min_quantity', min_quantity::text, sku, true,
			'数量が増えると高くなる段階があります（' || min_quantity || '個以上）', 'A larger quantity would cost more by the piece, from ' || min_quantity || ' pieces on'
		FROM (
			SELECT line, sku, min_quantity, amount, lag(amount) OVER (PARTITION BY list_id, audience_id, variant_id, valid_from ORDER BY min_quantity) AS smaller
			FROM price_import_rows WHERE import_id = $1 AND amount IS NOT NULL
		) t WHERE smaller < amount`, runID)
	return err
}
