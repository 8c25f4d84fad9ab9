// Package importing turns files of products into drafts: noren's own CSV, the
// CSV that Shopify exports, and the same tables as Excel sheets. It streams: one
// product is in memory at a time.
package importing

import (
	"fmt"
	"time"

	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/money"
)

// Format is a layout of columns.
type Format string

// The formats.
const (
	FormatAuto    Format = ""        // told by the header
	FormatNoren   Format = "noren"   // docs/import.md
	FormatShopify Format = "shopify" // Shopify's product export
)

// Options say how a file is to be read.
type Options struct {
	Format   Format
	Encoding Encoding
	Currency money.Currency // of the amounts in the file
	Exact    bool           // reject amounts finer than the currency, instead of rounding them
}

// Draft is one product of a file, ready to be written.
type Draft struct {
	Line       int // where it begins
	Slug       string
	Name       i18n.Text
	Text       i18n.Text // the description, HTML
	SEOTitle   i18n.Text
	SEOText    i18n.Text
	Brand      string   // the manufacturer's brand, by name
	Categories []string // paths such as "犬 > ドッグフード"
	Tags       []string
	Options    []catalog.Option
	Attributes map[string]string // by code
	Images     []Image
	Variants   []Variant
	TaxClass   money.TaxClass // empty: the file does not say
	Status     catalog.Status // empty: the file does not say
	Published  *bool          // nil: the file does not say
	From       *time.Time
	Until      *time.Time
}

// Variant is one variant of a draft. Amounts are minor units.
type Variant struct {
	Line      int
	SKU       string
	Barcode   string
	Options   []string
	Weight    int // grams
	Price     *int64
	CompareAt *int64
	Cost      *int64
	Stock     map[string]int // pieces by location code
}

// Image is a picture of a draft.
type Image struct {
	URL, Alt string
	Position int
}

// Rejection says why a row of a file was not taken, or was taken with a change.
type Rejection struct {
	Line    int    // of the file, from 1
	Column  string // empty if the row as a whole is meant
	Value   string // what stood there, cut to 100 characters
	Slug    string // of the product that it belongs to
	Warning bool   // taken, but not as it stood
	JA, EN  string
}

// Error is the rejection in one line of English.
func (r Rejection) Error() string {
	if r.Column == "" {
		return fmt.Sprintf("line %d: %s", r.Line, r.EN)
	}
	return fmt.Sprintf("line %d, column %q (%q): %s", r.Line, r.Column, r.Value, r.EN)
}

// Reason is why, in the caller's language.
func (r Rejection) Reason() i18n.Text { return i18n.Text{"ja": r.JA, "en": r.EN} }

func reject(line int, column, value, ja, en string, args ...any) Rejection {
	if cut := []rune(value); len(cut) > 100 {
		value = string(cut[:100])
	}
	if len(args) > 0 {
		ja, en = fmt.Sprintf(ja, args...), fmt.Sprintf(en, args...)
	}
	return Rejection{Line: line, Column: column, Value: value, JA: ja, EN: en}
}

// Product is what a file says of one product: a draft, or why there is none. The
// warnings of a draft that was taken are in Rejections too.
type Product struct {
	Draft      *Draft
	Slug       string
	Rejections []Rejection
}
