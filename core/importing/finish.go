package importing

import (
	"html"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/noren-commerce/noren/core/catalog"
)

// script finds what must not stand in a description that pages show as HTML.
var script = regexp.MustCompile(`(?is)<\s*(script|style|iframe|object|embed)\b.*?(</\s*(script|style|iframe|object|embed)\s*>|$)|\son\w+\s*=\s*("[^"]*"|'[^']*'|[^\s>]+)|javascript:`)

// finish holds a draft against the rules that every layout shares.
func finish(f *fields, d *Draft) Product {
	if len(d.Variants) == 0 {
		f.fail(d.Line, "", "", "SKUの行がありません", "There is no row with a variant")
	}
	f.lengths(d)
	if f.failed {
		return Product{Slug: d.Slug, Rejections: f.problems}
	}
	f.toldApart(d)
	if d.From != nil && d.Until != nil && !d.From.Before(*d.Until) {
		f.fail(d.Line, "published_until", "", "公開終了が公開開始より前です", "The product is retired before it is published")
	}
	f.harmless(d)
	if f.failed {
		return Product{Slug: d.Slug, Rejections: f.problems}
	}
	return Product{Slug: d.Slug, Draft: d, Rejections: f.problems}
}

// toldApart rejects variants with the same options and remarks those without a price.
func (f *fields) toldApart(d *Draft) {
	chosen := map[string]bool{}
	for _, v := range d.Variants {
		key := strings.Join(v.Options, "\x00")
		if chosen[key] && len(d.Options) > 0 {
			f.fail(v.Line, "", html.EscapeString(strings.Join(v.Options, " / ")), "同じオプションの組み合わせが複数あります", "Two variants have the same options")
		}
		chosen[key] = true
		if v.Price == nil && (d.Published == nil || *d.Published) && (d.Status == "" || d.Status == catalog.StatusActive) {
			f.warn(v.Line, "", v.SKU, "価格がないため購入できません", "Without a price it cannot be bought")
		}
	}
}

// harmless rejects images that are no addresses and takes scripts out of descriptions.
func (f *fields) harmless(d *Draft) {
	for _, image := range d.Images {
		if !address.MatchString(image.URL) {
			f.fail(d.Line, "", image.URL, "画像のURLは https:// か / で始まります", "The address of an image begins with https:// or /")
		}
	}
	for language, body := range d.Text {
		if script.MatchString(body) {
			d.Text[language] = script.ReplaceAllString(body, "")
			f.warn(d.Line, "", "", "説明文からスクリプトを取り除きました", "Scripts were removed from the description")
		}
	}
}

// address is where an image may lie: on the web, or on noren itself.
var address = regexp.MustCompile(`^(https?:/)?/[^\s<>"]+$`)

// longest is how many characters a value has at most, by what it is. Longer ones
// would not fit into the indexes that make them findable.
const (
	longestCode = 100  // SKU, barcode, option value, tag, brand, one step of a category path
	longestName = 300  // name, SEO title, alternative text
	longestText = 2000 // attribute value, SEO description, address of an image
	longestPath = 8    // steps of a category path
	longestSlug = 200
)

// lengths rejects what is too long, and category paths with empty steps.
func (f *fields) lengths(d *Draft) {
	f.within(d.Line, "slug", longestSlug, d.Slug)
	f.within(d.Line, "brand", longestCode, d.Brand)
	f.within(d.Line, "tags", longestCode, d.Tags...)
	for language, name := range d.Name {
		f.within(d.Line, "name."+language, longestName, name)
	}
	f.within(d.Line, "seo_title", longestName, slices.Collect(maps.Values(d.SEOTitle))...)
	f.within(d.Line, "seo_description", longestText, slices.Collect(maps.Values(d.SEOText))...)
	for code, value := range d.Attributes {
		f.within(d.Line, "attr."+code, longestText, value)
	}
	for _, path := range d.Categories {
		steps := strings.Split(path, ">")
		f.within(d.Line, "categories", longestCode, steps...)
		if len(steps) > longestPath || slices.ContainsFunc(steps, func(s string) bool { return strings.TrimSpace(s) == "" }) {
			f.fail(d.Line, "categories", path, "カテゴリーの階層が正しくありません（1〜%d段、空の段は不可）", "A category path has 1 to %d steps, none of them empty", longestPath)
		}
	}
	for _, image := range d.Images {
		f.within(d.Line, "images", longestText, image.URL)
		f.within(d.Line, "images", longestName, image.Alt)
	}
	for _, v := range d.Variants {
		f.within(v.Line, "sku", longestCode, v.SKU)
		f.within(v.Line, "barcode", longestCode, v.Barcode)
		f.within(v.Line, "option", longestCode, v.Options...)
	}
}

func (f *fields) within(line int, column string, most int, values ...string) {
	for _, value := range values {
		if utf8.RuneCountInString(value) > most {
			f.fail(line, column, value, "長すぎます（%d文字まで）", "This is longer than %d characters", most)
		}
	}
}
