package resolvers

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/graph"
)

// productsAhead fetches what the operation asks of the products under the paths
// ("edges.node", "nodes"), one statement a kind, before their fields resolve.
func productsAhead(ctx context.Context, products []catalog.Product, paths ...string) error {
	asks := func(field string) bool {
		return slices.ContainsFunc(paths, func(path string) bool { return graph.Asks(ctx, path+"."+field) })
	}
	span := asks("priceRange")
	if !span && !asks("variants") {
		return nil
	}
	byProduct, err := load(ctx).Variants.Ahead(ctx, keys(products, func(p catalog.Product) uuid.UUID { return p.ID }))
	if err != nil {
		return err
	}
	var variants []uuid.UUID
	for _, some := range byProduct {
		variants = append(variants, keys(some, func(v catalog.Variant) uuid.UUID { return v.ID })...)
	}
	if span || asks("variants.price") {
		if _, err := load(ctx).Prices.Ahead(ctx, variants); err != nil {
			return err
		}
	}
	if asks("variants.availability") {
		_, err = load(ctx).Free.Ahead(ctx, variants)
	}
	return err
}

// ordersAhead does the same for orders.
func ordersAhead(ctx context.Context, orders []order.Order, paths ...string) error {
	ids := keys(orders, func(o order.Order) uuid.UUID { return o.ID })
	for _, path := range paths {
		if graph.Asks(ctx, path+".lines") {
			if _, err := load(ctx).OrderLines.Ahead(ctx, ids); err != nil {
				return err
			}
		}
		if graph.Asks(ctx, path+".history") {
			if _, err := load(ctx).OrderHistory.Ahead(ctx, ids); err != nil {
				return err
			}
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
