package resolvers_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

// TestOnePriceEverywhere buys at a rate, at a customer's own price and at a mixed
// discount: list, product page, cart and order agree to the yen.
func TestOnePriceEverywhere(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	food, leash := a.AddProduct(t, "food", 1000), a.AddProduct(t, "leash", 1980)
	method := a.AddShipping(t, "parcel", 0)
	w := addWholesaler(t, a, "T001")
	require.Empty(t, saveRate(t, a, pricer, apptest.Variables{"audience": w.audience(), "percent": "65.5"}, nil))
	require.Empty(t, setCustomerPrices(t, a, pricer, globalID("Company", w.company), apptest.Variables{"variantId": globalID("Variant", food.Variants[0]), "amount": "701"}))
	require.Empty(t, write(t, a, pricer, "saveQuantityDiscount", "SaveQuantityDiscountInput", `quantityDiscount { id }`,
		apptest.Variables{"mixed": true, "tiers": []apptest.Variables{{"from": 10, "percent": "3.3"}}}, nil))

	var listed struct {
		Products struct {
			Nodes []struct {
				Slug     string
				Variants []struct {
					Price struct{ Unit struct{ Amount string } }
				}
			}
		}
	}
	a.DoAs(t, w.buyer, `{ products(first: 10, sort: NAME) { nodes { slug variants { price { unit { amount } } } } } }`, nil).Into(t, &listed)
	require.Equal(t, "701", listed.Products.Nodes[0].Variants[0].Price.Unit.Amount)
	require.Equal(t, "1296", listed.Products.Nodes[1].Variants[0].Price.Unit.Amount, "1980 × 65.5 % = 1296.9")
	require.Equal(t, "701", unitFor(t, a, w.buyer, "food", ""))
	require.Equal(t, "1296", unitFor(t, a, w.buyer, "leash", ""))

	const fields = `cart { lines { quantity price { unit { amount } total { amount } } } total { amount } } userErrors { code }`
	type cart struct {
		Cart struct {
			Lines []struct {
				Quantity int
				Price    struct{ Unit, Total struct{ Amount string } }
			}
			Total struct{ Amount string }
		}
		UserErrors []userError
	}
	add := func(variant uuid.UUID, quantity int) cart {
		var got struct{ AddCartLine cart }
		a.DoAs(t, w.buyer, `mutation($v: ID!, $q: Int!) { addCartLine(input: {variantId: $v, quantity: $q}) { `+fields+` } }`,
			apptest.Variables{"v": globalID("Variant", variant), "q": quantity}).Into(t, &got)
		require.Empty(t, got.AddCartLine.UserErrors)
		return got.AddCartLine
	}
	require.Equal(t, "701", add(food.Variants[0], 6).Cart.Lines[0].Price.Unit.Amount)
	filled := add(leash.Variants[0], 4).Cart
	units := map[int]string{}
	total := 0
	for _, l := range filled.Lines {
		units[l.Quantity] = l.Price.Unit.Amount
		amount, err := strconv.Atoi(l.Price.Total.Amount)
		require.NoError(t, err)
		total += amount
	}
	require.Equal(t, "701", units[6], "a customer's own price is no discount's to lower")
	require.Equal(t, "1253", units[4], "ten pieces together: 1296 less 3.3 %")
	require.Equal(t, 6*701+4*1253, total)
	require.Equal(t, strconv.Itoa(total), filled.Total.Amount)

	var ready struct{ UpdateCart cart }
	a.DoAs(t, w.buyer, `mutation($m: ID!) { updateCart(input: {email: "b@example.jp", shippingMethodId: $m, shippingAddress: {
		name: "卸 太郎", postalCode: "150-0001", prefecture: TOKYO, city: "渋谷区", line1: "神宮前1-2-3", phone: "03-1234-5678"}}) { `+fields+` } }`,
		apptest.Variables{"m": globalID("ShippingMethod", method)}).Into(t, &ready)
	var placed struct {
		PlaceOrder struct {
			Order      *struct{ Total struct{ Amount string } }
			UserErrors []userError
		}
	}
	place := func() {
		a.DoAs(t, w.buyer, `mutation($k: String!, $t: Decimal!) { placeOrder(input: {idempotencyKey: $k, expectedTotal: $t, paymentMethod: BANK_TRANSFER}) { order { total { amount } } userErrors { code } } }`,
			apptest.Variables{"k": id.New().String(), "t": ready.UpdateCart.Cart.Total.Amount}).Into(t, &placed)
	}
	require.Equal(t, strconv.Itoa(total), ready.UpdateCart.Cart.Total.Amount)
	place()
	require.Empty(t, placed.PlaceOrder.UserErrors)
	require.Equal(t, strconv.Itoa(total), placed.PlaceOrder.Order.Total.Amount)
}

// TestWhoMayAskForWhosePrice lets only those who may read prices ask for another buyer.
func TestWhoMayAskForWhosePrice(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	a.AddProduct(t, "food", 1000)
	w := addWholesaler(t, a, "T001")
	require.Empty(t, saveRate(t, a, pricer, apptest.Variables{"audience": w.audience(), "percent": "65"}, nil))
	company, member := globalID("Company", w.company), globalID("Account", w.buyer.ID)
	ask := func(actor access.Actor, field string) apptest.Answer {
		return a.DoAs(t, actor, `{ product(slug: "food") { variants { `+field+` } } }`, nil)
	}
	for _, field := range []string{`price(as: "` + company + `") { unit { amount } }`, `priceTiers(as: "` + company + `") { unit { amount } }`,
		`priceTrace(as: "` + company + `") { price { unit { amount } } }`, `priceTrace { price { unit { amount } } }`} {
		for name, actor := range map[string]access.Actor{"guest": access.Guest, "buyer": w.buyer, "staff without the permission": keeper} {
			require.NotEmpty(t, ask(actor, field).Code(), "%s: %s", name, field)
		}
		require.Empty(t, ask(chief, field).Code(), field)
	}
	require.Equal(t, "650", unitFor(t, a, chief, "food", `(as: "`+company+`")`))
	require.Equal(t, "650", unitFor(t, a, chief, "food", `(as: "`+member+`")`), "a buyer of the company")
	require.Equal(t, "1000", unitFor(t, a, chief, "food", ``))
	var got struct {
		Product struct {
			Variants []struct {
				PriceTrace struct {
					Price      struct{ Unit struct{ Amount string } }
					Candidates []struct{ Rule, Outcome, Reason string }
				}
			}
		}
	}
	ask(chief, `priceTrace(as: "`+company+`") { price { unit { amount } } candidates { rule outcome reason } }`).Into(t, &got)
	trace := got.Product.Variants[0].PriceTrace
	require.Equal(t, "650", trace.Price.Unit.Amount)
	require.Equal(t, "[{RATE WON APPLIED} {BASE_PRICE LOST OUTRANKED}]", fmt.Sprint(trace.Candidates))
}

// TestTermsCostAListTwoStatements compares a list of 100 for a guest with the same
// for a buyer with rates and their own prices.
func TestTermsCostAListTwoStatements(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	w := addWholesaler(t, a, "T001")
	var own []apptest.Variables
	for i := range 100 {
		p := a.AddProduct(t, fmt.Sprintf("p%03d", i), 1000)
		if i%2 == 0 {
			own = append(own, apptest.Variables{"variantId": globalID("Variant", p.Variants[0]), "amount": "700"})
		}
		require.Empty(t, saveRate(t, a, pricer, apptest.Variables{"audience": w.audience(), "percent": "65", "target": apptest.Variables{"kind": "PRODUCT", "id": globalID("Product", p.ID)}}, nil))
	}
	require.Empty(t, setCustomerPrices(t, a, pricer, globalID("Company", w.company), own...))
	statements := func(actor access.Actor, first int, want map[string]int) int {
		const query = `query($n: Int!) { products(first: $n) { nodes { slug variants { price { unit { amount } } } } } }`
		var got struct {
			Products struct {
				Nodes []struct {
					Variants []struct {
						Price struct{ Unit struct{ Amount string } }
					}
				}
			}
		}
		a.DoAs(t, actor, query, apptest.Variables{"n": first}) // rules and terms are known
		answer := a.DoAs(t, actor, query, apptest.Variables{"n": first})
		answer.Into(t, &got)
		units := map[string]int{}
		for _, p := range got.Products.Nodes {
			units[p.Variants[0].Price.Unit.Amount]++
		}
		if want != nil {
			require.Equal(t, want, units)
		}
		return answer.Statements
	}
	guest := statements(access.Guest, 100, map[string]int{"1000": 100})
	buyer := statements(w.buyer, 100, map[string]int{"700": 50, "650": 50})
	require.LessOrEqual(t, buyer, guest+2)
	require.Equal(t, statements(w.buyer, 1, nil), buyer, "one or a hundred")
}

// TestRulesCostACartNothingPerLine asks for a company's cart with one line, and with
// twenty of which each has a rate or a price and a campaign of its own.
func TestRulesCostACartNothingPerLine(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	w := addWholesaler(t, a, "T001")
	cart := func() (string, int) {
		const query = `{ cart { lines { price { unit { amount } } } total { amount } } }`
		var got struct {
			Cart struct{ Total struct{ Amount string } }
		}
		a.DoAs(t, w.buyer, query, nil) // rules and terms are known
		answer := a.DoAs(t, w.buyer, query, nil)
		answer.Into(t, &got)
		return got.Cart.Total.Amount, answer.Statements
	}
	var own []apptest.Variables
	one := 0
	for i := range 20 {
		p := a.AddProduct(t, fmt.Sprintf("p%03d", i), 1000)
		target := apptest.Variables{"kind": "PRODUCT", "id": globalID("Product", p.ID)}
		if i%2 == 0 {
			own = append(own, apptest.Variables{"variantId": globalID("Variant", p.Variants[0]), "amount": "700"})
		}
		require.Empty(t, saveRate(t, a, pricer, apptest.Variables{"audience": w.audience(), "percent": "65", "target": target}, nil))
		runCampaign(t, a, fmt.Sprintf("c%03d", i), apptest.Variables{"benefits": off("LINE_AMOUNT", "10"), "goods": []apptest.Variables{target}})
		a.DoAs(t, w.buyer, `mutation($v: ID!) { addCartLine(input: {variantId: $v, quantity: 1}) { userErrors { code } } }`, apptest.Variables{"v": globalID("Variant", p.Variants[0])})
		if i == 0 {
			var total string
			total, one = cart()
			require.Equal(t, "640", total, "1000 × 65 % less 10")
			require.Equal(t, 6, one, "the buyer, and as a guest's: cart, lines, prices, stock, shipping method")
		}
	}
	require.Empty(t, setCustomerPrices(t, a, pricer, globalID("Company", w.company), own...))
	total, statements := cart()
	require.Equal(t, strconv.Itoa(10*690+10*640), total)
	require.Equal(t, one, statements, "one line or twenty")
}
