package redis

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/channel"
)

// productsFor is how long a product is kept; like answers, it may begin or cease
// to be shown that much late when time alone decides it.
const productsFor = answerFor

// Catalog is a catalog's store that keeps the products which are asked for by id:
// those of carts, search results and other answers that are not kept as a whole.
type Catalog struct {
	catalog.Store
	products *Entities[catalog.Product]
	inTx     func(context.Context) bool
}

// NewCatalog keeps products in front of the store. What is read inTx is neither
// kept nor taken from here: it may be what nobody else is to see yet.
func NewCatalog(store catalog.Store, client *Client, generations *Generations, inTx func(context.Context) bool) *Catalog {
	return &Catalog{store, NewEntities[catalog.Product](client, generations, "product", productsFor), inTx}
}

// ProductsByID are the products among ids that the channel shows.
func (c *Catalog) ProductsByID(ctx context.Context, channelID uuid.UUID, ids []uuid.UUID, at time.Time) ([]catalog.Product, error) {
	if c.inTx(ctx) {
		return c.Store.ProductsByID(ctx, channelID, ids, at)
	}
	found, err := c.products.Get(ctx, channel.From(ctx).BrandID, channelID, ids, func(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]catalog.Product, error) {
		products, err := c.Store.ProductsByID(ctx, channelID, ids, at)
		byID := make(map[uuid.UUID]catalog.Product, len(products))
		for _, p := range products {
			byID[p.ID] = p
		}
		return byID, err
	})
	products := make([]catalog.Product, 0, len(found))
	for _, p := range found {
		products = append(products, p)
	}
	return products, err
}
