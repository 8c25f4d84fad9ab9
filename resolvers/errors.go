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

// userErrors are the business failures in err, in the caller's language. Anything
// else (noren failed, or could not be reached) stays an error of the request.
func userErrors(ctx context.Context, err error) ([]model.UserError, error) {
	faults := fault.All(err)
	unavailable := slices.ContainsFunc(faults, func(f *fault.Error) bool { return f.Kind == fault.KindUnavailable })
	if err != nil && (len(faults) == 0 || unavailable) {
		return nil, err
	}
	all := make([]model.UserError, len(faults))
	for i, f := range faults {
		all[i] = userError(ctx, f)
	}
	return all, nil
}

func userError(ctx context.Context, f *fault.Error) model.UserError {
	return model.UserError{Code: f.Code, Field: path(f.Field), Message: f.Message(i18n.Language(ctx))}
}

func path(field string) []string {
	if field == "" {
		return []string{}
	}
	return strings.Split(field, ".")
}

// value is what the pointer points to; nothing for a null.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
