package resolvers

import (
	"context"

	"github.com/noren-commerce/noren/core/cart"
)

// estimates fetches when variants can be at places, together.
func (r *Resolver) estimates(ctx context.Context, asks []cart.EstimateAsk) (map[cart.EstimateAsk]*cart.Estimate, error) {
	all, err := r.Carts.Estimates(ctx, asks)
	found := make(map[cart.EstimateAsk]*cart.Estimate, len(all))
	for i := range all {
		found[all[i].EstimateAsk] = &all[i]
	}
	return found, err
}
