package resolvers_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

type shownSet struct {
	PriceRange  *struct{ Min struct{ Amount string } }
	PriceHidden *userError
	Variants    []struct {
		Price          *struct{ Unit struct{ Amount string } }
		PriceTiers     []struct{ Unit struct{ Amount string } }
		PriceHidden    *userError
		NotPurchasable *userError
		Set            struct {
			Parts []struct{ Variant *struct{ SKU string } }
			Slots []struct{ Choices []struct{ SKU string } }
		}
	}
}

func (s setShop) shown(t *testing.T, actor access.Actor) shownSet {
	t.Helper()
	var got struct{ Product shownSet }
	s.DoAs(t, actor, `{ product(slug: "box") { priceRange { min { amount } } priceHidden { code } variants { price { unit { amount } } priceTiers { unit { amount } }
		priceHidden { code message } notPurchasable { code message } set { parts { variant { sku } } slots { choices { sku } } } } } }`, nil).Into(t, &got)
	return got.Product
}

// priced are the products that a filter by price finds, in the order of their prices.
func (s setShop) priced(t *testing.T, actor access.Actor, from string) (slugs []string, bands int) {
	t.Helper()
	var got facets
	s.DoAs(t, actor, facetQuery, apptest.Variables{"filter": apptest.Variables{"minPrice": from}, "sort": "PRICE_ASC"}).Into(t, &got)
	for _, n := range got.counts("PRICE", "") {
		bands += n
	}
	return got.slugs(), bands
}

func (s setShop) rule(t *testing.T, product uuid.UUID, aspect, effect string, audience apptest.Variables) {
	t.Helper()
	in := apptest.Variables{"target": target("PRODUCT", "Product", product), aspect: effect}
	if audience != nil {
		in["audience"] = audience
	}
	rule(t, s.App, in)
}

var allMembers = apptest.Variables{"kind": "MEMBERS"}

func TestASetTellsNoPriceOfAPartThatIsHidden(t *testing.T) {
	t.Parallel()
	s := openSetShop(t)
	member := newMember(t, s.App, uuid.Nil)
	s.rule(t, s.teaShop, "priceShown", "DENY", nil)
	s.rule(t, s.teaShop, "priceShown", "ALLOW", allMembers)

	// A price of its own tells nothing of its parts.
	own := s.shown(t, access.Guest)
	require.Equal(t, "1000", own.Variants[0].Price.Unit.Amount)
	require.Nil(t, own.Variants[0].NotPurchasable)
	guest := &shopper{App: s.App}
	require.Equal(t, "1000", guest.choose(t, s.box, 1).Cart.Total.Amount)

	require.Empty(t, s.saveSet(t, s.box, apptest.Variables{"priceRule": "PARTS", "parts": []apptest.Variables{part(s.tea, 2), part(s.mug, 1)}}))
	got := s.shown(t, access.Guest)
	require.Nil(t, got.PriceRange)
	require.Nil(t, got.Variants[0].Price)
	require.Empty(t, got.Variants[0].PriceTiers)
	require.Equal(t, "PRICE_HIDDEN", got.Variants[0].PriceHidden.Code)
	require.Equal(t, "PRICE_HIDDEN", got.Variants[0].NotPurchasable.Code)
	slugs, bands := s.priced(t, access.Guest, "0")
	require.Equal(t, []string{"mug"}, slugs, "no filter finds it by its price")
	require.Equal(t, 1, bands, "no facet counts it")
	cart := guest.look(t)
	require.Equal(t, []string{"PRICE_HIDDEN"}, cart.problems())
	require.Nil(t, cart.Cart.Lines[0].Price)
	require.Equal(t, "0", cart.Cart.Total.Amount)
	guest.fillIn(t, s.method)
	require.Equal(t, "PRICE_HIDDEN", guest.place(t, "intent-1", "1500").code())
	require.Equal(t, "PRICE_HIDDEN", (&shopper{App: s.App}).choose(t, s.box, 1).code())

	shown := s.shown(t, member)
	require.Equal(t, "1500", shown.Variants[0].Price.Unit.Amount)
	require.Nil(t, shown.Variants[0].PriceHidden)
	slugs, bands = s.priced(t, member, "0")
	require.Equal(t, []string{"tea", "mug", "box"}, slugs)
	require.Equal(t, 3, bands)
}

func TestASetIsNotSoldWithAPartThatTheBuyerMayNotHave(t *testing.T) {
	t.Parallel()
	for aspect, code := range map[string]string{"purchasable": "SET_PART_UNAVAILABLE", "visible": "SET_PART_UNAVAILABLE"} {
		t.Run(aspect, func(t *testing.T) {
			t.Parallel()
			s := openSetShop(t)
			member := newMember(t, s.App, uuid.Nil)
			guest := &shopper{App: s.App}
			require.Empty(t, guest.choose(t, s.box, 1).UserErrors)
			guest.fillIn(t, s.method)
			s.rule(t, s.teaShop, aspect, "DENY", nil)
			s.rule(t, s.teaShop, aspect, "ALLOW", allMembers)

			got := s.shown(t, access.Guest).Variants[0]
			require.Equal(t, "1000", got.Price.Unit.Amount)
			require.Equal(t, code, got.NotPurchasable.Code)
			require.NotContains(t, got.NotPurchasable.Message, "TEA", "what it is may be hidden")
			require.Equal(t, aspect == "purchasable", got.Set.Parts[0].Variant != nil)
			require.NotNil(t, got.Set.Parts[1].Variant)
			require.Equal(t, []string{code}, guest.look(t).problems())
			require.Equal(t, code, guest.place(t, "intent-1", "1000").code())
			require.Equal(t, code, (&shopper{App: s.App}).choose(t, s.box, 1).code())
			require.Empty(t, (&shopper{App: s.App}).choose(t, s.mug, 1).UserErrors)

			allowed := s.shown(t, member).Variants[0]
			require.Nil(t, allowed.NotPurchasable)
			require.NotNil(t, allowed.Set.Parts[0].Variant)

			// At the price of its parts it has none to show while one of them is hidden.
			require.Empty(t, s.saveSet(t, s.box, apptest.Variables{"priceRule": "PARTS", "parts": []apptest.Variables{part(s.tea, 2), part(s.mug, 1)}}))
			got = s.shown(t, access.Guest).Variants[0]
			require.Equal(t, aspect == "visible", got.Price == nil)
			slugs, _ := s.priced(t, access.Guest, "0")
			require.Equal(t, aspect == "purchasable", len(slugs) == 3, "%v", slugs)
		})
	}
}

// Of what can be chosen, what the buyer may not have is left out; the rest sells.
func TestChoicesThatTheBuyerMayNotHaveAreLeftOut(t *testing.T) {
	t.Parallel()
	s := openSetShop(t)
	coffee := s.openChoice(t, "PARTS")
	s.rule(t, s.teaShop, "visible", "DENY", nil)
	got := s.shown(t, access.Guest).Variants[0]
	require.Len(t, got.Set.Slots[0].Choices, 1)
	require.Nil(t, got.NotPurchasable, "coffee is there")
	require.Nil(t, got.Price, "the cheapest choice would tell its price")

	guest := &shopper{App: s.App}
	cart := guest.choose(t, s.box, 1, choice(1, coffee, 3))
	require.Empty(t, cart.UserErrors)
	require.Equal(t, "2400", cart.Cart.Total.Amount)
	require.Empty(t, cart.problems())
	require.Equal(t, "SET_PART_UNAVAILABLE", (&shopper{App: s.App}).choose(t, s.box, 1, choice(1, s.tea, 2), choice(1, coffee, 1)).code())

	// A line with what is hidden since tells nothing, and leaves the other its price.
	exec(t, s.App, `UPDATE display_rules SET closed_at = now()`)
	exec(t, s.App, `UPDATE rulebooks SET version = version + 1`)
	require.Equal(t, "4400", guest.choose(t, s.box, 1, choice(1, s.tea, 2), choice(1, coffee, 1)).Cart.Total.Amount)
	s.rule(t, s.teaShop, "priceShown", "DENY", nil)
	cart = guest.look(t)
	require.Equal(t, []string{"PRICE_HIDDEN"}, cart.problems())
	require.NotNil(t, cart.Cart.Lines[0].Price)
	require.Nil(t, cart.Cart.Lines[1].Price)
	require.Equal(t, "2400", cart.Cart.Total.Amount)

	var coffees uuid.UUID
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT product_id FROM variants WHERE id = $1`, coffee).Scan(&coffees))
	s.rule(t, coffees, "purchasable", "DENY", nil)
	require.Equal(t, "SET_PART_UNAVAILABLE", s.shown(t, access.Guest).Variants[0].NotPurchasable.Code, "nothing is left to choose")
}

func TestASetToChooseFromIsNoGift(t *testing.T) {
	t.Parallel()
	s := openSetShop(t)
	gift := apptest.Variables{"code": "gift", "name": apptest.Variables{"ja": "gift"}, "benefits": []apptest.Variables{
		{"kind": "GIFT", "variantId": id.Global("Variant", s.box), "pieces": 1}}}
	require.Empty(t, write(t, s.App, promoter, "saveCampaign", "SaveCampaignInput", `campaign { id }`, gift, nil), "a fixed set is")
	slots := []apptest.Variables{{"name": apptest.Variables{"ja": "お茶"}, "pick": 1, "choices": []string{id.Global("Variant", s.tea)}}}
	chosen := func() []writeError {
		return s.saveSet(t, s.box, apptest.Variables{"parts": []apptest.Variables{part(s.mug, 1)}, "slots": slots})
	}
	require.Equal(t, []writeError{{Code: "GIFT_NEEDS_CHOICE", Field: []string{"slots"}}}, chosen(), "while a campaign gives it away nobody is to choose")
	require.Empty(t, s.saveSet(t, s.box, apptest.Variables{"parts": []apptest.Variables{part(s.mug, 2)}}), "other parts it may get")
	exec(t, s.App, `UPDATE campaigns SET valid_from = now() - interval '2 days', valid_until = now() - interval '1 day'`)
	require.Empty(t, chosen(), "the campaign is over")
	gift["code"] = "gift-2"
	refused := write(t, s.App, promoter, "saveCampaign", "SaveCampaignInput", `campaign { id }`, gift, nil)
	require.Equal(t, []writeError{{Code: "GIFT_NEEDS_CHOICE", Field: []string{"benefits"}}}, refused)
	require.Equal(t, 1, count(t, s.App, "campaigns"))
	refused = write(t, s.App, promoter, "simulateCampaign", "SimulateCampaignInput", `simulation { id }`, apptest.Variables{
		"from": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z", "campaign": gift}, nil)
	require.Equal(t, []writeError{{Code: "GIFT_NEEDS_CHOICE", Field: []string{"campaign", "benefits"}}}, refused)
}
