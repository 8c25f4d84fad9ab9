package resolvers_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
)

// The price of a single variant that is not told is told by no list either: what is
// filtered, sorted and counted by price goes by the variants whose price is told.
func TestAVariantsHiddenPriceIsToldByNoList(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	duo := a.AddProduct(t, "duo", 500, 900)
	a.AddProduct(t, "uno", 700)
	member := newMember(t, a, uuid.Nil)
	list := func(actor access.Actor, filter apptest.Variables, sort string) (got facets, statements int) {
		t.Helper()
		answer := a.DoAs(t, actor, facetQuery, apptest.Variables{"filter": filter, "sort": sort})
		answer.Into(t, &got)
		return got, answer.Statements
	}
	found := func(actor access.Actor, bound, yen string) []string {
		got, _ := list(actor, apptest.Variables{bound: yen}, "PRICE_ASC")
		return got.slugs()
	}
	sorted := func(actor access.Actor, sort string) []string {
		got, _ := list(actor, apptest.Variables{}, sort)
		return got.slugs()
	}
	bands := func(actor access.Actor) (n int) {
		got, _ := list(actor, apptest.Variables{}, "PRICE_ASC")
		for _, count := range got.counts("PRICE", "") {
			n += count
		}
		return n
	}
	least := func(actor access.Actor) string {
		var got struct {
			Product struct {
				PriceRange *struct{ Min struct{ Amount string } }
			}
		}
		a.DoAs(t, actor, `{ product(slug: "duo") { priceRange { min { amount } } } }`, nil).Into(t, &got)
		if got.Product.PriceRange == nil {
			return ""
		}
		return got.Product.PriceRange.Min.Amount
	}
	variant := func(n int, effect string, audience apptest.Variables) {
		in := apptest.Variables{"target": target("VARIANT", "Variant", duo.Variants[n]), "priceShown": effect}
		if audience != nil {
			in["audience"] = audience
		}
		rule(t, a, in)
	}
	require.Equal(t, []string{"duo", "uno"}, sorted(access.Guest, "PRICE_ASC"))
	_, plain := list(access.Guest, apptest.Variables{}, "PRICE_ASC")

	variant(0, "DENY", nil)
	_, _ = list(access.Guest, apptest.Variables{}, "PRICE_ASC") // the rules have moved
	_, ruled := list(access.Guest, apptest.Variables{}, "PRICE_ASC")
	require.Equal(t, "900", least(access.Guest))
	require.Equal(t, []string{"uno", "duo"}, sorted(access.Guest, "PRICE_ASC"))
	require.Equal(t, []string{"duo", "uno"}, sorted(access.Guest, "PRICE_DESC"))
	require.Empty(t, found(access.Guest, "maxPrice", "600"))
	require.Equal(t, []string{"duo"}, found(access.Guest, "minPrice", "800"))
	require.Equal(t, 2, bands(access.Guest))
	require.Equal(t, plain, ruled, "in the same statements")

	variant(0, "ALLOW", allMembers)
	require.Equal(t, "500", least(member))
	require.Equal(t, []string{"duo"}, found(member, "maxPrice", "600"))
	require.Equal(t, []string{"duo", "uno"}, sorted(member, "PRICE_ASC"))
	require.Empty(t, found(access.Guest, "maxPrice", "600"))

	variant(1, "DENY", nil)
	require.Empty(t, least(access.Guest))
	require.Equal(t, []string{"uno"}, found(access.Guest, "minPrice", "0"), "nothing of it is told")
	require.Equal(t, []string{"uno", "duo"}, sorted(access.Guest, "PRICE_DESC"), "what has no price stands last")
	require.Equal(t, 1, bands(access.Guest))

	// The narrower target wins: of a product that is refused as a whole one variant is told.
	rule(t, a, apptest.Variables{"target": target("PRODUCT", "Product", duo.ID), "priceShown": "DENY"})
	variant(1, "ALLOW", nil)
	require.Equal(t, "900", least(access.Guest))
	require.Equal(t, []string{"duo"}, found(access.Guest, "minPrice", "800"))
	require.Empty(t, found(access.Guest, "maxPrice", "600"))
}

// A set whose price follows a variant with a hidden price tells it no more than others.
func TestASetTellsNoPriceOfAVariantThatIsHidden(t *testing.T) {
	t.Parallel()
	s := openSetShop(t)
	require.Empty(t, s.saveSet(t, s.box, apptest.Variables{"priceRule": "PARTS", "parts": []apptest.Variables{part(s.tea, 2), part(s.mug, 1)}}))
	slugs, _ := s.priced(t, access.Guest, "0")
	require.Equal(t, []string{"tea", "mug", "box"}, slugs)
	rule(t, s.App, apptest.Variables{"target": target("VARIANT", "Variant", s.tea), "priceShown": "DENY"})
	slugs, bands := s.priced(t, access.Guest, "0")
	require.Equal(t, []string{"mug"}, slugs)
	require.Equal(t, 1, bands)
	require.Equal(t, "PRICE_HIDDEN", s.shown(t, access.Guest).Variants[0].PriceHidden.Code)
}
