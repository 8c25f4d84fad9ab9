package resolvers_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

// An edit must not bring about an order that could not have been placed: what it adds is
// judged by the rules of shipping as they are now.
func TestAnEditObeysTheShippingRules(t *testing.T) {
	t.Parallel()
	d := newEditDesk(t)
	var method uuid.UUID
	require.NoError(t, d.DB.Pool().QueryRow(t.Context(), `SELECT (shipping_method->>'id')::uuid FROM orders`).Scan(&method))
	rules := dispatch{App: d.App, method: method}
	global := id.Global("ShippingMethod", method)
	tokyo := rules.made(t, "saveShippingZone", "SaveShippingZoneInput", "zone",
		apptest.Variables{"code": "tokyo", "name": apptest.Variables{"ja": "東京"}, "prefectures": []string{"TOKYO"}})
	fish, vodka := d.AddProduct(t, "fish", 2000).Variants[0], d.AddProduct(t, "vodka", 3000).Variants[0]
	require.Empty(t, write(t, d.App, forwarder, "setShippingTraits", "SetShippingTraitsInput", `traits { variantId }`,
		apptest.Variables{"variants": []apptest.Variables{{"variantId": id.Global("Variant", fish), "temperature": "FROZEN"}}}, nil))
	exec(t, d.App, `UPDATE variants SET weight = 400`)

	limits := func(limit string, all any) func() {
		return func() {
			in := apptest.Variables{"methodId": global}
			if limit != "" {
				in[limit] = all
			}
			rules.set(t, "setShippingLimits", "SetShippingLimitsInput", in)
		}
	}
	table := func(bound string, most int) func() {
		return func() {
			rules.set(t, "setShippingTariff", "SetShippingTariffInput", apptest.Variables{"methodId": global, "rows": []apptest.Variables{{bound: most, "fee": "660"}}})
		}
	}
	more := adding(d.bowl, 1)
	two := apptest.Variables{"add": []apptest.Variables{
		{"variantId": id.Global("Variant", d.bowl), "quantity": 1}, {"variantId": id.Global("Variant", fish), "quantity": 1},
	}}
	for _, c := range []struct {
		name   string
		rules  func()
		change apptest.Variables
		code   string
		field  string
	}{
		{"the address", limits("destinations", []apptest.Variables{{"zoneId": tokyo}}), more, "SHIPPING_DESTINATION", "add.0"},
		{"more of a line", nil, lines(d.bowls, 1, d.leashes, 4), "SHIPPING_DESTINATION", "lines.1"},
		{"fewer", nil, lines(d.leashes, 2), "", ""},
		{"the mode", limits("modes", []string{"NORMAL"}), more, "SHIPPING_MODE", "add.0"},
		{"temperature", limits("temperatures", []string{"FROZEN"}), two, "SHIPPING_TEMPERATURE", "add.1"},
		{"what is kept warm", nil, more, "", ""},
		{"goods", limits("goods", []apptest.Variables{{"kind": "VARIANT", "id": id.Global("Variant", vodka)}}), adding(vodka, 1), "SHIPPING_GOODS", "add.0"},
		{"the way to pay", limits("payments", []apptest.Variables{{"method": "BANK_TRANSFER"}}), more, "SHIPPING_PAYMENT", "add.0"},
		{"another price", nil, apptest.Variables{"shippingFee": "100"}, "", ""},
		{"no limits", limits("", nil), two, "", ""},
		{"too many", table("maxPieces", 6), adding(d.bowl, 2), "SHIPPING_TOO_LARGE", "add.0"},
		{"one too many", nil, two, "SHIPPING_TOO_LARGE", "add.1"},
		{"just as many", nil, more, "", ""},
		{"instead of others", nil, with(lines(d.leashes, 1), "add", adding(d.bowl, 3)["add"]), "", ""},
		{"too heavy", table("maxGrams", 2300), more, "SHIPPING_TOO_LARGE", "add.0"},
		{"too dear", table("maxAmount", 5000), lines(d.leashes, 4), "SHIPPING_TOO_LARGE", "lines.0"},
	} {
		if c.rules != nil {
			c.rules()
		}
		got := counter{d.App, feeSetter}.edit(t, d.order, with(c.change, "dryRun", true))
		require.Equal(t, c.code, got.code(), c.name)
		if c.code != "" {
			require.Equal(t, c.field, strings.Join(got.UserErrors[0].Field, "."), c.name)
			require.Nil(t, got.Order, c.name)
		}
	}
	require.Equal(t, "SHIPPING_TOO_LARGE", d.edit(t, lines(d.leashes, 4)).code(), "in earnest, too")
	require.Equal(t, "5060", d.look(t, d.order).Total.Amount)
	requireStock(t, d.App, d.leash, 100, 3)
}
