package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/money"
)

// taken are the failures behind the catalog's unique constraints.
var taken = map[string]error{
	"products_brand_id_slug_key":       catalog.ErrSlugTaken.At("slug"),
	"variants_brand_id_sku_key":        catalog.ErrSKUTaken.At("sku"),
	"categories_brand_id_slug_key":     catalog.ErrSlugTaken.At("slug"),
	"product_brands_brand_id_slug_key": catalog.ErrSlugTaken.At("slug"),
	"attributes_brand_id_code_key":     catalog.ErrSlugTaken.At("code"),
}

// save runs one write and names what is taken.
func (s *Catalog) save(ctx context.Context, sql string, args pgx.NamedArgs) error {
	_, err := s.db.conn(ctx).Exec(ctx, sql, args)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "23505" {
		if fault, ok := taken[pg.ConstraintName]; ok {
			return fault
		}
	}
	return err
}

// LockProduct reads a product of the brand and locks it; nil if there is none.
func (s *Catalog) LockProduct(ctx context.Context, brandID, productID uuid.UUID) (*catalog.Product, error) {
	return first[catalog.Product](ctx, s.db, `SELECT `+productColumns+` FROM products p WHERE p.brand_id = @brand AND p.id = @id FOR UPDATE`,
		pgx.NamedArgs{"brand": brandID, "id": productID})
}

// SaveProduct writes a product, new or not.
func (s *Catalog) SaveProduct(ctx context.Context, p catalog.Product) error {
	return s.save(ctx, `
		INSERT INTO products (id, brand_id, product_brand_id, slug, name, description, seo_title, seo_description, options, tags,
			status, tax_class, internal_note, version, created_at, updated_at)
		VALUES (@id, @brand, @maker, @slug, @name, @description, @seo_title, @seo_description, @options, @tags,
			@status, @tax_class, @note, @version, @created, @updated)
		ON CONFLICT (id) DO UPDATE SET product_brand_id = excluded.product_brand_id, slug = excluded.slug, name = excluded.name,
			description = excluded.description, seo_title = excluded.seo_title, seo_description = excluded.seo_description,
			options = excluded.options, tags = excluded.tags, status = excluded.status, tax_class = excluded.tax_class,
			internal_note = excluded.internal_note, version = excluded.version, updated_at = excluded.updated_at`,
		pgx.NamedArgs{
			"id": p.ID, "brand": p.BrandID, "maker": p.ProductBrandID, "slug": p.Slug, "name": p.Name, "description": p.Description,
			"seo_title": p.SEOTitle, "seo_description": p.SEODescription, "options": p.Options, "tags": p.Tags, "status": p.Status,
			"tax_class": p.TaxClass, "note": p.InternalNote, "version": p.Version, "created": p.CreatedAt, "updated": p.UpdatedAt,
		})
}

// SetCategories puts the product on these shelves and no others.
func (s *Catalog) SetCategories(ctx context.Context, productID uuid.UUID, categoryIDs []uuid.UUID) error {
	batch := &pgx.Batch{}
	batch.Queue(`DELETE FROM product_categories WHERE product_id = $1 AND category_id <> ALL($2)`, productID, categoryIDs)
	batch.Queue(`INSERT INTO product_categories (product_id, category_id, position) SELECT $1, c, n FROM unnest($2::uuid[]) WITH ORDINALITY AS u (c, n)
		ON CONFLICT (product_id, category_id) DO UPDATE SET position = excluded.position`, productID, unique(categoryIDs))
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

func unique(ids []uuid.UUID) []uuid.UUID {
	seen, all := map[uuid.UUID]bool{}, make([]uuid.UUID, 0, len(ids))
	for _, key := range ids {
		if !seen[key] {
			seen[key], all = true, append(all, key)
		}
	}
	return all
}

// SetAttributes gives the product these values and no others.
func (s *Catalog) SetAttributes(ctx context.Context, productID uuid.UUID, values []catalog.AttributeValue) error {
	batch := &pgx.Batch{}
	batch.Queue(`DELETE FROM product_attribute_values WHERE product_id = $1`, productID)
	if len(values) > 0 {
		attributes, texts, numbers := make([]uuid.UUID, len(values)), make([]string, len(values)), make([]*string, len(values))
		for i, v := range values {
			attributes[i], texts[i], numbers[i] = v.AttributeID, v.Value, v.Number
		}
		batch.Queue(`INSERT INTO product_attribute_values (product_id, attribute_id, value, number)
			SELECT $1, a, v, n::numeric FROM unnest($2::uuid[], $3::text[], $4::text[]) AS u (a, v, n)`, productID, attributes, texts, numbers)
	}
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

// AllVariants are the product's variants, inactive ones included.
func (s *Catalog) AllVariants(ctx context.Context, productID uuid.UUID) ([]catalog.Variant, error) {
	return collect[catalog.Variant](ctx, s.db, `SELECT `+variantColumns+` FROM variants v WHERE v.product_id = @product ORDER BY v.position, v.id`,
		pgx.NamedArgs{"product": productID})
}

// SaveVariants writes variants, new or not, in one statement.
func (s *Catalog) SaveVariants(ctx context.Context, variants []catalog.Variant) error {
	rows := make([]map[string]any, len(variants))
	for i, v := range variants {
		rows[i] = map[string]any{
			"id": v.ID, "brand_id": v.BrandID, "product_id": v.ProductID, "sku": v.SKU, "barcode": v.Barcode, "options": v.Options,
			"weight": v.Weight, "cost": v.Cost, "position": v.Position, "active": v.Active,
		}
	}
	return s.save(ctx, `
		INSERT INTO variants (id, brand_id, product_id, sku, barcode, options, weight, cost, position, active)
		SELECT id, brand_id, product_id, sku, barcode, options, weight, cost, position, active
		FROM jsonb_to_recordset(@rows) AS r (id uuid, brand_id uuid, product_id uuid, sku text, barcode text, options jsonb,
			weight integer, cost bigint, position integer, active boolean)
		ON CONFLICT (id) DO UPDATE SET sku = excluded.sku, barcode = excluded.barcode, options = excluded.options,
			weight = excluded.weight, cost = excluded.cost, position = excluded.position, active = excluded.active`,
		pgx.NamedArgs{"rows": rows})
}

// TakenSKUs are those of the SKUs that the brand has already.
func (s *Catalog) TakenSKUs(ctx context.Context, brandID uuid.UUID, skus []string) ([]string, error) {
	return read(ctx, s.db, `SELECT sku FROM variants WHERE brand_id = @brand AND sku = ANY(@skus)`,
		[]any{pgx.NamedArgs{"brand": brandID, "skus": skus}},
		func(rows pgx.Rows) ([]string, error) { return pgx.CollectRows(rows, pgx.RowTo[string]) })
}

// VariantOwners are the products of the brand's variants among ids, by variant.
func (s *Catalog) VariantOwners(ctx context.Context, brandID uuid.UUID, variantIDs []uuid.UUID) (map[uuid.UUID]uuid.UUID, error) {
	return pairs[uuid.UUID](ctx, s.db, `SELECT id, product_id FROM variants WHERE brand_id = @brand AND id = ANY(@ids)`,
		pgx.NamedArgs{"brand": brandID, "ids": variantIDs})
}

// ChannelsByCode are the brand's channels among codes, by code.
func (s *Catalog) ChannelsByCode(ctx context.Context, brandID uuid.UUID, codes []string) (map[string]uuid.UUID, error) {
	return pairs[string](ctx, s.db, `SELECT code, id FROM channels WHERE brand_id = @brand AND code = ANY(@codes)`,
		pgx.NamedArgs{"brand": brandID, "codes": codes})
}

func pairs[K comparable](ctx context.Context, db *DB, sql string, args pgx.NamedArgs) (map[K]uuid.UUID, error) {
	return read(ctx, db, sql, []any{args}, func(rows pgx.Rows) (map[K]uuid.UUID, error) {
		found := map[K]uuid.UUID{}
		var key K
		var value uuid.UUID
		_, err := pgx.ForEachRow(rows, []any{&key, &value}, func() error {
			found[key] = value
			return nil
		})
		return found, err
	})
}

// SaveListing shows a product in a channel within a window, or stops showing it
// and leaves the window.
func (s *Catalog) SaveListing(ctx context.Context, l catalog.Listing) error {
	args := pgx.NamedArgs{"channel": l.ChannelID, "product": l.ProductID, "from": l.PublishedAt, "until": l.RetiredAt}
	if !l.Published {
		return s.save(ctx, `UPDATE product_listings SET published = false WHERE channel_id = @channel AND product_id = @product`, args)
	}
	return s.save(ctx, `
		INSERT INTO product_listings (channel_id, product_id, published, published_at, retired_at) VALUES (@channel, @product, true, @from, @until)
		ON CONFLICT (channel_id, product_id) DO UPDATE SET published = true, published_at = excluded.published_at, retired_at = excluded.retired_at`, args)
}

// Relist copies prices and stock of the products into their listings.
func (s *Catalog) Relist(ctx context.Context, at time.Time, productIDs ...uuid.UUID) error {
	batch := &pgx.Batch{}
	queueRelist(batch, productIDs, at)
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

// PriceList is the brand's open price list with the code; the zero key if there is none.
func (s *Catalog) PriceList(ctx context.Context, brandID uuid.UUID, code string) (uuid.UUID, money.Currency, error) {
	type list struct {
		ID       uuid.UUID
		Currency money.Currency
	}
	found, err := first[list](ctx, s.db, `SELECT id, currency FROM price_lists WHERE brand_id = @brand AND code = @code AND closed_at IS NULL`,
		pgx.NamedArgs{"brand": brandID, "code": code})
	if err != nil || found == nil {
		return uuid.Nil, "", err
	}
	return found.ID, found.Currency, nil
}

// SavePrices writes prices, in one statement; one for the same variant, quantity and
// beginning replaces the one before, the later of the given ones the earlier. The
// ends of the calendar are open ends.
func (s *Catalog) SavePrices(ctx context.Context, listID uuid.UUID, prices []catalog.PriceRow) error {
	batch := &pgx.Batch{}
	queuePrices(batch, listID, prices)
	moveRulesOf(batch, listID)
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

func queuePrices(batch *pgx.Batch, listID uuid.UUID, prices []catalog.PriceRow) {
	rows := make([]map[string]any, len(prices))
	for i, p := range prices {
		rows[i] = map[string]any{
			"variant_id": p.VariantID, "min_quantity": p.MinQuantity, "valid_from": p.ValidFrom, "valid_until": p.ValidUntil,
			"amount": p.Amount, "compare_at": p.CompareAt, "place": i,
		}
	}
	batch.Queue(`
		INSERT INTO prices (id, price_list_id, variant_id, min_quantity, valid_from, valid_until, amount, compare_at)
		SELECT DISTINCT ON (r.variant_id, r.min_quantity, r.valid_from) gen_random_uuid(), $1, r.variant_id, r.min_quantity,
			CASE WHEN r.valid_from < '0002-01-01' THEN '-infinity' ELSE r.valid_from END,
			CASE WHEN r.valid_until > '9999-01-01' THEN 'infinity' ELSE r.valid_until END, r.amount, r.compare_at
		FROM jsonb_to_recordset($2) AS r (variant_id uuid, min_quantity integer, valid_from timestamptz, valid_until timestamptz,
			amount bigint, compare_at bigint, place integer)
		ORDER BY r.variant_id, r.min_quantity, r.valid_from, r.place DESC
		ON CONFLICT (variant_id, price_list_id, min_quantity, valid_from)
		DO UPDATE SET valid_until = excluded.valid_until, amount = excluded.amount, compare_at = excluded.compare_at`, listID, rows)
}
