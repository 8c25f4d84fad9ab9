package run

import (
	"context"
	"io"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
)

// Set is the fields of one object while they are resolved, and then the object.
type Set struct {
	Values   []graphql.Marshaler
	Invalids uint32 // fields that are null and must not be
	plan     *Plan
	later    []later
	roots    bool
	room     [8]graphql.Marshaler
}

// later is a field that may have to wait.
type later struct {
	at      int
	invalid graphql.Marshaler // the value that makes the object null
	oc      *graphql.OperationContext
	resolve func(context.Context) graphql.Marshaler
}

// NewSet makes the set of an object's fields.
func NewSet(plan *Plan) *Set {
	s := &Set{plan: plan}
	if n := len(plan.Fields); n <= len(s.room) {
		s.Values = s.room[:n]
	} else {
		s.Values = make([]graphql.Marshaler, n)
	}
	return s
}

// ResolveConcurrently keeps a field with a resolver for Dispatch. The signature is
// that of gqlgen's field set; the endpoint refuses @defer, so no group is used.
func (s *Set) ResolveConcurrently(oc *graphql.OperationContext, _ *graphql.DeferredGroup, at int, _, nonNull bool, resolve func(context.Context) graphql.Marshaler) {
	if s.later == nil {
		s.later = make([]later, 0, len(s.Values)-at)
	}
	s.later = append(s.later, later{at, invalid(nonNull), oc, resolve})
}

// ResolveRootConcurrently keeps a field of the query. Each runs under its own root
// field context, and beside the others: root fields ask the database on their own.
func (s *Set) ResolveRootConcurrently(ctx context.Context, oc *graphql.OperationContext, at int, _, nonNull bool, resolve func(context.Context) graphql.Marshaler) {
	s.roots = true
	s.later = append(s.later, later{at, invalid(nonNull), oc, func(context.Context) graphql.Marshaler {
		return oc.RootResolverMiddleware(ctx, resolve)
	}})
}

func invalid(nonNull bool) graphql.Marshaler {
	if nonNull {
		return graphql.Null
	}
	return graphql.RequiredNull
}

// Dispatch resolves the fields that were kept.
func (s *Set) Dispatch(ctx context.Context) {
	switch {
	case len(s.later) == 0:
	case len(s.later) == 1:
		s.resolve(ctx, 0)
	default:
		d := &dispatch{set: s, above: ctx}
		d.size, d.of = int64(len(s.later)), d
		if above := at(ctx); above != nil {
			d.below(ctx, above)
		}
		if s.roots {
			for range s.later[1:] {
				d.help()
			}
		}
		d.all()
	}
}

// dispatch is an object whose resolvers are at work.
type dispatch struct {
	turns
	set   *Set
	here  place
	above context.Context
}

// below makes the place in which the resolvers run.
func (d *dispatch) below(ctx context.Context, above *place) {
	d.here = *above
	if _, ok := ctx.(*place); !ok {
		d.here.Context, d.here.field = ctx, nil
	}
	d.within(above)
	d.here.turns = &d.turns
	d.above = &d.here
}

func (d *dispatch) take(i int) { d.set.resolve(d.above, i) }

func (s *Set) resolve(ctx context.Context, i int) {
	l := &s.later[i]
	defer func() {
		if value := recover(); value != nil {
			l.oc.Error(ctx, l.oc.Recover(ctx, value))
			s.keep(l, graphql.Null)
		}
	}()
	s.keep(l, l.resolve(ctx))
}

func (s *Set) keep(l *later, value graphql.Marshaler) {
	s.Values[l.at] = value
	if value == l.invalid {
		atomic.AddUint32(&s.Invalids, 1)
	}
}

// MarshalGQL writes the object.
func (s *Set) MarshalGQL(w io.Writer) {
	for i, field := range s.plan.written {
		_, _ = w.Write(s.plan.heads[i])
		s.Values[field].MarshalGQL(w)
	}
	_, _ = w.Write(s.plan.tail)
}
