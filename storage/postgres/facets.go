package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/money"
)

// facetRow is one value of one facet.
type facetRow struct {
	Kind    catalog.FacetKind
	Code    string
	Value   string
	Label   i18n.Text
	Parent  *string
	Name    i18n.Text
	Unit    string
	Choices json.RawMessage
	Count   int
}

// facets counts the whole list in one statement. The candidates are what holds
// whatever is chosen, with a flag for each choice; a facet then counts those that
// all the other choices hold for.
func (s *Catalog) facets(ctx context.Context, q catalog.ListQuery, sel selection) ([]catalog.Facet, error) {
	flags := make([]string, 0, len(sel.parts))
	for i, p := range sel.parts {
		flags = append(flags, fmt.Sprintf(`, (%s) AS f%d`, p.sql, i))
	}
	bands := bandsOf(q.Currency)
	sel.args = maps.Clone(sel.args) // the count may run beside this
	sel.args["bands"] = bands
	arms := []string{
		sel.categoryArm(), sel.brandArm(), sel.bandArm(), sel.attributeArm(""),
	}
	if !q.StockHidden {
		arms = append(arms, sel.stockArm())
	}
	for _, p := range sel.parts {
		if p.kind == catalog.FacetAttribute {
			arms = append(arms, sel.attributeArm(p.code))
		}
	}
	rows, err := collect[facetRow](ctx, s.db, `
		WITH RECURSIVE candidates AS MATERIALIZED (
			SELECT l.product_id, p.product_brand_id, `+sel.price+` AS min_price, l.in_stock`+strings.Join(flags, ``)+`
			FROM product_listings l JOIN products p ON p.id = l.product_id
			WHERE `+strings.Join(sel.always, ` AND `)+`
		), above AS (
			SELECT id, id AS shelf, parent_id FROM categories WHERE brand_id = @brand
			UNION ALL
			SELECT above.id, c.id, c.parent_id FROM above JOIN categories c ON c.id = above.parent_id
		)
		SELECT kind, code, value, label, parent, name, unit, choices, count
		FROM (`+strings.Join(arms, ` UNION ALL `)+`) AS counted
		ORDER BY rank, position, count DESC, value`, sel.args)
	if err != nil {
		return nil, err
	}
	return assemble(rows, q, bands), nil
}

// others is the condition that all choices hold but those of the facet itself.
func (s selection) others(kind catalog.FacetKind, code string) string {
	all := []string{`true`}
	for i, p := range s.parts {
		if p.kind != kind || p.code != code {
			all = append(all, fmt.Sprintf(`f%d`, i))
		}
	}
	return strings.Join(all, ` AND `)
}

const noAttribute = `'{}'::jsonb AS name, '' AS unit, '[]'::jsonb AS choices`

func (s selection) categoryArm() string {
	return `(SELECT 'CATEGORY' AS kind, '' AS code, c.slug AS value, c.name AS label, parent.slug AS parent, ` + noAttribute + `,
			n.count::int AS count, 0 AS rank, c.position AS position
		FROM (SELECT a.shelf, count(DISTINCT pc.product_id) AS count FROM candidates
			JOIN product_categories pc USING (product_id) JOIN above a ON a.id = pc.category_id
			WHERE ` + s.others(catalog.FacetCategory, "") + ` GROUP BY a.shelf) n
		JOIN categories c ON c.id = n.shelf LEFT JOIN categories parent ON parent.id = c.parent_id)`
}

func (s selection) brandArm() string {
	return `(SELECT 'BRAND', '', b.slug, b.name, NULL, ` + noAttribute + `, n.count::int, 1, 0
		FROM (SELECT product_brand_id, count(*) AS count FROM candidates
			WHERE ` + s.others(catalog.FacetBrand, "") + ` GROUP BY product_brand_id) n
		JOIN product_brands b ON b.id = n.product_brand_id)`
}

func (s selection) bandArm() string {
	return `(SELECT 'PRICE', '', width_bucket(min_price, @bands::bigint[])::text, '{}'::jsonb, NULL, ` + noAttribute + `, count(*)::int, 2,
			width_bucket(min_price, @bands::bigint[])
		FROM candidates WHERE min_price IS NOT NULL AND ` + s.others(catalog.FacetPrice, "") + `
		GROUP BY width_bucket(min_price, @bands::bigint[]))`
}

func (s selection) stockArm() string {
	return `(SELECT 'AVAILABILITY', '', CASE WHEN in_stock THEN 'IN_STOCK' ELSE 'OUT_OF_STOCK' END, '{}'::jsonb, NULL, ` + noAttribute + `,
			count(*)::int, 3, CASE WHEN in_stock THEN 0 ELSE 1 END
		FROM candidates WHERE ` + s.others(catalog.FacetAvailability, "") + ` GROUP BY in_stock)`
}

// attributeArm counts the values of the attribute with the code, or of all
// attributes in which nothing is chosen.
func (s selection) attributeArm(code string) string {
	which := []string{`a.filterable`}
	for i, f := range s.attributes() {
		if code == "" {
			which = append(which, fmt.Sprintf(`a.code <> @attribute%d`, i))
		} else if f == code {
			which = append(which, fmt.Sprintf(`a.code = @attribute%d`, i))
		}
	}
	return `(SELECT 'ATTRIBUTE', a.code, n.value, '{}'::jsonb, NULL, a.name, a.unit, a.choices, n.count::int, 4 + a.position, 0
		FROM (SELECT v.attribute_id, v.value, count(*) AS count FROM candidates
			JOIN product_attribute_values v USING (product_id) JOIN attributes a ON a.id = v.attribute_id
			WHERE ` + strings.Join(which, ` AND `) + ` AND ` + s.others(catalog.FacetAttribute, code) + `
			GROUP BY v.attribute_id, v.value) n
		JOIN attributes a ON a.id = n.attribute_id)`
}

func (s selection) attributes() []string {
	var codes []string
	for _, p := range s.parts {
		if p.kind == catalog.FacetAttribute {
			codes = append(codes, p.code)
		}
	}
	return codes
}

// bandsOf are the bounds between the price bands, in minor units.
func bandsOf(currency money.Currency) []int64 {
	bands := []int64{1000, 3000, 5000, 10_000, 30_000}
	if currency.Digits() == 0 {
		return bands
	}
	for i := range bands { // a hundredth of the yen's numbers, in minor units of 1/10^digits
		for range currency.Digits() {
			bands[i] *= 10
		}
		bands[i] /= 100
	}
	return bands
}

func assemble(rows []facetRow, q catalog.ListQuery, bands []int64) []catalog.Facet {
	facets := []catalog.Facet{}
	for _, r := range rows {
		last := len(facets) - 1
		if last < 0 || facets[last].Kind != r.Kind || facets[last].Code != r.Code {
			facets = append(facets, catalog.Facet{Kind: r.Kind, Code: r.Code, Name: r.Name, Unit: r.Unit})
			last++
		}
		facets[last].Values = append(facets[last].Values, valueOf(r, q, bands))
	}
	return facets
}

func valueOf(r facetRow, q catalog.ListQuery, bands []int64) catalog.FacetValue {
	v := catalog.FacetValue{Value: r.Value, Label: r.Label, Count: r.Count, Parent: r.Parent}
	switch r.Kind {
	case catalog.FacetCategory:
		v.Selected = slices.Contains(q.Filter.Categories, r.Value)
	case catalog.FacetBrand:
		v.Selected = slices.Contains(q.Filter.Brands, r.Value)
	case catalog.FacetPrice:
		v.Min, v.Max = bandOf(r.Value, q.Currency, bands)
		v.Selected = q.Filter.MinPrice != nil && v.Min != nil && q.Filter.MinPrice.Equal(v.Min.Amount())
	case catalog.FacetAvailability:
		v.Selected = q.Filter.InStock != nil && *q.Filter.InStock == (r.Value == "IN_STOCK")
		v.Label = availabilityLabels[r.Value]
	case catalog.FacetAttribute:
		v.Label = choiceLabel(r)
		for _, a := range q.Filter.Attributes {
			v.Selected = v.Selected || a.Code == r.Code && slices.Contains(a.Values, r.Value)
		}
	}
	return v
}

// bandOf are the bounds of the price band with the number.
func bandOf(number string, currency money.Currency, bands []int64) (low, high *money.Money) {
	i, err := strconv.Atoi(number)
	if err != nil || i < 0 || i > len(bands) {
		return nil, nil
	}
	if i > 0 {
		low = new(money.Of(bands[i-1], currency))
	}
	if i < len(bands) {
		high = new(money.Of(bands[i], currency))
	}
	return low, high
}

var availabilityLabels = map[string]i18n.Text{
	"IN_STOCK":     {"ja": "在庫あり", "en": "In stock"},
	"OUT_OF_STOCK": {"ja": "在庫なし", "en": "Out of stock"},
}

// choiceLabel is the label of an attribute's choice, or the value itself.
func choiceLabel(r facetRow) i18n.Text {
	var choices []catalog.Choice
	if json.Unmarshal(r.Choices, &choices) == nil {
		for _, c := range choices {
			if c.Value == r.Value {
				return c.Label
			}
		}
	}
	return i18n.JA(strings.TrimSpace(r.Value + " " + r.Unit))
}
