package run

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
)

// turns are the elements of a list, or the resolvers of an object, that wait to be
// resolved. One goroutine takes them in turn; others join it only when an element
// waits.
type turns struct {
	up      *turns // of the list or object around this one
	size    int64
	next    atomic.Int64
	helpers sync.WaitGroup
	of      taker
}

// taker resolves one element; it does not panic.
type taker interface{ take(i int) }

// Waiting is called by what is about to wait for something that its siblings could
// ask for too, such as a dataloader for its batch. Other goroutines go on with the
// siblings, of this field and of all above it, so that they come to the same point
// meanwhile. Where nothing waits, no goroutine is started.
func Waiting(ctx context.Context) {
	p := at(ctx)
	if p == nil {
		return
	}
	for t := p.turns; t != nil; t = t.up {
		if t.next.Load() < t.size {
			t.helpers.Go(t.work)
		}
	}
}

// all resolves every element.
func (t *turns) all() {
	t.work()
	t.helpers.Wait()
}

func (t *turns) work() {
	for i := t.next.Add(1) - 1; i < t.size; i = t.next.Add(1) - 1 {
		t.of.take(int(i))
	}
}

// element is the place of a list's element.
type element struct {
	place
	described graphql.FieldContext
	index     int
}

// listing is a list that is being resolved.
type listing struct {
	turns
	above    context.Context
	elements []element
	out      graphql.Array
	resolve  func(ctx context.Context, i int) graphql.Marshaler
}

// List resolves the elements of a list. One that panics is null.
func List(ctx context.Context, size int, resolve func(ctx context.Context, i int) graphql.Marshaler) graphql.Array {
	out := make(graphql.Array, size)
	if size == 0 {
		return out
	}
	l := &listing{above: ctx, elements: make([]element, size), out: out, resolve: resolve}
	l.size, l.of = int64(size), l
	if p := at(ctx); p != nil {
		l.up = p.turns
	}
	l.all()
	return out
}

func (l *listing) take(i int) {
	e := &l.elements[i]
	e.index = i
	e.described.Index = &e.index
	e.enter(l.above, &e.described)
	e.turns = &l.turns
	defer func() {
		if value := recover(); value != nil {
			graphql.AddError(e, graphql.Recover(e, value))
			l.out[i] = graphql.Null
		}
	}()
	l.out[i] = l.resolve(e, i)
}
