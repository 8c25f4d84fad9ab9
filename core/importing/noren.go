package importing

import (
	"strings"

	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/money"
)

// norenLayout reads noren's own table: one row a variant; a row without a slug
// belongs to the product above. docs/import.md lists the columns.
type norenLayout struct{}

func (norenLayout) required() []string { return []string{"slug", "name.ja", "sku", "price"} }

func (norenLayout) continues(group []row, next row) bool {
	slug := next.get("slug")
	return slug == "" || slug == group[0].get("slug")
}

func (l norenLayout) product(group []row, o Options) Product {
	first := group[0]
	f := &fields{o: o, slug: first.get("slug")}
	f.bad(group)
	d := &Draft{
		Line: first.line, Slug: f.slug, Name: l.localised(first, "name"), Text: l.localised(first, "description"),
		SEOTitle: l.localised(first, "seo_title"), SEOText: l.localised(first, "seo_description"),
		Brand: first.get("brand"), Categories: list(first.get("categories"), "|"), Tags: list(first.get("tags"), ","),
		Published: f.yes(first, "published"), From: f.moment(first, "published_from"), Until: f.moment(first, "published_until"),
		TaxClass: l.taxClass(f, first), Status: l.status(f, first), Attributes: map[string]string{},
	}
	if f.slug == "" {
		f.fail(first.line, "slug", "", "slugがありません", "There is no slug")
	}
	if d.Name["ja"] == "" {
		f.fail(first.line, "name.ja", "", "商品名がありません", "There is no name")
	}
	for column := range first.header {
		if code, ok := strings.CutPrefix(column, "attr."); ok && first.get(column) != "" {
			d.Attributes[code] = first.get(column)
		}
	}
	for i, url := range list(first.get("images"), "|") {
		d.Images = append(d.Images, Image{URL: url, Position: i})
	}
	var names []string
	for _, n := range []string{"1", "2", "3"} {
		if name := first.get("option" + n); name != "" {
			names = append(names, name)
		}
	}
	for _, r := range group {
		d.Variants = append(d.Variants, l.variant(f, r, len(names)))
	}
	d.Options = optionsOf(names, d.Variants)
	return finish(f, d)
}

func (norenLayout) variant(f *fields, r row, options int) Variant {
	v := Variant{
		Line: r.line, SKU: r.get("sku"), Barcode: r.get("barcode"), Weight: f.whole(r, "weight_g", decimal.NewFromInt(1)),
		Price: f.amount(r, "price"), CompareAt: f.amount(r, "compare_at"), Cost: f.amount(r, "cost"), Stock: map[string]int{},
	}
	if v.SKU == "" {
		f.fail(r.line, "sku", "", "SKUがありません", "There is no SKU")
	}
	for i := range options {
		value := r.get("option" + string(rune('1'+i)) + "_value")
		if value == "" {
			f.fail(r.line, "option"+string(rune('1'+i))+"_value", "", "オプションの値がありません", "The option has no value")
		}
		v.Options = append(v.Options, value)
	}
	for column := range r.header {
		if location, ok := strings.CutPrefix(column, "stock."); ok && r.get(column) != "" {
			v.Stock[location] = f.whole(r, column, decimal.NewFromInt(1))
		}
	}
	return v
}

// localised reads the columns name.ja, name.en, … of one text.
func (norenLayout) localised(r row, name string) i18n.Text {
	t := i18n.Text{}
	for column := range r.header {
		if language, ok := strings.CutPrefix(column, name+"."); ok && r.get(column) != "" {
			t[language] = r.get(column)
		}
	}
	return t
}

func (norenLayout) taxClass(f *fields, r row) money.TaxClass {
	switch strings.ToUpper(r.get("tax_class")) {
	case "":
		return ""
	case "STANDARD", "10", "10%":
		return money.TaxStandard
	case "REDUCED", "8", "8%":
		return money.TaxReduced
	case "EXEMPT", "0", "0%":
		return money.TaxExempt
	}
	f.fail(r.line, "tax_class", r.get("tax_class"), "税区分は STANDARD・REDUCED・EXEMPT のいずれかです", "The tax class is STANDARD, REDUCED or EXEMPT")
	return ""
}

func (norenLayout) status(f *fields, r row) catalog.Status {
	switch s := catalog.Status(strings.ToUpper(r.get("status"))); s {
	case "", catalog.StatusDraft, catalog.StatusActive, catalog.StatusArchived:
		return s
	}
	f.fail(r.line, "status", r.get("status"), "状態は DRAFT・ACTIVE・ARCHIVED のいずれかです", "The status is DRAFT, ACTIVE or ARCHIVED")
	return ""
}
