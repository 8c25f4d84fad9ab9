package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/page"
)

// Details are what stands around the products, in one statement. Inner objects
// are built under the names of their Go fields.
func (s *Catalog) Details(ctx context.Context, productIDs []uuid.UUID) ([]catalog.Detail, error) {
	return collect[catalog.Detail](ctx, s.db, `
		SELECT p.id AS product_id,
			(SELECT jsonb_build_object('ID', b.id, 'BrandID', b.brand_id, 'Slug', b.slug, 'Name', b.name, 'Position', b.position)
				FROM product_brands b WHERE b.id = p.product_brand_id) AS brand,
			coalesce((SELECT jsonb_agg(jsonb_build_object('ID', c.id, 'BrandID', c.brand_id, 'ParentID', c.parent_id, 'Slug', c.slug,
					'Name', c.name, 'Description', c.description, 'Position', c.position) ORDER BY pc.position, c.slug)
				FROM product_categories pc JOIN categories c ON c.id = pc.category_id WHERE pc.product_id = p.id), '[]') AS categories,
			coalesce((SELECT jsonb_agg(jsonb_build_object('ID', m.id, 'ProductID', m.product_id, 'VariantID', m.variant_id, 'Kind', m.kind,
					'URL', m.url, 'Alt', m.alt, 'Position', m.position) ORDER BY m.position, m.id)
				FROM media m WHERE m.product_id = p.id), '[]') AS media,
			coalesce((SELECT jsonb_agg(jsonb_build_object('Code', a.code, 'Name', a.name, 'Type', a.type, 'Unit', a.unit, 'Value', v.value,
					'Label', (SELECT o->'label' FROM jsonb_array_elements(a.choices) AS o WHERE o->>'value' = v.value LIMIT 1)) ORDER BY a.position, a.code, v.value)
				FROM product_attribute_values v JOIN attributes a ON a.id = v.attribute_id WHERE v.product_id = p.id), '[]') AS attributes
		FROM products p WHERE p.id = ANY(@ids)`, pgx.NamedArgs{"ids": productIDs})
}

// AllProducts is one page of the brand's products whatever their state, newest first.
func (s *Catalog) AllProducts(ctx context.Context, q catalog.StaffQuery) (page.Connection[catalog.Product], error) {
	var none page.Connection[catalog.Product]
	size, err := q.Page.Size()
	if err != nil {
		return none, err
	}
	type key struct {
		At time.Time `json:"t"`
		ID uuid.UUID `json:"i"`
	}
	var after key
	behind, err := q.Page.Start(&after)
	if err != nil {
		return none, err
	}
	where, args := `p.brand_id = @brand`, pgx.NamedArgs{"brand": q.BrandID, "limit": size + 1, "at": after.At, "id": after.ID}
	if q.Status != nil {
		where, args["status"] = where+` AND p.status = @status`, *q.Status
	}
	if q.Match != "" {
		where, args["match"] = where+` AND p.search @@ @match::text::tsquery`, q.Match
	}
	keyset := ``
	if behind {
		keyset = ` AND (p.created_at, p.id) < (@at, @id)`
	}
	rows, err := collect[catalog.Product](ctx, s.db, `
		SELECT `+productColumns+` FROM products p WHERE `+where+keyset+` ORDER BY p.created_at DESC, p.id DESC LIMIT @limit`, args)
	if err != nil {
		return none, err
	}
	found := page.Of(rows, size, behind, func(p catalog.Product) any { return key{p.CreatedAt, p.ID} })
	found.Count = func(ctx context.Context) (int, error) {
		return one[int](ctx, s.db, `SELECT count(*) FROM products p WHERE `+where, args)
	}
	return found, nil
}

// AnyProduct is a product of the brand whatever its state; nil if there is none.
func (s *Catalog) AnyProduct(ctx context.Context, brandID, productID uuid.UUID) (*catalog.Product, error) {
	return first[catalog.Product](ctx, s.db, `SELECT `+productColumns+` FROM products p WHERE p.brand_id = @brand AND p.id = @id`,
		pgx.NamedArgs{"brand": brandID, "id": productID})
}

// ListingsOf are where and when the products are shown.
func (s *Catalog) ListingsOf(ctx context.Context, productIDs []uuid.UUID) ([]catalog.ChannelListing, error) {
	return collect[catalog.ChannelListing](ctx, s.db, `
		SELECT l.product_id, c.code AS channel, l.published, l.published_at,
			CASE WHEN l.retired_at < '9999-01-01' THEN l.retired_at END AS retired_at
		FROM product_listings l JOIN channels c ON c.id = l.channel_id
		WHERE l.product_id = ANY(@ids) ORDER BY l.product_id, c.code`, pgx.NamedArgs{"ids": productIDs})
}
