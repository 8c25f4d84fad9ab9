package resolvers

import (
	"context"

	"github.com/noren-commerce/noren/core/migration"
	"github.com/noren-commerce/noren/graph/model"
)

func migrationPayload(ctx context.Context, run *migration.Run, err error) (model.MigrationPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.MigrationPayload{Migration: unless(errors, run), UserErrors: errors}, err
}
