package pricing_test

import (
	"fmt"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/sale"
	"github.com/noren-commerce/noren/core/scope"
)

// Whatever a set costs and is taken off, its parts bear all of it to the yen, each no
// further than a yen from its exact share, and its steps add up to it.
func TestPartsBearTheWholePriceOfASet(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		percent := decimal.New(rapid.Int64Range(0, 1_000_000).Draw(t, "percent"), -4)
		set := sale.Set{VariantID: key("set"), PriceRule: rapid.SampledFrom([]sale.PriceRule{sale.OwnPrice, sale.PartsPrice}).Draw(t, "rule")}
		if set.PriceRule == sale.PartsPrice {
			set.Percent = &percent
		}
		price := func(name string, most int64) pricing.Price {
			return pricing.Price{ID: key(name + " price"), ListID: list, VariantID: key(name), MinQuantity: 1, ValidFrom: scope.Beginning, ValidUntil: scope.Forever,
				Amount: rapid.Int64Range(0, most).Draw(t, name)}
		}
		sheet := &pricing.Sheet{Goods: scope.Goods{VariantID: set.VariantID}, Prices: []pricing.Price{price("set", 1_000_000)}, Parts: pricing.Book{}}
		item := pricing.Item{VariantID: set.VariantID, Quantity: rapid.IntRange(1, 50).Draw(t, "sets"), TaxClass: money.TaxStandard}
		var worth []int64
		var all int64
		for i := range rapid.IntRange(1, 6).Draw(t, "parts") {
			name, pieces := fmt.Sprint("part ", i), rapid.IntRange(1, 9).Draw(t, "pieces")
			p := price(name, 20_000)
			sheet.Parts[key(name)] = &pricing.Sheet{Goods: scope.Goods{VariantID: key(name)}, Prices: []pricing.Price{p}}
			set.Parts = append(set.Parts, sale.SetPart{VariantID: key(name), Quantity: pieces})
			item.Parts = append(item.Parts, pricing.Part{VariantID: key(name), Quantity: pieces, TaxClass: rapid.SampledFrom(money.TaxClasses).Draw(t, "class")})
			worth, all = append(worth, p.Amount*int64(pieces)), all+p.Amount*int64(pieces)
		}
		terms := pricing.Terms{Currency: money.JPY, TaxInclusive: true, Rounding: money.RoundDown, Mode: pricing.ShipNormal,
			Rules: pricing.NewRulebook(pricing.Rules{Version: 1, Sets: []sale.Set{set}}), Lists: []pricing.List{{ID: list, Currency: money.JPY}}}
		quote, err := pricing.NewEngine().Quote(pricing.QuoteInput{Terms: terms, Book: pricing.Book{set.VariantID: sheet}, Items: []pricing.Item{item}})
		require.NoError(t, err)
		line := quote.Lines[0]
		require.NoError(t, line.Err)
		var steps, shares, gross int64
		for _, s := range line.Breakdown {
			steps += s.Change.Minor
		}
		for i, s := range line.Shares {
			shares += s.Minor
			if all > 0 {
				exact := decimal.NewFromInt(line.Total.Minor).Mul(decimal.NewFromInt(worth[i])).Div(decimal.NewFromInt(all))
				require.True(t, exact.Sub(decimal.NewFromInt(s.Minor)).Abs().LessThan(decimal.NewFromInt(1)), "%s of %s", s, exact)
			}
		}
		for _, taxed := range quote.Taxes {
			gross += taxed.Gross.Minor
		}
		require.Equal(t, [3]int64{line.Total.Minor, line.Total.Minor, quote.Total.Minor}, [3]int64{steps, shares, gross})
	})
}
