package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/sale"
)

// Sales keeps how variants are sold.
type Sales struct{ db *DB }

// NewSales makes the store of terms of sale.
func NewSales(db *DB) *Sales { return &Sales{db} }

const termsColumns = `variant_id, brand_id, kind, total, per_customer, release_at, promise, sold, created_at, updated_at,
	min_amount, with_product, with_category`

// Terms are those of the variants that are not over.
func (s *Sales) Terms(ctx context.Context, variantIDs []uuid.UUID) ([]sale.Terms, error) {
	return collect[sale.Terms](ctx, s.db, `SELECT `+termsColumns+` FROM sale_terms WHERE variant_id = ANY($1) AND kind IS NOT NULL`, variantIDs)
}

// Lock reads a variant's terms for changing, those that are over too. The variant
// is locked with them, so that two who set the first terms come one after the other.
func (s *Sales) Lock(ctx context.Context, brandID, variantID uuid.UUID) (*sale.Terms, bool, error) {
	args := pgx.NamedArgs{"brand": brandID, "variant": variantID}
	known, err := read(ctx, s.db, `SELECT id FROM variants WHERE brand_id = @brand AND id = @variant FOR NO KEY UPDATE`, []any{args}, collectIDs)
	if err != nil || len(known) == 0 {
		return nil, false, err
	}
	t, err := first[sale.Terms](ctx, s.db, `SELECT `+termsColumns+` FROM sale_terms WHERE variant_id = @variant FOR UPDATE`, args)
	return t, true, err
}

// Known tells whether the brand has the product and the category; true for nil.
func (s *Sales) Known(ctx context.Context, brandID uuid.UUID, product, category *uuid.UUID) (knowsProduct, knowsCategory bool, err error) {
	known, err := first[struct{ Product, Category bool }](ctx, s.db, `
		SELECT @product::uuid IS NULL OR EXISTS (SELECT FROM products WHERE id = @product AND brand_id = @brand) AS product,
			@category::uuid IS NULL OR EXISTS (SELECT FROM categories WHERE id = @category AND brand_id = @brand) AS category`,
		pgx.NamedArgs{"brand": brandID, "product": product, "category": category})
	if err != nil {
		return false, false, err
	}
	return known.Product, known.Category, nil
}

// Save writes everything but what is sold. What a sample costs is a rule.
func (s *Sales) Save(ctx context.Context, t sale.Terms) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO sale_terms (variant_id, brand_id, kind, total, per_customer, release_at, promise, created_at, updated_at,
			min_amount, with_product, with_category)
		VALUES (@variant, @brand, @kind, @total, @each, @release, @promise, @created, @updated, @least, @product, @category)
		ON CONFLICT (variant_id) DO UPDATE SET kind = excluded.kind, total = excluded.total, per_customer = excluded.per_customer,
			release_at = excluded.release_at, promise = excluded.promise, updated_at = excluded.updated_at,
			min_amount = excluded.min_amount, with_product = excluded.with_product, with_category = excluded.with_category`,
		pgx.NamedArgs{"variant": t.VariantID, "brand": t.BrandID, "kind": t.Kind, "total": t.Total, "each": t.PerCustomer,
			"release": t.ReleaseAt, "promise": t.Promise, "created": t.CreatedAt, "updated": t.UpdatedAt,
			"least": t.MinAmount, "product": t.WithProduct, "category": t.WithCategory})
	if err != nil {
		return err
	}
	return s.db.moveRules(ctx, t.BrandID, rulesMoved{})
}

// takeLimits counts pieces against what may be sold of them in all. The rows are
// locked in the order of their keys.
const takeLimits = `
	WITH want AS (
		SELECT * FROM unnest((SELECT @variants::uuid[]), (SELECT @quantities::int[])) AS u (variant_id, quantity)
	), locked AS (
		SELECT t.variant_id FROM sale_terms t JOIN want USING (variant_id) ORDER BY t.variant_id FOR UPDATE OF t
	)
	UPDATE sale_terms t SET sold = t.sold + u.quantity
	FROM want u JOIN locked USING (variant_id)
	WHERE t.variant_id = u.variant_id AND t.kind IS NOT NULL AND (t.total IS NULL OR t.sold + u.quantity <= t.total)
	RETURNING t.variant_id, coalesce(t.total - t.sold, 1000000) AS free, u.quantity AS taken, EXISTS (SELECT FROM set_parts z WHERE z.variant_id = t.variant_id) AS in_set`

// takenBefore is what the customer has taken of a variant under the names of older versions.
const takenBefore = `(SELECT coalesce(sum(o.taken), 0) FROM sale_customers o WHERE o.customer = ANY((@customers::text[])[2:]) AND o.variant_id = `

// takeShare counts them against what one customer may have. takeLimits holds the
// terms' rows.
const takeShare = `
	INSERT INTO sale_customers AS c (variant_id, customer, taken)
	SELECT u.variant_id, @customer, u.quantity
	FROM unnest((SELECT @variants::uuid[]), (SELECT @quantities::int[])) AS u (variant_id, quantity)
	JOIN sale_terms t USING (variant_id) WHERE t.per_customer IS NULL OR u.quantity + ` + takenBefore + `u.variant_id) <= t.per_customer
	ORDER BY u.variant_id
	ON CONFLICT (variant_id, customer) DO UPDATE SET taken = c.taken + excluded.taken
	WHERE c.taken + excluded.taken + ` + takenBefore + `excluded.variant_id) <= coalesce((SELECT t.per_customer FROM sale_terms t WHERE t.variant_id = excluded.variant_id), 2147483647)
	RETURNING c.variant_id`

// noteTaken keeps what the counters are the sum of.
const noteTaken = `
	INSERT INTO sale_movements (order_id, variant_id, kind, customer, quantity, at)
	SELECT @order, u.variant_id, 'TAKEN', @customer, u.quantity, @at
	FROM unnest(@variants::uuid[], @quantities::int[]) AS u (variant_id, quantity)
	ON CONFLICT (order_id, variant_id, kind) DO UPDATE SET quantity = sale_movements.quantity + excluded.quantity`

// limitsBack takes some of what an order took off the counters again.
const limitsBack = `
	WITH less AS (
		SELECT m.order_id, m.variant_id, m.customer, least(u.quantity, m.quantity) AS quantity, u.quantity >= m.quantity AS whole
		FROM unnest(@variants::uuid[], @quantities::int[]) AS u (variant_id, quantity)
		JOIN sale_movements m ON m.order_id = @order AND m.variant_id = u.variant_id AND m.kind = 'TAKEN'
	), gone AS (
		DELETE FROM sale_movements m USING less l WHERE m.order_id = l.order_id AND m.variant_id = l.variant_id AND m.kind = 'TAKEN' AND l.whole
	), fewer AS (
		UPDATE sale_movements m SET quantity = m.quantity - l.quantity FROM less l
		WHERE m.order_id = l.order_id AND m.variant_id = l.variant_id AND m.kind = 'TAKEN' AND NOT l.whole
	), locked AS (
		SELECT t.variant_id FROM sale_terms t JOIN less USING (variant_id) ORDER BY t.variant_id FOR UPDATE OF t
	), theirs AS (
		UPDATE sale_customers c SET taken = c.taken - l.quantity FROM less l JOIN locked USING (variant_id)
		WHERE c.variant_id = l.variant_id AND c.customer = l.customer
	)
	UPDATE sale_terms t SET sold = t.sold - l.quantity FROM less l JOIN locked USING (variant_id)
	WHERE t.variant_id = l.variant_id
	RETURNING t.variant_id, coalesce(t.total - t.sold, 1000000) AS free, -l.quantity AS taken, EXISTS (SELECT FROM set_parts z WHERE z.variant_id = t.variant_id) AS in_set`

// giveBack takes what an order took off the counters again, once.
const giveBack = `
	WITH back AS (
		INSERT INTO sale_movements (order_id, variant_id, kind, customer, quantity, at)
		SELECT order_id, variant_id, 'RETURNED', customer, -quantity, @at FROM sale_movements WHERE order_id = @order AND kind = 'TAKEN'
		ON CONFLICT DO NOTHING RETURNING variant_id, customer, quantity
	), locked AS (
		SELECT t.variant_id FROM sale_terms t JOIN back USING (variant_id) ORDER BY t.variant_id FOR UPDATE OF t
	), theirs AS (
		UPDATE sale_customers c SET taken = c.taken + b.quantity FROM back b JOIN locked USING (variant_id)
		WHERE c.variant_id = b.variant_id AND c.customer = b.customer
	)
	UPDATE sale_terms t SET sold = t.sold + b.quantity FROM back b JOIN locked USING (variant_id)
	WHERE t.variant_id = b.variant_id
	RETURNING t.variant_id, coalesce(t.total - t.sold, 1000000) AS free, b.quantity AS taken, EXISTS (SELECT FROM set_parts z WHERE z.variant_id = t.variant_id) AS in_set`
