// Package run is what the generated code resolves fields with: gqlgen's own
// functions for that start a goroutine for each list element and each resolver, and
// describe every field anew for each object. Here fields are collected once per
// document, elements are resolved one after the other by the goroutine at hand, and
// another goroutine takes over the rest only when one of them has to wait (see
// Batch). graph/internal/lean makes the generated code call it.
package run

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
)

// place is the context of a field or list element. It answers for gqlgen's field
// context by itself, so that the contexts above it are not a chain as long as the
// path.
type place struct {
	context.Context // of the operation
	operation       *operation
	turns           *turns // the innermost list or object that resolves here
	field           *graphql.FieldContext
}

// operation is what all places of an operation share.
type operation struct {
	plans *Plans
	wrap  graphql.FieldMiddleware // around fields with a resolver; nil for nothing
	crew  crew
}

type placeKey struct{}

// fieldKey is the key by which gqlgen finds the field context; it is not exported.
var fieldKey = learnFieldKey()

// asked remembers the key that it was asked for.
type asked struct {
	context.Context
	key any
}

func (a *asked) Value(key any) any {
	a.key = key
	return nil
}

func learnFieldKey() any {
	a := &asked{Context: context.Background()}
	graphql.GetFieldContext(a)
	return a.key
}

// Value is the place itself, its field, or what the operation's context holds.
func (p *place) Value(key any) any {
	if _, ok := key.(placeKey); ok {
		return p
	}
	if p.field != nil && key == fieldKey {
		return p.field
	}
	return p.Context.Value(key)
}

// Begin makes the context that an operation executes in. Plans are those of its
// document; wrap, if not nil, is called around every field with a resolver.
func Begin(ctx context.Context, plans *Plans, wrap graphql.FieldMiddleware) context.Context {
	return &place{Context: ctx, operation: &operation{plans: plans, wrap: wrap, crew: crew{working: 1}}}
}

// at is the place of the context; nil outside of an operation that was begun.
func at(ctx context.Context) *place {
	if p, ok := ctx.(*place); ok {
		return p
	}
	p, _ := ctx.Value(placeKey{}).(*place)
	return p
}

// enter fills in the place of the field below the context, and links the field to
// the one above it.
func (p *place) enter(ctx context.Context, field *graphql.FieldContext) {
	above, ok := ctx.(*place)
	if ok {
		p.Context = above.Context
	} else {
		p.Context = ctx // a directive or resolver has put something on top
		above = at(ctx)
	}
	if above != nil {
		p.operation, p.turns = above.operation, above.turns
	}
	if ok && above.field != nil {
		field.Parent = above.field
	} else {
		field.Parent = graphql.GetFieldContext(ctx)
	}
	p.field = field
}
