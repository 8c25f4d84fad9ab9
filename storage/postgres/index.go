package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/event"
)

// Documents are what of the products can be searched for.
func (s *Catalog) Documents(ctx context.Context, productIDs []uuid.UUID) ([]catalog.Document, error) {
	return collect[catalog.Document](ctx, s.db, `
		SELECT p.id AS product_id, p.brand_id, p.name, p.description, p.tags, coalesce(b.name, '{}') AS maker,
			coalesce((
				WITH RECURSIVE above AS (
					SELECT c.id, c.parent_id, c.name FROM product_categories pc JOIN categories c ON c.id = pc.category_id WHERE pc.product_id = p.id
					UNION
					SELECT c.id, c.parent_id, c.name FROM above JOIN categories c ON c.id = above.parent_id
				) SELECT jsonb_agg(name) FROM above), '[]') AS shelves,
			ARRAY(
				SELECT code FROM variants v CROSS JOIN LATERAL (
					SELECT v.sku AS code UNION ALL SELECT v.barcode UNION ALL SELECT jsonb_array_elements_text(v.options)
				) AS codes WHERE v.product_id = p.id AND v.active AND code <> '') AS codes,
			coalesce((
				SELECT jsonb_agg(coalesce(
					(SELECT choice->'label' FROM jsonb_array_elements(a.choices) AS choice WHERE choice->>'value' = v.value LIMIT 1),
					jsonb_build_object('ja', v.value)))
				FROM product_attribute_values v JOIN attributes a ON a.id = v.attribute_id
				WHERE v.product_id = p.id AND a.type IN ('SELECT', 'TEXT')), '[]') AS "values"
		FROM products p LEFT JOIN product_brands b ON b.id = p.product_brand_id
		WHERE p.id = ANY(@ids)`, pgx.NamedArgs{"ids": productIDs})
}

// Shelves are the categories and product brands among ids.
func (s *Catalog) Shelves(ctx context.Context, ids []uuid.UUID) ([]catalog.Shelf, error) {
	return collect[catalog.Shelf](ctx, s.db, `
		SELECT 'CATEGORY' AS kind, id, brand_id, name FROM categories WHERE id = ANY(@ids)
		UNION ALL SELECT 'BRAND', id, brand_id, name FROM product_brands WHERE id = ANY(@ids)`, pgx.NamedArgs{"ids": ids})
}

// indexed is the vector of what has no word in it, so that it is not asked again.
const indexed = `CASE WHEN @vector::text = '' THEN '''-'''::tsvector ELSE @vector::text::tsvector END`

// WriteIndex keeps what search knows of the entries, in one round trip.
func (s *Catalog) WriteIndex(ctx context.Context, entries []catalog.IndexEntry) error {
	batch := &pgx.Batch{}
	for _, e := range entries {
		args := pgx.NamedArgs{"id": e.ID, "brand": e.BrandID, "kind": e.Kind, "vector": e.Vector, "key": e.NameKey, "keys": e.Keys}
		switch e.Kind {
		case catalog.SuggestProduct:
			batch.Queue(`UPDATE products SET search = `+indexed+` WHERE id = @id`, args)
			batch.Queue(`UPDATE product_listings SET name_key = @key WHERE product_id = @id AND name_key <> @key`, args)
		case catalog.SuggestCategory:
			batch.Queue(`UPDATE categories SET search = `+indexed+` WHERE id = @id`, args)
		case catalog.SuggestBrand:
			batch.Queue(`UPDATE product_brands SET search = `+indexed+` WHERE id = @id`, args)
		}
		batch.Queue(`DELETE FROM search_terms WHERE target_id = @id AND key <> ALL(@keys::text[])`, args)
		batch.Queue(`INSERT INTO search_terms (brand_id, kind, target_id, key) SELECT @brand, @kind, @id, unnest(@keys::text[]) ON CONFLICT DO NOTHING`, args)
	}
	if err := s.db.conn(ctx).SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	// Nothing has happened that history should know, but shoppers find other things.
	found := make([]event.Event, len(entries))
	for i, e := range entries {
		found[i] = event.Event{Type: "catalog.indexed", BrandID: e.BrandID, Subject: "Product", SubjectID: e.ID}
	}
	s.db.recorded(ctx, found)
	return nil
}

// Unindexed are up to limit products with an empty search vector, after the id.
func (s *Catalog) Unindexed(ctx context.Context, after uuid.UUID, limit int) ([]uuid.UUID, error) {
	return read(ctx, s.db, `SELECT id FROM products WHERE id > @after AND search = '' ORDER BY id LIMIT @limit`,
		[]any{pgx.NamedArgs{"after": after, "limit": limit}}, collectIDs)
}

// UnindexedShelves are the categories and product brands with an empty search vector.
func (s *Catalog) UnindexedShelves(ctx context.Context) ([]uuid.UUID, error) {
	return read(ctx, s.db, `SELECT id FROM categories WHERE search = '' UNION ALL SELECT id FROM product_brands WHERE search = ''`, nil, collectIDs)
}

func collectIDs(rows pgx.Rows) ([]uuid.UUID, error) {
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}
