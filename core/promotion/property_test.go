package promotion_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/promotion"
	"github.com/noren-commerce/noren/core/scope"
)

var noon = mustNoon()

// adds holds a quote to its own arithmetic.
func adds(t require.TestingT, q pricing.Quote) {
	sum := func(steps []pricing.Step) (total int64) {
		for _, s := range steps {
			total += s.Change.Minor
		}
		return total
	}
	require.Equal(t, q.Total.Minor, sum(q.Breakdown))
	require.GreaterOrEqual(t, q.Total.Minor, int64(0))
	require.GreaterOrEqual(t, q.Shipping.Minor, int64(0))
	var subtotal, discount int64
	for _, l := range q.Lines {
		require.Equal(t, l.Total.Minor, sum(l.Breakdown))
		require.Equal(t, l.Subtotal.Minor-l.Discount.Minor, l.Total.Minor)
		require.GreaterOrEqual(t, l.Unit.Minor, l.Floor())
		require.GreaterOrEqual(t, l.Total.Minor, l.Floor()*int64(l.Quantity), "below the floor")
		subtotal, discount = subtotal+l.Subtotal.Minor, discount+l.Discount.Minor
	}
	require.Equal(t, q.Subtotal.Minor, subtotal)
	require.Equal(t, q.Discount.Minor, discount)
}

var categories = []string{"food", "snack", "toy"}

// drawn is any cart with any campaigns that may meet it.
func drawn(t *rapid.T) (pricing.QuoteInput, []promotion.Campaign) {
	shop, lines := map[string]goods{}, map[string]int{}
	for i := range rapid.IntRange(1, 8).Draw(t, "lines") {
		name := fmt.Sprintf("goods %d", i)
		price := rapid.Int64Range(0, 20_000).Draw(t, "price")
		shop[name] = goods{Price: price, Category: rapid.SampledFrom(categories).Draw(t, "category"), Cost: rapid.Int64Range(0, price).Draw(t, "cost")}
		lines[name] = rapid.IntRange(1, 30).Draw(t, "quantity")
	}
	var campaigns []promotion.Campaign
	for i := range rapid.IntRange(1, 7).Draw(t, "campaigns") {
		campaigns = append(campaigns, drawnCampaign(t, i))
	}
	in := pricing.QuoteInput{Terms: terms(noon, scope.Buyer{}, campaigns)}
	in.Book, in.Items = cart(shop, lines)
	if rapid.Bool().Draw(t, "floor") {
		in.Terms.Rules = pricing.NewRulebook(pricing.Rules{Rates: []pricing.Rate{{
			ID: key("floor"), Kind: pricing.RateFloor, Audience: scope.All, Target: scope.Everything, Window: scope.Always, Rounding: money.RoundUp, RoundTo: 1,
		}}})
	}
	if rapid.Bool().Draw(t, "direct") {
		in.Terms.Mode = pricing.ShipDirect
	}
	in.Terms.Trace = rapid.Bool().Draw(t, "trace")
	if rapid.Bool().Draw(t, "shipped") {
		in.Shipping = &pricing.Fee{Amount: rapid.Int64Range(0, 2000).Draw(t, "fee"), TaxClass: money.TaxStandard}
	}
	return in, campaigns
}

func drawnCampaign(t *rapid.T, i int) promotion.Campaign {
	kind := rapid.SampledFrom([]promotion.BenefitKind{
		promotion.LinePercent, promotion.LineAmount, promotion.FixedPrice, promotion.SetPercent, promotion.SetAmount, promotion.SetPrice,
		promotion.Cheapest, promotion.OrderPercent, promotion.OrderAmount, promotion.FreeShipping,
	}).Draw(t, "kind")
	b := promotion.Benefit{Kind: kind}
	switch kind {
	case promotion.LinePercent, promotion.SetPercent, promotion.Cheapest, promotion.OrderPercent:
		b = percent(kind, fmt.Sprint(rapid.IntRange(1, 100).Draw(t, "percent")))
		b.Rounding = rapid.SampledFrom([]money.Rounding{"", money.RoundHalfUp, money.RoundUp}).Draw(t, "rounding")
	case promotion.FreeShipping:
	default:
		b = amount(kind, rapid.Int64Range(1, 5000).Draw(t, "amount"))
	}
	if rapid.Bool().Draw(t, "capped") && kind != promotion.FixedPrice && kind != promotion.LineAmount {
		most := rapid.Int64Range(1, 3000).Draw(t, "upTo")
		b.UpTo = &most
	}
	if kind == promotion.Cheapest {
		b.Pieces = 1
	}
	c := campaign(fmt.Sprintf("c%d", i), b)
	c.Stacking = rapid.SampledFrom([]promotion.Stacking{promotion.Combinable, promotion.Combinable, promotion.Exclusive}).Draw(t, "stacking")
	c.Group = rapid.SampledFrom([]string{"", "", "sale", "season"}).Draw(t, "group")
	c.Priority = rapid.IntRange(0, 3).Draw(t, "priority")
	category := func() []scope.Target {
		return []scope.Target{{Kind: scope.Category, ID: key("category " + rapid.SampledFrom(categories).Draw(t, "goods"))}}
	}
	if rapid.Bool().Draw(t, "narrow") {
		c.Goods = category()
	}
	if rapid.Bool().Draw(t, "least") {
		c.Conditions.MinAmount = rapid.Int64Range(0, 20_000).Draw(t, "minAmount")
	}
	switch kind {
	case promotion.Cheapest:
		c.Conditions.Combination = []promotion.Part{{Quantity: rapid.IntRange(1, 4).Draw(t, "of")}}
	case promotion.SetPercent, promotion.SetAmount, promotion.SetPrice:
		for range rapid.IntRange(1, 3).Draw(t, "parts") {
			p := promotion.Part{Quantity: rapid.IntRange(1, 3).Draw(t, "of")}
			if rapid.Bool().Draw(t, "own") {
				p.Goods = category()
			}
			c.Conditions.Combination = append(c.Conditions.Combination, p)
		}
		c.Conditions.MaxSets = rapid.IntRange(0, 2).Draw(t, "maxSets")
	}
	return c
}

func TestEveryQuoteAddsUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in, _ := drawn(t)
		q := quote(t, in)
		adds(t, q)
		var given, shown int64
		for _, a := range q.Applied {
			require.GreaterOrEqual(t, a.Discount.Minor, int64(0))
			given += a.Discount.Minor
		}
		for _, l := range q.Lines {
			for _, s := range l.Breakdown {
				if s.Rule == pricing.RuleCampaign {
					shown -= s.Change.Minor
				}
			}
		}
		for _, s := range q.Breakdown {
			if s.Rule == pricing.RuleFreeShipping {
				shown -= s.Change.Minor
			}
		}
		require.Equal(t, shown, given, "what campaigns gave is what their steps took off")
		require.Equal(t, q, quote(t, in), "pure")
	})
}

func TestOrderOfLinesAndCampaignsDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in, campaigns := drawn(t)
		before := quote(t, in)
		seed := rapid.Uint64().Draw(t, "seed")
		shuffle := rand.New(rand.NewPCG(seed, seed))
		shuffle.Shuffle(len(in.Items), func(i, j int) { in.Items[i], in.Items[j] = in.Items[j], in.Items[i] })
		shuffle.Shuffle(len(campaigns), func(i, j int) { campaigns[i], campaigns[j] = campaigns[j], campaigns[i] })
		in.Terms.Offers = promotion.NewBook(1, campaigns).For(in.Terms.Buyer, nil)
		after := quote(t, in)
		require.Equal(t, before.Total, after.Total)
		require.Equal(t, before.Applied, after.Applied)
		totals := map[uuid.UUID]int64{}
		for _, l := range before.Lines {
			totals[l.VariantID] = l.Total.Minor
		}
		for _, l := range after.Lines {
			require.Equal(t, totals[l.VariantID], l.Total.Minor, "each line bears the same")
		}
	})
}

func TestExclusivityIsRespected(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in, campaigns := drawn(t)
		q := quote(t, in)
		by := map[uuid.UUID]promotion.Campaign{}
		for _, c := range campaigns {
			by[c.ID] = c
		}
		groups := map[string]int{}
		for _, a := range q.Applied {
			c := by[a.CampaignID]
			if c.Stacking == promotion.Exclusive {
				require.Len(t, q.Applied, 1, "an exclusive campaign is alone")
			}
			if c.Group != "" && !onPieces(c) {
				groups[c.Group]++
				require.Equal(t, 1, groups[c.Group], "one of a group on an order")
			}
		}
		for _, l := range q.Lines {
			groups := map[string]int{}
			for _, s := range l.Breakdown {
				if c, ok := by[s.Source]; ok && c.Group != "" && onPieces(c) {
					groups[c.Group]++
					require.Equal(t, 1, groups[c.Group], "one of a group on a line")
				}
			}
		}
	})
}

func onPieces(c promotion.Campaign) bool {
	k := c.Benefits[0].Kind
	return k == promotion.LinePercent || k == promotion.LineAmount || k == promotion.FixedPrice
}

func TestTheChoiceIsNotWorseThanAnyCampaignAlone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in, campaigns := drawn(t)
		chosen := quote(t, in)
		for _, c := range campaigns {
			in.Terms.Offers = promotion.NewBook(1, []promotion.Campaign{c}).For(in.Terms.Buyer, nil)
			single := quote(t, in)
			require.LessOrEqual(t, chosen.Total.Minor, single.Total.Minor, "%s alone: %v", c.Code, c.Benefits[0].Kind)
		}
	})
}
