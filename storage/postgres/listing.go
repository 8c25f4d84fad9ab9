package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/page"
)

// selection is the condition of a list of products, cut by the dimension that
// each part narrows, so that a facet can leave its own part out.
type selection struct {
	always []string
	parts  []part
	args   pgx.NamedArgs
	price  string // the lowest price, as the buyer is told it
	back   string // 1 for what stands behind all others; a buyer who may not see stock is told by no order
}

// part is what one filter says. Code tells attributes apart.
type part struct {
	kind catalog.FacetKind
	code string
	sql  string
}

const (
	rankOf     = `(ts_rank(p.search, @match::text::tsquery) + ts_rank(p.search, @exact::text::tsquery))::float8`
	subtreeSQL = `ARRAY(WITH RECURSIVE t AS (
			SELECT id FROM categories WHERE brand_id = @brand AND slug = ANY(@categories)
			UNION SELECT c.id FROM categories c JOIN t ON c.parent_id = t.id
		) SELECT id FROM t)`
	brandsSQL = `ARRAY(SELECT id FROM product_brands WHERE brand_id = @brand AND slug = ANY(@product_brands))`
)

func selectionOf(q catalog.ListQuery) (selection, error) {
	f := q.Filter
	args := pgx.NamedArgs{"channel": q.ChannelID, "brand": q.BrandID, "at": q.At}
	s := selection{always: append([]string{shown}, seen(q.View, args)...), args: args, price: told(q.View, args), back: `l.back`}
	if q.StockHidden {
		s.back = `0::smallint`
	}
	if !q.Words.Empty() {
		s.always = append(s.always, `p.search @@ @match::text::tsquery`)
		s.args["match"], s.args["exact"] = q.Words.Match, q.Words.Exact
	} else if f.Query != "" {
		s.always = append(s.always, `false`)
	}
	if len(f.Tags) > 0 {
		s.always, s.args["tags"] = append(s.always, `p.tags && @tags`), f.Tags
	}
	if len(f.Categories) > 0 {
		s.args["categories"] = f.Categories
		s.add(catalog.FacetCategory, "", `EXISTS (SELECT FROM product_categories pc WHERE pc.product_id = l.product_id AND pc.category_id = ANY(`+subtreeSQL+`))`)
	}
	if len(f.Brands) > 0 {
		s.args["product_brands"] = f.Brands
		s.add(catalog.FacetBrand, "", `coalesce(p.product_brand_id = ANY(`+brandsSQL+`), false)`)
	}
	if f.InStock != nil {
		s.args["in_stock"] = *f.InStock
		s.add(catalog.FacetAvailability, "", `l.in_stock = @in_stock`)
	}
	for i, a := range f.Attributes {
		s.attribute(i, a)
	}
	return s, s.prices(f, q.Currency)
}

func (s *selection) add(kind catalog.FacetKind, code, sql string) {
	s.parts = append(s.parts, part{kind, code, sql})
}

func (s *selection) prices(f catalog.Filter, currency money.Currency) error {
	var bounds []string
	if f.MinPrice != nil {
		low, err := money.Parse(*f.MinPrice, currency)
		if err != nil {
			return at(err, "filter.minPrice")
		}
		bounds, s.args["min_price"] = append(bounds, s.price+` >= @min_price`), low.Minor
	}
	if f.MaxPrice != nil {
		high, err := money.Parse(*f.MaxPrice, currency)
		if err != nil {
			return at(err, "filter.maxPrice")
		}
		bounds, s.args["max_price"] = append(bounds, s.price+` <= @max_price`), high.Minor
	}
	if len(bounds) > 0 {
		s.add(catalog.FacetPrice, "", `coalesce(`+strings.Join(bounds, ` AND `)+`, false)`)
	}
	return nil
}

func (s *selection) attribute(i int, a catalog.AttributeFilter) {
	n := fmt.Sprint(i)
	cond := `v.product_id = l.product_id AND a.brand_id = @brand AND a.code = @attribute` + n
	s.args["attribute"+n] = a.Code
	if len(a.Values) > 0 {
		cond, s.args["values"+n] = cond+` AND v.value = ANY(@values`+n+`)`, a.Values
	}
	if a.Min != nil {
		cond, s.args["low"+n] = cond+` AND v.number >= @low`+n+`::text::numeric`, a.Min.String()
	}
	if a.Max != nil {
		cond, s.args["high"+n] = cond+` AND v.number <= @high`+n+`::text::numeric`, a.Max.String()
	}
	s.add(catalog.FacetAttribute, a.Code, `EXISTS (SELECT FROM product_attribute_values v JOIN attributes a ON a.id = v.attribute_id WHERE `+cond+`)`)
}

// where is the whole condition.
func (s selection) where() string {
	all := slices.Clone(s.always)
	for _, p := range s.parts {
		all = append(all, p.sql)
	}
	return strings.Join(all, ` AND `)
}

// walk is how a sort walks the listings: what stands behind all others (sold out,
// for some) last, then by one expression, then by the product's id.
type walk struct {
	expression string
	column     string // the field of sortedRow that holds the expression
	typed      string
	descending bool
	back       string // of the selection
}

var walks = map[catalog.Sort]walk{
	catalog.SortNewest:    {expression: `l.published_at`, column: "sort_time", typed: "timestamptz", descending: true},
	catalog.SortPriceAsc:  {expression: `coalesce(l.min_price, 9223372036854775807)`, column: "sort_number", typed: "bigint"},
	catalog.SortPriceDesc: {expression: `coalesce(l.min_price, -1)`, column: "sort_number", typed: "bigint", descending: true},
	catalog.SortName:      {expression: `l.name_key`, column: "sort_text", typed: "text"},
	catalog.SortRelevance: {expression: rankOf, column: "sort_rank", typed: "float8", descending: true},
}

// by is the walk of the sort for a buyer who is told the prices so: what has no
// price, or none that is told, stands last. Then no index knows the order.
func (s selection) by(sort catalog.Sort) (walk, bool) {
	o, ok := walks[sort]
	o.expression, o.back = strings.ReplaceAll(o.expression, `l.min_price`, s.price), s.back
	return o, ok
}

// sortKey is where a row stands in one order of a list; it travels in the cursor.
type sortKey struct {
	Sort   catalog.Sort `json:"s"`
	Back   int16        `json:"b,omitempty"`
	Time   *time.Time   `json:"t,omitempty"`
	Number *int64       `json:"n,omitempty"`
	Text   *string      `json:"x,omitempty"`
	Rank   *float64     `json:"r,omitempty"`
	ID     uuid.UUID    `json:"i"`
}

func (k sortKey) value(o walk) any {
	switch o.column {
	case "sort_time":
		return k.Time
	case "sort_number":
		return k.Number
	case "sort_text":
		return k.Text
	}
	return k.Rank
}

// columns selects the sort key, each type in its own column.
func (o walk) columns() string {
	all := []string{o.back + ` AS back`}
	for _, t := range []walk{
		{column: "sort_time", typed: "timestamptz"}, {column: "sort_number", typed: "bigint"},
		{column: "sort_text", typed: "text"}, {column: "sort_rank", typed: "float8"},
	} {
		if t.column == o.column {
			all = append(all, o.expression+` AS `+t.column)
		} else {
			all = append(all, `NULL::`+t.typed+` AS `+t.column)
		}
	}
	return strings.Join(all, `, `)
}

// behind is the condition that a row stands behind the cursor. One comparison of
// rows, all columns the same way, so that the index finds the place.
func (o walk) behind() string {
	if o.descending {
		return `(-` + o.back + `, ` + o.expression + `, l.product_id) < (-@after_back::smallint, @after_key::` + o.typed + `, @after_id)`
	}
	return `(` + o.back + `, ` + o.expression + `, l.product_id) > (@after_back::smallint, @after_key::` + o.typed + `, @after_id)`
}

func (o walk) order() string {
	if o.descending {
		return `-` + o.back + ` DESC, ` + o.expression + ` DESC, l.product_id DESC`
	}
	return o.back + `, ` + o.expression + `, l.product_id`
}

type sortedRow struct {
	catalog.Product
	Back       int16
	SortTime   *time.Time
	SortNumber *int64
	SortText   *string
	SortRank   *float64
}

// Listed is one page of the products that a channel shows, and its facets.
func (s *Catalog) Listed(ctx context.Context, q catalog.ListQuery) (catalog.ProductPage, error) {
	var none catalog.ProductPage
	sel, err := selectionOf(q)
	if err != nil {
		return none, err
	}
	o, ok := sel.by(q.Sort)
	if !ok {
		return none, fault.ErrRequired.At("sort")
	}
	var paged page.Connection[catalog.Product]
	if q.Shelf != "" && q.View != nil {
		paged, err = s.shelfPage(ctx, q, sel)
	} else {
		paged, err = s.paged(ctx, q, sel, o)
	}
	if err != nil {
		return none, err
	}
	found := catalog.ProductPage{Connection: paged}
	found.Count = func(ctx context.Context) (int, error) {
		return one[int](ctx, s.db, `SELECT count(*) FROM product_listings l JOIN products p ON p.id = l.product_id WHERE `+sel.where(), sel.args)
	}
	found.CountFacets = func(ctx context.Context) ([]catalog.Facet, error) { return s.facets(ctx, q, sel) }
	return found, nil
}

// paged is one page of the selection in the walk's order.
func (s *Catalog) paged(ctx context.Context, q catalog.ListQuery, sel selection, o walk) (page.Connection[catalog.Product], error) {
	var none page.Connection[catalog.Product]
	size, err := q.Page.Size()
	if err != nil {
		return none, err
	}
	var after sortKey
	behind, err := q.Page.Start(&after)
	if err != nil {
		return none, err
	}
	if behind && (after.Sort != q.Sort || isNil(after.value(o))) {
		return none, errCursor
	}
	var place *sortKey
	if behind {
		place = &after
	}
	rows, err := s.rows(ctx, q, sel, o, place, size+1)
	if err != nil {
		return none, err
	}
	paged := page.Of(rows, size, behind, func(r sortedRow) any { return r.key(q.Sort) })
	return page.Map(paged, func(r sortedRow) catalog.Product { return r.Product }), nil
}

func (r sortedRow) key(sort catalog.Sort) sortKey {
	return sortKey{sort, r.Back, r.SortTime, r.SortNumber, r.SortText, r.SortRank, r.ID}
}

// rows are the next rows of the selection behind the place, at most limit; from
// the beginning if there is no place.
func (s *Catalog) rows(ctx context.Context, q catalog.ListQuery, sel selection, o walk, place *sortKey, limit int, more ...string) ([]sortedRow, error) {
	sql, args := rowsSQL(q, sel, o, place, limit, more...)
	rows, err := collect[sortedRow](ctx, s.db, sql, args)
	return rows, s.through(ctx, q.View, len(rows) > 0, err)
}

func rowsSQL(q catalog.ListQuery, sel selection, o walk, place *sortKey, limit int, more ...string) (string, pgx.NamedArgs) {
	args := maps.Clone(sel.args)
	where := append([]string{sel.where()}, more...)
	if q.View != nil {
		args["rules"] = q.View.Version
		where = append(where, guard)
	}
	if place != nil {
		where = append(where, o.behind())
		args["after_back"], args["after_key"], args["after_id"] = place.Back, place.value(o), place.ID
	}
	args["limit"] = limit
	return `
		SELECT ` + productColumns + `, ` + o.columns() + `
		FROM product_listings l JOIN products p ON p.id = l.product_id
		WHERE ` + strings.Join(where, ` AND `) + ` ORDER BY ` + o.order() + ` LIMIT @limit`, args
}

// errCursor says that a cursor was made for another list.
var errCursor = fault.Invalid(fault.CodeInvalid, "カーソルが正しくありません", "This is not a valid cursor of this list").At("after")

func isNil(v any) bool {
	switch v := v.(type) {
	case *time.Time:
		return v == nil
	case *int64:
		return v == nil
	case *string:
		return v == nil
	case *float64:
		return v == nil
	}
	return true
}

// at names the field of a business failure.
func at(err error, field string) error {
	if all := fault.All(err); len(all) == 1 {
		return all[0].At(field)
	}
	return err
}
