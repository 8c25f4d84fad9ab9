package resolvers

import (
	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/page"
)

// listInput is the arguments that lists of products share.
func listInput(first *int, after *string, filter *catalog.Filter, sort *catalog.Sort) catalog.ListInput {
	return catalog.ListInput{Filter: value(filter), Sort: value(sort), Page: page.Args{First: first, After: after}}
}

// productsOf are the products among what a search found.
func productsOf(found []catalog.SearchResult) []catalog.Product {
	var products []catalog.Product
	for _, result := range found {
		if p, ok := result.(catalog.Product); ok {
			products = append(products, p)
		}
	}
	return products
}
