package postgres

import (
	"context"
	"maps"
	"slices"

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

// indexTables are where search vectors stand, by kind.
var indexTables = map[catalog.SuggestionKind]string{
	catalog.SuggestProduct: "products", catalog.SuggestCategory: "categories", catalog.SuggestBrand: "product_brands",
}

// WriteIndex keeps what search knows of the entries, in one round trip, and as many
// statements for all as for one. The vector of what has no word in it is not empty,
// so that it is not asked again.
func (s *Catalog) WriteIndex(ctx context.Context, entries []catalog.IndexEntry) error {
	kinds := map[catalog.SuggestionKind]bool{}
	rows := make([]map[string]any, len(entries))
	for i, e := range entries {
		kinds[e.Kind] = true
		rows[i] = map[string]any{"id": e.ID, "brand": e.BrandID, "kind": e.Kind, "vector": e.Vector, "name_key": e.NameKey, "keys": e.Keys}
	}
	args := pgx.NamedArgs{"entries": rows}
	const from = ` FROM jsonb_to_recordset(@entries) AS e (id uuid, brand uuid, kind text, vector text, name_key text, keys text[])`
	batch := &pgx.Batch{}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		batch.Queue(`UPDATE `+indexTables[kind]+` AS i SET search = CASE WHEN e.vector = '' THEN '''-'''::tsvector ELSE e.vector::tsvector END`+
			from+` WHERE i.id = e.id`, args)
	}
	if kinds[catalog.SuggestProduct] {
		batch.Queue(`UPDATE product_listings AS l SET name_key = e.name_key`+from+` WHERE l.product_id = e.id AND l.name_key <> e.name_key AND e.kind = 'PRODUCT'`, args)
	}
	batch.Queue(`DELETE FROM search_terms AS t USING (SELECT id, coalesce(keys, '{}') AS keys`+from+`) AS e WHERE t.target_id = e.id AND t.key <> ALL(e.keys)`, args)
	batch.Queue(`INSERT INTO search_terms (brand_id, kind, target_id, key) SELECT e.brand, e.kind, e.id, unnest(e.keys)`+from+` ON CONFLICT DO NOTHING`, args)
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
