package resolvers

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/graph/model"
)

// nodes are the kinds that node(id:) can fetch, each by its loader, so that
// what the caller may not see is not found here either.
func (r *queryResolver) nodes() map[string]func(context.Context, uuid.UUID) (model.Node, error) {
	return map[string]func(context.Context, uuid.UUID) (model.Node, error){
		"Product": func(ctx context.Context, key uuid.UUID) (model.Node, error) {
			p, err := load(ctx).Products.Load(ctx, key)
			if err != nil || p.ID != uuid.Nil || !access.From(ctx).May(access.CatalogRead) {
				return orNull(p, p.ID, err)
			}
			found, err := orNil(r.Catalog.Any(ctx, key))
			p = value(found)
			return orNull(p, p.ID, err)
		},
		"Category": func(ctx context.Context, key uuid.UUID) (model.Node, error) {
			tree, err := load(ctx).Trees.Load(ctx, channel.From(ctx).BrandID)
			c := value(catalog.Find(tree, key))
			return orNull(c, c.ID, err)
		},
		"ProductBrand": func(ctx context.Context, key uuid.UUID) (model.Node, error) {
			found, err := r.Catalog.BrandsByID(ctx, []uuid.UUID{key})
			if err != nil || len(found) == 0 {
				return nil, err
			}
			return found[0], nil
		},
		"Order": func(ctx context.Context, key uuid.UUID) (model.Node, error) {
			return entityOf(orNil(r.Resolver.Orders.ByID(ctx, key)))
		},
		"Shipment": func(ctx context.Context, key uuid.UUID) (model.Node, error) {
			return entityOf(r.Resolver.Orders.Shipment(ctx, key))
		},
		"Return": func(ctx context.Context, key uuid.UUID) (model.Node, error) {
			return entityOf(orNil(r.Resolver.Returns.ByID(ctx, key)))
		},
		"Quotation": func(ctx context.Context, key uuid.UUID) (model.Node, error) {
			q, err := load(ctx).Quotation.Load(ctx, key)
			return orNull(q, q.ID, err)
		},
		"StockTransfer": func(ctx context.Context, key uuid.UUID) (model.Node, error) {
			if !access.From(ctx).May(access.InventoryRead) {
				return nil, nil
			}
			return entityOf(r.Stock.Transfer(ctx, key))
		},
		"StockDelivery": func(ctx context.Context, key uuid.UUID) (model.Node, error) {
			if !access.From(ctx).May(access.InventoryRead) {
				return nil, nil
			}
			return entityOf(r.Supply.Delivery(ctx, key))
		},
		"Stocktake": func(ctx context.Context, key uuid.UUID) (model.Node, error) {
			if !access.From(ctx).May(access.InventoryRead) {
				return nil, nil
			}
			return entityOf(r.Stock.Stocktake(ctx, key))
		},
		"StockLot": func(ctx context.Context, key uuid.UUID) (model.Node, error) {
			if !access.From(ctx).May(access.InventoryRead) {
				return nil, nil
			}
			return entityOf(r.Lots.Lot(ctx, key))
		},
		"JournalEntry": func(ctx context.Context, key uuid.UUID) (model.Node, error) {
			e, err := orNil(r.Ledger.ByID(ctx, key))
			return orNull(value(e), value(e).ID, err)
		},
		"Company": func(ctx context.Context, key uuid.UUID) (model.Node, error) {
			c, err := load(ctx).Companies.Load(ctx, key)
			return orNull(c, c.ID, err)
		},
		"CustomerGroup": func(ctx context.Context, key uuid.UUID) (model.Node, error) {
			if !access.From(ctx).May(access.CompanyRead) {
				return nil, nil
			}
			g, err := orNil(r.Resolver.Companies.GroupByID(ctx, key))
			return orNull(value(g), value(g).ID, err)
		},
		"Payment": func(ctx context.Context, key uuid.UUID) (model.Node, error) {
			return entityOf(orNil(r.Resolver.Payments.ByID(ctx, key)))
		},
	}
}

// entityOf is the entity, or null where there is none.
func entityOf[T model.Node](entity *T, err error) (model.Node, error) {
	if entity == nil {
		return nil, err
	}
	return *entity, err
}

// orNull is the entity, or null where the loader found none.
func orNull[T model.Node](entity T, key uuid.UUID, err error) (model.Node, error) {
	if err != nil || key == uuid.Nil {
		return nil, err
	}
	return entity, nil
}
