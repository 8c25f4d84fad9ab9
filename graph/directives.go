package graph

import (
	"context"
	"slices"

	"github.com/99designs/gqlgen/graphql"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/graph/generated"
)

// Directives are what the schema's directives do.
func Directives() generated.DirectiveRoot {
	return generated.DirectiveRoot{Allow: allow}
}

// allow lets the caller pass by openness, role or permission, and no one else.
func allow(ctx context.Context, _ any, next graphql.Resolver, anyone bool, roles []access.Role, permissions []access.Permission) (any, error) {
	actor := access.From(ctx)
	if anyone && actor.Role != "" {
		return next(ctx)
	}
	if slices.Contains(roles, actor.Role) || slices.ContainsFunc(permissions, actor.May) {
		return next(ctx)
	}
	if actor.Is("", access.RoleGuest) {
		return nil, fault.ErrUnauthenticated
	}
	return nil, fault.ErrForbidden
}
