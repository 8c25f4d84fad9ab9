package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/id"
)

// Bulk writes many new products at once with COPY.
type Bulk struct{ db *DB }

// NewBulk makes the bulk writer.
func NewBulk(db *DB) *Bulk { return &Bulk{db} }

// Load writes the bundles in one transaction. Every product must be new, and what
// the bundles refer to must be in the database or in the bundle itself.
func (b *Bulk) Load(ctx context.Context, bundles []catalog.Bundle) error {
	return b.db.InTx(ctx, func(ctx context.Context) error {
		if _, err := b.db.conn(ctx).Exec(ctx, trusting); err != nil {
			return err
		}
		for _, table := range tables {
			var rows [][]any
			for _, bundle := range bundles {
				rows = append(rows, table.rows(bundle)...)
			}
			target := table.name
			if table.name == "products" {
				target = "loading_products"
				if _, err := b.db.conn(ctx).Exec(ctx, loadingProducts); err != nil {
					return err
				}
			}
			if _, err := b.db.conn(ctx).CopyFrom(ctx, pgx.Identifier{target}, table.columns, pgx.CopyFromRows(rows)); err != nil {
				return fmt.Errorf("copy into %s: %w", table.name, err)
			}
			if table.name == "products" {
				if _, err := b.db.conn(ctx).Exec(ctx, loadedProducts); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// trusting leaves out the look-up of every row that a row refers to, two thirds of
// what a load costs. Only a superuser may; for others the checks stay.
const trusting = `SELECT set_config('session_replication_role', 'replica', true) WHERE current_setting('is_superuser') = 'on'`

// COPY speaks binary and PostgreSQL reads no tsvector that way, so products pass
// through a table that has the search column as text.
const (
	loadingProducts = `CREATE TEMP TABLE IF NOT EXISTS loading_products (
		id uuid, brand_id uuid, product_brand_id uuid, slug text, name jsonb, description jsonb, seo_title jsonb, seo_description jsonb,
		options jsonb, tags text[], status text, tax_class text, search text, created_at timestamptz, updated_at timestamptz) ON COMMIT DROP`
	loadedProducts = `INSERT INTO products (id, brand_id, product_brand_id, slug, name, description, seo_title, seo_description,
		options, tags, status, tax_class, search, created_at, updated_at)
		SELECT id, brand_id, product_brand_id, slug, name, description, seo_title, seo_description,
		options, tags, status, tax_class, search::tsvector, created_at, updated_at FROM loading_products`
)

// table is how a bundle becomes rows of one table.
type table struct {
	name    string
	columns []string
	rows    func(catalog.Bundle) [][]any
}

// each makes the rows of a list of the bundle.
func each[T any](list func(catalog.Bundle) []T, row func(T) []any) func(catalog.Bundle) [][]any {
	return func(b catalog.Bundle) [][]any {
		var rows [][]any
		for _, item := range list(b) {
			rows = append(rows, row(item))
		}
		return rows
	}
}

// tables stand in the order in which their rows refer to each other.
var tables = []table{
	{"products", []string{"id", "brand_id", "product_brand_id", "slug", "name", "description", "seo_title", "seo_description", "options", "tags", "status", "tax_class", "search", "created_at", "updated_at"},
		func(b catalog.Bundle) [][]any {
			p := b.Product
			return [][]any{{p.ID, p.BrandID, p.ProductBrandID, p.Slug, p.Name, p.Description, p.SEOTitle, p.SEODescription, p.Options, p.Tags, p.Status, p.TaxClass, b.Index.Vector, p.CreatedAt, p.UpdatedAt}}
		}},
	{"variants", []string{"id", "brand_id", "product_id", "sku", "barcode", "options", "weight", "cost", "position", "active"},
		each(func(b catalog.Bundle) []catalog.Variant { return b.Variants }, func(v catalog.Variant) []any {
			return []any{v.ID, v.BrandID, v.ProductID, v.SKU, v.Barcode, v.Options, v.Weight, v.Cost, v.Position, v.Active}
		})},
	{"product_categories", []string{"product_id", "category_id"},
		func(b catalog.Bundle) [][]any {
			var rows [][]any
			for _, c := range b.Categories {
				rows = append(rows, []any{b.Product.ID, c})
			}
			return rows
		}},
	{"media", []string{"id", "product_id", "variant_id", "kind", "url", "alt", "position"},
		each(func(b catalog.Bundle) []catalog.Media { return b.Media }, func(m catalog.Media) []any {
			return []any{m.ID, m.ProductID, m.VariantID, m.Kind, m.URL, m.Alt, m.Position}
		})},
	{"product_attribute_values", []string{"product_id", "attribute_id", "value"},
		each(func(b catalog.Bundle) []catalog.AttributeValue { return b.Attributes }, func(a catalog.AttributeValue) []any {
			return []any{a.ProductID, a.AttributeID, a.Value}
		})},
	{"product_listings", []string{"channel_id", "product_id", "published", "published_at", "min_price", "max_price", "in_stock", "name_key", "popularity"},
		each(func(b catalog.Bundle) []catalog.Listing { return b.Listings }, func(l catalog.Listing) []any {
			return []any{l.ChannelID, l.ProductID, l.Published, l.PublishedAt, l.MinPrice, l.MaxPrice, l.InStock, l.NameKey, l.Popularity}
		})},
	{"prices", []string{"id", "price_list_id", "variant_id", "amount", "compare_at"},
		each(func(b catalog.Bundle) []catalog.ListPrice { return b.Prices }, func(p catalog.ListPrice) []any {
			return []any{id.New(), p.PriceListID, p.VariantID, p.Amount, p.CompareAt}
		})},
	{"stock_levels", []string{"variant_id", "location_id", "on_hand"},
		each(func(b catalog.Bundle) []catalog.Stock { return b.Stock }, func(s catalog.Stock) []any {
			return []any{s.VariantID, s.LocationID, s.OnHand}
		})},
	{"stock_movements", []string{"id", "at", "variant_id", "location_id", "kind", "quantity"},
		func(b catalog.Bundle) [][]any {
			var rows [][]any
			for _, s := range b.Stock {
				if s.OnHand > 0 {
					rows = append(rows, []any{id.New(), b.Product.CreatedAt, s.VariantID, s.LocationID, "RECEIPT", s.OnHand})
				}
			}
			return rows
		}},
	{"search_terms", []string{"brand_id", "kind", "target_id", "key"},
		func(b catalog.Bundle) [][]any {
			var rows [][]any
			for _, key := range b.Index.Keys {
				rows = append(rows, []any{b.Index.BrandID, b.Index.Kind, b.Index.ID, key})
			}
			return rows
		}},
}
