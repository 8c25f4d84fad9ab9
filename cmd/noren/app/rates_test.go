package app_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

// save runs one mutation as staff and gives the id of what was saved.
func save(t *testing.T, a *apptest.App, mutation, input, object string, variables apptest.Variables) string {
	t.Helper()
	staff := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.PricingWrite}}
	var got map[string]map[string]json.RawMessage
	a.DoAs(t, staff, `mutation($i: `+input+`!) { `+mutation+`(input: $i) { `+object+` { id } userErrors { code } } }`, apptest.Variables{"i": variables}).Into(t, &got)
	require.JSONEq(t, `[]`, string(got[mutation]["userErrors"]))
	var saved struct{ ID string }
	require.NoError(t, json.Unmarshal(got[mutation][object], &saved))
	return saved.ID
}

// TestARuleKeptInOneProcessIsInTheNextPriceOfTheOther runs with kept answers and
// without: no process shows a price that a rule has changed since.
func TestARuleKeptInOneProcessIsInTheNextPriceOfTheOther(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"with Redis": pgtest.Redis(t).URL, "without": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := two(t, url)
			p := a.AddProduct(t, "food", 1000)
			memberID, bearer := member(t, a, "buyer-"+uuid.NewString()+"@example.jp")
			shows := func(process *apptest.App, unit string, headers ...string) {
				t.Helper()
				for range 2 { // the second answer may be a kept one
					var got struct {
						Product struct {
							Variants []struct {
								Price struct{ Unit struct{ Amount string } }
							}
						}
					}
					process.Do(t, `query($s: String!) { product(slug: $s) { variants { price(quantity: 2) { unit { amount } } } } }`, apptest.Variables{"s": p.Slug}, headers...).Into(t, &got)
					require.Equal(t, unit, got.Product.Variants[0].Price.Unit.Amount)
				}
			}
			both := func(guest, member string) {
				t.Helper()
				for _, process := range []*apptest.App{a, b} {
					shows(process, guest)
					shows(process, member, "Authorization", bearer)
				}
			}
			both("1000", "1000")
			for i, percent := range []string{"90", "80"} {
				save(t, []*apptest.App{a, b}[i], "saveRate", "SaveRateInput", "rate", apptest.Variables{"percent": percent})
				both([]string{"900", "800"}[i], []string{"900", "800"}[i])
			}
			rate := save(t, a, "saveRate", "SaveRateInput", "rate", apptest.Variables{"percent": "70", "audience": apptest.Variables{"kind": "MEMBER", "id": id.Global("Account", memberID)}})
			both("800", "700")
			save(t, b, "closeRate", "CloseRuleInput", "rate", apptest.Variables{"id": rate})
			both("800", "800")
			discount := save(t, b, "saveQuantityDiscount", "SaveQuantityDiscountInput", "quantityDiscount",
				apptest.Variables{"tiers": []apptest.Variables{{"from": 2, "percent": "50"}}})
			both("400", "400")
			save(t, a, "closeQuantityDiscount", "CloseRuleInput", "quantityDiscount", apptest.Variables{"id": discount})
			both("800", "800")
			list := save(t, a, "savePriceList", "SavePriceListInput", "priceList", apptest.Variables{
				"code": "mine", "name": apptest.Variables{"ja": "特価"}, "audience": apptest.Variables{"kind": "MEMBER", "id": id.Global("Account", memberID)}})
			staff := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.PricingWrite}}
			b.DoAs(t, staff, `mutation($c: ID!, $v: ID!) { setCustomerPrices(input: {customerId: $c, prices: [{variantId: $v, amount: "555"}]}) { userErrors { code } } }`,
				apptest.Variables{"c": id.Global("Account", memberID), "v": id.Global("Variant", p.Variants[0])}).Into(t, &struct{}{})
			both("800", "555")
			save(t, a, "closePriceList", "ClosePriceListInput", "priceList", apptest.Variables{"id": list})
			both("800", "800")
		})
	}
}

// TestAWindowOfARuleReachesKeptAnswers lets a rate begin by itself.
func TestAWindowOfARuleReachesKeptAnswers(t *testing.T) {
	t.Parallel()
	a, b := two(t, pgtest.Redis(t).URL)
	p := a.AddProduct(t, "food", 1000)
	a.Work(t)
	unit := func(process *apptest.App) string {
		var got struct {
			Product struct {
				Variants []struct {
					Price struct{ Unit struct{ Amount string } }
				}
			}
		}
		process.Do(t, `query($s: String!) { product(slug: $s) { variants { price { unit { amount } } } } }`, apptest.Variables{"s": p.Slug}).Into(t, &got)
		return got.Product.Variants[0].Price.Unit.Amount
	}
	save(t, a, "saveRate", "SaveRateInput", "rate", apptest.Variables{"percent": "90", "validFrom": time.Now().UTC().Add(2 * time.Second)})
	require.Equal(t, "1000", unit(b))
	require.Eventually(t, func() bool { return unit(a) == "900" && unit(b) == "900" }, 3*time.Minute, 200*time.Millisecond)
}
