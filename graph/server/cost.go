package server

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/noren-commerce/noren/core/page"
)

// assumedList is how long a plain list is taken to be when the schema's @cost does
// not say.
const assumedList = 10

// costing adds up what an operation may cost: an object one, a leaf nothing, both
// unless the schema's @cost(weight:) says otherwise, and everything inside a list
// times the list's length. Variables that are not known count as the largest page.
type costing struct {
	variables map[string]any
	known     bool
	fragments map[*ast.FragmentDefinition]int
}

func costOf(op *ast.OperationDefinition, variables map[string]any, known bool) int {
	c := costing{variables: variables, known: known, fragments: map[*ast.FragmentDefinition]int{}}
	return c.set(op.SelectionSet)
}

func (c *costing) set(set ast.SelectionSet) int {
	total := 0
	for _, sel := range set {
		switch sel := sel.(type) {
		case *ast.Field:
			total = saturate(total + c.field(sel))
		case *ast.InlineFragment:
			total = saturate(total + c.set(sel.SelectionSet))
		case *ast.FragmentSpread:
			cost, ok := c.fragments[sel.Definition]
			if !ok {
				cost = c.set(sel.Definition.SelectionSet)
				c.fragments[sel.Definition] = cost
			}
			total = saturate(total + cost)
		}
	}
	return total
}

func (c *costing) field(f *ast.Field) int {
	if strings.HasPrefix(f.Name, "__") {
		return 0
	}
	weight, size := 0, 1
	if len(f.SelectionSet) > 0 {
		weight, size = 1, c.size(f)
	}
	if d := f.Definition.Directives.ForName("cost"); d != nil {
		weight = intArgument(d, "weight", weight)
	}
	return saturate(min(weight+c.set(f.SelectionSet), 1<<20) * min(size, 1<<19))
}

// size is how many objects the field yields at most.
func (c *costing) size(f *ast.Field) int {
	for _, name := range [...]string{"first", "last"} {
		if def := f.Definition.Arguments.ForName(name); def != nil {
			return c.pageSize(f, def)
		}
	}
	if f.Definition.Type.Elem == nil || strings.HasSuffix(f.ObjectDefinition.Name, "Connection") {
		return 1 // a connection's edges are counted by the page that holds them
	}
	if d := f.Definition.Directives.ForName("cost"); d != nil {
		return max(intArgument(d, "size", assumedList), 0)
	}
	return assumedList
}

func (c *costing) pageSize(f *ast.Field, def *ast.ArgumentDefinition) int {
	value := def.DefaultValue
	if arg := f.Arguments.ForName(def.Name); arg != nil {
		value = arg.Value
	}
	n := page.DefaultSize
	switch {
	case value == nil || value.Kind == ast.NullValue:
	case value.Kind == ast.IntValue:
		n, _ = strconv.Atoi(value.Raw)
	case value.Kind == ast.Variable && !c.known:
		n = page.MaxSize
	case value.Kind == ast.Variable:
		n = intVariable(c.variables[value.Raw], page.DefaultSize)
	}
	return min(max(n, 1), page.MaxSize)
}

func intVariable(v any, otherwise int) int {
	switch v := v.(type) {
	case int:
		return v
	case int64:
		return int(v)
	case float64:
		return int(v)
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return int(n)
		}
	}
	return otherwise
}

func intArgument(d *ast.Directive, name string, otherwise int) int {
	if arg := d.Arguments.ForName(name); arg != nil && arg.Value != nil {
		if n, err := strconv.Atoi(arg.Value.Raw); err == nil {
			return n
		}
	}
	return otherwise
}
