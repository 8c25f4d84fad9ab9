package importing

import (
	"html"
	"regexp"
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
		Brand: first.get("Vendor"), Tags: list(first.get("Tags"), ","), TaxClass: money.TaxStandard,
		Published: f.yes(first, "Published", true), Status: catalog.StatusActive, Attributes: map[string]string{},
	}
	d.SEOTitle, d.SEOText = text(first.get("SEO Title")), text(first.get("SEO Description"))
	for _, path := range []string{first.get("Product Category"), first.get("Type")} {
		if path != "" && len(d.Categories) == 0 {
			d.Categories = []string{path}
		}
	}
	switch strings.ToLower(first.get("Status")) {
	case "draft":
		d.Status = catalog.StatusDraft
	case "archived":
		d.Status = catalog.StatusArchived
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

// script finds what must not stand in a description that pages show as HTML.
var script = regexp.MustCompile(`(?is)<\s*(script|style|iframe|object|embed)\b.*?(</\s*(script|style|iframe|object|embed)\s*>|$)|\son\w+\s*=\s*("[^"]*"|'[^']*'|[^\s>]+)|javascript:`)

// finish holds a draft against the rules that every layout shares.
func finish(f *fields, d *Draft) Product {
	if len(d.Variants) == 0 {
		f.fail(d.Line, "", "", "SKUの行がありません", "There is no row with a variant")
	}
	if len([]rune(d.Slug)) > 200 {
		f.fail(d.Line, "", d.Slug, "slugが長すぎます", "The slug is too long")
	}
	if f.failed {
		return Product{Slug: d.Slug, Rejections: f.problems}
	}
	chosen := map[string]bool{}
	for _, v := range d.Variants {
		key := strings.Join(v.Options, "\x00")
		if chosen[key] {
			f.fail(v.Line, "", html.EscapeString(strings.Join(v.Options, " / ")), "同じオプションの組み合わせが複数あります", "Two variants have the same options")
		}
		chosen[key] = true
		if v.Price == nil && d.Published && d.Status == catalog.StatusActive {
			f.warn(v.Line, "", v.SKU, "価格がないため購入できません", "Without a price it cannot be bought")
		}
	}
	if d.From != nil && d.Until != nil && !d.From.Before(*d.Until) {
		f.fail(d.Line, "published_until", "", "公開終了が公開開始より前です", "The product is retired before it is published")
	}
	for language, body := range d.Text {
		if script.MatchString(body) {
			d.Text[language] = script.ReplaceAllString(body, "")
			f.warn(d.Line, "", "", "説明文からスクリプトを取り除きました", "Scripts were removed from the description")
		}
	}
	if f.failed {
		return Product{Slug: d.Slug, Rejections: f.problems}
	}
	return Product{Slug: d.Slug, Draft: d, Rejections: f.problems}
}
