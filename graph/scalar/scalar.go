// Package scalar binds the schema's scalars to the core's types.
package scalar

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
)

// MarshalLocalizedText writes a text in the language of the request.
func MarshalLocalizedText(t i18n.Text) graphql.ContextMarshaler {
	return graphql.ContextWriterFunc(func(ctx context.Context, w io.Writer) error {
		graphql.MarshalString(t.For(ctx)).MarshalGQL(w)
		return nil
	})
}

// UnmarshalLocalizedText reads a text in the language of the request.
func UnmarshalLocalizedText(ctx context.Context, v any) (i18n.Text, error) {
	s, err := graphql.UnmarshalString(v)
	return i18n.Text{i18n.Language(ctx): s}, err
}

// MarshalTranslations writes a text in every language, as an object.
func MarshalTranslations(t i18n.Text) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		if t == nil {
			t = i18n.Text{}
		}
		_ = json.NewEncoder(w).Encode(t)
	})
}

// UnmarshalTranslations reads a text in every language from an object.
func UnmarshalTranslations(v any) (i18n.Text, error) {
	object, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("a text is an object by language such as {\"ja\": \"首輪\"}, not %T", v)
	}
	text := make(i18n.Text, len(object))
	for language, value := range object {
		s, ok := value.(string)
		if !ok {
			return nil, fmt.Errorf("the text in %q must be a string, not %T", language, value)
		}
		text[language] = s
	}
	return text, nil
}

// MarshalKey writes a bare key; entities write their global ids instead.
func MarshalKey(key uuid.UUID) graphql.Marshaler { return graphql.MarshalString(key.String()) }

// UnmarshalKey reads the key out of a global id. Keys are unique over all kinds,
// so the id of another kind finds nothing.
func UnmarshalKey(v any) (uuid.UUID, error) {
	s, err := graphql.UnmarshalID(v)
	if err != nil {
		return uuid.Nil, err
	}
	_, key, err := id.Parse(s)
	return key, err
}

// MarshalInt writes a whole number.
func MarshalInt(n int) graphql.Marshaler { return graphql.MarshalInt(n) }

// UnmarshalInt reads a whole number of 32 bits, as the GraphQL specification
// bounds Int (§3.5.1).
func UnmarshalInt(v any) (int, error) {
	n, err := graphql.UnmarshalInt(v)
	if err == nil && (n > math.MaxInt32 || n < math.MinInt32) {
		err = fmt.Errorf("%d is not an Int: it has more than 32 bits", n)
	}
	return n, err
}

// MarshalInt64 writes a whole number.
func MarshalInt64(n int64) graphql.Marshaler { return graphql.MarshalInt64(n) }

// UnmarshalInt64 reads a whole number of 32 bits, as UnmarshalInt does.
func UnmarshalInt64(v any) (int64, error) {
	n, err := UnmarshalInt(v)
	return int64(n), err
}

// MarshalLong writes a whole number of any size.
func MarshalLong(n int64) graphql.Marshaler { return graphql.MarshalInt64(n) }

// UnmarshalLong reads a whole number of 64 bits.
func UnmarshalLong(v any) (int64, error) { return graphql.UnmarshalInt64(v) }

// MarshalDecimal writes an exact decimal as a string.
func MarshalDecimal(d decimal.Decimal) graphql.Marshaler { return graphql.MarshalString(d.String()) }

// UnmarshalDecimal reads a decimal from a string or a number literal.
func UnmarshalDecimal(v any) (decimal.Decimal, error) {
	switch v := v.(type) {
	case string:
		return decimal.NewFromString(v)
	case json.Number:
		return decimal.NewFromString(v.String())
	case int64:
		return decimal.NewFromInt(v), nil
	}
	return decimal.Zero, fmt.Errorf("a decimal is a string such as \"12.50\", not %T", v)
}

// MarshalCurrency writes an ISO 4217 code.
func MarshalCurrency(c money.Currency) graphql.Marshaler { return graphql.MarshalString(string(c)) }

// UnmarshalCurrency reads an ISO 4217 code.
func UnmarshalCurrency(v any) (money.Currency, error) {
	s, err := graphql.UnmarshalString(v)
	if err == nil && len(s) != 3 {
		err = fmt.Errorf("%q is not a currency code such as \"JPY\"", s)
	}
	return money.Currency(s), err
}

// MarshalDateTime writes a moment in UTC (RFC 3339).
func MarshalDateTime(t time.Time) graphql.Marshaler {
	return graphql.MarshalString(t.UTC().Format(time.RFC3339Nano))
}

// UnmarshalDateTime reads an RFC 3339 moment of any zone.
func UnmarshalDateTime(v any) (time.Time, error) {
	s, ok := v.(string)
	if !ok {
		return time.Time{}, fmt.Errorf("a moment is a string such as \"2026-11-23T03:00:00Z\"")
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not a moment such as \"2026-11-23T03:00:00Z\"", s)
	}
	return t.UTC(), nil
}

// MarshalDate writes the day of a moment at midnight UTC.
func MarshalDate(day time.Time) graphql.Marshaler {
	return graphql.MarshalString(day.Format(time.DateOnly))
}

// UnmarshalDate reads a day as midnight UTC.
func UnmarshalDate(v any) (time.Time, error) {
	s, _ := v.(string)
	day, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("a day is a string such as \"2026-11-23\", not %v", v)
	}
	return day, nil
}
