// Package graph is the GraphQL edge: the schema, what gqlgen makes of it, its
// directives and its dataloaders.
package graph

//go:generate sh -c "cd .. && go run -race=false github.com/99designs/gqlgen generate"
//go:generate go run ./internal/lean
