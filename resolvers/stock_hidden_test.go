package resolvers_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

var companyDesk = access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.CompanyRead, access.CompanyWrite}}

// hideStock keeps a group, of which a new member is, from seeing stock.
func hideStock(t *testing.T, a *apptest.App) access.Actor {
	t.Helper()
	group := newGroup(t, a, "BLIND")
	require.Empty(t, write(t, a, companyDesk, "setFunctionRule", "SetFunctionRuleInput", `rule { allowed }`, apptest.Variables{
		"groupId": id.Global("CustomerGroup", group), "function": "SEE_STOCK", "allowed": false,
	}, nil))
	return newMember(t, a, group)
}

// Whoever may not see stock finds the same list whether goods are there or not.
func TestNoListTellsOfStockThatIsHidden(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	blind, plain := hideStock(t, s.App), newMember(t, s.App, uuid.Nil)
	require.Empty(t, write(t, s.App, merchandiser, "setSoldOutPolicy", "SetSoldOutPolicyInput", `policies { policy }`, apptest.Variables{"policy": "LAST"}, nil))
	list := func(actor access.Actor, variables apptest.Variables) (got facets) {
		s.DoAs(t, actor, facetQuery, variables).Into(t, &got)
		return got
	}
	byPrice := apptest.Variables{"sort": "PRICE_ASC"}
	before := list(blind, byPrice)
	require.Equal(t, []string{"p2", "p5", "p3", "p1", "p4"}, before.slugs())
	require.Empty(t, before.counts("AVAILABILITY", ""))
	require.NotEmpty(t, list(plain, byPrice).counts("AVAILABILITY", ""))

	exec(t, s.App, `UPDATE product_listings SET in_stock = false WHERE product_id = ANY($1)`, []any{s.ids["p2"], s.ids["p3"]})
	require.Equal(t, []string{"p5", "p1", "p4", "p2", "p3"}, list(plain, byPrice).slugs())
	require.Equal(t, map[string]int{"IN_STOCK": 3, "OUT_OF_STOCK": 2}, list(plain, byPrice).counts("AVAILABILITY", ""))
	require.Equal(t, before, list(blind, byPrice), "neither by the order nor by a facet")
	for _, sort := range []string{"NEWEST", "NAME", "PRICE_DESC", "RELEVANCE"} {
		seen, told := list(blind, apptest.Variables{"sort": sort}).slugs(), list(plain, apptest.Variables{"sort": sort}).slugs()
		require.ElementsMatch(t, []string{"p2", "p3"}, told[3:], sort)
		require.NotEqual(t, told, seen, sort)
	}
	for _, inStock := range []bool{true, false} {
		filter := apptest.Variables{"filter": apptest.Variables{"inStock": inStock}, "sort": "PRICE_ASC"}
		require.Len(t, list(plain, filter).slugs(), map[bool]int{true: 3, false: 2}[inStock])
		require.Equal(t, before, list(blind, filter), "nor by asking for it")
	}
	var found struct {
		Search struct{ Nodes []struct{ Slug string } }
	}
	for _, inStock := range []bool{true, false} {
		s.DoAs(t, blind, `query($f: ProductFilter) { search(query: "子犬のおやつ", filter: $f) { nodes { ... on Product { slug } } } }`,
			apptest.Variables{"f": apptest.Variables{"inStock": inStock}}).Into(t, &found)
		require.Len(t, found.Search.Nodes, 1)
	}
	// A category's own page pages on in the same order.
	var pages []string
	for after := ""; ; {
		var got struct {
			Products struct {
				Nodes    []struct{ Slug string }
				PageInfo struct {
					HasNextPage bool
					EndCursor   string
				}
			}
		}
		s.DoAs(t, blind, `query($a: String) { products(first: 2, after: $a, sort: PRICE_ASC) { nodes { slug } pageInfo { hasNextPage endCursor } } }`, apptest.Variables{"a": after}).Into(t, &got)
		for _, n := range got.Products.Nodes {
			pages = append(pages, n.Slug)
		}
		if after = got.Products.PageInfo.EndCursor; !got.Products.PageInfo.HasNextPage {
			break
		}
	}
	require.Equal(t, before.slugs(), pages)
}

// Nothing is offered to be told of when it returns: that would say that it is gone.
func TestRestockTellsNothingOfStockThatIsHidden(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	blind, plain := hideStock(t, s.App), newMember(t, s.App, uuid.Nil)
	require.Empty(t, write(t, s.App, merchandiser, "setSoldOutPolicy", "SetSoldOutPolicyInput", `policies { policy }`, apptest.Variables{"policy": "NOTIFY_ME"}, nil))
	variant := s.variant(t, "p2")
	s.SetStock(t, variant, 0)
	offered := func(actor access.Actor) bool {
		var got struct {
			Product struct {
				Variants []struct{ RestockOffered bool }
			}
		}
		s.DoAs(t, actor, `{ product(slug: "p2") { variants { restockOffered } } }`, nil).Into(t, &got)
		return got.Product.Variants[0].RestockOffered
	}
	ask := func(actor access.Actor) []writeError {
		return write(t, s.App, actor, "requestRestock", "RequestRestockInput", `request { id }`, apptest.Variables{"variantId": globalID("Variant", variant)}, nil)
	}
	require.True(t, offered(plain))
	require.Empty(t, ask(plain))
	require.False(t, offered(blind))
	gone := ask(blind)
	s.SetStock(t, variant, 5)
	require.Equal(t, ask(blind), gone, "the same answer as of goods that are there")
	require.True(t, slices.ContainsFunc(gone, func(e writeError) bool { return e.Code == "RESTOCK_NOT_OFFERED" }))
}
