package catalog

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
)

var codes = regexp.MustCompile(`^[a-z][a-z0-9_]{0,49}$`)

// SaveAttributeInput makes an attribute, or changes the one with the id. The type
// of an attribute never changes, nor does its code.
type SaveAttributeInput struct {
	ID         *uuid.UUID
	Code       string
	Name       i18n.Text
	Type       AttributeType
	Unit       string
	Choices    []Choice
	Filterable bool
	Position   int
}

// Validate checks the attribute by itself.
func (in SaveAttributeInput) Validate() error {
	all := []error{checkText("name", in.Name, maxName, true), checkLength("unit", in.Unit, 20), checkCount("choices", len(in.Choices))}
	if !codes.MatchString(in.Code) {
		all = append(all, fault.Invalid(fault.CodeInvalid, "コードは半角英小文字で始まる50文字以内にしてください", "A code begins with a letter and has at most 50 lower-case letters, digits and underscores").At("code"))
	}
	if (in.Type == AttributeSelect) != (len(in.Choices) > 0) {
		all = append(all, ErrAttributeType.With(string(in.Type)).At("choices"))
	}
	for i, c := range in.Choices {
		field := fmt.Sprintf("choices.%d", i)
		if c.Value == "" || utf8.RuneCountInString(c.Value) > 50 || slices.IndexFunc(in.Choices, func(o Choice) bool { return o.Value == c.Value }) != i {
			all = append(all, fault.Invalid(fault.CodeInvalid, "選択肢の値は重複なく50文字以内にしてください", "Choices have different values of at most 50 characters").At(field+".value"))
		}
		all = append(all, checkText(field+".label", c.Label, maxName, true))
	}
	return errors.Join(all...)
}

// SaveAttribute makes or changes an attribute.
func (e *Editor) SaveAttribute(ctx context.Context, in SaveAttributeInput) (*Attribute, error) {
	var saved *Attribute
	err := e.write(ctx, in, func(ctx context.Context) error {
		brandID := channel.From(ctx).BrandID
		all, err := e.store.Attributes(ctx, brandID)
		if err != nil {
			return err
		}
		a := Attribute{
			ID: id.New(), BrandID: brandID, Code: in.Code, Name: in.Name, Type: in.Type, Unit: in.Unit,
			Choices: in.Choices, Filterable: in.Filterable, Position: in.Position,
		}
		if a.Choices == nil {
			a.Choices = []Choice{}
		}
		var before *Attribute
		for i, known := range all {
			switch {
			case in.ID != nil && known.ID == *in.ID:
				before, a.ID = &all[i], known.ID
			case known.Code == in.Code:
				return ErrSlugTaken.At("code")
			}
		}
		if in.ID != nil && before == nil {
			return fault.ErrNotFound.At("id")
		}
		if before != nil && (before.Type != a.Type || before.Code != a.Code) {
			return ErrAttributeType.With(string(before.Type)).At("type")
		}
		saved = &a
		return errors.Join(e.store.SaveAttribute(ctx, a), e.record(ctx, "attribute.saved", "Attribute", a.ID, before, a))
	})
	return saved, err
}

// valuesOf turns what staff wrote into canonical values, or says what does not fit.
func valuesOf(productID uuid.UUID, all []Attribute, in []AttributeInput) ([]AttributeValue, error) {
	var faults []error
	var values []AttributeValue
	for i, v := range in {
		field := fmt.Sprintf("attributes.%d", i)
		at := slices.IndexFunc(all, func(a Attribute) bool { return a.Code == v.Code })
		if at < 0 {
			faults = append(faults, ErrNoAttribute.At(field+".code"))
			continue
		}
		value, number, ok := all[at].canonical(v.Value)
		if !ok {
			faults = append(faults, ErrAttributeType.With(string(all[at].Type)).At(field+".value"))
			continue
		}
		one := AttributeValue{ProductID: productID, AttributeID: all[at].ID, Value: value, Number: number}
		if !slices.ContainsFunc(values, func(o AttributeValue) bool { return o.AttributeID == one.AttributeID && o.Value == one.Value }) {
			values = append(values, one)
		}
	}
	return values, errors.Join(faults...)
}

// canonical is the one form in which a value of the attribute is kept.
func (a Attribute) canonical(s string) (value string, number *string, ok bool) {
	s = strings.TrimSpace(s)
	switch a.Type {
	case AttributeNumber:
		d, err := decimal.NewFromString(s)
		if err != nil || len(s) > 30 || d.Exponent() < -10 || d.Exponent() > 20 {
			return "", nil, false
		}
		text := d.String()
		return text, &text, true
	case AttributeBoolean:
		return s, nil, s == "true" || s == "false"
	case AttributeDate:
		_, err := time.Parse(time.DateOnly, s)
		return s, nil, err == nil
	case AttributeSelect:
		return s, nil, slices.ContainsFunc(a.Choices, func(c Choice) bool { return c.Value == s })
	}
	return s, nil, s != "" && utf8.RuneCountInString(s) <= 500
}
