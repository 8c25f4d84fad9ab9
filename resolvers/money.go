package resolvers

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/billing"
	"github.com/noren-commerce/noren/graph"
)

// statementsAhead fetches what the operation asks of the statements under the paths.
func statementsAhead(ctx context.Context, all []billing.Statement, paths ...string) error {
	for _, path := range paths {
		if graph.Asks(ctx, path+".lines") {
			if _, err := load(ctx).StatementLines.Ahead(ctx, keys(all, func(s billing.Statement) uuid.UUID { return s.ID })); err != nil {
				return err
			}
		}
		if graph.Asks(ctx, path+".document") {
			if _, err := load(ctx).StatementDocuments.Ahead(ctx, keys(all, func(s billing.Statement) uuid.UUID { return s.ID })); err != nil {
				return err
			}
		}
		if graph.Asks(ctx, path+".company") {
			if _, err := load(ctx).Companies.Ahead(ctx, keys(all, func(s billing.Statement) uuid.UUID { return s.CompanyID })); err != nil {
				return err
			}
		}
	}
	return nil
}
