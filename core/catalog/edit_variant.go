package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
)

// VariantInput is a variant as staff write it. Amounts are major units of the
// channel's currency; the price is that of one piece in the channel's price list.
type VariantInput struct {
	SKU      string
	Barcode  string
	Options  []string // one value of each of the product's options
	Weight   int      // grams
	Cost     *decimal.Decimal
	Price    *decimal.Decimal
	Position *int
	Active   *bool
}

// Validate checks what can be checked without the product.
func (in VariantInput) Validate() error {
	var all []error
	if in.SKU == "" || utf8.RuneCountInString(in.SKU) > 64 || strings.ContainsFunc(in.SKU, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		all = append(all, ErrSKU.At("sku"))
	}
	if in.Barcode != "" && !validBarcode(in.Barcode) {
		all = append(all, ErrBarcode.At("barcode"))
	}
	if in.Weight < 0 || in.Weight > 1_000_000 {
		all = append(all, fault.Invalid(fault.CodeInvalid, "重量は0〜1,000,000グラムで指定してください", "The weight is 0 to 1,000,000 grams").At("weight"))
	}
	return errors.Join(all...)
}

// validBarcode checks length and check digit of JAN/EAN-13, EAN-8 and UPC-A.
func validBarcode(code string) bool {
	if n := len(code); n != 8 && n != 12 && n != 13 {
		return false
	}
	sum := 0
	for i := range len(code) {
		digit := int(code[len(code)-1-i]) - '0'
		if digit < 0 || digit > 9 {
			return false
		}
		if i%2 == 1 {
			digit *= 3
		}
		sum += digit
	}
	return sum%10 == 0
}

// AddVariantInput is a new variant of a product.
type AddVariantInput struct {
	ProductID uuid.UUID
	Variant   VariantInput
}

// Validate checks the variant.
func (in AddVariantInput) Validate() error { return in.Variant.Validate() }

// UpdateVariantInput replaces a variant; without a price, its prices stay.
type UpdateVariantInput struct {
	ID      uuid.UUID
	Variant VariantInput
}

// Validate checks the variant.
func (in UpdateVariantInput) Validate() error { return in.Variant.Validate() }

// AddVariant adds a variant to a product.
func (e *Editor) AddVariant(ctx context.Context, in AddVariantInput) (*Product, error) {
	var changed *Product
	err := e.write(ctx, in, func(ctx context.Context) (err error) {
		changed, err = e.change(ctx, in.ProductID, nil, "product.variant_added", func(ctx context.Context, p *Product) error {
			siblings, err := e.store.AllVariants(ctx, p.ID)
			if err != nil {
				return err
			}
			added, price, err := variantOf(ctx, *p, siblings, newVariant(len(siblings)), in.Variant)
			if err != nil {
				return err
			}
			return e.saveVariants(ctx, []Variant{added}, price, "price")
		})
		return err
	})
	return changed, err
}

// UpdateVariant replaces what staff write of a variant.
func (e *Editor) UpdateVariant(ctx context.Context, in UpdateVariantInput) (*Product, error) {
	var changed *Product
	err := e.write(ctx, in, func(ctx context.Context) error {
		owners, err := e.store.VariantOwners(ctx, channel.From(ctx).BrandID, []uuid.UUID{in.ID})
		if err != nil {
			return err
		}
		owner, ok := owners[in.ID]
		if !ok {
			return fault.ErrNotFound.At("id")
		}
		changed, err = e.change(ctx, owner, nil, "product.variant_updated", func(ctx context.Context, p *Product) error {
			siblings, err := e.store.AllVariants(ctx, p.ID)
			if err != nil {
				return err
			}
			i := slices.IndexFunc(siblings, func(v Variant) bool { return v.ID == in.ID })
			if i < 0 {
				return fault.ErrNotFound.At("id")
			}
			updated, price, err := variantOf(ctx, *p, slices.Delete(slices.Clone(siblings), i, i+1), siblings[i], in.Variant)
			if err != nil {
				return err
			}
			return e.saveVariants(ctx, []Variant{updated}, price, "price")
		})
		return err
	})
	return changed, err
}

func newVariant(position int) Variant { return Variant{ID: id.New(), Position: position, Active: true} }

// addVariants gives a new product its variants. Several cost as many statements as one.
func (e *Editor) addVariants(ctx context.Context, p Product, all []VariantInput) error {
	skus := make([]string, len(all))
	for i, in := range all {
		skus[i] = in.SKU
	}
	takenSKUs, err := e.store.TakenSKUs(ctx, p.BrandID, skus)
	if err != nil {
		return err
	}
	var variants []Variant
	var prices []PriceRow
	var priced []string // the fields in which the prices stand
	for i, in := range all {
		if slices.Contains(takenSKUs, in.SKU) || slices.Contains(skus[:i], in.SKU) {
			return prefixed(ErrSKUTaken.At("sku"), "variants", i)
		}
		v, price, err := variantOf(ctx, p, variants, newVariant(i), in)
		if err != nil {
			return prefixed(err, "variants", i)
		}
		variants = append(variants, v)
		if price != nil {
			prices, priced = append(prices, price...), append(priced, fmt.Sprintf("variants.%d.price", i))
		}
	}
	return e.saveVariants(ctx, variants, prices, priced...)
}

// saveVariants writes variants of one product, and the prices that were given, each
// in the field priced.
func (e *Editor) saveVariants(ctx context.Context, variants []Variant, prices []PriceRow, priced ...string) error {
	if err := e.store.SaveVariants(ctx, variants); err != nil || len(prices) == 0 {
		return err
	}
	listID := channel.From(ctx).PriceListID
	if err := e.allow(ctx, listID, prices); err != nil {
		return atPrices(err, priced)
	}
	return e.store.SavePrices(ctx, listID, prices)
}

// atPrices names the fields in which the variants' prices stand.
func atPrices(err error, priced []string) error {
	faults := fault.All(err)
	if len(faults) == 0 {
		return err
	}
	all := make([]error, len(faults))
	for n, f := range faults {
		var i int
		if _, not := fmt.Sscanf(f.Field, "prices.%d.", &i); not == nil && i < len(priced) {
			f = f.At(priced[i])
		}
		all[n] = f
	}
	return errors.Join(all...)
}

// variantOf is the variant v as staff write it, checked against its product and the
// other variants, and its price, if one is given.
func variantOf(ctx context.Context, p Product, siblings []Variant, v Variant, in VariantInput) (Variant, []PriceRow, error) {
	for _, s := range siblings {
		if s.Active && slices.Equal(s.Options, in.Options) {
			return v, nil, ErrOptionsTaken.At("options")
		}
	}
	if !fits(p.Options, in.Options) {
		return v, nil, ErrOptions.At("options")
	}
	v.BrandID, v.ProductID, v.SKU, v.Barcode, v.Options, v.Weight = p.BrandID, p.ID, in.SKU, in.Barcode, orNone(in.Options), in.Weight
	set(&v.Position, in.Position)
	set(&v.Active, in.Active)
	if in.Cost != nil {
		cost, err := amount(ctx, *in.Cost)
		if err != nil {
			return v, nil, ErrPrice.At("cost")
		}
		v.Cost = &cost
	}
	if in.Price == nil {
		return v, nil, nil
	}
	if err := access.RequireEverywhere(ctx, access.PricingWrite); err != nil {
		return v, nil, err
	}
	price, err := amount(ctx, *in.Price)
	if err != nil {
		return v, nil, ErrPrice.At("price")
	}
	return v, []PriceRow{{VariantID: v.ID, MinQuantity: 1, Amount: price, ValidFrom: beginning, ValidUntil: forever}}, nil
}

// optionsStillFit fails if a variant would not fit the product's new options.
func (e *Editor) optionsStillFit(ctx context.Context, p Product) error {
	variants, err := e.store.AllVariants(ctx, p.ID)
	for _, v := range variants {
		if v.Active && !fits(p.Options, v.Options) {
			return ErrOptions.At("options")
		}
	}
	return err
}

func fits(options []Option, chosen []string) bool {
	if len(options) != len(chosen) {
		return false
	}
	for i, o := range options {
		if !slices.Contains(o.Values, chosen[i]) {
			return false
		}
	}
	return true
}

// amount is a price in minor units of the channel's currency.
func amount(ctx context.Context, d decimal.Decimal) (int64, error) {
	m, err := money.Parse(d, money.Currency(channel.From(ctx).Currency))
	if err == nil && m.Minor < 0 {
		err = ErrPrice
	}
	return m.Minor, err
}

// The open ends of a price's window.
var (
	beginning = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	forever   = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
)
