package resolvers_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

var merchandiser = access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.DisplayWrite}}

// rule saves a display rule and answers its id.
func rule(t *testing.T, a *apptest.App, input apptest.Variables) string {
	t.Helper()
	if input["name"] == nil {
		input["name"] = "ルール"
	}
	var got struct {
		SaveDisplayRule struct{ Rule struct{ ID string } }
	}
	require.Empty(t, write(t, a, merchandiser, "saveDisplayRule", "SaveDisplayRuleInput", `rule { id }`, input, &got))
	return got.SaveDisplayRule.Rule.ID
}

func target(kind, global string, key any) apptest.Variables {
	return apptest.Variables{"kind": kind, "id": globalID(global, key)}
}

// newMember is a member, in the group if it is not zero.
func newMember(t *testing.T, a *apptest.App, group uuid.UUID) access.Actor {
	t.Helper()
	key := id.New()
	exec(t, a, `INSERT INTO accounts (id, role, email, password, name, created_at, updated_at) VALUES ($1, 'MEMBER', $2, '', '会員', now(), now())`, key, key.String()+"@example.jp")
	if group != uuid.Nil {
		exec(t, a, `INSERT INTO customer_group_members (group_id, member_id, joined_at) VALUES ($1, $2, now())`, group, key)
	}
	return access.Actor{Role: access.RoleMember, ID: key}
}

func newGroup(t *testing.T, a *apptest.App, code string) uuid.UUID {
	t.Helper()
	key := id.New()
	exec(t, a, `INSERT INTO customer_groups (id, brand_id, code, name, created_at) VALUES ($1, $2, $3, '{}', now())`, key, a.BrandID, code)
	return key
}

// sight is all that a caller can find of a shelf, by every way there is.
type sight struct {
	facets
	Search            struct{ Nodes []struct{ Slug string } }
	SearchSuggestions []struct{ Kind, Slug string }
	Product           *struct{ Slug string }
	Node              *struct{ Slug string }
}

func (s shelf) look(t *testing.T, actor access.Actor, slug string) sight {
	t.Helper()
	var got sight
	s.DoAs(t, actor, `query($slug: String!, $id: ID!) {
		products { totalCount nodes { slug } facets { kind code name values { value label count } } }
		search(query: "子犬のおやつ") { nodes { ... on Product { slug } } }
		searchSuggestions(prefix: "こいぬ") { kind slug }
		product(slug: $slug) { slug }
		node(id: $id) { ... on Product { slug } }
	}`, apptest.Variables{"slug": slug, "id": globalID("Product", s.ids[slug])}).Into(t, &got)
	return got
}

func TestWhatIsHiddenLeaksNowhere(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	group := newGroup(t, s.App, "TRADE")
	trader, plain := newMember(t, s.App, group), newMember(t, s.App, uuid.Nil)
	before := s.look(t, access.Guest, "p2")
	require.NotNil(t, before.Product)
	require.NotNil(t, before.Node)
	require.NotEmpty(t, before.Search.Nodes)
	require.NotEmpty(t, before.SearchSuggestions)

	rule(t, s.App, apptest.Variables{"target": target("PRODUCT", "Product", s.ids["p2"]), "visible": "DENY"})
	rule(t, s.App, apptest.Variables{"target": target("PRODUCT", "Product", s.ids["p2"]), "audience": apptest.Variables{"kind": "GROUP", "id": id.Global("CustomerGroup", group)}, "visible": "ALLOW"})
	for name, actor := range map[string]access.Actor{"guest": access.Guest, "member": plain} {
		got := s.look(t, actor, "p2")
		require.NotContains(t, got.slugs(), "p2", name)
		require.Equal(t, 4, got.Products.TotalCount, name)
		require.Equal(t, map[string]int{"puppy": 1, "adult": 2}, got.counts("ATTRIBUTE", "age"), name)
		require.Equal(t, map[string]int{"dog": 3, "dog-food": 2, "cat": 1}, got.counts("CATEGORY", ""), name)
		require.Equal(t, map[string]int{"1": 2, "3": 1, "0": 1}, got.counts("PRICE", ""), name)
		require.Empty(t, got.Search.Nodes, name)
		for _, suggestion := range got.SearchSuggestions {
			require.NotEqual(t, "p2", suggestion.Slug, name)
		}
		require.Nil(t, got.Product, name)
		require.Nil(t, got.Node, name)
	}
	for name, actor := range map[string]access.Actor{"trade": trader, "staff": clerk} {
		got := s.look(t, actor, "p2")
		require.Contains(t, got.slugs(), "p2", name)
		require.Equal(t, 5, got.Products.TotalCount, name)
		require.NotNil(t, got.Product, name)
		require.NotNil(t, got.Node, name)
	}
}

func TestEveryKindOfTargetHides(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	exec(t, s.App, `UPDATE products SET tags = '{trade}' WHERE id = $1`, s.ids["p3"])
	for name, c := range map[string]struct {
		target apptest.Variables
		want   []string
	}{
		"product":        {target("PRODUCT", "Product", s.ids["p1"]), []string{"p2", "p3", "p4", "p5"}},
		"category":       {target("CATEGORY", "Category", s.ids["dog-food"]), []string{"p2", "p3", "p5"}},
		"category above": {target("CATEGORY", "Category", s.ids["dog"]), []string{"p3"}},
		"brand":          {target("BRAND", "ProductBrand", s.ids["royal"]), []string{"p2", "p3"}},
		"attribute":      {with(target("ATTRIBUTE", "Attribute", s.ids["attr"]), "value", "puppy"), []string{"p1", "p3", "p4"}},
		"tag":            {apptest.Variables{"kind": "TAG", "value": "trade"}, []string{"p1", "p2", "p4", "p5"}},
		"all":            {apptest.Variables{"kind": "ALL"}, []string{}},
	} {
		saved := rule(t, s.App, apptest.Variables{"name": name, "target": c.target, "visible": "DENY"})
		var got facets
		s.Do(t, facetQuery, nil).Into(t, &got)
		require.ElementsMatch(t, c.want, got.slugs(), name)
		require.Equal(t, len(c.want), got.Products.TotalCount, name)
		require.Empty(t, write(t, s.App, merchandiser, "closeDisplayRule", "CloseDisplayInput", `rule { closedAt }`, apptest.Variables{"id": saved}, nil))
		s.Do(t, facetQuery, nil).Into(t, &got)
		require.Len(t, got.slugs(), 5, "a closed rule holds no longer")
	}
	// Attributes and categories narrow each other: the deeper shelf decides.
	rule(t, s.App, apptest.Variables{"target": target("CATEGORY", "Category", s.ids["dog"]), "visible": "DENY"})
	rule(t, s.App, apptest.Variables{"target": target("CATEGORY", "Category", s.ids["dog-food"]), "visible": "ALLOW"})
	var got facets
	s.Do(t, facetQuery, nil).Into(t, &got)
	require.ElementsMatch(t, []string{"p1", "p3", "p4"}, got.slugs())
}

const pricedQuery = `{ products(sort: PRICE_ASC) { nodes { slug priceRange { min { amount } } priceHidden { code message } badges { code }
	variants { price { total { amount } } priceHidden { code message } notPurchasable { code } } } facets { kind code values { value count } } } }`

type pricedList struct {
	Products struct {
		Nodes []struct {
			Slug        string
			PriceRange  *struct{ Min struct{ Amount string } }
			PriceHidden *userError
			Badges      []struct{ Code string }
			Variants    []struct {
				Price          *struct{ Total struct{ Amount string } }
				PriceHidden    *userError
				NotPurchasable *userError
			}
		}
	}
}

func TestAHiddenPriceIsToldNowhere(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	member := newMember(t, s.App, uuid.Nil)
	rule(t, s.App, apptest.Variables{"target": target("BRAND", "ProductBrand", s.ids["royal"]), "priceShown": "DENY",
		"message": apptest.Variables{"ja": "価格は会員様のみに表示しております", "en": "Log in to see the price"}})
	rule(t, s.App, apptest.Variables{"target": target("BRAND", "ProductBrand", s.ids["royal"]), "audience": apptest.Variables{"kind": "MEMBERS"}, "priceShown": "ALLOW"})

	var got pricedList
	s.Do(t, pricedQuery, nil).Into(t, &got)
	for i, slug := range []string{"p2", "p3", "p1", "p4", "p5"} { // those with a price first, by price; the others tell nothing by their order
		p := got.Products.Nodes[i]
		require.Equal(t, slug, p.Slug)
		if i < 2 {
			require.NotNil(t, p.PriceRange, slug)
			require.NotNil(t, p.Variants[0].Price, slug)
			require.Nil(t, p.PriceHidden, slug)
			require.Nil(t, p.Variants[0].NotPurchasable, slug)
			continue
		}
		require.Nil(t, p.PriceRange, slug)
		require.Nil(t, p.Variants[0].Price, slug)
		require.Equal(t, "PRICE_HIDDEN", p.PriceHidden.Code)
		require.Equal(t, "価格は会員様のみに表示しております", p.Variants[0].PriceHidden.Message)
		require.Equal(t, "PRICE_HIDDEN", p.Variants[0].NotPurchasable.Code, "what has no price to agree on cannot be bought")
	}
	var list facets
	s.Do(t, facetQuery, apptest.Variables{"filter": apptest.Variables{"minPrice": "2000"}}).Into(t, &list)
	require.Empty(t, list.slugs(), "a filter would tell the price by asking again and again")
	s.Do(t, facetQuery, nil).Into(t, &list)
	require.Equal(t, map[string]int{"0": 1, "1": 0 + 1}, list.counts("PRICE", ""))
	var page struct {
		Products struct{ Edges []struct{ Cursor string } }
	}
	s.Do(t, `{ products(sort: PRICE_DESC) { edges { cursor } } }`, nil).Into(t, &page)
	require.Equal(t, page.Products.Edges[4].Cursor != page.Products.Edges[3].Cursor, true)

	s.DoAs(t, member, pricedQuery, nil).Into(t, &got)
	for _, p := range got.Products.Nodes {
		require.NotNil(t, p.PriceRange, p.Slug)
		require.Nil(t, p.PriceHidden, p.Slug)
	}
	s.DoAs(t, member, facetQuery, apptest.Variables{"filter": apptest.Variables{"minPrice": "2000"}}).Into(t, &list)
	require.ElementsMatch(t, []string{"p1", "p4"}, list.slugs())

	// Nor does a cart tell it.
	variant := s.variant(t, "p1")
	guest := &shopper{App: s.App}
	require.Equal(t, "PRICE_HIDDEN", guest.add(t, variant, 1).code())
}

func (s shelf) variant(t *testing.T, slug string) (key uuid.UUID) {
	t.Helper()
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT id FROM variants WHERE product_id = $1`, s.ids[slug]).Scan(&key))
	return key
}

func TestCartsAndOrdersObey(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	method := s.AddShipping(t, "parcel", 0)
	for name, c := range map[string]struct {
		effect, code string
	}{
		"p1": {"visible", "VARIANT_UNAVAILABLE"}, "p2": {"purchasable", "NOT_PURCHASABLE"}, "p3": {"priceShown", "PRICE_HIDDEN"},
	} {
		variant, guest := s.variant(t, name), &shopper{App: s.App}
		total := guest.add(t, variant, 1).Cart.Total.Amount
		guest.fillIn(t, method)
		saved := rule(t, s.App, apptest.Variables{"target": target("PRODUCT", "Product", s.ids[name]), c.effect: "DENY"})
		var cart struct {
			Cart struct {
				Total struct{ Amount string }
				Lines []struct {
					Problem *userError
					Price   *struct{ Total struct{ Amount string } }
					Variant *struct{ Sku string }
				}
			}
		}
		s.Do(t, `{ cart { total { amount } lines { problem { code } price { total { amount } } variant { sku } } } }`, nil, "X-Cart-Token", guest.token).Into(t, &cart)
		require.Equal(t, c.code, cart.Cart.Lines[0].Problem.Code, name)
		if c.effect != "purchasable" {
			require.Nil(t, cart.Cart.Lines[0].Price, name)
			require.Equal(t, "0", cart.Cart.Total.Amount, "no total tells it either")
		}
		if c.effect == "visible" {
			require.Nil(t, cart.Cart.Lines[0].Variant)
		}
		refused := guest.place(t, "intent-1", total)
		require.Equal(t, c.code, refused.code(), name)
		require.Equal(t, []string{"lines", "0"}, refused.UserErrors[0].Field)
		require.Equal(t, c.code, (&shopper{App: s.App}).add(t, variant, 1).code(), "nor can it be put in")
		write(t, s.App, merchandiser, "closeDisplayRule", "CloseDisplayInput", `rule { id }`, apptest.Variables{"id": saved}, nil)
		require.Empty(t, guest.place(t, "intent-1", total).UserErrors, name)
	}
	// A rule for one variant leaves the others.
	two := s.AddProduct(t, "two", 100, 200)
	rule(t, s.App, apptest.Variables{"target": target("VARIANT", "Variant", two.Variants[0]), "purchasable": "DENY"})
	require.Equal(t, "NOT_PURCHASABLE", (&shopper{App: s.App}).add(t, two.Variants[0], 1).code())
	require.Empty(t, (&shopper{App: s.App}).add(t, two.Variants[1], 1).UserErrors)
}

func TestRulesTakeEffectInEveryProcessAtOnce(t *testing.T) {
	t.Parallel()
	a := newShelf(t)
	other := shelf{apptest.Serve(t, a.Shop, a.App.App.Config), a.ids}
	require.Len(t, other.look(t, access.Guest, "p2").slugs(), 5)
	variant := a.variant(t, "p2")
	guest := &shopper{App: other.App}
	guest.add(t, variant, 1)
	for _, effect := range []string{"DENY", "ALLOW", "DENY"} {
		rule(t, a.App, apptest.Variables{"target": target("PRODUCT", "Product", a.ids["p2"]), "visible": effect})
		got := other.look(t, access.Guest, "p2")
		require.Equal(t, effect == "ALLOW", got.Product != nil)
		require.Equal(t, effect == "ALLOW", got.Node != nil)
		require.Equal(t, map[string]int{"ALLOW": 5, "DENY": 4}[effect], got.Products.TotalCount)
		require.Equal(t, effect == "ALLOW", guest.add(t, variant, 1).code() == "", effect)
	}
}

func TestRulesCostTheListAtMostTwoStatements(t *testing.T) {
	t.Parallel()
	s := newShelf(t, func(c *app.Config) { c.RedisURL = pgtest.Redis(t).URL })
	group := newGroup(t, s.App, "TRADE")
	member := newMember(t, s.App, group)
	// Another number of products each time, for no kept answer to help.
	ask := func(actor access.Actor, first int) int {
		answer := s.DoAs(t, actor, `query($first: Int) { products(first: $first) { nodes { slug priceRange { min { amount } } priceHidden { code } badges { code }
			variants { sku availability price { total { amount } } priceHidden { code } notPurchasable { code } } } } }`, apptest.Variables{"first": first})
		require.Empty(t, answer.Errors)
		return answer.Statements
	}
	ask(access.Guest, 1)
	guests := ask(access.Guest, 100)
	require.Equal(t, 4, guests, "page, variants, prices, stock: a shop without rules pays nothing")
	audience := apptest.Variables{"kind": "GROUP", "id": id.Global("CustomerGroup", group)}
	for _, slug := range []string{"p1", "p2"} {
		rule(t, s.App, apptest.Variables{"audience": audience, "target": target("PRODUCT", "Product", s.ids[slug]), "visible": "ALLOW", "purchasable": "DENY", "priceShown": "DENY"})
	}
	ask(member, 3)
	require.LessOrEqual(t, ask(member, 1), guests+2)
	require.LessOrEqual(t, ask(member, 100), guests+2)
	ask(access.Guest, 3)
	require.Equal(t, guests, ask(access.Guest, 99), "rules for others cost a guest nothing")
}
