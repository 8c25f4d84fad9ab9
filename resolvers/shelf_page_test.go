package resolvers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

// pages reads a category page to its end, so many at a time.
func (s shelf) pages(t *testing.T, category string, first int) (slugs []string) {
	t.Helper()
	after := ""
	for range 20 {
		var got struct {
			Products struct {
				Nodes    []struct{ Slug string }
				PageInfo struct {
					HasNextPage bool
					EndCursor   string
				}
			}
		}
		s.Do(t, `query($c: String!, $n: Int, $after: String) { products(first: $n, after: $after, filter: {categories: [$c]}) { nodes { slug } pageInfo { hasNextPage endCursor } } }`,
			apptest.Variables{"c": category, "n": first, "after": after}).Into(t, &got)
		for _, n := range got.Products.Nodes {
			slugs = append(slugs, n.Slug)
		}
		if after = got.Products.PageInfo.EndCursor; !got.Products.PageInfo.HasNextPage {
			return slugs
		}
	}
	t.Fatal("the page has no end")
	return nil
}

func (s shelf) pin(t *testing.T, slug string, position int, more apptest.Variables) []writeError {
	t.Helper()
	input := apptest.Variables{"categoryId": globalID("Category", s.ids["dog"]), "productId": globalID("Product", s.ids[slug]), "position": position}
	for k, v := range more {
		input[k] = v
	}
	return write(t, s.App, merchandiser, "pinProduct", "PinProductInput", `pin { id position }`, input, nil)
}

func TestPinsStandWhereTheyArePinnedOnceHoweverItIsPaged(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	require.Equal(t, []string{"p5", "p4", "p2", "p1"}, s.pages(t, "dog", 2), "newest first")
	require.Empty(t, s.pin(t, "p1", 1, nil))
	require.Empty(t, s.pin(t, "p2", 3, nil))
	for first := 1; first <= 5; first++ {
		require.Equal(t, []string{"p1", "p5", "p2", "p4"}, s.pages(t, "dog", first), "%d at a time", first)
	}
	require.Equal(t, []string{"p4", "p1"}, s.pages(t, "dog-food", 1), "a shelf below has its own page")
	require.Empty(t, s.pin(t, "p5", 90, nil))
	require.Equal(t, []string{"p1", "p4", "p2", "p5"}, s.pages(t, "dog", 3), "where the page is shorter, at its end")

	// Who has sorted or filtered sees no pins; a hidden pin leaves its place.
	var got facets
	s.Do(t, facetQuery, apptest.Variables{"filter": apptest.Variables{"categories": []string{"dog"}}, "sort": "PRICE_ASC"}).Into(t, &got)
	require.Equal(t, []string{"p2", "p5", "p1", "p4"}, got.slugs())
	rule(t, s.App, apptest.Variables{"target": target("PRODUCT", "Product", s.ids["p1"]), "visible": "DENY"})
	require.Equal(t, []string{"p4", "p2", "p5"}, s.pages(t, "dog", 1))
	s.Do(t, facetQuery, apptest.Variables{"filter": apptest.Variables{"categories": []string{"dog"}}}).Into(t, &got)
	require.Equal(t, 3, got.Products.TotalCount)

	// Pins that change while somebody pages change nothing for them.
	var page struct {
		Products struct{ PageInfo struct{ EndCursor string } }
	}
	s.Do(t, `{ products(first: 1, filter: {categories: ["dog"]}) { nodes { slug } pageInfo { endCursor } } }`, nil).Into(t, &page)
	var pins struct{ CategoryPins []struct{ ID string } }
	s.DoAs(t, merchandiser, `query($c: ID!) { categoryPins(categoryId: $c) { id } }`, apptest.Variables{"c": globalID("Category", s.ids["dog"])}).Into(t, &pins)
	require.Len(t, pins.CategoryPins, 3)
	for _, p := range pins.CategoryPins {
		require.Empty(t, write(t, s.App, merchandiser, "unpinProduct", "CloseDisplayInput", `pin { closedAt }`, apptest.Variables{"id": p.ID}, nil))
	}
	require.Empty(t, s.pin(t, "p4", 2, nil))
	s.Do(t, `query($after: String) { products(after: $after, filter: {categories: ["dog"]}) { nodes { slug } } }`, apptest.Variables{"after": page.Products.PageInfo.EndCursor}).Into(t, &got)
	require.Equal(t, []string{"p2", "p5"}, got.slugs(), "p4 stood first on the first page")
	require.Equal(t, []string{"p5", "p4", "p2"}, s.pages(t, "dog", 2), "and whoever begins sees the new ones")
	require.Equal(t, "RULE_CLOSED", write(t, s.App, merchandiser, "unpinProduct", "CloseDisplayInput", `pin { id }`, apptest.Variables{"id": pins.CategoryPins[0].ID}, nil)[0].Code)
}

func TestPinsThatCannotBe(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	require.Empty(t, s.pin(t, "p1", 2, nil))
	other := id.New()
	exec(t, s.App, `INSERT INTO brands (id, code, name) VALUES ($1, 'nyan', '{"ja":"別"}')`, other)
	foreign, shelf := id.New(), id.New()
	exec(t, s.App, `INSERT INTO products (id, brand_id, slug, name, created_at, updated_at) VALUES ($1, $2, 'foreign', '{"ja":"別"}', now(), now())`, foreign, other)
	exec(t, s.App, `INSERT INTO categories (id, brand_id, slug, name) VALUES ($1, $2, 'foreign', '{"ja":"別"}')`, shelf, other)
	for name, c := range map[string]struct {
		slug string
		at   int
		more apptest.Variables
		code string
	}{
		"twice at one position":    {"p2", 2, nil, "PIN_TAKEN"},
		"one product twice":        {"p1", 3, nil, "PIN_TAKEN"},
		"position 0":               {"p2", 0, nil, "PIN_POSITION_INVALID"},
		"position 101":             {"p2", 101, nil, "PIN_POSITION_INVALID"},
		"not on the shelf":         {"p3", 1, nil, "PRODUCT_NOT_IN_CATEGORY"},
		"ends before it starts":    {"p2", 1, apptest.Variables{"validFrom": "2026-12-01T00:00:00Z", "validUntil": "2026-12-01T00:00:00Z"}, "WINDOW_INVALID"},
		"unknown channel":          {"p2", 1, apptest.Variables{"channel": "moon"}, "CHANNEL_UNKNOWN"},
		"another brand's product":  {"p2", 1, apptest.Variables{"productId": id.Global("Product", foreign)}, "TARGET_UNKNOWN"},
		"another brand's category": {"p2", 1, apptest.Variables{"categoryId": id.Global("Category", shelf)}, "CATEGORY_UNKNOWN"},
	} {
		errors := s.pin(t, c.slug, c.at, c.more)
		require.Len(t, errors, 1, name)
		require.Equal(t, c.code, errors[0].Code, name)
	}
	require.Equal(t, 1, count(t, s.App, "category_pins"))
	require.Empty(t, s.pin(t, "p2", 2, apptest.Variables{"channel": "web"}), "a channel's own goes before the general one")
	require.Equal(t, "p2", s.pages(t, "dog", 4)[1])
}

func TestACategoryStandsInItsOwnOrder(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	sort := func(category string, sort any) []writeError {
		return write(t, s.App, merchandiser, "setCategorySort", "SetCategorySortInput", `category { slug }`, apptest.Variables{"categoryId": globalID("Category", s.ids[category]), "sort": sort}, nil)
	}
	require.Empty(t, sort("dog", "PRICE_ASC"))
	require.Equal(t, []string{"p2", "p5", "p1", "p4"}, s.pages(t, "dog", 3))
	require.Equal(t, []string{"p1", "p4"}, s.pages(t, "dog-food", 1), "the order above holds below")
	require.Empty(t, sort("dog-food", "PRICE_DESC"))
	require.Equal(t, []string{"p4", "p1"}, s.pages(t, "dog-food", 1))
	require.Empty(t, sort("dog", nil))
	require.Equal(t, []string{"p5", "p4", "p2", "p1"}, s.pages(t, "dog", 1))
	require.Equal(t, "INVALID", sort("dog", "RELEVANCE")[0].Code)
	require.Equal(t, "NOT_FOUND", write(t, s.App, merchandiser, "closeBadge", "CloseDisplayInput", `badge { id }`, apptest.Variables{"id": id.Global("Badge", id.New())}, nil)[0].Code)
}

func TestSoldOutGoodsHideOrStandLast(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	policy := func(target, policy any) {
		t.Helper()
		require.Empty(t, write(t, s.App, merchandiser, "setSoldOutPolicy", "SetSoldOutPolicyInput", `policies { policy }`, apptest.Variables{"target": target, "policy": policy}, nil))
	}
	sellOut := func(slug string) {
		s.SetStock(t, s.variant(t, slug), 0)
		exec(t, s.App, `UPDATE product_listings SET in_stock = false WHERE product_id = $1`, s.ids[slug])
	}
	sellOut("p5")
	sellOut("p2")
	require.Equal(t, []string{"p5", "p4", "p3", "p2", "p1"}, s.walk(t, "NEWEST", nil), "without a policy they stay")
	policy(nil, "LAST")
	for sort, want := range map[string][]string{
		"NEWEST": {"p4", "p3", "p1", "p5", "p2"}, "PRICE_ASC": {"p3", "p1", "p4", "p2", "p5"},
		"PRICE_DESC": {"p4", "p1", "p3", "p5", "p2"}, "NAME": {"p1", "p4", "p3", "p5", "p2"},
	} {
		require.Equal(t, want, s.walk(t, sort, nil), sort)
	}
	require.Len(t, s.walk(t, "RELEVANCE", apptest.Variables{"query": "いぬ"}), 4)
	policy(target("CATEGORY", "Category", s.ids["dog"]), "HIDE")
	got := s.look(t, access.Guest, "p2")
	require.Equal(t, []string{"p4", "p3", "p1"}, got.slugs())
	require.Equal(t, 3, got.Products.TotalCount)
	require.Nil(t, got.Product)
	require.Nil(t, got.Node)
	require.Empty(t, got.Search.Nodes)
	policy(target("PRODUCT", "Product", s.ids["p2"]), "SHOW")
	require.Equal(t, []string{"p4", "p3", "p2", "p1"}, s.walk(t, "NEWEST", nil), "the product's own policy goes before its category's")

	// Stock that returns brings it back; so does taking the policy away.
	require.Empty(t, write(t, s.App, keeper, "receiveStock", "StockInput", `level { free }`, apptest.Variables{"idempotencyKey": id.New().String(), "variantId": globalID("Variant", s.variant(t, "p5")), "locationId": globalID("Location", s.WarehouseID), "quantity": 3}, nil))
	require.Equal(t, []string{"p5", "p4", "p3", "p2", "p1"}, s.walk(t, "NEWEST", nil))
	policy(target("CATEGORY", "Category", s.ids["dog"]), nil)
	policy(target("PRODUCT", "Product", s.ids["p2"]), nil)
	require.Equal(t, []string{"p5", "p4", "p3", "p1", "p2"}, s.walk(t, "NEWEST", nil), "the policy for all goods holds again")
	for code, wrong := range map[string]apptest.Variables{
		"TARGET_INVALID": {"kind": "TAG", "value": "x"}, "TARGET_UNKNOWN": target("PRODUCT", "Product", id.New()),
	} {
		require.Equal(t, code, write(t, s.App, merchandiser, "setSoldOutPolicy", "SetSoldOutPolicyInput", `policies { policy }`, apptest.Variables{"target": wrong, "policy": "HIDE"}, nil)[0].Code)
	}
}
