package postgres

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/importing"
)

// importWriter turns drafts into rows. It knows what of them is there already.
type importWriter struct {
	run        importing.Run
	at         time.Time
	listID     uuid.UUID
	products   map[string]uuid.UUID // by slug
	variants   map[string]owned     // by SKU
	makers     map[string]uuid.UUID // by slug
	shelves    map[string]uuid.UUID // by slug
	attributes map[string]knownAttribute
	locations  map[string]uuid.UUID // by code
	written    []uuid.UUID
	priced     bool // some of them in the channel's list
}

type owned struct{ variant, product uuid.UUID }

type knownAttribute struct {
	id      uuid.UUID
	kind    string
	choices []string
}

// look reads what the drafts may meet, in one round trip.
func (s *Imports) look(ctx context.Context, r importing.Run, products []importing.Product, at time.Time) (*importWriter, error) {
	var slugs, skus []string
	for _, p := range products {
		if p.Draft != nil {
			slugs = append(slugs, p.Slug)
			for _, v := range p.Draft.Variants {
				skus = append(skus, v.SKU)
			}
		}
	}
	w := &importWriter{run: r, at: at, products: map[string]uuid.UUID{}, variants: map[string]owned{}, makers: map[string]uuid.UUID{},
		shelves: map[string]uuid.UUID{}, attributes: map[string]knownAttribute{}, locations: map[string]uuid.UUID{}}
	batch := &pgx.Batch{}
	pairs := func(into map[string]uuid.UUID, sql string, args ...any) {
		batch.Queue(sql, args...).Query(func(rows pgx.Rows) error {
			var key string
			var value uuid.UUID
			_, err := pgx.ForEachRow(rows, []any{&key, &value}, func() error { into[key] = value; return nil })
			return err
		})
	}
	pairs(w.products, `SELECT slug, id FROM products WHERE brand_id = $1 AND slug = ANY($2) FOR UPDATE`, r.BrandID, slugs)
	pairs(w.makers, `SELECT slug, id FROM product_brands WHERE brand_id = $1`, r.BrandID)
	pairs(w.shelves, `SELECT slug, id FROM categories WHERE brand_id = $1`, r.BrandID)
	pairs(w.locations, `SELECT code, id FROM locations WHERE brand_id = $1`, r.BrandID)
	batch.Queue(`SELECT sku, id, product_id FROM variants WHERE brand_id = $1 AND sku = ANY($2)`, r.BrandID, skus).Query(func(rows pgx.Rows) error {
		var sku string
		var o owned
		_, err := pgx.ForEachRow(rows, []any{&sku, &o.variant, &o.product}, func() error { w.variants[sku] = o; return nil })
		return err
	})
	batch.Queue(`SELECT code, id, type, ARRAY(SELECT c->>'value' FROM jsonb_array_elements(choices) AS c) FROM attributes WHERE brand_id = $1`, r.BrandID).Query(func(rows pgx.Rows) error {
		var code string
		var a knownAttribute
		_, err := pgx.ForEachRow(rows, []any{&code, &a.id, &a.kind, &a.choices}, func() error { w.attributes[code] = a; return nil })
		return err
	})
	batch.Queue(`SELECT price_list_id FROM channels WHERE id = $1`, r.ChannelID).QueryRow(func(row pgx.Row) error { return row.Scan(&w.listID) })
	return w, s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

// product queues one product, or rejects it.
func (w *importWriter) product(batch *pgx.Batch, run *importing.Run, p *importing.Product) {
	if p.Draft != nil {
		if problems := w.problems(p.Draft); len(problems) > 0 {
			p.Rejections, p.Draft = append(p.Rejections, problems...), nil
		}
	}
	if p.Draft == nil {
		run.Rejected++
		return
	}
	key, there := w.products[p.Slug]
	if there {
		run.Updated++
	} else {
		key = id.New()
		run.Created++
	}
	w.products[p.Slug], w.written = key, append(w.written, key)
	w.base(batch, key, p.Draft)
	for i, v := range p.Draft.Variants {
		w.variant(batch, key, i, v)
	}
}

// problems is what stands in the database against a draft.
func (w *importWriter) problems(d *importing.Draft) []importing.Rejection {
	var all []importing.Rejection
	add := func(line int, column, value, ja, en string) {
		all = append(all, importing.Rejection{Line: line, Column: column, Value: value, Slug: d.Slug, JA: ja, EN: en})
	}
	fresh := 0 // variants that are not there yet
	for _, v := range d.Variants {
		if o, taken := w.variants[v.SKU]; taken && o.product != w.products[d.Slug] {
			add(v.Line, "SKU", v.SKU, "このSKUは別の商品で使われています", "Another product has this SKU")
		}
		if _, there := w.variants[v.SKU]; !there {
			fresh++
		}
		if _, there := w.products[d.Slug]; len(d.Options) == 0 && fresh > 0 && (there || fresh > 1) {
			add(v.Line, "SKU", v.SKU, "バリエーションを増やすにはオプションの値が必要です", "A further variant needs option values")
		}
		for location := range v.Stock {
			if _, known := w.locations[location]; !known {
				add(v.Line, "stock."+location, location, "この拠点コードはありません", "There is no location with this code")
			}
		}
	}
	for code, value := range d.Attributes {
		a, known := w.attributes[code]
		switch {
		case !known:
			add(d.Line, "attr."+code, value, "この属性はありません", "There is no such attribute")
		case !a.accepts(value):
			add(d.Line, "attr."+code, value, "この属性の値として使えません", "The attribute has no such value")
		}
	}
	return all
}

func (a knownAttribute) accepts(value string) bool {
	switch a.kind {
	case "NUMBER":
		_, err := importing.Number(value)
		return err == nil
	case "BOOLEAN":
		return value == "true" || value == "false"
	case "DATE":
		_, err := time.Parse(time.DateOnly, value)
		return err == nil
	case "SELECT":
		return slices.Contains(a.choices, value)
	}
	return true
}

// base queues the product's own row and what hangs on it, variants aside. Columns
// that the file leaves empty do not wipe what staff have written.
func (w *importWriter) base(batch *pgx.Batch, key uuid.UUID, d *importing.Draft) {
	batch.Queue(`
		INSERT INTO products AS p (id, brand_id, product_brand_id, slug, name, description, seo_title, seo_description, options, tags, status, tax_class, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, coalesce(nullif($11::text, ''), 'ACTIVE'), coalesce(nullif($12::text, ''), 'STANDARD'), $13, $13)
		ON CONFLICT (brand_id, slug) DO UPDATE SET
			product_brand_id = coalesce(EXCLUDED.product_brand_id, p.product_brand_id), name = p.name || EXCLUDED.name,
			description = p.description || EXCLUDED.description, seo_title = p.seo_title || EXCLUDED.seo_title,
			seo_description = p.seo_description || EXCLUDED.seo_description, 
			options = CASE EXCLUDED.options WHEN '[]' THEN p.options ELSE EXCLUDED.options END,
			tags = CASE EXCLUDED.tags WHEN '{}' THEN p.tags ELSE EXCLUDED.tags END,
			status = coalesce(nullif($11::text, ''), p.status), tax_class = coalesce(nullif($12::text, ''), p.tax_class), updated_at = EXCLUDED.updated_at, version = p.version + 1`,
		key, w.run.BrandID, w.maker(batch, d.Brand), d.Slug, d.Name, d.Text, d.SEOTitle, d.SEOText, d.Options, nonNil(d.Tags), string(d.Status), string(d.TaxClass), w.at)
	if len(d.Categories) > 0 {
		batch.Queue(`DELETE FROM product_categories WHERE product_id = $1`, key)
		for i, path := range d.Categories {
			batch.Queue(`INSERT INTO product_categories (product_id, category_id, position) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, key, w.shelf(batch, path), i)
		}
	}
	if len(d.Images) > 0 {
		batch.Queue(`DELETE FROM media WHERE product_id = $1`, key)
		for i, image := range d.Images {
			batch.Queue(`INSERT INTO media (id, product_id, kind, url, alt, position) VALUES ($1, $2, 'IMAGE', $3, $4, $5)`, id.New(), key, image.URL, altOf(image), i)
		}
	}
	for code, value := range d.Attributes {
		a := w.attributes[code]
		batch.Queue(`DELETE FROM product_attribute_values WHERE product_id = $1 AND attribute_id = $2`, key, a.id)
		batch.Queue(`INSERT INTO product_attribute_values (product_id, attribute_id, value, number) VALUES ($1, $2, $3, $4::text::numeric)`, key, a.id, value, a.number(value))
	}
	from, until := d.From, d.Until
	batch.Queue(`
		INSERT INTO product_listings AS l (channel_id, product_id, published, published_at, retired_at, name_key)
		VALUES ($1, $2, coalesce($3::boolean, true), coalesce($4::timestamptz, $5), coalesce($6::timestamptz, 'infinity'), $7)
		ON CONFLICT (channel_id, product_id) DO UPDATE SET published = coalesce($3, l.published),
			published_at = coalesce($4, l.published_at), retired_at = coalesce($6, l.retired_at)`,
		w.run.ChannelID, key, d.Published, from, w.at, until, d.Name[i18n.Default])
}

func (a knownAttribute) number(value string) *string {
	if a.kind != "NUMBER" {
		return nil
	}
	return &value
}

func altOf(image importing.Image) i18n.Text {
	if image.Alt == "" {
		return i18n.Text{}
	}
	return i18n.JA(image.Alt)
}

func nonNil(tags []string) []string {
	if tags == nil {
		return []string{}
	}
	return tags
}

// variant queues one variant, its base price and its counted stock.
func (w *importWriter) variant(batch *pgx.Batch, product uuid.UUID, position int, v importing.Variant) {
	o, there := w.variants[v.SKU]
	if !there {
		o = owned{id.New(), product}
		w.variants[v.SKU] = o
	}
	batch.Queue(`
		INSERT INTO variants AS v (id, brand_id, product_id, sku, barcode, options, weight, cost, position)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (brand_id, sku) DO UPDATE SET barcode = coalesce(nullif(EXCLUDED.barcode, ''), v.barcode),
			options = CASE EXCLUDED.options WHEN '[]' THEN v.options ELSE EXCLUDED.options END,
			weight = coalesce(nullif(EXCLUDED.weight, 0), v.weight),
			cost = coalesce(EXCLUDED.cost, v.cost), position = EXCLUDED.position, active = true`,
		o.variant, w.run.BrandID, product, v.SKU, v.Barcode, nonNil(v.Options), v.Weight, v.Cost, position)
	if v.Price != nil {
		w.priced = true
		batch.Queue(`
			INSERT INTO prices (id, price_list_id, variant_id, amount, compare_at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (variant_id, price_list_id, min_quantity, valid_from) DO UPDATE SET amount = EXCLUDED.amount, compare_at = EXCLUDED.compare_at`,
			id.New(), w.listID, o.variant, *v.Price, v.CompareAt)
	}
	for code, pieces := range v.Stock {
		w.count(batch, o.variant, w.locations[code], pieces)
	}
}

// count queues a counted level: the difference is a movement. The level is there before it
// is read, so that of two who write a new one each moves what it found. What orders hold
// stays held, so a level does not go below it. Goods that are told apart by lot are not
// counted so: nobody says which lots they are.
func (w *importWriter) count(batch *pgx.Batch, variant, location uuid.UUID, pieces int) {
	batch.Queue(`INSERT INTO stock_levels (variant_id, location_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`, variant, location)
	batch.Queue(`
		WITH before AS (
			SELECT on_hand FROM stock_levels WHERE variant_id = $1 AND location_id = $2 FOR UPDATE
		), after AS (
			INSERT INTO stock_levels AS s (variant_id, location_id, on_hand) SELECT $1, $2, $3 FROM before
			ON CONFLICT (variant_id, location_id) DO UPDATE SET on_hand = CASE WHEN s.tracked THEN s.on_hand ELSE greatest(EXCLUDED.on_hand, s.reserved) END
			RETURNING on_hand
		)
		INSERT INTO stock_movements (id, at, variant_id, location_id, kind, quantity, reference)
		SELECT $4, $5, $1, $2, 'COUNT', after.on_hand - before.on_hand, 'import ' || $6::text FROM before, after WHERE after.on_hand <> before.on_hand`,
		variant, location, pieces, id.New(), w.at, w.run.ID.String())
}

// list queues the listing's copies of prices and stock.
func (w *importWriter) list(batch *pgx.Batch, products []uuid.UUID) {
	queueRelist(batch, products, w.at)
}

// maker is the product brand of the name, made when there is none; nil without a name.
func (w *importWriter) maker(batch *pgx.Batch, name string) *uuid.UUID {
	if name == "" {
		return nil
	}
	slug := slugOf(name)
	key, there := w.makers[slug]
	if !there {
		key = id.New()
		w.makers[slug] = key
		batch.Queue(`INSERT INTO product_brands (id, brand_id, slug, name) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, key, w.run.BrandID, slug, i18n.JA(name))
	}
	return &key
}

// shelf is the category of a path such as "犬 > フード", made when it is missing. A
// step that is the slug of a category means that one.
func (w *importWriter) shelf(batch *pgx.Batch, path string) uuid.UUID {
	var parent *uuid.UUID
	slug := ""
	for _, name := range strings.Split(path, ">") {
		name = strings.TrimSpace(name)
		if key, known := w.shelves[name]; known {
			parent, slug = &key, name
			continue
		}
		slug = strings.Trim(slug+"-"+slugOf(name), "-")
		key, known := w.shelves[slug]
		if !known {
			key = id.New()
			w.shelves[slug] = key
			batch.Queue(`INSERT INTO categories (id, brand_id, parent_id, slug, name) VALUES ($1, $2, $3, $4, $5)`, key, w.run.BrandID, parent, slug, i18n.JA(name))
		}
		parent = &key
	}
	return *parent
}

// slugOf makes a part of a page address from a name; Japanese stays Japanese.
func slugOf(name string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return strings.ContainsRune(" 　/\\?#%&+'\".,;:()（）・", r)
	}), "-")
}

func (w *importWriter) event(ctx context.Context, r importing.Run) event.Event {
	return event.New(ctx, w.at, "catalog.imported", "ImportRun", r.ID, map[string]any{"products": w.written, "file": r.FileName})
}
