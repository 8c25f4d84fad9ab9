package run

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

type (
	describer     = func(context.Context, graphql.CollectedField) (*graphql.FieldContext, error)
	writer[T any] = func(context.Context, ast.SelectionSet, T) graphql.Marshaler
)

// Leaf is the value of a scalar field that lies in the object and cannot fail: it
// needs no context of its own. Should the object's method panic all the same, the
// error names the field.
func Leaf[T any](ctx context.Context, oc *graphql.OperationContext, field graphql.CollectedField, read func() T, write writer[T]) (out graphql.Marshaler) {
	defer func() {
		if value := recover(); value != nil {
			here := within(ctx, field)
			oc.Error(here, oc.Recover(here, value))
			out = graphql.Null
		}
	}()
	return write(ctx, field.Selections, read())
}

// lain is the place of a field that lies in the object.
type lain struct {
	place
	described graphql.FieldContext
}

func within(ctx context.Context, field graphql.CollectedField) *lain {
	here := &lain{}
	here.described.Field = field
	if field.Field != nil && field.ObjectDefinition != nil {
		here.described.Object = field.ObjectDefinition.Name
	}
	here.enter(ctx, &here.described)
	return here
}

// Value is the value of a field that lies in the object.
func Value[T any](ctx context.Context, oc *graphql.OperationContext, field graphql.CollectedField, read func() T, write writer[T], nonNull bool) (out graphql.Marshaler) {
	here := within(ctx, field)
	defer recovered(here, oc, &out)
	v := read()
	if any(v) == nil {
		return missing(here, nonNull)
	}
	return write(here, field.Selections, v)
}

// Resolved is the value of a field that a resolver or a method with a context gives.
func Resolved[T any](
	ctx context.Context, oc *graphql.OperationContext, field graphql.CollectedField,
	describe describer, resolve func(context.Context) (T, error), write writer[T], nonNull bool,
) (out graphql.Marshaler) {
	fc, err := describe(ctx, field)
	if err != nil {
		return graphql.Null
	}
	p := &place{}
	p.enter(ctx, fc)
	defer recovered(p, oc, &out)
	ctx = p
	var v T
	if wrap := p.wrapping(oc); wrap != nil {
		ctx, v, err = wrapped(ctx, wrap, resolve)
	} else {
		v, err = resolve(ctx)
	}
	if err != nil {
		oc.Error(ctx, graphql.AddFieldLocationToError(ctx, err))
		return graphql.Null
	}
	if any(v) == nil {
		return missing(ctx, nonNull)
	}
	return write(ctx, field.Selections, v)
}

// wrapping is what goes around the resolver.
func (p *place) wrapping(oc *graphql.OperationContext) graphql.FieldMiddleware {
	if p.operation != nil {
		return p.operation.wrap
	}
	return oc.ResolverMiddleware
}

// wrapped resolves inside the middleware; what is below the field runs in the
// context that the middleware made.
func wrapped[T any](ctx context.Context, wrap graphql.FieldMiddleware, resolve func(context.Context) (T, error)) (context.Context, T, error) {
	inner := ctx
	value, err := wrap(ctx, func(ctx context.Context) (any, error) {
		inner = ctx
		return resolve(ctx)
	})
	v, _ := value.(T)
	return inner, v, err
}

func missing(ctx context.Context, nonNull bool) graphql.Marshaler {
	if nonNull {
		graphql.AddInvalidNullError(ctx, "")
	}
	return graphql.Null
}

// recovered turns a panic into an error of the field. It is deferred.
func recovered(ctx context.Context, oc *graphql.OperationContext, out *graphql.Marshaler) {
	if value := recover(); value != nil {
		oc.Error(ctx, oc.Recover(ctx, value))
		*out = graphql.Null
	}
}
