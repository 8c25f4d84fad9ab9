package pricing_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/scope"
)

// BenchmarkQuoteOf50RuledLines prices a wholesaler's cart of 50 lines among 10,000
// rates: half of the lines at rates, half at the company's own prices, with a mixed
// discount and a floor.
func BenchmarkQuoteOf50RuledLines(b *testing.B) {
	company, group, own := id.New(), id.New(), id.New()
	rules := pricing.Rules{Version: 1, Lists: []pricing.List{
		{ID: list, Currency: money.JPY, TaxInclusive: true, Window: scope.Always},
		{ID: own, Currency: money.JPY, TaxInclusive: true, Window: scope.Always, Audience: scope.Audience{Kind: scope.Company, ID: company}},
	}}
	rate := func(a scope.Audience, t scope.Target, kind pricing.RateKind, percent int64) {
		rules.Rates = append(rules.Rates, pricing.Rate{ID: id.New(), Kind: kind, Audience: a, Target: t, Window: scope.Always,
			Percent: decimal.NewFromInt(percent), Rounding: money.RoundDown, RoundTo: 1})
	}
	in := pricing.QuoteInput{Book: pricing.Book{}}
	for i := range 50 {
		v, product, category, cost := id.New(), id.New(), id.New(), int64(500)
		sheet := &pricing.Sheet{Goods: scope.Goods{VariantID: v, ProductID: product, BrandID: id.New(), Categories: []uuid.UUID{category, id.New()}}, Cost: &cost}
		sheet.Prices = append(sheet.Prices, price(v, 1, 1000), price(v, 10, 900))
		if i%2 == 0 {
			mine := price(v, 1, 700)
			mine.ListID = own
			sheet.Prices = append(sheet.Prices, mine)
		} else {
			rate(scope.Audience{Kind: scope.Group, ID: group}, scope.Target{Kind: scope.Category, ID: category}, pricing.RateCustomer, 65)
		}
		in.Book[v] = sheet
		in.Items = append(in.Items, pricing.Item{VariantID: v, Quantity: 12, TaxClass: money.TaxStandard})
	}
	rate(scope.All, scope.Everything, pricing.RateFloor, 20)
	for range 10_000 - len(rules.Rates) {
		rate(scope.Audience{Kind: scope.Group, ID: id.New()}, scope.Target{Kind: scope.Product, ID: id.New()}, pricing.RateCustomer, 70)
	}
	five := decimal.NewFromInt(5)
	rules.Discounts = []pricing.QuantityDiscount{{ID: id.New(), Audience: scope.All, Target: scope.Everything, Window: scope.Always, Mixed: true,
		Rounding: money.RoundDown, RoundTo: 1, Tiers: []pricing.Tier{{From: 100, Percent: &five}}}}
	in.Terms = plain(noon)
	in.Terms.Rules = pricing.NewRulebook(rules)
	in.Terms.Buyer = scope.Buyer{MemberID: id.New(), CompanyID: company, Groups: []uuid.UUID{group}}
	in.Terms.Lists = in.Terms.Rules.Lists(in.Terms.Buyer, list, money.JPY, noon)
	engine := pricing.NewEngine()
	quote, err := engine.Quote(in)
	require.NoError(b, err)
	require.NoError(b, quote.Err())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := engine.Quote(in); err != nil {
			b.Fatal(err)
		}
	}
}
