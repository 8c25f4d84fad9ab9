package promotion_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/promotion"
	"github.com/noren-commerce/noren/core/scope"
)

// placed is the past order that a quote became.
func placed(t *testing.T, name string, at time.Time, buyer scope.Buyer, stock map[string]goods, lines map[string]int, fee *pricing.Fee, campaigns []promotion.Campaign) promotion.Past {
	return charged(t, name, at, buyer, stock, lines, fee, nil, campaigns)
}

// charged is placed with the charge of the way to pay.
func charged(t *testing.T, name string, at time.Time, buyer scope.Buyer, stock map[string]goods, lines map[string]int, fee, charge *pricing.Fee, campaigns []promotion.Campaign) promotion.Past {
	book, items := cart(stock, lines)
	in := pricing.QuoteInput{Terms: terms(at, buyer, campaigns), Book: book, Items: items, Shipping: fee, Charge: charge}
	q := quote(t, in)
	p := promotion.Past{
		ID: key("order " + name), PlacedAt: at, ChannelID: in.Terms.ChannelID, Currency: money.JPY, TaxInclusive: true, Total: q.Total.Minor,
		Breakdown: q.Breakdown, FeeClass: money.TaxStandard, Buyer: buyer,
	}
	for _, line := range q.Lines {
		sheet := *book[line.VariantID]
		sheet.Prices = nil
		p.Lines = append(p.Lines, promotion.PastLine{Quantity: line.Quantity, TaxClass: line.TaxClass, Breakdown: line.Breakdown, Sheet: &sheet})
	}
	return p
}

func replayed(t *testing.T, in promotion.ReplayInput, orders ...promotion.Past) promotion.Outcome {
	if in.Rules == nil {
		in.Rules = pricing.NewRulebook(pricing.Rules{})
	}
	in.Zone = tokyo
	r := promotion.NewReplay(in)
	for i := range orders {
		require.NoError(t, r.Add(&orders[i]))
	}
	return r.Outcome()
}

var (
	shelf  = map[string]goods{"food": {Price: 1000, Cost: 400, Category: "food"}, "toy": {Price: 2200, Cost: 1000, Category: "toy"}}
	parcel = &pricing.Fee{Amount: 660, TaxClass: money.TaxStandard}
)

func member(name string) scope.Buyer { return scope.Buyer{MemberID: key("member " + name)} }

// TestReplayReckonsAsByHand replays three orders of two days: ¥3,200 with shipping,
// ¥2,000 and ¥1,000 without any effect.
func TestReplayReckonsAsByHand(t *testing.T) {
	t.Parallel()
	noon := mustNoon()
	c := campaign("tried", percent(promotion.OrderPercent, "10"), promotion.Benefit{Kind: promotion.FreeShipping},
		promotion.Benefit{Kind: promotion.FreeGift, Variant: key("bag"), Pieces: 1, Allotment: new(1)},
		promotion.Benefit{Kind: promotion.Points, Factor: decimalOf("3")}, promotion.Benefit{Kind: promotion.IssueCoupon, Issues: key("next")})
	c.Conditions.MinAmount = 1500
	out := replayed(t, promotion.ReplayInput{Campaign: c, Costs: map[uuid.UUID]int64{key("bag"): 50}},
		placed(t, "1", noon, member("hanako"), shelf, map[string]int{"food": 1, "toy": 1}, parcel, nil),
		placed(t, "2", noon.Add(24*time.Hour), scope.Buyer{}, shelf, map[string]int{"food": 2}, nil, nil),
		placed(t, "3", noon.Add(25*time.Hour), member("taro"), shelf, map[string]int{"food": 1}, nil, nil),
	)
	yen := func(n int64) money.Money { return money.Of(n, money.JPY) }
	require.Equal(t, 3, out.Orders)
	require.Equal(t, 2, out.Uses)
	require.Equal(t, 2, out.Changed)
	require.Equal(t, yen(320+660+200), out.Given, "10 % of 3,200 and of 2,000, and one fee")
	require.Equal(t, yen(3860+2000+1000), out.SalesBefore)
	require.Equal(t, yen(2880+1800+1000), out.SalesAfter)
	require.Equal(t, yen(660), out.FreeShipping)
	require.Equal(t, 1, out.FreeShipped)
	// Without tax: 910 + 2,000, 1,819, 910; less costs of 1,400, 800 and 400.
	require.Equal(t, yen(910+2000-1400+1819-800+910-400), out.MarginBefore)
	// Shares of 320: 100 and 220. 900 → 819, 1,980 → 1,800; 1,800 → 1,637; and the gift.
	require.Equal(t, yen(819+1800-1400-50+1637-800+910-400), out.MarginAfter)
	require.Equal(t, []promotion.GiftOutcome{{VariantID: key("bag"), Pieces: 1, Cost: yen(50)}}, out.Gifts)
	require.Equal(t, 1, out.GiftsMissed)
	require.Equal(t, 1, out.PointsOrders, "a guest earns none")
	require.Equal(t, "5760", out.PointsOn.String(), "twice 2,880 on top")
	require.Equal(t, 1, out.Coupons)
	require.Nil(t, out.SpentAt)
	require.Equal(t, []promotion.DayOutcome{{"2026-11-25", 1, 1, yen(980)}, {"2026-11-26", 2, 1, yen(200)}}, out.Days)
	require.Equal(t, []promotion.ProductOutcome{{key("product food"), 2, 3, yen(300)}, {key("product toy"), 1, 1, yen(220)}}, out.Products)
	require.Zero(t, out.Differing)
}

func TestReplayChargesTheWayToPay(t *testing.T) {
	t.Parallel()
	c := campaign("tried", percent(promotion.OrderPercent, "10"), promotion.Benefit{Kind: promotion.FreeShipping})
	out := replayed(t, promotion.ReplayInput{Campaign: c}, charged(t, "1", mustNoon(), member("hanako"), shelf, map[string]int{"food": 1}, parcel,
		&pricing.Fee{Amount: 330, TaxClass: money.TaxStandard}, nil))
	require.Equal(t, money.Of(1000+660+330, money.JPY), out.SalesBefore)
	require.Equal(t, money.Of(900+330, money.JPY), out.SalesAfter, "nothing takes the charge off")
	require.Zero(t, out.Differing)
}

func decimalOf(s string) *decimal.Decimal {
	d := decimal.RequireFromString(s)
	return &d
}

func TestReplayEndsACampaignAtTheOrderThatDoesNotFit(t *testing.T) {
	t.Parallel()
	noon := mustNoon()
	c := campaign("tried", percent(promotion.OrderPercent, "10"))
	c.Limits.Budget = new(int64(350))
	var orders []promotion.Past
	for i, toys := range []int{1, 1, 1} {
		orders = append(orders, placed(t, string(rune('a'+i)), noon.Add(time.Duration(i)*time.Minute), scope.Buyer{}, shelf, map[string]int{"toy": toys}, nil, nil))
	}
	orders = append(orders, placed(t, "small", noon.Add(time.Hour), scope.Buyer{}, shelf, map[string]int{"food": 1}, nil, nil))
	out := replayed(t, promotion.ReplayInput{Campaign: c}, orders...)
	require.Equal(t, 1, out.Uses)
	require.Equal(t, int64(220), out.Given.Minor)
	require.Equal(t, noon.Add(time.Minute), *out.SpentAt, "220 more would be 440: it ends for all, also for the small one")
}

func TestReplayStacksAsTheCampaignsOfTheTimeDid(t *testing.T) {
	t.Parallel()
	noon := mustNoon()
	then := campaign("then", percent(promotion.OrderPercent, "10"))
	then.Until = noon.Add(time.Hour)
	order := func(name string, at time.Time) promotion.Past {
		return placed(t, name, at, scope.Buyer{}, shelf, map[string]int{"toy": 1}, nil, []promotion.Campaign{then})
	}
	tried := campaign("tried", amount(promotion.OrderAmount, 500))
	tried.Stacking = promotion.Exclusive
	out := replayed(t, promotion.ReplayInput{Campaign: tried, Others: []promotion.Campaign{then}}, order("1", noon), order("2", noon.Add(2*time.Hour)))
	require.Equal(t, 2, out.Uses)
	require.Equal(t, int64(1000), out.Given.Minor)
	require.Equal(t, int64(220), out.Displaced.Minor, "the first order loses its 10 %")
	require.Equal(t, int64(1980+2200), out.SalesBefore.Minor)
	require.Equal(t, int64(1700+1700), out.SalesAfter.Minor)
	tried.Benefits[0] = amount(promotion.OrderAmount, 100)
	out = replayed(t, promotion.ReplayInput{Campaign: tried, Others: []promotion.Campaign{then}}, order("1", noon), order("2", noon.Add(2*time.Hour)))
	require.Equal(t, 1, out.Uses, "10 % are more than 100 yen")
	require.Zero(t, out.Displaced.Minor)
	require.Zero(t, out.Differing)
}

func TestReplayCountsUsesOfABuyer(t *testing.T) {
	t.Parallel()
	noon := mustNoon()
	c := campaign("tried", amount(promotion.OrderAmount, 100))
	c.Limits.PerMember = new(1)
	order := func(n time.Duration, buyer scope.Buyer) promotion.Past {
		return placed(t, n.String(), noon.Add(n), buyer, shelf, map[string]int{"toy": 1}, nil, nil)
	}
	out := replayed(t, promotion.ReplayInput{Campaign: c}, order(1, member("hanako")), order(2, member("hanako")), order(3, member("taro")), order(4, scope.Buyer{}))
	require.Equal(t, 2, out.Uses, "once each; guests cannot be counted")
}

func TestReplayKeepsToTheLowestPrice(t *testing.T) {
	t.Parallel()
	noon := mustNoon()
	floor := pricing.Rate{ID: key("floor"), Kind: pricing.RateFloor, Audience: scope.All, Target: scope.Everything, Window: scope.Always, Percent: decimal.NewFromInt(100), Rounding: money.RoundDown, RoundTo: 1}
	rules := pricing.NewRulebook(pricing.Rules{Rates: []pricing.Rate{floor}})
	order := placed(t, "1", noon, scope.Buyer{}, shelf, map[string]int{"food": 1}, nil, nil)
	below := placed(t, "2", noon, scope.Buyer{}, map[string]goods{"food": {Price: 700, Cost: 400}}, map[string]int{"food": 1}, nil, nil)
	below.Lines[0].Breakdown[0].Change.Minor = 1000 // a customer's own price that may go below the lowest
	below.Lines[0].Breakdown = append(below.Lines[0].Breakdown, pricing.Step{Rule: pricing.RuleCustomerPrice, Change: money.Of(-300, money.JPY)})
	out := replayed(t, promotion.ReplayInput{Campaign: campaign("tried", amount(promotion.LineAmount, 500)), Rules: rules}, order, below)
	require.Equal(t, int64(200+500), out.Given.Minor, "down to 800, twice the cost; what was sold below may go further")
	require.Zero(t, out.Differing)
}
