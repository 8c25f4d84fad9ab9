package graph

import (
	"context"
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"github.com/noren-commerce/noren/graph/run"
)

// members are the types behind unions and interfaces whose selections count, so
// that "node.variants" is found under "... on Product".
var members = []string{"Product", "Node"}

// Asks reports whether the operation selects the dotted path below the field
// being resolved, e.g. "edges.node.variants".
func Asks(ctx context.Context, path string) bool {
	if !graphql.HasOperationContext(ctx) {
		return false
	}
	return run.Asks(ctx, path, func() bool {
		return asks(graphql.GetOperationContext(ctx), graphql.CollectFieldsCtx(ctx, nil), strings.Split(path, "."))
	})
}

// Arguments are the arguments of every selection of the dotted path below the
// field being resolved, defaults filled in.
func Arguments(ctx context.Context, path string) []map[string]any {
	if !graphql.HasOperationContext(ctx) {
		return nil
	}
	return arguments(graphql.GetOperationContext(ctx), graphql.CollectFieldsCtx(ctx, nil), strings.Split(path, "."))
}

func arguments(oc *graphql.OperationContext, fields []graphql.CollectedField, path []string) []map[string]any {
	var all []map[string]any
	for _, f := range fields {
		switch {
		case f.Name != path[0]:
		case len(path) == 1:
			all = append(all, f.ArgumentMap(oc.Variables))
		default:
			all = append(all, arguments(oc, graphql.CollectFields(oc, f.Selections, members), path[1:])...)
		}
	}
	return all
}

func asks(oc *graphql.OperationContext, fields []graphql.CollectedField, path []string) bool {
	for _, f := range fields {
		if f.Name != path[0] {
			continue
		}
		if len(path) == 1 || asks(oc, graphql.CollectFields(oc, f.Selections, members), path[1:]) {
			return true
		}
	}
	return false
}
