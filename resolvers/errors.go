package resolvers

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/graph/model"
)

// orNil turns "not found" into null: a reader that asks for what is not there
// has made no mistake.
func orNil[T any](entity *T, err error) (*T, error) {
	var f *fault.Error
	if errors.As(err, &f) && f.Kind == fault.KindNotFound {
		return nil, nil
	}
	return entity, err
}

// payload answers a mutation: business failures become its userErrors, anything
// else (noren failed, or could not be reached) stays an error of the request.
func payload[P any](ctx context.Context, err error, build func([]model.UserError) P) (P, error) {
	faults := fault.All(err)
	unavailable := slices.ContainsFunc(faults, func(f *fault.Error) bool { return f.Kind == fault.KindUnavailable })
	if err != nil && (len(faults) == 0 || unavailable) {
		var none P
		return none, err
	}
	all := make([]model.UserError, len(faults))
	for i, f := range faults {
		all[i] = model.UserError{Code: f.Code, Field: path(f.Field), Message: f.Message(i18n.Language(ctx))}
	}
	return build(all), nil
}

func path(field string) []string {
	if field == "" {
		return []string{}
	}
	return strings.Split(field, ".")
}
