package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/inventory"
)

// Inventory keeps stock in PostgreSQL.
type Inventory struct{ db *DB }

// NewInventory makes the store of stock.
func NewInventory(db *DB) *Inventory { return &Inventory{db} }

// beyondStock joins, to the variant v, what may be ordered of it that is not there
// (b), how much of that is taken (w), and the terms that it is sold under (t). A
// policy is found by the listing's copy. Of a set, what its parts allow counts (y). The release is asked of the database's
// clock, which all who sell share.
const beyondStock = setStock + looseStock

// looseStock is beyondStock for variants of which it is known whether they are sets, or
// where sets do not matter.
const looseStock = `
	LEFT JOIN sale_terms t ON t.variant_id = v.id AND t.kind IS NOT NULL
	LEFT JOIN LATERAL (
		SELECT 1000000 AS most, t.promise WHERE ` + soldUnseen + `
		UNION ALL (
			SELECT o.back_order_limit, o.promise
			FROM product_listings l JOIN sold_out_policies o ON o.id = l.sold_out_rule AND o.policy = 'BACK_ORDER'
			WHERE l.product_id = v.product_id AND (` + soldUnseen + `) IS NOT TRUE LIMIT 1)
	) b ON true
	LEFT JOIN back_orders w ON w.variant_id = v.id`

// soldUnseen is the condition that the terms t sell goods that are not there.
const soldUnseen = `t.kind = 'MADE_TO_ORDER' OR t.kind = 'ADVANCE' AND t.release_at > now()`

// looseBeyond counts the pieces that may still be ordered of a variant with looseStock,
// and beyond, with beyondStock, those of a set as well.
const (
	looseBeyond = `greatest(coalesce(b.most - coalesce(w.pieces, 0), 0), 0)`
	beyond      = `coalesce(y.most - y.free, ` + looseBeyond + `)`
)

// Free counts the free pieces of the variants at the brand's shipping locations, and
// what may be ordered beyond them.
func (s *Inventory) Free(ctx context.Context, brandID uuid.UUID, variantIDs []uuid.UUID) ([]inventory.Free, error) {
	return collect[inventory.Free](ctx, s.db, `
		SELECT v.id AS variant_id, least(f.free, t.total - t.sold) AS pieces,
			least(`+beyond+`, CASE WHEN t.total IS NOT NULL THEN greatest(t.total - t.sold - f.free, 0) END) AS beyond, coalesce(y.promise, CASE WHEN y.free IS NULL THEN b.promise END) AS promise,
			CASE WHEN f.free <= 0 THEN arrives_on(v.id, coalesce(w.pieces, 0) + 1) END AS arrives_on
		FROM variants v`+beyondStock+` CROSS JOIN LATERAL (SELECT `+freePieces+`::int AS free) f
		WHERE v.id = ANY(@variants) AND v.brand_id = @brand`, pgx.NamedArgs{"variants": variantIDs, "brand": brandID})
}

// touched are the products of the variants, and of the sets that hold them.
const touched = `SELECT product_id FROM variants WHERE id = ANY(@variants)
	UNION SELECT h.product_id FROM set_parts q JOIN variants h ON h.id = q.set_id WHERE q.variant_id = ANY(@variants)`

// Restate writes down, for the products of the variants and of the sets that hold them,
// whether anything of them can be ordered, and gives these sets. The listings are locked
// first and the stock is read after that: of two orders that empty a product together,
// the later sees both.
func (s *Inventory) Restate(ctx context.Context, variantIDs []uuid.UUID) (sets []uuid.UUID, err error) {
	args := pgx.NamedArgs{"variants": variantIDs}
	batch := &pgx.Batch{}
	batch.Queue(`
		WITH locked AS (
			SELECT FROM product_listings WHERE product_id IN (`+touched+`) ORDER BY channel_id, product_id FOR UPDATE
		)
		SELECT ARRAY(SELECT DISTINCT set_id FROM set_parts WHERE variant_id = ANY(@variants)), (SELECT count(*) FROM locked)`, args).
		QueryRow(func(row pgx.Row) error { return row.Scan(&sets, new(int)) })
	batch.Queue(`
		UPDATE product_listings listing SET in_stock = now.in_stock
		FROM (
			SELECT l.channel_id, l.product_id, orderable(l.product_id, l.sold_out_rule) AS in_stock
			FROM product_listings l WHERE l.product_id IN (`+touched+`)
		) now WHERE now.product_id = listing.product_id AND now.channel_id = listing.channel_id AND listing.in_stock <> now.in_stock`, args)
	return sets, s.db.conn(ctx).SendBatch(ctx, batch).Close()
}
