package pricing_test

import (
	"math/rand/v2"
	"testing"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/scope"
)

var roundings = []money.Rounding{money.RoundDown, money.RoundHalfUp, money.RoundUp}

// drawnAudience is an audience that the buyer may or may not belong to.
func drawnAudience(t *rapid.T, pool []scope.Audience) scope.Audience {
	return rapid.SampledFrom(pool).Draw(t, "audience")
}

// ruled is any input the engine may meet, with every kind of rule in it.
func ruled(t *rapid.T) pricing.QuoteInput {
	member, company, group, stranger := id.New(), id.New(), id.New(), id.New()
	audiences := []scope.Audience{{Kind: scope.Member, ID: member}, {Kind: scope.Company, ID: company}, {Kind: scope.Group, ID: group},
		{Kind: scope.Members}, scope.All, {Kind: scope.Group, ID: stranger}}
	category, above := id.New(), id.New()
	rules := pricing.Rules{Version: 1, Lists: []pricing.List{{ID: list, Currency: money.JPY, Window: scope.Always}}, Parents: []pricing.Parent{{ID: category, ParentID: &above}}}
	for i := range rapid.IntRange(0, 3).Draw(t, "lists") {
		rules.Lists = append(rules.Lists, pricing.List{ID: id.New(), Code: string(rune('a' + i)), Name: i18n.Text{"ja": "表"}, Currency: money.JPY,
			Audience: drawnAudience(t, audiences), Window: drawnWindow(t), BelowFloor: rapid.Bool().Draw(t, "below")})
	}
	in := pricing.QuoteInput{Book: pricing.Book{}}
	targets := []scope.Target{scope.Everything, {Kind: scope.Category, ID: category}, {Kind: scope.Category, ID: above}, {Kind: scope.Tag, Value: "x"}}
	for range rapid.IntRange(1, 6).Draw(t, "items") {
		v := id.New()
		sheet := &pricing.Sheet{Goods: scope.Goods{VariantID: v, ProductID: id.New()}}
		if rapid.Bool().Draw(t, "shelved") {
			sheet.Categories, sheet.Tags = []uuid.UUID{category, above}, []string{"x"}
		}
		if rapid.Bool().Draw(t, "cost known") {
			cost := rapid.Int64Range(0, 2000).Draw(t, "cost")
			sheet.Cost = &cost
		}
		for _, l := range rules.Lists {
			if l.ID != list && rapid.Bool().Draw(t, "left out") {
				continue
			}
			amount, from := rapid.Int64Range(0, 3000).Draw(t, "amount"), 1
			for range rapid.IntRange(1, 3).Draw(t, "rows") {
				w := drawnWindow(t)
				if from > 1 {
					w = scope.Always // a tier that ends before the price of one piece would be a rule of its own
				}
				sheet.Prices = append(sheet.Prices, pricing.Price{ID: id.New(), ListID: l.ID, VariantID: v, MinQuantity: from, ValidFrom: w.From, ValidUntil: w.Until, Amount: amount})
				from += rapid.IntRange(1, 20).Draw(t, "further")
				amount -= rapid.Int64Range(0, amount).Draw(t, "cheaper")
			}
		}
		in.Book[v] = sheet
		targets = append(targets, scope.Target{Kind: scope.Variant, ID: v})
		item := pricing.Item{VariantID: v, Quantity: rapid.IntRange(1, 200).Draw(t, "quantity"), TaxClass: rapid.SampledFrom(money.TaxClasses).Draw(t, "class")}
		if rapid.IntRange(0, 9).Draw(t, "agreed") == 0 {
			item.Agreed = &pricing.Agreed{Amount: rapid.Int64Range(0, 3000).Draw(t, "agreed amount"), Source: id.New()}
		}
		in.Items = append(in.Items, item)
	}
	for range rapid.IntRange(0, 6).Draw(t, "rates") {
		rules.Rates = append(rules.Rates, pricing.Rate{ID: id.New(), Kind: rapid.SampledFrom([]pricing.RateKind{pricing.RateCustomer, pricing.RateDirect, pricing.RateFloor}).Draw(t, "kind"),
			Audience: drawnAudience(t, audiences), Target: rapid.SampledFrom(targets).Draw(t, "target"), Window: drawnWindow(t),
			Percent: decimal.New(rapid.Int64Range(0, 1_500_000).Draw(t, "percent"), -4), Rounding: rapid.SampledFrom(roundings).Draw(t, "rounding"),
			RoundTo: rapid.SampledFrom([]int64{1, 10, 100}).Draw(t, "unit"), BelowFloor: rapid.Bool().Draw(t, "below")})
	}
	for range rapid.IntRange(0, 3).Draw(t, "discounts") {
		rules.Discounts = append(rules.Discounts, drawnDiscount(t, drawnAudience(t, audiences), rapid.SampledFrom(targets).Draw(t, "target")))
	}
	book := pricing.NewRulebook(rules)
	in.Terms = pricing.Terms{Currency: money.JPY, At: noon, TaxInclusive: rapid.Bool().Draw(t, "inclusive"), Rounding: rapid.SampledFrom(roundings).Draw(t, "tax rounding"),
		Buyer: scope.Buyer{MemberID: member, CompanyID: company, Groups: []uuid.UUID{group}}, Rules: book, Mode: rapid.SampledFrom([]pricing.ShippingMode{pricing.ShipNormal, pricing.ShipDirect}).Draw(t, "mode")}
	in.Terms.Lists = book.Lists(in.Terms.Buyer, list, money.JPY, noon)
	if off := rapid.Int64Range(0, 5000).Draw(t, "off"); off > 1000 {
		in.Terms.Offers = takeOff{off}
	}
	if rapid.Bool().Draw(t, "shipped") {
		in.Shipping = &pricing.Fee{Amount: rapid.Int64Range(0, 5000).Draw(t, "fee"), TaxClass: money.TaxStandard}
	}
	return in
}

func drawnWindow(t *rapid.T) scope.Window {
	switch rapid.IntRange(0, 4).Draw(t, "window") {
	case 0:
		return scope.Window{From: noon.AddDate(0, 0, 1), Until: scope.Forever}
	case 1:
		return scope.Window{From: scope.Beginning, Until: noon}
	}
	return scope.Always
}

func drawnDiscount(t *rapid.T, a scope.Audience, target scope.Target) pricing.QuantityDiscount {
	q := pricing.QuantityDiscount{ID: id.New(), Audience: a, Target: target, Window: drawnWindow(t), Mixed: rapid.Bool().Draw(t, "mixed"),
		OnCustomerPrice: rapid.Bool().Draw(t, "on own"), Rounding: rapid.SampledFrom(roundings).Draw(t, "rounding"), RoundTo: rapid.SampledFrom([]int64{1, 10}).Draw(t, "unit")}
	kind, from, percent, amount, price := rapid.IntRange(0, 2).Draw(t, "tier kind"), 1, int64(0), int64(0), int64(3000)
	for range rapid.IntRange(1, 3).Draw(t, "tiers") {
		tier := pricing.Tier{From: from}
		percent, amount, price = percent+rapid.Int64Range(0, 30).Draw(t, "p"), amount+rapid.Int64Range(0, 200).Draw(t, "a"), price-rapid.Int64Range(0, 900).Draw(t, "c")
		p, a, c := decimal.NewFromInt(percent), amount, price
		switch kind {
		case 0:
			tier.Percent = &p
		case 1:
			tier.Amount = &a
		default:
			tier.Price = &c
		}
		q.Tiers, from = append(q.Tiers, tier), from+rapid.IntRange(1, 40).Draw(t, "further")
	}
	return q
}

func TestRulesNeverBreakTheReckoning(t *testing.T) {
	t.Parallel()
	engine := pricing.NewEngine()
	rapid.Check(t, func(t *rapid.T) {
		in := ruled(t)
		quote, err := engine.Quote(in)
		require.NoError(t, err)
		require.GreaterOrEqual(t, quote.Total.Minor, int64(0))
		require.Equal(t, quote.Total.Minor, sum(quote.Breakdown), "the order adds up to the yen")
		var lines int64
		for _, l := range quote.Lines {
			if l.Err != nil {
				require.Zero(t, l.Total.Minor)
				continue
			}
			require.GreaterOrEqual(t, l.Unit.Minor, int64(0))
			require.GreaterOrEqual(t, l.Total.Minor, int64(0))
			require.Equal(t, l.Total.Minor, sum(l.Breakdown), "the line adds up to the yen")
			require.Equal(t, l.Subtotal.Minor, l.Unit.Minor*int64(l.Quantity))
			require.Equal(t, l.Total.Minor, l.Subtotal.Minor-l.Discount.Minor)
			lines += l.Total.Minor
			running := int64(0)
			for _, s := range l.Breakdown {
				running += s.Change.Minor
				require.Equal(t, running, s.Running.Minor)
			}
		}
		require.Equal(t, quote.Subtotal.Minor-quote.Discount.Minor, lines)
		again, err := engine.Quote(in)
		require.NoError(t, err)
		require.Equal(t, quote, again, "pure")
	})
}

func TestRuledLinesMayStandInAnyOrder(t *testing.T) {
	t.Parallel()
	engine := pricing.NewEngine()
	rapid.Check(t, func(t *rapid.T) {
		in := ruled(t)
		quote, err := engine.Quote(in)
		require.NoError(t, err)
		byVariant := map[uuid.UUID]pricing.Line{}
		for _, l := range quote.Lines {
			byVariant[l.VariantID] = l
		}
		seed := rapid.Uint64().Draw(t, "seed")
		rand.New(rand.NewPCG(seed, seed)).Shuffle(len(in.Items), func(i, j int) { in.Items[i], in.Items[j] = in.Items[j], in.Items[i] })
		shuffled, err := engine.Quote(in)
		require.NoError(t, err)
		require.Equal(t, quote.Total, shuffled.Total)
		require.Equal(t, quote.Taxes, shuffled.Taxes)
		for _, l := range shuffled.Lines {
			require.Equal(t, byVariant[l.VariantID].Total, l.Total)
			require.Equal(t, byVariant[l.VariantID].Breakdown, l.Breakdown)
		}
	})
}

func TestMoreOfRuledGoodsIsNeverDearerByThePiece(t *testing.T) {
	t.Parallel()
	engine := pricing.NewEngine()
	rapid.Check(t, func(t *rapid.T) {
		in := ruled(t)
		less, err := engine.Pieces(in)
		require.NoError(t, err)
		for i := range in.Items {
			in.Items[i].Quantity += rapid.IntRange(0, 100).Draw(t, "more")
		}
		more, err := engine.Pieces(in)
		require.NoError(t, err)
		for i := range more.Lines {
			if less.Lines[i].Err == nil && !says(more.Lines[i], less.Lines[i]) {
				require.LessOrEqual(t, more.Lines[i].Unit.Minor, less.Lines[i].Unit.Minor)
			}
		}
	})
}

// says reports whether the price comes from another rule than before: a list that has
// prices from a quantity on only, and of higher precedence, may be dearer.
func says(more, less pricing.Line) bool {
	first := func(l pricing.Line) uuid.UUID {
		for _, s := range l.Breakdown[1:] {
			switch s.Rule {
			case pricing.RulePriceList, pricing.RuleRate, pricing.RuleCustomerPrice, pricing.RuleQuotation:
				return s.Source
			}
		}
		return l.Breakdown[0].Source
	}
	return first(more) != first(less)
}

func TestATraceChangesNothingAndNamesWhatWon(t *testing.T) {
	t.Parallel()
	engine := pricing.NewEngine()
	rapid.Check(t, func(t *rapid.T) {
		in := ruled(t)
		plain, err := engine.Quote(in)
		require.NoError(t, err)
		in.Terms.Trace = true
		traced, err := engine.Quote(in)
		require.NoError(t, err)
		require.Equal(t, plain.Total, traced.Total)
		for i, l := range traced.Lines {
			require.Equal(t, plain.Lines[i].Breakdown, l.Breakdown)
			if l.Err != nil {
				continue
			}
			won := map[pricing.Rule][]uuid.UUID{}
			for _, c := range l.Candidates {
				if c.Outcome == pricing.Won {
					won[c.Rule] = append(won[c.Rule], c.Source)
					require.Equal(t, pricing.ReasonApplied, c.Reason)
				}
			}
			for _, s := range l.Breakdown {
				switch s.Rule {
				case pricing.RuleRate, pricing.RuleQuotation, pricing.RuleQuantityDiscount, pricing.RuleFloor:
					require.Equal(t, []uuid.UUID{s.Source}, won[s.Rule], "%s: the step and the winner are one", s.Rule)
				case pricing.RuleDirect:
					if s.Source != uuid.Nil {
						require.Equal(t, []uuid.UUID{s.Source}, won[s.Rule])
					}
				case pricing.RulePriceList, pricing.RuleCustomerPrice:
					require.Len(t, won[s.Rule], 1)
				}
			}
		}
	})
}

func TestAnAgreementCostsTheSameUnderAnyRules(t *testing.T) {
	t.Parallel()
	engine := pricing.NewEngine()
	rapid.Check(t, func(t *rapid.T) {
		in := ruled(t)
		for i := range in.Items {
			in.Items[i].Agreed = &pricing.Agreed{Amount: rapid.Int64Range(0, 3000).Draw(t, "agreed"), Source: id.New()}
		}
		ordered, err := engine.Quote(in)
		require.NoError(t, err)
		bare := pricing.QuoteInput{Items: in.Items, Shipping: in.Shipping, Terms: pricing.Terms{
			Currency: in.Terms.Currency, TaxInclusive: in.Terms.TaxInclusive, Rounding: in.Terms.Rounding, At: in.Terms.At,
		}}
		offered, err := engine.Quote(bare)
		require.NoError(t, err)
		require.Equal(t, []money.Money{offered.Subtotal, offered.Tax, offered.Total}, []money.Money{ordered.Subtotal, ordered.Tax, ordered.Total})
		for i, l := range ordered.Lines {
			require.Equal(t, in.Items[i].Agreed.Amount, l.Unit.Minor)
		}
	})
}
