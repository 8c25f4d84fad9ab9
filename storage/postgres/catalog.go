package postgres

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/catalog"
)

// Catalog keeps products, variants and categories in PostgreSQL.
type Catalog struct{ db *DB }

// NewCatalog makes the catalog's store.
func NewCatalog(db *DB) *Catalog { return &Catalog{db} }

// productColumns are the columns of catalog.Product, for the alias p.
const productColumns = `p.id, p.brand_id, p.product_brand_id, p.slug, p.name, p.description, p.seo_title,
	p.seo_description, p.options, p.tags, p.status, p.tax_class, p.internal_note, p.version, p.created_at, p.updated_at`

// variantColumns are the columns of catalog.Variant, for the alias v.
const variantColumns = `v.id, v.brand_id, v.product_id, v.sku, v.barcode, v.options, v.weight, v.cost, v.position, v.active`

// listed is the condition that a channel shows the product p with the listing l at @at.
const listed = `l.channel_id = @channel AND l.published AND l.published_at <= @at AND l.retired_at > @at AND p.status = 'ACTIVE'`

// shown is the condition that a shopper finds it there: sold out, it may be away.
const shown = listed + ` AND NOT l.away`

// ProductBySlug is the product that the channel shows under the slug; nil if none.
func (s *Catalog) ProductBySlug(ctx context.Context, g catalog.Glance, slug string) (*catalog.Product, error) {
	args := pgx.NamedArgs{"channel": g.ChannelID, "slug": slug, "at": g.At}
	where := strings.Join(append([]string{shown}, lookedAt(g.View, args)...), ` AND `)
	p, err := first[catalog.Product](ctx, s.db, `
		SELECT `+productColumns+`
		FROM products p JOIN channels c ON c.brand_id = p.brand_id
		JOIN product_listings l ON l.product_id = p.id AND l.channel_id = c.id
		WHERE c.id = @channel AND p.slug = @slug AND `+where, args)
	return p, s.through(ctx, g.View, p != nil, err)
}

// ProductsByID are the products among ids that the channel shows.
func (s *Catalog) ProductsByID(ctx context.Context, g catalog.Glance, ids []uuid.UUID) ([]catalog.Product, error) {
	args := pgx.NamedArgs{"channel": g.ChannelID, "ids": ids, "at": g.At}
	where := strings.Join(append([]string{shown}, lookedAt(g.View, args)...), ` AND `)
	products, err := collect[catalog.Product](ctx, s.db, `
		SELECT `+productColumns+`
		FROM product_listings l JOIN products p ON p.id = l.product_id
		WHERE p.id = ANY(@ids) AND `+where, args)
	return products, s.through(ctx, g.View, len(products) > 0, err)
}

// VariantsOf are the active variants of the products, each product's in order.
func (s *Catalog) VariantsOf(ctx context.Context, productIDs []uuid.UUID) ([]catalog.Variant, error) {
	return collect[catalog.Variant](ctx, s.db, `
		SELECT `+variantColumns+` FROM variants v WHERE v.product_id = ANY(@products) AND v.active
		ORDER BY v.product_id, v.position, v.id`, pgx.NamedArgs{"products": productIDs})
}

// VariantsByID are the active variants among ids.
func (s *Catalog) VariantsByID(ctx context.Context, ids []uuid.UUID) ([]catalog.Variant, error) {
	return collect[catalog.Variant](ctx, s.db, `
		SELECT `+variantColumns+` FROM variants v WHERE v.id = ANY(@ids) AND v.active`, pgx.NamedArgs{"ids": ids})
}

// Categories are the shelves of a brand, parents before children.
func (s *Catalog) Categories(ctx context.Context, brandID uuid.UUID) ([]catalog.Category, error) {
	return collect[catalog.Category](ctx, s.db, `
		WITH RECURSIVE tree AS (
			SELECT c.*, 0 AS depth FROM categories c WHERE brand_id = @brand AND parent_id IS NULL
			UNION ALL
			SELECT c.*, tree.depth + 1 FROM categories c JOIN tree ON c.parent_id = tree.id
		)
		SELECT id, brand_id, parent_id, slug, name, description, position
		FROM tree ORDER BY depth, position, slug`, pgx.NamedArgs{"brand": brandID})
}
