package resolvers_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
)

type productPage struct {
	Products struct {
		TotalCount int
		PageInfo   struct {
			HasNextPage bool
			EndCursor   string
		}
		Edges []struct {
			Node struct {
				ID, Slug, Name string
				Variants       []struct{ SKU string }
			}
		}
	}
}

const productsQuery = `query($first: Int, $after: String) {
	products(first: $first, after: $after) {
		totalCount pageInfo { hasNextPage endCursor }
		edges { node { id slug name variants { sku } } }
	}
}`

func TestProductsArePagedToTheEnd(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	for i := range 5 {
		a.AddProduct(t, fmt.Sprintf("p%d", i), 100, 200)
	}
	var seen []string
	after := ""
	for {
		var got productPage
		a.Do(t, productsQuery, apptest.Variables{"first": 2, "after": after}).Into(t, &got)
		require.Equal(t, 5, got.Products.TotalCount)
		for _, e := range got.Products.Edges {
			seen = append(seen, e.Node.Slug)
			require.Len(t, e.Node.Variants, 2)
		}
		if !got.Products.PageInfo.HasNextPage {
			break
		}
		after = got.Products.PageInfo.EndCursor
	}
	require.ElementsMatch(t, []string{"p0", "p1", "p2", "p3", "p4"}, seen)
}

func TestProductSpeaksTheCallersLanguage(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	a.AddProduct(t, "leash", 1980)
	var got struct{ Product struct{ Name string } }
	a.Do(t, `{ product(slug: "leash") { name } }`, nil).Into(t, &got)
	require.Equal(t, "しょうひん leash", got.Product.Name)
	a.Do(t, `{ product(slug: "leash") { name } }`, nil, "Accept-Language", "en-GB,en;q=0.8").Into(t, &got)
	require.Equal(t, "Product leash", got.Product.Name)
}

func TestUnknownSlugIsNull(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	var got struct{ Product *struct{ Name string } }
	a.Do(t, `{ product(slug: "nothing") { name } }`, nil).Into(t, &got)
	require.Nil(t, got.Product)
}

func TestNodeFindsTheProductAgain(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	a.AddProduct(t, "leash", 1980)
	var first struct{ Product struct{ ID string } }
	a.Do(t, `{ product(slug: "leash") { id } }`, nil).Into(t, &first)
	var again struct{ Node struct{ Slug string } }
	a.Do(t, `query($id: ID!) { node(id: $id) { ... on Product { slug } } }`, apptest.Variables{"id": first.Product.ID}).Into(t, &again)
	require.Equal(t, "leash", again.Node.Slug)
}

const fullList = `query($first: Int) { products(first: $first) { edges { node {
	name priceRange { min { amount } max { amount } }
	variants { sku availability price(quantity: 2) { total { amount currency } breakdown { rule label change { amount } } } }
} } } }`

func TestListCostsAsManyStatementsForManyAsForOne(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	for i := range 30 {
		a.AddProduct(t, fmt.Sprintf("p%d", i), 100, 250)
	}
	a.Do(t, fullList, nil) // the channel is read once a process
	one := a.Do(t, fullList, apptest.Variables{"first": 1})
	all := a.Do(t, fullList, apptest.Variables{"first": 30})
	require.Equal(t, 4, one.Statements, "page, variants, prices, stock")
	require.Equal(t, one.Statements, all.Statements)
	var got struct {
		Products struct {
			Edges []struct {
				Node struct {
					PriceRange struct{ Min, Max struct{ Amount string } }
					Variants   []struct {
						Availability string
						Price        struct {
							Total struct{ Amount, Currency string }
						}
					}
				}
			}
		}
	}
	all.Into(t, &got)
	require.Len(t, got.Products.Edges, 30)
	node := got.Products.Edges[7].Node
	require.Equal(t, "100", node.PriceRange.Min.Amount)
	require.Equal(t, "250", node.PriceRange.Max.Amount)
	require.Equal(t, "200", node.Variants[0].Price.Total.Amount)
	require.Equal(t, "JPY", node.Variants[0].Price.Total.Currency)
	require.Equal(t, "IN_STOCK", node.Variants[0].Availability)
}

func TestPriceOfAnImpossibleQuantityIsRefused(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	a.AddProduct(t, "leash", 1980)
	for _, quantity := range []int{0, -1, 100_000} {
		answer := a.Do(t, `query($q: Int!) { product(slug: "leash") { variants { price(quantity: $q) { total { amount } } } } }`, apptest.Variables{"q": quantity})
		require.NotEmpty(t, answer.Errors)
	}
}
