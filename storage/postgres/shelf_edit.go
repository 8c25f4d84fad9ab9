package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/catalog"
)

// LockCategories lets one at a time change the brand's tree.
func (s *Catalog) LockCategories(ctx context.Context, brandID uuid.UUID) error {
	_, err := s.db.conn(ctx).Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('categories of ' || $1::text, 0))`, brandID)
	return err
}

// SaveCategory writes a category, new or not.
func (s *Catalog) SaveCategory(ctx context.Context, c catalog.Category) error {
	return s.save(ctx, `
		INSERT INTO categories (id, brand_id, parent_id, slug, name, description, position)
		VALUES (@id, @brand, @parent, @slug, @name, @description, @position)
		ON CONFLICT (id) DO UPDATE SET parent_id = excluded.parent_id, slug = excluded.slug, name = excluded.name,
			description = excluded.description, position = excluded.position, version = categories.version + 1`,
		pgx.NamedArgs{"id": c.ID, "brand": c.BrandID, "parent": c.ParentID, "slug": c.Slug, "name": c.Name, "description": c.Description, "position": c.Position})
}

// DeleteCategory removes a category on which nothing stands; false if something does.
func (s *Catalog) DeleteCategory(ctx context.Context, brandID, categoryID uuid.UUID) (bool, error) {
	tag, err := s.db.conn(ctx).Exec(ctx, `
		WITH terms AS (DELETE FROM search_terms WHERE target_id = @id)
		DELETE FROM categories c WHERE c.brand_id = @brand AND c.id = @id
		AND NOT EXISTS (SELECT FROM categories WHERE parent_id = c.id)
		AND NOT EXISTS (SELECT FROM product_categories WHERE category_id = c.id)`, pgx.NamedArgs{"brand": brandID, "id": categoryID})
	return tag.RowsAffected() == 1, err
}

// ProductsBelow are the products on the categories and on all below them.
func (s *Catalog) ProductsBelow(ctx context.Context, categoryIDs []uuid.UUID) ([]uuid.UUID, error) {
	return read(ctx, s.db, `
		WITH RECURSIVE below AS (
			SELECT unnest(@ids::uuid[]) AS id UNION SELECT c.id FROM categories c JOIN below b ON c.parent_id = b.id
		) SELECT DISTINCT pc.product_id FROM product_categories pc JOIN below b ON b.id = pc.category_id`,
		[]any{pgx.NamedArgs{"ids": categoryIDs}}, collectIDs)
}

// SaveBrand writes a product brand, new or not.
func (s *Catalog) SaveBrand(ctx context.Context, b catalog.ProductBrand) error {
	return s.save(ctx, `
		INSERT INTO product_brands (id, brand_id, slug, name, position) VALUES (@id, @brand, @slug, @name, @position)
		ON CONFLICT (id) DO UPDATE SET slug = excluded.slug, name = excluded.name, position = excluded.position, version = product_brands.version + 1`,
		pgx.NamedArgs{"id": b.ID, "brand": b.BrandID, "slug": b.Slug, "name": b.Name, "position": b.Position})
}

// ProductsOfBrand are the products that carry the brand.
func (s *Catalog) ProductsOfBrand(ctx context.Context, productBrandID uuid.UUID) ([]uuid.UUID, error) {
	return read(ctx, s.db, `SELECT id FROM products WHERE product_brand_id = @id`, []any{pgx.NamedArgs{"id": productBrandID}}, collectIDs)
}

// ProductBrands are the brand's product brands, in the shop's order.
func (s *Catalog) ProductBrands(ctx context.Context, brandID uuid.UUID) ([]catalog.ProductBrand, error) {
	return collect[catalog.ProductBrand](ctx, s.db, `
		SELECT id, brand_id, slug, name, position FROM product_brands WHERE brand_id = @brand ORDER BY position, slug`, pgx.NamedArgs{"brand": brandID})
}

// Attributes are the brand's attributes, in the shop's order.
func (s *Catalog) Attributes(ctx context.Context, brandID uuid.UUID) ([]catalog.Attribute, error) {
	return collect[catalog.Attribute](ctx, s.db, `
		SELECT id, brand_id, code, name, type, unit, choices, filterable, position FROM attributes
		WHERE brand_id = @brand ORDER BY position, code`, pgx.NamedArgs{"brand": brandID})
}

// SaveAttribute writes an attribute, new or not.
func (s *Catalog) SaveAttribute(ctx context.Context, a catalog.Attribute) error {
	return s.save(ctx, `
		INSERT INTO attributes (id, brand_id, code, name, type, unit, choices, filterable, position)
		VALUES (@id, @brand, @code, @name, @type, @unit, @choices, @filterable, @position)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, unit = excluded.unit, choices = excluded.choices,
			filterable = excluded.filterable, position = excluded.position`,
		pgx.NamedArgs{"id": a.ID, "brand": a.BrandID, "code": a.Code, "name": a.Name, "type": a.Type, "unit": a.Unit,
			"choices": a.Choices, "filterable": a.Filterable, "position": a.Position})
}

// SaveMedia adds a medium.
func (s *Catalog) SaveMedia(ctx context.Context, m catalog.Media) error {
	return s.save(ctx, `
		INSERT INTO media (id, product_id, variant_id, kind, url, alt, position) VALUES (@id, @product, @variant, @kind, @url, @alt, @position)`,
		pgx.NamedArgs{"id": m.ID, "product": m.ProductID, "variant": m.VariantID, "kind": m.Kind, "url": m.URL, "alt": m.Alt, "position": m.Position})
}

// DeleteMedia removes a medium of the product; nil if there is none.
func (s *Catalog) DeleteMedia(ctx context.Context, productID, mediaID uuid.UUID) (*catalog.Media, error) {
	return first[catalog.Media](ctx, s.db, `
		DELETE FROM media WHERE product_id = @product AND id = @id RETURNING id, product_id, variant_id, kind, url, alt, position`,
		pgx.NamedArgs{"product": productID, "id": mediaID})
}

// MediaOwner is the product of a medium of the brand; the zero key if there is none.
func (s *Catalog) MediaOwner(ctx context.Context, brandID, mediaID uuid.UUID) (uuid.UUID, error) {
	found, err := read(ctx, s.db, `SELECT p.id FROM media m JOIN products p ON p.id = m.product_id WHERE m.id = @id AND p.brand_id = @brand`,
		[]any{pgx.NamedArgs{"brand": brandID, "id": mediaID}}, collectIDs)
	if err != nil || len(found) == 0 {
		return uuid.Nil, err
	}
	return found[0], nil
}

// SaveSynonym writes a rule of other words, new or not.
func (s *Catalog) SaveSynonym(ctx context.Context, r catalog.Synonym) error {
	return s.save(ctx, `
		INSERT INTO search_synonyms (id, brand_id, sources, words) VALUES (@id, @brand, @sources, @words)
		ON CONFLICT (id) DO UPDATE SET sources = excluded.sources, words = excluded.words WHERE search_synonyms.brand_id = excluded.brand_id`,
		pgx.NamedArgs{"id": r.ID, "brand": r.BrandID, "sources": r.Sources, "words": r.Words})
}

// DeleteSynonym removes a rule of the brand; nil if there is none.
func (s *Catalog) DeleteSynonym(ctx context.Context, brandID, synonymID uuid.UUID) (*catalog.Synonym, error) {
	return first[catalog.Synonym](ctx, s.db, `
		DELETE FROM search_synonyms WHERE brand_id = @brand AND id = @id RETURNING id, brand_id, sources, words`,
		pgx.NamedArgs{"brand": brandID, "id": synonymID})
}
