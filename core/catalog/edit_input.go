package catalog

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/money"
)

// Bounds on what staff write.
const (
	maxName        = 200
	maxDescription = 50_000
	maxNote        = 5_000
	maxList        = 100 // variants, categories, tags, attributes of one product
	maxOptions     = 3
)

var slugs = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// CreateProductInput is a new product.
type CreateProductInput struct {
	Slug           string
	Name           i18n.Text
	Description    i18n.Text
	SEOTitle       i18n.Text
	SEODescription i18n.Text
	Options        []OptionInput
	Tags           []string
	ProductBrandID *uuid.UUID
	CategoryIDs    []uuid.UUID
	Attributes     []AttributeInput
	TaxClass       money.TaxClass
	InternalNote   string
	Variants       []VariantInput
}

// OptionInput is one way in which variants differ.
type OptionInput struct {
	Name   i18n.Text
	Values []string
}

// AttributeInput is one value of the attribute with the code, as text: numbers
// "1.5", booleans "true", dates "2026-11-23", choices by their value.
type AttributeInput struct {
	Code  string
	Value string
}

// Validate checks what can be checked without the catalog.
func (in CreateProductInput) Validate() error {
	all := []error{
		checkSlug("slug", in.Slug), checkText("name", in.Name, maxName, true), checkText("description", in.Description, maxDescription, false),
		checkText("seoTitle", in.SEOTitle, maxName, false), checkText("seoDescription", in.SEODescription, maxNote, false),
		checkOptions(in.Options), checkCount("tags", len(in.Tags)), checkCount("categoryIds", len(in.CategoryIDs)),
		checkCount("attributes", len(in.Attributes)), checkCount("variants", len(in.Variants)),
		checkLength("internalNote", in.InternalNote, maxNote), checkTags(in.Tags),
	}
	for i, v := range in.Variants {
		all = append(all, prefixed(v.Validate(), "variants", i))
	}
	return errors.Join(all...)
}

func (in CreateProductInput) options() []Option { return optionsOf(in.Options) }

func optionsOf(in []OptionInput) []Option {
	options := make([]Option, len(in))
	for i, o := range in {
		options[i] = Option(o)
	}
	return options
}

// UpdateProductInput changes what is given; nil fields stay. Version is the one
// the change was made from.
type UpdateProductInput struct {
	ID             uuid.UUID
	Version        *int
	Slug           *string
	Name           i18n.Text
	Description    i18n.Text
	SEOTitle       i18n.Text
	SEODescription i18n.Text
	Options        []OptionInput
	Tags           []string
	ProductBrandID *uuid.UUID
	CategoryIDs    []uuid.UUID
	Attributes     []AttributeInput
	TaxClass       *money.TaxClass
	InternalNote   *string
}

// Validate checks what can be checked without the catalog.
func (in UpdateProductInput) Validate() error {
	all := []error{
		checkText("name", in.Name, maxName, in.Name != nil), checkText("description", in.Description, maxDescription, false),
		checkText("seoTitle", in.SEOTitle, maxName, false), checkText("seoDescription", in.SEODescription, maxNote, false),
		checkOptions(in.Options), checkCount("tags", len(in.Tags)), checkCount("categoryIds", len(in.CategoryIDs)),
		checkCount("attributes", len(in.Attributes)), checkTags(in.Tags),
	}
	if in.Slug != nil {
		all = append(all, checkSlug("slug", *in.Slug))
	}
	if in.InternalNote != nil {
		all = append(all, checkLength("internalNote", *in.InternalNote, maxNote))
	}
	return errors.Join(all...)
}

func (in UpdateProductInput) apply(p *Product) {
	set(&p.Slug, in.Slug)
	set(&p.TaxClass, in.TaxClass)
	set(&p.InternalNote, in.InternalNote)
	for _, t := range []struct {
		to   *i18n.Text
		from i18n.Text
	}{{&p.Name, in.Name}, {&p.Description, in.Description}, {&p.SEOTitle, in.SEOTitle}, {&p.SEODescription, in.SEODescription}} {
		if t.from != nil {
			*t.to = t.from
		}
	}
	if in.Options != nil {
		p.Options = optionsOf(in.Options)
	}
	if in.Tags != nil {
		p.Tags = in.Tags
	}
	if in.ProductBrandID != nil {
		p.ProductBrandID = in.ProductBrandID
	}
}

// ProductInput names a product, and the version that the change was made from.
type ProductInput struct {
	ID      uuid.UUID
	Version *int
}

// Validate has nothing to check.
func (in ProductInput) Validate() error { return nil }

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

func orEmpty(t i18n.Text) i18n.Text {
	if t == nil {
		return i18n.Text{}
	}
	return t
}

func orNone(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

func checkSlug(field, s string) error {
	if len(s) > 100 || !slugs.MatchString(s) {
		return ErrSlug.At(field)
	}
	return nil
}

// checkText checks a localised text: Japanese is there if it must be, and no
// language is too long.
func checkText(field string, t i18n.Text, most int, must bool) error {
	return t.Check(field, most, must)
}

func checkLength(field, s string, most int) error { return i18n.CheckString(field, s, most) }

func checkCount(field string, n int) error {
	if n > maxList {
		return ErrTooMany.With(maxList).At(field)
	}
	return nil
}

func checkTags(tags []string) error {
	for _, t := range tags {
		if err := checkLength("tags", t, 50); err != nil || strings.TrimSpace(t) == "" {
			return errors.Join(err, fault.ErrRequired.At("tags"))
		}
	}
	return nil
}

func checkOptions(options []OptionInput) error {
	if len(options) > maxOptions {
		return ErrTooMany.With(maxOptions).At("options")
	}
	for i, o := range options {
		field := fmt.Sprintf("options.%d", i)
		if err := checkText(field+".name", o.Name, 50, true); err != nil {
			return err
		}
		if len(o.Values) == 0 || len(o.Values) > maxList {
			return ErrTooMany.With(maxList).At(field + ".values")
		}
		for j, v := range o.Values {
			if strings.TrimSpace(v) == "" || utf8.RuneCountInString(v) > 100 || slices.Index(o.Values, v) != j {
				return ErrOptions.At(field + ".values")
			}
		}
	}
	return nil
}

// prefixed puts the place in a list before the field of every failure.
func prefixed(err error, list string, i int) error {
	faults := fault.All(err)
	if err == nil || len(faults) == 0 {
		return err
	}
	all := make([]error, len(faults))
	for n, f := range faults {
		field := fmt.Sprintf("%s.%d", list, i)
		if f.Field != "" {
			field += "." + f.Field
		}
		all[n] = f.At(field)
	}
	return errors.Join(all...)
}
