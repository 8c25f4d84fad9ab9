package resolvers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

// twoOfOne are two members who turn out to be the same person.
type twoOfOne struct {
	*apptest.App
	kept, gone customer
	goods      map[string]string // variants by slug
}

var merger = access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.MemberRead, access.MemberWrite}}

func newTwoOfOne(t *testing.T, slugs ...string) twoOfOne {
	t.Helper()
	a := apptest.Start(t)
	m := twoOfOne{App: a, kept: newCustomer(t, a, "kept@example.jp"), gone: newCustomer(t, a, "gone@example.jp"), goods: map[string]string{}}
	for _, c := range []customer{m.kept, m.gone} {
		c.do(t, `mutation { joinMembership(input: {}) { userErrors { code } } }`, nil)
	}
	for _, slug := range slugs {
		m.goods[slug] = globalID("Variant", a.AddProduct(t, slug, 1000).Variants[0])
	}
	return m
}

// actor is the member as the rules know them.
func (m twoOfOne) actor(t *testing.T, c customer) access.Actor {
	t.Helper()
	return access.Actor{Role: access.RoleMember, ID: keyOf(t, c.id)}
}

func (m twoOfOne) merge(t *testing.T, key string) {
	t.Helper()
	require.Empty(t, write(t, m.App, merger, "mergeMembers", "MergeMembersInput", `member { id }`, apptest.Variables{
		"idempotencyKey": key, "keepId": id.Global("Member", keyOf(t, m.kept.id)), "goneId": id.Global("Member", keyOf(t, m.gone.id)), "reason": "同一人物"}, nil))
}

func thisVariant(global string) apptest.Variables {
	return apptest.Variables{"kind": "VARIANT", "id": global}
}

func TestRulesThatNameAMemberFollowAMerge(t *testing.T) {
	t.Parallel()
	m := newTwoOfOne(t, "rated", "discounted", "hidden", "offered", "own", "both", "free")
	gone := apptest.Variables{"kind": "MEMBER", "id": m.gone.id}
	require.Empty(t, write(t, m.App, pricer, "saveRate", "SaveRateInput", `rate { id }`, apptest.Variables{"kind": "CUSTOMER", "audience": gone, "target": thisVariant(m.goods["rated"]), "percent": "90"}, nil))
	require.Empty(t, write(t, m.App, pricer, "saveQuantityDiscount", "SaveQuantityDiscountInput", `quantityDiscount { id }`, apptest.Variables{
		"audience": gone, "target": thisVariant(m.goods["discounted"]), "tiers": []apptest.Variables{{"from": 2, "amount": "100"}}}, nil))
	rule(t, m.App, apptest.Variables{"audience": gone, "target": thisVariant(m.goods["hidden"]), "priceShown": "DENY"})
	runCampaign(t, m.App, "ours", apptest.Variables{"audiences": []apptest.Variables{gone, {"kind": "MEMBER", "id": m.kept.id}},
		"goods": []apptest.Variables{thisVariant(m.goods["offered"])}, "benefits": off("LINE_AMOUNT", "50")})
	runCampaign(t, m.App, "theirs", apptest.Variables{"audiences": []apptest.Variables{gone},
		"goods": []apptest.Variables{thisVariant(m.goods["offered"])}, "benefits": off("LINE_AMOUNT", "20")})
	price := func(slug, amount string) apptest.Variables {
		return apptest.Variables{"variantId": m.goods[slug], "amount": amount}
	}
	require.Empty(t, setCustomerPrices(t, m.App, pricer, m.gone.id, price("own", "700"), price("both", "600")))
	require.Empty(t, setCustomerPrices(t, m.App, pricer, m.kept.id, price("both", "800")))
	terms := as(t, m.App, access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.CompanyRead, access.CompanyWrite}})
	for _, r := range []apptest.Variables{{"memberId": m.gone.id, "function": "QUOTE", "allowed": false}, {"memberId": m.gone.id, "function": "ORDER", "allowed": false}, {"memberId": m.kept.id, "function": "ORDER", "allowed": true}} {
		require.Empty(t, terms.mutate(t, "setFunctionRule", r).UserErrors)
	}
	shipper := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.ShippingWrite}}
	require.Empty(t, write(t, m.App, shipper, "setShippingTariff", "SetShippingTariffInput", `shippingMethod { id }`, apptest.Variables{
		"methodId": id.Global("ShippingMethod", m.AddShipping(t, "parcel", 500)), "freeShipping": []apptest.Variables{{"from": "1", "audience": gone}}}, nil))

	kept := m.actor(t, m.kept)
	prices := func() map[string]string {
		all := map[string]string{}
		for slug := range m.goods {
			all[slug] = unitFor(t, m.App, kept, slug, "(quantity: 2)")
		}
		return all
	}
	before := map[string]string{"rated": "1000", "discounted": "1000", "hidden": "1000", "offered": "950", "own": "1000", "both": "800", "free": "1000"}
	require.Equal(t, before, prices())
	m.merge(t, "merge-0001")
	after := map[string]string{"rated": "900", "discounted": "900", "hidden": "", "offered": "930", "own": "700", "both": "800", "free": "1000"}
	require.Equal(t, after, prices(), "of goods for which both had prices the kept member's hold")
	require.Equal(t, 1, countOf(t, m.App, `SELECT count(*) FROM shipping_methods WHERE tariff::text LIKE '%' || $1::uuid || '%'`, kept.ID), "parcels are free for the kept member")
	require.Equal(t, 1, countOf(t, m.App, `SELECT jsonb_array_length(audiences) FROM campaigns WHERE code = 'ours'`), "and is named once")
	require.Equal(t, []string{"QUOTE false", "ORDER true"}, m.functions(t, m.kept), "where both have a rule the kept one's holds")
	require.Zero(t, countOf(t, m.App, `SELECT count(*) FROM named_members WHERE member_id = $1`, keyOf(t, m.gone.id)))
}

// functions says of two functions whether the member may.
func (m twoOfOne) functions(t *testing.T, c customer) (all []string) {
	t.Helper()
	var got struct {
		Me struct {
			Functions []struct {
				Function string
				Allowed  bool
			}
		}
	}
	c.do(t, `{ me { functions { function allowed } } }`, nil).Into(t, &got)
	for _, want := range []string{"QUOTE", "ORDER"} {
		for _, f := range got.Me.Functions {
			if f.Function == want {
				all = append(all, map[bool]string{true: want + " true", false: want + " false"}[f.Allowed])
			}
		}
	}
	return all
}

// A price that the kept member once had, and that is over, does not keep the gone one's away.
func TestOwnPricesFollowAMergeWhereTheKeptOnesAreOver(t *testing.T) {
	t.Parallel()
	m := newTwoOfOne(t, "ended", "graded")
	price := func(slug, amount string, from int) apptest.Variables {
		return apptest.Variables{"variantId": m.goods[slug], "amount": amount, "minQuantity": from}
	}
	require.Empty(t, setCustomerPrices(t, m.App, pricer, m.kept.id, price("ended", "500", 1)))
	exec(t, m.App, `UPDATE prices SET valid_until = now() - interval '1 day' WHERE amount = 500`)
	require.Empty(t, setCustomerPrices(t, m.App, pricer, m.gone.id, price("ended", "600", 1), price("graded", "700", 1), price("graded", "650", 5)))
	m.merge(t, "merge-0001")
	kept := m.actor(t, m.kept)
	require.Equal(t, "600", unitFor(t, m.App, kept, "ended", ""))
	require.Equal(t, "700", unitFor(t, m.App, kept, "graded", ""))
	require.Equal(t, "650", unitFor(t, m.App, kept, "graded", "(quantity: 5)"), "all steps of it")
	require.Equal(t, 1, countOf(t, m.App, `SELECT count(*) FROM price_lists WHERE audience_kind = 'MEMBER' AND closed_at IS NULL`))
	require.Equal(t, 3, countOf(t, m.App, `SELECT count(*) FROM prices p JOIN price_lists l ON l.id = p.price_list_id WHERE l.closed_at IS NOT NULL AND l.audience_id = $1`, kept.ID), "what it said stays")
}
