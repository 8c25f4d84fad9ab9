package run

import (
	"context"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
)

// turns are the elements of a list, or the resolvers of an object, that wait to be
// resolved. One goroutine takes them in turn; others join it only when an element
// waits.
type turns struct {
	up    *turns // of the list or object around this one
	crew  *crew  // nil outside of an operation
	size  int64
	next  atomic.Int64
	of    taker
	hands atomic.Int64  // goroutines beside the first
	done  chan struct{} // made when the first waits for the others
}

// taker resolves one element; it does not panic.
type taker interface{ take(i int) }

// within puts the turns below a place.
func (t *turns) within(p *place) {
	t.up = p.turns
	if p.operation != nil {
		t.crew = &p.operation.crew
	}
}

// all resolves every element.
func (t *turns) all() {
	t.work()
	if t.hands.Load() == 0 { // only who has taken an element calls for help
		return
	}
	t.crew.mu.Lock()
	if t.hands.Load() == 0 {
		t.crew.mu.Unlock()
		return
	}
	t.done = make(chan struct{})
	t.crew.rest()
	<-t.done
}

func (t *turns) work() {
	for i := t.next.Add(1) - 1; i < t.size; i = t.next.Add(1) - 1 {
		t.of.take(int(i))
	}
}

// help has another goroutine go on with the elements that nobody took yet.
func (t *turns) help() {
	if t.crew == nil || t.next.Load() >= t.size {
		return
	}
	t.crew.mu.Lock()
	t.crew.working++
	t.hands.Add(1)
	t.crew.mu.Unlock()
	go func() {
		t.work()
		t.leave()
	}()
}

// leave ends a goroutine's help. The last hands its place to the first, if that
// waits.
func (t *turns) leave() {
	t.crew.mu.Lock()
	if t.hands.Add(-1) > 0 || t.done == nil {
		t.crew.rest()
		return
	}
	t.crew.mu.Unlock()
	close(t.done)
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
		l.within(p)
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
