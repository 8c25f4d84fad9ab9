package resolvers

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/graph"
)

// productsAhead fetches what the operation asks of the products under the paths
// ("edges.node", "nodes"), one statement a kind, before their fields resolve.
func productsAhead(ctx context.Context, products []catalog.Product, paths ...string) error {
	for _, path := range paths {
		if graph.Asks(ctx, path+".variants") {
			if _, err := load(ctx).Variants.Ahead(ctx, keys(products, func(p catalog.Product) uuid.UUID { return p.ID })); err != nil {
				return err
			}
			break
		}
	}
	return nil
}

func keys[T any](rows []T, key func(T) uuid.UUID) []uuid.UUID {
	all := make([]uuid.UUID, len(rows))
	for i, row := range rows {
		all[i] = key(row)
	}
	return all
}
