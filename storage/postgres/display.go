package postgres

import (
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/display"
	"github.com/noren-commerce/noren/core/scope"
)

// Display keeps what decides display in PostgreSQL.
type Display struct{ db *DB }

// NewDisplay makes the store of display.
func NewDisplay(db *DB) *Display { return &Display{db} }

const (
	ruleColumns = `id, brand_id, name, audience_kind, audience_id, target_kind, target_id, target_value, valid_from, valid_until,
		channel_id, (SELECT code FROM channels WHERE channels.id = channel_id) AS channel, season_from, season_until, visible, purchasable, price_shown, message, created_at, updated_at, closed_at`
	badgeColumns = `id, brand_id, code, kind, label, target_kind, target_id, target_value, valid_from, valid_until,
		channel_id, (SELECT code FROM channels WHERE channels.id = channel_id) AS channel, days, position, created_at, closed_at`
	pinColumns = `id, brand_id, category_id, channel_id, (SELECT code FROM channels WHERE channels.id = channel_id) AS channel,
		product_id, position, valid_from, valid_until, created_at, closed_at`

	// bookVersion is the version of the rulebook of the brand @brand.
	bookVersion = `coalesce((SELECT version FROM rulebooks WHERE brand_id = @brand), 0)`
	// guard holds while the rules are those that the view was made from.
	guard = bookVersion + ` = @rules`
)

// Book reads what decides display of a brand, in one round trip. The version is
// read first: what changes meanwhile has a higher one, and the book is read again.
func (s *Display) Book(ctx context.Context, brandID uuid.UUID) (*display.Book, error) {
	b := new(display.Book)
	args := pgx.NamedArgs{"brand": brandID}
	batch := &pgx.Batch{}
	batch.Queue(`SELECT `+bookVersion+`, EXISTS (SELECT FROM sets WHERE brand_id = @brand AND price_rule = 'PARTS')`, args).
		QueryRow(func(row pgx.Row) error { return row.Scan(&b.Version, &b.Follows) })
	queueRows(batch, &b.Rules, nil, `SELECT `+ruleColumns+` FROM display_rules WHERE brand_id = @brand AND closed_at IS NULL`, args)
	queueRows(batch, &b.Badges, nil, `SELECT `+badgeColumns+` FROM badges WHERE brand_id = @brand AND closed_at IS NULL`, args)
	// Pins that were closed a moment ago are those of somebody's earlier pages.
	queueRows(batch, &b.Pins, nil, `SELECT `+pinColumns+` FROM category_pins
		WHERE brand_id = @brand AND (closed_at IS NULL OR closed_at > now() - interval '1 day')`, args)
	queueRows(batch, &b.Sorts, nil, `SELECT category_id, sort FROM category_sorts WHERE brand_id = @brand`, args)
	queueRows(batch, &b.Shelves, nil, `SELECT id, parent_id, slug FROM categories WHERE brand_id = @brand`, args)
	if err := s.db.conn(ctx).SendBatch(ctx, batch).Close(); err != nil {
		return nil, s.db.unavailable(ctx, err)
	}
	return display.NewBook(b), nil
}

// factColumns are the columns of display.Facts, for the alias p.
const factColumns = `p.id AS product_id, p.product_brand_id AS brand_id, p.tags,
	ARRAY(SELECT category_id FROM product_categories WHERE product_id = p.id) AS categories,
	ARRAY(SELECT attribute_id || ' ' || value FROM product_attribute_values WHERE product_id = p.id) AS attributes,
	(SELECT published_at FROM product_listings WHERE channel_id = @channel AND product_id = p.id) AS published_at,
	` + bookVersion + ` AS version`

// heldFacts are display.Facts.Held, for the alias p.
const heldFacts = `(
	SELECT jsonb_agg(jsonb_build_object('SetID', z.variant_id, 'Follows', z.price_rule = 'PARTS', 'Slot', q.slot, 'VariantID', q.variant_id,
		'ProductID', h.id, 'BrandID', h.product_brand_id, 'Tags', h.tags,
		'Categories', ARRAY(SELECT category_id FROM product_categories WHERE product_id = h.id),
		'Attributes', ARRAY(SELECT attribute_id || ' ' || value FROM product_attribute_values WHERE product_id = h.id)))
	FROM variants w JOIN sets z ON z.variant_id = w.id JOIN set_parts q ON q.set_id = z.variant_id
	JOIN variants o ON o.id = q.variant_id JOIN products h ON h.id = o.product_id
	WHERE w.product_id = p.id) AS held`

// Facts are what rules ask of the products, in one statement.
func (s *Display) Facts(ctx context.Context, brandID, channelID uuid.UUID, productIDs []uuid.UUID) ([]display.Facts, error) {
	return collect[display.Facts](ctx, s.db, `
		SELECT `+factColumns+`, `+heldFacts+` FROM products p WHERE p.brand_id = @brand AND p.id = ANY(@ids)`,
		pgx.NamedArgs{"brand": brandID, "channel": channelID, "ids": productIDs})
}

// VariantFacts are the same of the products of variants.
func (s *Display) VariantFacts(ctx context.Context, brandID, channelID uuid.UUID, variantIDs []uuid.UUID) ([]display.VariantFacts, error) {
	return collect[display.VariantFacts](ctx, s.db, `
		SELECT v.id AS variant_id, `+factColumns+`, NULL::jsonb AS held FROM variants v JOIN products p ON p.id = v.product_id
		WHERE p.brand_id = @brand AND v.id = ANY(@ids)`,
		pgx.NamedArgs{"brand": brandID, "channel": channelID, "ids": variantIDs})
}

// passes is the condition that the listing l of the product p passes the ladder,
// or empty if all do. It is written as what is not refused, for the planner to
// expect that most pass. Its arguments, one for each kind of target, are looked up
// by key: a thousand rules cost what one costs. Rules for single variants are asked
// where the variant is named.
func passes(l display.Ladder, name, variant string, args pgx.NamedArgs) string {
	if l.Open() {
		return ``
	}
	type look struct {
		kind scope.TargetKind
		sql  string
	}
	looks := []look{
		{scope.Product, `(@rungs ->> l.product_id::text)::int`},
		{scope.ProductBrand, `(@rungs ->> p.product_brand_id::text)::int`},
		{scope.Category, `(SELECT min((@rungs ->> pc.category_id::text)::int) FROM product_categories pc WHERE pc.product_id = l.product_id)`},
		{scope.Attribute, `(SELECT min((@rungs ->> (v.attribute_id || ' ' || v.value))::int) FROM product_attribute_values v WHERE v.product_id = l.product_id)`},
		{scope.Tag, `(SELECT min((@rungs ->> tag)::int) FROM unnest(p.tags) AS tag)`},
	}
	if variant != `` {
		looks = append(looks, look{scope.Variant, `(@rungs ->> ` + variant + `::text)::int`})
	}
	var rungs []string
	for _, look := range looks {
		if raw := l.Rungs(look.kind); raw != nil {
			argument := name + "_" + strings.ToLower(string(look.kind))
			args[argument] = raw
			rungs = append(rungs, strings.ReplaceAll(look.sql, `@rungs`, `@`+argument+`::jsonb`))
		}
	}
	if all := l.All(); all != nil {
		args[name+"_all"] = *all
		rungs = append(rungs, `@`+name+`_all::int`)
	}
	if len(rungs) == 0 { // only single variants are refused
		return ``
	}
	return `NOT coalesce(least(` + strings.Join(rungs, `, `) + `), 0) % 2 = 1`
}

// seen are the conditions under which the view lets the listing l of the product p
// be seen. A nil view sees all.
func seen(v *display.View, args pgx.NamedArgs) []string {
	if v == nil {
		return nil
	}
	if condition := passes(v.Visible, "seen", ``, args); condition != `` {
		return []string{condition}
	}
	return nil
}

// lookedAt are the conditions with which a statement reads through the view: the
// rules are still those of the brand, and let the listing be seen.
func lookedAt(v *display.View, args pgx.NamedArgs) []string {
	if v == nil {
		return nil
	}
	args["brand"], args["rules"] = v.BrandID, v.Version
	return append(seen(v, args), guard)
}

// told is the listing's price as the view tells it: nothing where it is hidden, or
// where it would tell that of a set's part.
func told(v *display.View, args pgx.NamedArgs) string {
	if v == nil {
		return `l.min_price`
	}
	parts := partsTold(v, args)
	conditions := slices.DeleteFunc([]string{passes(v.Priced, "told", ``, args), parts}, isEmpty)
	price := `l.min_price`
	if len(conditions) > 0 {
		price = `CASE WHEN ` + strings.Join(conditions, ` AND `) + ` THEN l.min_price END`
	}
	if v.Priced.Open() || v.Priced.Rungs(scope.Variant) == nil {
		return price
	}
	args["told_variants"] = v.Priced.Rungs(scope.Variant)
	these := strings.Join(slices.DeleteFunc([]string{`l.product_id IN (` + ruledProducts + `)`, parts}, isEmpty), ` AND `)
	return `CASE WHEN ` + these + ` THEN ` + leastOf(passes(v.Priced, "told", `w.id`, args)) + ` ELSE ` + price + ` END`
}

// ruledProducts are those of which single variants have rules of their own. They are
// found once for a statement.
const ruledProducts = `SELECT o.product_id FROM jsonb_object_keys(@told_variants::jsonb) k JOIN variants o ON o.id = k::uuid`

// leastOf is the lowest price of those of the listing's variants w that pass, as the
// listing reckons its own. It is asked of ruledProducts alone.
func leastOf(passing string) string {
	return `(
		SELECT min(CASE WHEN z.variant_id IS NOT NULL THEN parts_price(w.id, c.price_list_id, @at) ELSE (
			SELECT r.amount FROM prices r WHERE r.variant_id = w.id AND r.price_list_id = c.price_list_id AND r.min_quantity = 1
				AND r.valid_from <= @at AND r.valid_until > @at ORDER BY r.valid_from DESC LIMIT 1) END)
		FROM channels c JOIN variants w ON w.product_id = l.product_id AND w.active LEFT JOIN sets z ON z.variant_id = w.id AND z.price_rule = 'PARTS'
		WHERE c.id = l.channel_id AND ` + passing + `)`
}

func isEmpty(s string) bool { return s == `` }

// ofPart writes a condition on the listing l of the product p for the product h, which
// a set holds.
var ofPart = strings.NewReplacer(`l.product_id`, `h.id`, `p.product_brand_id`, `h.product_brand_id`, `p.tags`, `h.tags`)

// partsTold is the condition that no price in the listing l follows parts of which the
// view hides one, or its price. The sets that do are found once for a statement.
func partsTold(v *display.View, args pgx.NamedArgs) string {
	parts := slices.DeleteFunc([]string{passes(v.Priced, "told", `o.id`, args), passes(v.Visible, "seen", ``, args)}, isEmpty)
	if !v.Follows() || len(parts) == 0 {
		return ``
	}
	return `l.product_id <> ALL(ARRAY(
		SELECT w.product_id FROM sets z JOIN variants w ON w.id = z.variant_id JOIN set_parts q ON q.set_id = z.variant_id
		JOIN variants o ON o.id = q.variant_id JOIN products h ON h.id = o.product_id
		WHERE z.brand_id = @brand AND z.price_rule = 'PARTS' AND NOT (` + ofPart.Replace(strings.Join(parts, ` AND `)) + `)))`
}

// through is display.ErrMoved if nothing was found because the rules have moved.
func (s *Catalog) through(ctx context.Context, v *display.View, found bool, err error) error {
	if err != nil || found || v == nil {
		return err
	}
	version, err := one[int64](ctx, s.db, `SELECT `+bookVersion, pgx.NamedArgs{"brand": v.BrandID})
	if err == nil && version != v.Version {
		err = display.ErrMoved
	}
	return err
}
