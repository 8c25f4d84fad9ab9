package redis

import (
	"context"
	"strconv"

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

// ProductsByID are the products among ids that the channel shows. Kept are those
// that nobody is kept from seeing, under the version of the rules that says so.
func (c *Catalog) ProductsByID(ctx context.Context, g catalog.Glance, ids []uuid.UUID) ([]catalog.Product, error) {
	if c.inTx(ctx) || g.View != nil && !g.View.Visible.Open() {
		return c.Store.ProductsByID(ctx, g, ids)
	}
	found, err := c.products.Get(ctx, channel.From(ctx).BrandID, within(g), ids, func(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]catalog.Product, error) {
		products, err := c.Store.ProductsByID(ctx, g, ids)
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

// within is the channel at one version of the rules.
func within(g catalog.Glance) uuid.UUID {
	if g.View == nil {
		return g.ChannelID
	}
	return uuid.NewSHA1(g.ChannelID, strconv.AppendInt(nil, g.View.Version, 10))
}
