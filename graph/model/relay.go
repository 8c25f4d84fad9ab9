// Package model holds the few schema types that are not core types: payloads,
// and the names that Relay wants for pages.
package model

import (
	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/page"
)

// Node is any object with a global id.
type Node interface{ GlobalID() string }

// ProductConnection and its like are the pages of the schema's lists, under the names that Relay wants.
type (
	ProductConnection = page.Connection[catalog.Product] // a page of products
	ProductEdge       = page.Edge[catalog.Product]       // a product on a page
	OrderConnection   = page.Connection[order.Order]     // a page of orders
	OrderEdge         = page.Edge[order.Order]           // an order on a page
)
