package promotion_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/promotion"
	"github.com/noren-commerce/noren/core/scope"
)

// manyCampaigns are campaigns of a large shop: most for a product, a category or a
// manufacturer's brand, some for sets, one in ten for all goods.
func manyCampaigns(n int) []promotion.Campaign {
	var all []promotion.Campaign
	for i := range n {
		code := fmt.Sprintf("c%d", i)
		var c promotion.Campaign
		switch i % 10 {
		case 0:
			c = campaign(code, percent(promotion.OrderPercent, fmt.Sprint(1+i%5)))
			c.Conditions.MinAmount = int64(i) * 200
			c.Group = "order"
		case 1, 2:
			c = campaign(code, amount(promotion.SetAmount, 100))
			c.Goods = []scope.Target{{Kind: scope.Category, ID: key(fmt.Sprint("category ", i))}}
			c.Conditions.Combination = []promotion.Part{{Quantity: 3}}
		case 3, 4:
			c = campaign(code, percent(promotion.LinePercent, fmt.Sprint(1+i%20)))
			c.Goods, c.Group = []scope.Target{{Kind: scope.Category, ID: key(fmt.Sprint("category ", i%60))}}, "sale"
		case 5:
			c = campaign(code, percent(promotion.LinePercent, "5"))
			c.Goods, c.Group = []scope.Target{{Kind: scope.ProductBrand, ID: key(fmt.Sprint("brand ", i%40))}}, "sale"
		default:
			c = campaign(code, amount(promotion.LineAmount, 10))
			c.Goods, c.Group = []scope.Target{{Kind: scope.Product, ID: key(fmt.Sprint("product ", i))}}, "sale"
		}
		c.Priority = i % 7
		all = append(all, c)
	}
	return all
}

func manyRates(n int, group uuid.UUID) []pricing.Rate {
	var all []pricing.Rate
	for i := range n {
		audience := scope.Audience{Kind: scope.Company, ID: key(fmt.Sprint("company ", i))}
		if i%4 == 0 {
			audience = scope.Audience{Kind: scope.Group, ID: group}
		}
		all = append(all, pricing.Rate{
			ID: key(fmt.Sprint("rate ", i)), Kind: pricing.RateCustomer, Audience: audience, Window: scope.Always,
			Target:  scope.Target{Kind: scope.Category, ID: key(fmt.Sprint("category ", i%3000))},
			Percent: decimal.NewFromInt(int64(60 + i%30)), Rounding: money.RoundDown, RoundTo: 1,
		})
	}
	return all
}

// BenchmarkQuoteOf50LinesWith500Campaigns prices a cart of 50 lines for a company
// buyer among 500 live campaigns and 10,000 rates.
func BenchmarkQuoteOf50LinesWith500Campaigns(b *testing.B) {
	group := key("gold")
	buyer := scope.Buyer{MemberID: key("tanaka"), CompanyID: key("company 1"), Groups: []uuid.UUID{group}}
	in := pricing.QuoteInput{Terms: terms(noon, buyer, manyCampaigns(500)), Book: pricing.Book{}, Shipping: &pricing.Fee{Amount: 660, TaxClass: money.TaxStandard}}
	in.Terms.Rules = pricing.NewRulebook(pricing.Rules{Rates: manyRates(10_000, group)})
	for i := range 50 {
		name := fmt.Sprint("bench ", i)
		s := goods{Price: int64(500 + 37*i), Brand: fmt.Sprint(i)}.sheet(name)
		s.ProductID = key(fmt.Sprint("product ", i*10+6))
		s.Categories = []uuid.UUID{key(fmt.Sprint("category ", i)), key(fmt.Sprint("category ", i+1))}
		in.Book[s.VariantID] = s
		in.Items = append(in.Items, pricing.Item{VariantID: s.VariantID, Quantity: 1 + i%9, TaxClass: money.TaxStandard})
	}
	engine := pricing.NewEngine()
	q, err := engine.Quote(in)
	if err != nil || len(q.Applied) < 20 {
		b.Fatalf("%d campaigns apply: %v", len(q.Applied), err)
	}
	b.ReportMetric(float64(len(q.Applied)), "applied")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := engine.Quote(in); err != nil {
			b.Fatal(err)
		}
	}
}
