package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/promotion"
	"github.com/noren-commerce/noren/core/sale"
)

// setColumns are the columns of sale.Set, for the alias z.
const setColumns = `z.variant_id, z.brand_id, z.price_rule, z.percent, z.amount, z.created_at, z.updated_at,
	(SELECT coalesce(jsonb_agg(jsonb_build_object('variantId', q.variant_id, 'quantity', q.quantity) ORDER BY q.position), '[]')
		FROM set_parts q WHERE q.set_id = z.variant_id AND q.slot = 0) AS parts,
	(SELECT coalesce(jsonb_agg(jsonb_build_object('number', o.slot, 'name', o.name, 'pick', o.pick, 'choices', (
			SELECT jsonb_agg(q.variant_id ORDER BY q.position) FROM set_parts q WHERE q.set_id = o.set_id AND q.slot = o.slot)) ORDER BY o.slot), '[]')
		FROM set_slots o WHERE o.set_id = z.variant_id) AS slots`

// anyChoice stands, in what follows, for a set of which nothing is chosen yet.
const anyChoice = `'[]'::jsonb`

// setStock joins, to the variant v, how many pieces its parts allow (y), if it is a set.
const setStock = `
	LEFT JOIN LATERAL (
		SELECT y.free, y.most, y.promise FROM sets z CROSS JOIN LATERAL set_stock(z.variant_id, ` + anyChoice + `) y
		WHERE z.variant_id = v.id
	) y ON true`

// lineGoods joins, to the line k of a cart, what it is about (g): its variant, whose slot
// is null, and what that holds if it is a set.
const lineGoods = `
	CROSS JOIN LATERAL (
		SELECT k.variant_id, k.quantity, NULL::int AS slot, 0 AS position
		UNION ALL SELECT z.variant_id, z.quantity, 0, z.position FROM set_parts z WHERE z.set_id = k.variant_id AND z.slot = 0
		UNION ALL SELECT h.variant_id, h.quantity, h.slot, 0 FROM chosen_goods(nullif(k.choices, '[]')) h
	) g`

// Sets are those of the variants that are sets.
func (s *Sales) Sets(ctx context.Context, variantIDs []uuid.UUID) ([]sale.Set, error) {
	return collect[sale.Set](ctx, s.db, `SELECT `+setColumns+` FROM sets z WHERE z.variant_id = ANY($1)`, variantIDs)
}

// LockSets locks those of the variants that the brand has, in the order of their ids.
func (s *Sales) LockSets(ctx context.Context, brandID uuid.UUID, variantIDs []uuid.UUID) ([]uuid.UUID, error) {
	return read(ctx, s.db, `SELECT id FROM variants WHERE brand_id = $1 AND id = ANY($2) ORDER BY id FOR NO KEY UPDATE`, []any{brandID, variantIDs}, collectIDs)
}

// Holding are the sets that hold the variant.
func (s *Sales) Holding(ctx context.Context, variantID uuid.UUID) ([]uuid.UUID, error) {
	return read(ctx, s.db, `SELECT set_id FROM set_parts WHERE variant_id = $1`, []any{variantID}, collectIDs)
}

// Given reports whether a campaign whose period is not over gives the variant away.
func (s *Sales) Given(ctx context.Context, brandID, variantID uuid.UUID, at time.Time) (bool, error) {
	return one[bool](ctx, s.db, `SELECT EXISTS (
		SELECT FROM campaigns c, jsonb_array_elements(c.benefits) b
		WHERE c.brand_id = @brand AND c.valid_until > @at AND b->>'kind' = @gift AND b->>'variant' = @variant::text)`,
		pgx.NamedArgs{"brand": brandID, "variant": variantID.String(), "at": at, "gift": promotion.FreeGift})
}

// SaveSet writes the set in place of what was there. Its price is a rule: every process
// takes it in with the next price.
func (s *Sales) SaveSet(ctx context.Context, set sale.Set) error {
	args := pgx.NamedArgs{"set": set.VariantID, "brand": set.BrandID, "rule": set.PriceRule, "percent": set.Percent, "amount": set.Amount,
		"created": set.CreatedAt, "updated": set.UpdatedAt, "parts": orEmpty(set.Parts), "slots": orEmpty(set.Slots)}
	batch := &pgx.Batch{}
	batch.Queue(`
		INSERT INTO sets (variant_id, brand_id, price_rule, percent, amount, created_at, updated_at)
		VALUES (@set, @brand, @rule, @percent, @amount, @created, @updated)
		ON CONFLICT (variant_id) DO UPDATE SET price_rule = excluded.price_rule, percent = excluded.percent, amount = excluded.amount, updated_at = excluded.updated_at`, args)
	batch.Queue(`DELETE FROM set_parts WHERE set_id = @set`, args)
	batch.Queue(`DELETE FROM set_slots WHERE set_id = @set`, args)
	batch.Queue(`
		INSERT INTO set_slots (set_id, slot, name, pick)
		SELECT @set::uuid, o.number, o.name, o.pick FROM jsonb_to_recordset(@slots::jsonb) AS o (number smallint, name jsonb, pick int)`, args)
	batch.Queue(`
		INSERT INTO set_parts (set_id, variant_id, slot, position, quantity)
		SELECT @set::uuid, (p.part->>'variantId')::uuid, 0, p.position, (p.part->>'quantity')::int
		FROM jsonb_array_elements(@parts::jsonb) WITH ORDINALITY AS p (part, position)
		UNION ALL
		SELECT @set::uuid, c.choice::uuid, (o.slot->>'number')::smallint, c.position, 1
		FROM jsonb_array_elements(@slots::jsonb) AS o (slot)
		CROSS JOIN LATERAL jsonb_array_elements_text(o.slot->'choices') WITH ORDINALITY AS c (choice, position)`, args)
	return s.restated(ctx, batch, set)
}

// RemoveSet makes the set a variant like any other.
func (s *Sales) RemoveSet(ctx context.Context, set sale.Set) error {
	batch := &pgx.Batch{}
	batch.Queue(`DELETE FROM sets WHERE variant_id = $1`, set.VariantID)
	return s.restated(ctx, batch, set)
}

// restated writes what is queued, the listing's price of the set, and that rules moved.
func (s *Sales) restated(ctx context.Context, batch *pgx.Batch, set sale.Set) error {
	products, err := read(ctx, s.db, `SELECT product_id FROM variants WHERE id = $1`, []any{set.VariantID}, collectIDs)
	if err != nil {
		return err
	}
	queueRelist(batch, products, set.UpdatedAt)
	if err := s.db.conn(ctx).SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	return s.db.moveRules(ctx, set.BrandID, rulesMoved{})
}
