package run

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
)

// Guard asks the directive before a field is resolved, with what the schema says of it.
func Guard[R, P any](
	allow func(ctx context.Context, obj any, next graphql.Resolver, anyone bool, roles []R, permissions []P) (any, error),
	anyone bool, roles []R, permissions []P,
) func(context.Context, graphql.Resolver) graphql.Resolver {
	return func(_ context.Context, next graphql.Resolver) graphql.Resolver {
		return func(ctx context.Context) (any, error) { return allow(ctx, nil, next, anyone, roles, permissions) }
	}
}
