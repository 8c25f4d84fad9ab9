package pricing_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/pricing"
)

// A line that keeps its price costs a piece what it cost, whatever the lists say by now and
// however many pieces are left of it, and its steps still add up.
func TestAKeptPriceOutlivesItsList(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v, pieces := id.New(), rapid.IntRange(1, 50).Draw(t, "pieces")
		first := rapid.Int64Range(1, 100_000).Draw(t, "price")
		agreed, err := pricing.NewEngine().Quote(pricing.QuoteInput{
			Terms: plain(noon), Book: newBook([]pricing.Price{price(v, 1, first), price(v, 10, first/2)}),
			Items: []pricing.Item{{VariantID: v, Quantity: pieces, TaxClass: money.TaxStandard}},
		})
		require.NoError(t, err)
		kept := pricing.KeptOf(agreed.Lines[0].Breakdown, pieces)
		require.Equal(t, agreed.Lines[0].Unit.Minor, kept.Unit)
		left := rapid.IntRange(1, pieces).Draw(t, "left")
		now, err := pricing.NewEngine().Quote(pricing.QuoteInput{
			Terms: plain(noon.AddDate(0, 1, 0)), Book: newBook([]pricing.Price{price(v, 1, rapid.Int64Range(1, 100_000).Draw(t, "since"))}),
			Items: []pricing.Item{{VariantID: v, Quantity: left, TaxClass: money.TaxStandard, Kept: &kept}},
		})
		require.NoError(t, err)
		line := now.Lines[0]
		require.Equal(t, kept.Unit, line.Unit.Minor)
		require.Equal(t, kept.Unit*int64(left), line.Total.Minor)
		var sum int64
		for _, step := range line.Breakdown {
			sum += step.Change.Minor
			require.Equal(t, sum, step.Running.Minor)
		}
		require.Equal(t, line.Total.Minor, sum)
	})
}

func TestWhatIsKeptIsBeforeCampaigns(t *testing.T) {
	t.Parallel()
	yen := func(n int64) money.Money { return money.Of(n, money.JPY) }
	kept := pricing.KeptOf([]pricing.Step{
		{Rule: pricing.RuleBasePrice, Change: yen(3000), Running: yen(3000)},
		{Rule: pricing.RuleCustomerPrice, Change: yen(-300), Running: yen(2700)},
		{Rule: pricing.RuleCampaign, Change: yen(-700), Running: yen(2000)},
	}, 3)
	require.Equal(t, int64(900), kept.Unit)
	require.Len(t, kept.Steps, 2)
}
