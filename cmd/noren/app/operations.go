package app

import (
	"context"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/operation"
	"github.com/noren-commerce/noren/core/partner"
	"github.com/noren-commerce/noren/graph/generated"
	"github.com/noren-commerce/noren/graph/manifest"
	"github.com/noren-commerce/noren/graph/server"
	"github.com/noren-commerce/noren/storage/postgres"
)

// OperationConfig says which operations callers may send.
type OperationConfig struct {
	RegisteredOnly bool `env:"NOREN_REGISTERED_ONLY" default:"false" negatable:"" help:"Let guests and members run registered operations only; staff may still send any."`
}

// Schema is the whole schema.
func Schema() *ast.Schema {
	return generated.NewExecutableSchema(generated.Config{}).Schema()
}

func (a *App) newRegistry() *operation.Registry {
	return operation.New(postgres.NewOperations(a.DB), manifest.Check(Schema()), a.now)
}

// registered finds operations in the registry for the endpoint.
type registered struct{ *operation.Registry }

// Document is the source registered under the id: for a partner, by the client
// whose operations it may run.
func (r registered) Document(ctx context.Context, id string) (string, bool, error) {
	p, _ := partner.From(ctx)
	return r.Find(ctx, p.Client, id)
}

// policy lets staff send any operation and partners registered ones only; others
// as the settings say.
func (a *App) policy(ctx context.Context) server.Policy {
	switch access.From(ctx).Role {
	case access.RolePartner:
		return server.Policy{}
	case access.RoleStaff, access.RoleAdmin, access.RoleStoreStaff, access.RoleSystem:
		return server.Policy{AdHoc: true, Automatic: true}
	}
	open := !a.Config.RegisteredOnly
	return server.Policy{AdHoc: open, Automatic: open}
}
