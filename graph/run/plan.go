package run

import (
	"bytes"
	"context"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// Plan is what a selection set asks of an object of one type.
type Plan struct {
	Fields  []graphql.CollectedField
	written []int    // the fields by their place in Fields, an alias once
	heads   [][]byte // what is written before each of them
	tail    []byte
}

func newPlan(fields []graphql.CollectedField) *Plan {
	p := &Plan{Fields: fields, tail: []byte("}")}
	seen := map[string]bool{}
	for i, f := range fields {
		if seen[f.Alias] {
			continue
		}
		seen[f.Alias] = true
		var head bytes.Buffer
		head.WriteByte("{,"[min(len(p.written), 1)])
		Text(f.Alias).MarshalGQL(&head)
		head.WriteByte(':')
		p.written, p.heads = append(p.written, i), append(p.heads, head.Bytes())
	}
	if len(p.written) == 0 {
		p.tail = []byte("{}")
	}
	return p
}

// Plans are the plans of a document, made as they are first needed and kept with
// it. A document whose selections depend on variables (@skip, @include) needs its
// own Plans for each execution.
type Plans struct {
	kept atomic.Pointer[map[selection]*Plan]
	asks atomic.Pointer[map[question]bool]
	args atomic.Pointer[map[*ast.Field]map[string]any]
	mu   sync.Mutex
}

// selection is a selection set as asked of a type: the first of the type's names
// stands for all, which are a variable of the generated code.
type selection struct {
	set  *ast.Selection
	size int
	of   *string
}

// NewPlans makes an empty set of plans.
func NewPlans() *Plans { return &Plans{} }

// PlanOf is the plan of the selection set for a type that satisfies the names. Set
// and names are kept by address: they must not change, nor be made for the call.
func PlanOf(ctx context.Context, oc *graphql.OperationContext, set ast.SelectionSet, names []string) *Plan {
	p := at(ctx)
	if p == nil || p.operation == nil || len(set) == 0 {
		return newPlan(graphql.CollectFields(oc, set, names))
	}
	key := selection{&set[0], len(set), nil}
	if len(names) > 0 {
		key.of = &names[0]
	}
	return look(p.operation.plans, &p.operation.plans.kept, key, func() *Plan { return newPlan(graphql.CollectFields(oc, set, names)) })
}

// look finds the value, or makes it and keeps it in a copy of the map: there are
// few, and they are read for every object.
func look[K comparable, V any](p *Plans, kept *atomic.Pointer[map[K]V], key K, find func() V) V {
	if all := kept.Load(); all != nil {
		if v, ok := (*all)[key]; ok {
			return v
		}
	}
	made := find()
	p.mu.Lock()
	defer p.mu.Unlock()
	next := map[K]V{}
	if all := kept.Load(); all != nil {
		if v, ok := (*all)[key]; ok {
			return v
		}
		next = maps.Clone(*all)
	}
	next[key] = made
	kept.Store(&next)
	return made
}

// question is whether a path is selected below a selection set.
type question struct {
	set  *ast.Selection
	size int
	path string
}

// Asks reports whether the field being resolved is asked for the path below it, as
// find tells, which is called once for a document.
func Asks(ctx context.Context, path string, find func() bool) bool {
	p, fc := at(ctx), graphql.GetFieldContext(ctx)
	if p == nil || p.operation == nil || fc == nil || len(fc.Field.Selections) == 0 {
		return find()
	}
	set := fc.Field.Selections
	return look(p.operation.plans, &p.operation.plans.asks, question{&set[0], len(set), path}, find)
}

// Args are the arguments of a field. Where the document gives none, so that all are
// defaults, and they are plain values, they are read once.
func Args(ctx context.Context, field graphql.CollectedField, read func() (map[string]any, error)) (map[string]any, error) {
	p := at(ctx)
	if p == nil || p.operation == nil || field.Field == nil || len(field.Arguments) > 0 {
		return read()
	}
	if all := p.operation.plans.args.Load(); all != nil {
		if args, ok := (*all)[field.Field]; ok {
			return args, nil
		}
	}
	args, err := read()
	if err != nil || !plain(args) {
		return args, err
	}
	return look(p.operation.plans, &p.operation.plans.args, field.Field, func() map[string]any { return args }), nil
}

// plain reports whether nobody can change the values.
func plain(args map[string]any) bool {
	for _, value := range args {
		switch value.(type) {
		case int, string, bool:
		default:
			return false
		}
	}
	return true
}
