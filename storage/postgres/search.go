package postgres

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/page"
)

// hitKey is where a hit stands: shelves before products, then by the sort.
type hitKey struct {
	Group int     `json:"g"`
	Key   sortKey `json:"k"`
}

// shelfHit is a category or brand that a search found; Doc is its row.
type shelfHit struct {
	Group int
	Rank  float64
	ID    uuid.UUID
	Doc   json.RawMessage
}

// The groups of a search's answer.
const (
	groupCategory = iota
	groupBrand
	groupProduct
)

// Search is one page of what a channel shows for the words: categories and brands
// first (they are few), then products. Two statements, the first on page one only.
func (s *Catalog) Search(ctx context.Context, q catalog.ListQuery) (page.Connection[catalog.SearchResult], error) {
	var none page.Connection[catalog.SearchResult]
	size, err := q.Page.Size()
	if err != nil {
		return none, err
	}
	var after hitKey
	behind, err := q.Page.Start(&after)
	if err != nil {
		return none, err
	}
	found := page.Connection[catalog.SearchResult]{Edges: []page.Edge[catalog.SearchResult]{}}
	if !behind || after.Group != groupProduct {
		if found.Edges, err = s.shelfEdges(ctx, q, behind, after); err != nil {
			return none, err
		}
	}
	more := len(found.Edges) > size
	if more {
		found.Edges = found.Edges[:size]
	}
	products, err := s.productHits(ctx, q, after, size-len(found.Edges))
	if err != nil {
		return none, err
	}
	for i := range products.Edges {
		edge, err := productEdge(products.Edges[i])
		if err != nil {
			return none, err
		}
		found.Edges = append(found.Edges, edge)
	}
	found.PageInfo = page.Info{HasPreviousPage: behind, HasNextPage: more || products.PageInfo.HasNextPage}
	if n := len(found.Edges); n > 0 {
		found.PageInfo.StartCursor, found.PageInfo.EndCursor = &found.Edges[0].Cursor, &found.Edges[n-1].Cursor
	}
	found.Count = func(ctx context.Context) (int, error) {
		hits, err := s.shelves(ctx, q)
		if err != nil {
			return 0, err
		}
		n, err := products.TotalCount(ctx)
		return n + len(hits), err
	}
	return found, nil
}

// shelfEdges are the categories and brands behind the cursor.
func (s *Catalog) shelfEdges(ctx context.Context, q catalog.ListQuery, behind bool, after hitKey) ([]page.Edge[catalog.SearchResult], error) {
	hits, err := s.shelves(ctx, q)
	edges := []page.Edge[catalog.SearchResult]{}
	for _, h := range hits {
		if edge, ok := shelfEdge(h); ok && (!behind || shelfBehind(h, after)) {
			edges = append(edges, edge)
		}
	}
	return edges, err
}

// productEdge puts a product's cursor into the order of hits.
func productEdge(e page.Edge[catalog.Product]) (page.Edge[catalog.SearchResult], error) {
	var key sortKey
	_, err := page.Args{After: &e.Cursor}.Start(&key)
	return page.Edge[catalog.SearchResult]{Cursor: page.Cursor(hitKey{groupProduct, key}), Node: e.Node}, err
}

// productHits are the products of the page; with no room for any, it still tells
// whether there are some.
func (s *Catalog) productHits(ctx context.Context, q catalog.ListQuery, after hitKey, room int) (catalog.ProductPage, error) {
	room = max(room, 0)
	q.Page = page.Args{First: &room}
	if after.Group == groupProduct {
		cursor := page.Cursor(after.Key)
		q.Page.After = &cursor
	}
	return s.Listed(ctx, q)
}

// maxShelves bounds the categories and brands of an answer.
const maxShelves = 10

func (s *Catalog) shelves(ctx context.Context, q catalog.ListQuery) ([]shelfHit, error) {
	return collect[shelfHit](ctx, s.db, `
		SELECT * FROM (
			SELECT 0 AS "group", ts_rank(search, @match::text::tsquery)::float8 AS rank, id,
				jsonb_build_object('ID', id, 'BrandID', brand_id, 'ParentID', parent_id, 'Slug', slug, 'Name', name, 'Description', description, 'Position', position) AS doc
			FROM categories WHERE brand_id = @brand AND search @@ @match::text::tsquery
			UNION ALL
			SELECT 1, ts_rank(search, @match::text::tsquery)::float8, id,
				jsonb_build_object('ID', id, 'BrandID', brand_id, 'Slug', slug, 'Name', name, 'Position', position)
			FROM product_brands WHERE brand_id = @brand AND search @@ @match::text::tsquery
		) AS hits ORDER BY "group", rank DESC, id LIMIT @most`,
		pgx.NamedArgs{"brand": q.BrandID, "match": q.Words.Match, "most": maxShelves})
}

func shelfEdge(h shelfHit) (page.Edge[catalog.SearchResult], bool) {
	edge := page.Edge[catalog.SearchResult]{Cursor: page.Cursor(hitKey{h.Group, sortKey{Rank: &h.Rank, ID: h.ID}})}
	var err error
	if h.Group == groupCategory {
		var c catalog.Category
		err = json.Unmarshal(h.Doc, &c)
		edge.Node = c
	} else {
		var b catalog.ProductBrand
		err = json.Unmarshal(h.Doc, &b)
		edge.Node = b
	}
	return edge, err == nil
}

// shelfBehind reports whether the hit stands behind the cursor.
func shelfBehind(h shelfHit, after hitKey) bool {
	if h.Group != after.Group {
		return h.Group > after.Group
	}
	rank := 0.0
	if after.Key.Rank != nil {
		rank = *after.Key.Rank
	}
	if h.Rank != rank {
		return h.Rank < rank
	}
	return h.ID.String() > after.Key.ID.String()
}

// scanned bounds the keys that one half-typed word looks at.
const scanned = 300

// Suggest answers a half-typed word in one statement.
func (s *Catalog) Suggest(ctx context.Context, in catalog.SuggestQueryInput) ([]catalog.Suggestion, error) {
	args := pgx.NamedArgs{"brand": in.BrandID, "channel": in.ChannelID, "at": in.At, "keys": in.Keys, "scanned": scanned, "first": in.First}
	where := strings.Join(append([]string{shown}, seen(in.View, args)...), ` AND `)
	stand := `true`
	if in.View != nil {
		stand, args["rules"] = guard, in.View.Version
	}
	found, err := collect[catalog.Suggestion](ctx, s.db, `
		WITH matched AS (
			SELECT DISTINCT t.kind, t.target_id, length(t.key) AS length
			FROM unnest(@keys::text[]) AS k (key)
			CROSS JOIN LATERAL (
				SELECT kind, target_id, key FROM search_terms
				WHERE brand_id = @brand AND key >= k.key AND key < k.key || chr(1114111)
				ORDER BY key LIMIT @scanned
			) AS t
		), best AS (
			SELECT kind, target_id, min(length) AS length FROM matched GROUP BY kind, target_id
		)
		SELECT kind, text, slug FROM (
			SELECT 'CATEGORY' AS kind, c.name AS text, c.slug, 0 AS rank, -b.length::bigint AS weight, c.id::text AS tie
			FROM best b JOIN categories c ON b.kind = 'CATEGORY' AND c.id = b.target_id
			UNION ALL
			SELECT 'BRAND', x.name, x.slug, 1, -b.length, x.id::text
			FROM best b JOIN product_brands x ON b.kind = 'BRAND' AND x.id = b.target_id
			UNION ALL
			(SELECT 'QUERY', jsonb_build_object('ja', q.text), '', 2, q.asked, q.key
			FROM unnest(@keys::text[]) AS k (key) JOIN search_queries q
				ON q.brand_id = @brand AND q.key >= k.key AND q.key < k.key || chr(1114111)
			ORDER BY q.asked DESC, q.key LIMIT 5)
			UNION ALL
			SELECT 'PRODUCT', p.name, p.slug, 3, l.popularity, p.id::text
			FROM best b JOIN products p ON b.kind = 'PRODUCT' AND p.id = b.target_id
			JOIN product_listings l ON l.product_id = p.id WHERE `+where+`
		) AS found WHERE `+stand+` ORDER BY rank, weight DESC, tie LIMIT @first`, args)
	return found, s.through(ctx, in.View, len(found) > 0, err)
}

// Synonyms are the brand's rules of other words.
func (s *Catalog) Synonyms(ctx context.Context, brandID uuid.UUID) ([]catalog.Synonym, error) {
	return collect[catalog.Synonym](ctx, s.db, `
		SELECT id, brand_id, sources, words FROM search_synonyms WHERE brand_id = @brand ORDER BY id`, pgx.NamedArgs{"brand": brandID})
}

// CountQueries adds to how often things were asked for.
func (s *Catalog) CountQueries(ctx context.Context, asked []catalog.Asked) error {
	batch := &pgx.Batch{}
	for _, a := range asked {
		batch.Queue(`
			INSERT INTO search_queries (brand_id, key, text, asked, asked_at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (brand_id, key) DO UPDATE SET asked = search_queries.asked + excluded.asked, asked_at = excluded.asked_at`,
			a.BrandID, a.Key, a.Text, a.Times, a.At)
	}
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

// CategoriesByID are the brand's categories among ids.
func (s *Catalog) CategoriesByID(ctx context.Context, brandID uuid.UUID, ids []uuid.UUID) ([]catalog.Category, error) {
	return collect[catalog.Category](ctx, s.db, `
		SELECT id, brand_id, parent_id, slug, name, description, position FROM categories
		WHERE brand_id = @brand AND id = ANY(@ids)`, pgx.NamedArgs{"brand": brandID, "ids": ids})
}

// BrandsByID are the product brands among ids.
func (s *Catalog) BrandsByID(ctx context.Context, brandID uuid.UUID, ids []uuid.UUID) ([]catalog.ProductBrand, error) {
	return collect[catalog.ProductBrand](ctx, s.db, `
		SELECT id, brand_id, slug, name, position FROM product_brands
		WHERE brand_id = @brand AND id = ANY(@ids)`, pgx.NamedArgs{"brand": brandID, "ids": ids})
}
