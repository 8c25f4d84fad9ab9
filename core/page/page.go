// Package page cuts lists into pages by keyset: the cursor holds the sort key of
// the row it stands behind, so page 1,000 costs what page 1 costs.
package page

import (
	"context"
	"encoding/base64"
	"encoding/json"

	"github.com/noren-commerce/noren/core/fault"
)

// Size of a page: what an unsaid first means, and the most one may ask for.
const (
	DefaultSize = 20
	MaxSize     = 100
)

// Args say which page is wanted (Relay: first, after).
type Args struct {
	First *int
	After *string
}

// Size is the number of rows wanted; outside 0 to MaxSize it is fault.CodeInvalid.
func (a Args) Size() (int, error) {
	if a.First == nil {
		return DefaultSize, nil
	}
	if *a.First < 0 || *a.First > MaxSize {
		return 0, fault.Invalid(fault.CodeInvalid, "first は 0〜%d で指定してください", "first must be between 0 and %d").With(MaxSize).At("first")
	}
	return *a.First, nil
}

// Start reads the sort key of the cursor into key, and reports whether there was
// a cursor. One that noren did not make for this sort is fault.CodeInvalid.
func (a Args) Start(key any) (bool, error) {
	if a.After == nil || *a.After == "" {
		return false, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(*a.After)
	if err == nil {
		err = json.Unmarshal(raw, key)
	}
	if err != nil {
		return false, fault.Invalid(fault.CodeInvalid, "カーソルが正しくありません", "This is not a valid cursor").At("after")
	}
	return true, nil
}

// Cursor makes the opaque cursor of a sort key.
func Cursor(key any) string {
	raw, err := json.Marshal(key)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// Edge is one row and its cursor (Relay).
type Edge[T any] struct {
	Cursor string
	Node   T
}

// Info says what lies around a page (Relay PageInfo).
type Info struct {
	HasNextPage     bool
	HasPreviousPage bool
	StartCursor     *string
	EndCursor       *string
}

// Connection is one page of a list (Relay).
type Connection[T any] struct {
	Edges    []Edge[T]
	PageInfo Info
	Count    func(ctx context.Context) (int, error)
}

// TotalCount counts the whole list; it costs a query, made only when asked for.
func (c Connection[T]) TotalCount(ctx context.Context) (int, error) {
	if c.Count == nil {
		return len(c.Edges), nil
	}
	return c.Count(ctx)
}

// Nodes are the rows without their cursors.
func (c Connection[T]) Nodes() []T {
	nodes := make([]T, len(c.Edges))
	for i := range c.Edges {
		nodes[i] = c.Edges[i].Node
	}
	return nodes
}

// Of makes a page of size rows from rows that were read one further than that.
// after says that the page stands behind a cursor; key is a row's sort key.
func Of[T any](rows []T, size int, after bool, key func(T) any) Connection[T] {
	c := Connection[T]{PageInfo: Info{HasPreviousPage: after, HasNextPage: len(rows) > size}}
	if len(rows) > size {
		rows = rows[:size]
	}
	c.Edges = make([]Edge[T], len(rows))
	for i, row := range rows {
		c.Edges[i] = Edge[T]{Cursor: Cursor(key(row)), Node: row}
	}
	if len(rows) > 0 {
		c.PageInfo.StartCursor, c.PageInfo.EndCursor = &c.Edges[0].Cursor, &c.Edges[len(rows)-1].Cursor
	}
	return c
}

// Map turns the rows of a page into something else, keeping cursors and count.
func Map[A, B any](c Connection[A], f func(A) B) Connection[B] {
	edges := make([]Edge[B], len(c.Edges))
	for i, e := range c.Edges {
		edges[i] = Edge[B]{Cursor: e.Cursor, Node: f(e.Node)}
	}
	return Connection[B]{Edges: edges, PageInfo: c.PageInfo, Count: c.Count}
}
