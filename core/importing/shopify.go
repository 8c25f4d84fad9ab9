package importing

import (
	"strings"

	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/money"
)

// shopifyLayout reads the product export of Shopify: rows of one Handle are one
// product; the first has the product's own columns, each row may add a variant
// and an image.
type shopifyLayout struct{}

func (shopifyLayout) required() []string { return []string{"Handle", "Title"} }

func (shopifyLayout) continues(group []row, next row) bool {
	return next.get("Handle") == group[0].get("Handle")
}

// shopifyStock is the location whose stock the column "Variant Inventory Qty" counts.
const shopifyStock = "main"

func (l shopifyLayout) product(group []row, o Options) Product {
	first := group[0]
	f := &fields{o: o, slug: first.get("Handle")}
	f.bad(group)
	d := &Draft{
		Line: first.line, Slug: f.slug, Name: i18n.JA(first.get("Title")), Text: i18n.JA(first.get("Body (HTML)")),
		Brand: first.get("Vendor"), Tags: list(first.get("Tags"), ","),
		Published: f.yes(first, "Published"), Attributes: map[string]string{},
	}
	d.SEOTitle, d.SEOText = text(first.get("SEO Title")), text(first.get("SEO Description"))
	for _, path := range []string{first.get("Product Category"), first.get("Type")} {
		if path != "" && len(d.Categories) == 0 {
			d.Categories = []string{path}
		}
	}
	switch strings.ToLower(first.get("Status")) {
	case "", "unlisted": // sold to those who have the address; the catalog's own word decides
	case "active":
		d.Status = catalog.StatusActive
	case "draft":
		d.Status = catalog.StatusDraft
	case "archived":
		d.Status = catalog.StatusArchived
	default:
		f.fail(first.line, "Status", first.get("Status"), "状態は active・draft・archived のいずれかです", "The status is active, draft or archived")
	}
	if f.slug == "" {
		f.fail(first.line, "Handle", "", "Handleがありません", "There is no handle")
	}
	if first.get("Title") == "" {
		f.fail(first.line, "Title", "", "商品名がありません", "There is no title")
	}
	names := l.optionNames(first)
	for _, r := range group {
		l.variant(f, d, r, names)
		l.image(d, r)
	}
	d.Options = optionsOf(names, d.Variants)
	return finish(f, d)
}

// optionNames are the names of the options in use. A product without options has
// the one option "Title" with the one value "Default Title".
func (shopifyLayout) optionNames(first row) []string {
	var names []string
	for _, n := range []string{"1", "2", "3"} {
		name := first.get("Option" + n + " Name")
		if name == "" || (name == "Title" && first.get("Option"+n+" Value") == "Default Title") {
			break
		}
		names = append(names, name)
	}
	return names
}

func (shopifyLayout) variant(f *fields, d *Draft, r row, names []string) {
	if r.get("Variant Price") == "" && r.get("Variant SKU") == "" && r.get("Option1 Value") == "" {
		return // an image alone
	}
	v := Variant{
		Line: r.line, SKU: r.get("Variant SKU"), Barcode: strings.TrimPrefix(r.get("Variant Barcode"), "'"),
		Weight: f.whole(r, "Variant Grams", decimal.NewFromInt(1)),
		Price:  f.amount(r, "Variant Price"), CompareAt: f.amount(r, "Variant Compare At Price"), Cost: f.amount(r, "Cost per item"),
	}
	for i := range names {
		v.Options = append(v.Options, r.get("Option"+string(rune('1'+i))+" Value"))
	}
	if v.SKU == "" {
		v.SKU = strings.ToUpper(strings.Join(append([]string{d.Slug}, v.Options...), "-"))
		f.warn(r.line, "Variant SKU", "", "SKUがないため %s としました", "There is no SKU; %s was made", v.SKU)
	}
	if r.get("Variant Inventory Qty") != "" {
		v.Stock = map[string]int{shopifyStock: f.whole(r, "Variant Inventory Qty", decimal.NewFromInt(1))}
	}
	if strings.EqualFold(r.get("Variant Taxable"), "false") {
		d.TaxClass = money.TaxExempt
	}
	d.Variants = append(d.Variants, v)
}

func (shopifyLayout) image(d *Draft, r row) {
	if src := r.get("Image Src"); src != "" {
		d.Images = append(d.Images, Image{URL: src, Alt: r.get("Image Alt Text"), Position: position(r.get("Image Position"))})
	}
}

// optionsOf collects each option's values in the order in which they first stand.
func optionsOf(names []string, variants []Variant) []catalog.Option {
	options := make([]catalog.Option, len(names))
	for i, name := range names {
		options[i].Name = i18n.JA(name)
		known := map[string]bool{}
		for _, v := range variants {
			if i < len(v.Options) && !known[v.Options[i]] {
				known[v.Options[i]] = true
				options[i].Values = append(options[i].Values, v.Options[i])
			}
		}
	}
	return options
}

func text(s string) i18n.Text {
	if s == "" {
		return i18n.Text{}
	}
	return i18n.JA(s)
}
