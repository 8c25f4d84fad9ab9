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
