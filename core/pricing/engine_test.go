package pricing_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/scope"
)

var noon = time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)

// list is the channel's own price list.
var list = id.New()

// newBook orders price rows by variant.
func newBook(rows []pricing.Price) pricing.Book {
	book := pricing.Book{}
	for _, row := range rows {
		if book[row.VariantID] == nil {
			book[row.VariantID] = &pricing.Sheet{Goods: scope.Goods{VariantID: row.VariantID}}
		}
		sheet := book[row.VariantID]
		sheet.Prices = append(sheet.Prices, row)
	}
	return book
}

// plain are the terms of a guest in a channel with a price list and no rules.
func plain(at time.Time) pricing.Terms {
	return pricing.Terms{Currency: money.JPY, TaxInclusive: true, Rounding: money.RoundDown, At: at, Lists: []pricing.List{{ID: list}}}
}

func price(v uuid.UUID, from int, amount int64) pricing.Price {
	return pricing.Price{ID: id.New(), ListID: list, VariantID: v, MinQuantity: from, ValidFrom: noon.AddDate(-1, 0, 0), ValidUntil: noon.AddDate(1, 0, 0), Amount: amount}
}

func TestQuantityPriceExplainsItself(t *testing.T) {
	t.Parallel()
	v := id.New()
	rows := []pricing.Price{price(v, 1, 1000), price(v, 10, 900)}
	quote, err := pricing.NewEngine().Quote(pricing.QuoteInput{
		Terms: plain(noon),
		Book:  newBook(rows), Items: []pricing.Item{{VariantID: v, Quantity: 12, TaxClass: money.TaxStandard}},
	})
	require.NoError(t, err)
	line := quote.Lines[0]
	require.Equal(t, int64(10800), line.Total.Minor)
	require.Equal(t, []pricing.Rule{pricing.RuleBasePrice, pricing.RuleQuantityPrice}, []pricing.Rule{line.Breakdown[0].Rule, line.Breakdown[1].Rule})
	require.Equal(t, int64(-1200), line.Breakdown[1].Change.Minor)
	require.Equal(t, rows[1].ID, line.Breakdown[1].Source)
	require.Equal(t, int64(981), quote.Tax.Minor, "contained in 10,800 at 10 %")
	require.Equal(t, int64(10800), quote.Total.Minor)
}

func TestOnlyPricesOfTheMomentCount(t *testing.T) {
	t.Parallel()
	v := id.New()
	week := price(v, 1, 800)
	week.ValidFrom, week.ValidUntil = noon, noon.AddDate(0, 0, 7)
	book := newBook([]pricing.Price{price(v, 1, 1000), week})
	at := func(moment time.Time) int64 {
		quote, err := pricing.NewEngine().Quote(pricing.QuoteInput{
			Terms: plain(moment), Book: book, Items: []pricing.Item{{VariantID: v, Quantity: 1}},
		})
		require.NoError(t, err)
		return quote.Lines[0].Unit.Minor
	}
	require.Equal(t, int64(1000), at(noon.Add(-time.Microsecond)))
	require.Equal(t, int64(800), at(noon), "a window begins at its first moment")
	require.Equal(t, int64(1000), at(week.ValidUntil), "and ends before its last")
}

func TestLineWithoutPriceSaysSo(t *testing.T) {
	t.Parallel()
	quote, err := pricing.NewEngine().Quote(pricing.QuoteInput{
		Terms: plain(noon), Items: []pricing.Item{{VariantID: id.New(), Quantity: 1}},
	})
	require.NoError(t, err)
	require.ErrorIs(t, quote.Err(), pricing.ErrNoPrice)
}

// drawn is any input the engine may meet.
func drawn(t *rapid.T) pricing.QuoteInput {
	in := pricing.QuoteInput{Terms: pricing.Terms{
		Currency: money.JPY, At: noon, Lists: []pricing.List{{ID: list}}, TaxInclusive: rapid.Bool().Draw(t, "inclusive"),
		Rounding: rapid.SampledFrom([]money.Rounding{money.RoundDown, money.RoundHalfUp, money.RoundUp}).Draw(t, "rounding"),
	}}
	var rows []pricing.Price
	for range rapid.IntRange(1, 12).Draw(t, "items") {
		v := id.New()
		amount := rapid.Int64Range(0, 1_000_000).Draw(t, "amount")
		from := 1
		for range rapid.IntRange(0, 3).Draw(t, "tiers") {
			rows = append(rows, price(v, from, amount))
			from += rapid.IntRange(1, 10).Draw(t, "further")
			amount -= rapid.Int64Range(0, amount).Draw(t, "cheaper")
		}
		in.Items = append(in.Items, pricing.Item{
			VariantID: v, Quantity: rapid.IntRange(1, 1000).Draw(t, "quantity"),
			TaxClass: rapid.SampledFrom(money.TaxClasses).Draw(t, "class"),
		})
	}
	in.Book = newBook(rows)
	if rapid.Bool().Draw(t, "shipped") {
		in.Shipping = &pricing.Fee{Amount: rapid.Int64Range(0, 5000).Draw(t, "fee"), TaxClass: money.TaxStandard}
	}
	return in
}

func sum(steps []pricing.Step) (total int64) {
	for _, s := range steps {
		total += s.Change.Minor
	}
	return total
}

func TestEveryQuoteAddsUp(t *testing.T) {
	t.Parallel()
	engine := pricing.NewEngine()
	rapid.Check(t, func(t *rapid.T) {
		in := drawn(t)
		quote, err := engine.Quote(in)
		require.NoError(t, err)
		require.GreaterOrEqual(t, quote.Total.Minor, int64(0))
		require.Equal(t, quote.Total.Minor, sum(quote.Breakdown))
		var gross int64
		for _, taxed := range quote.Taxes {
			gross += taxed.Gross.Minor
		}
		require.Equal(t, quote.Total.Minor, gross, "the rates' gross sums make the total")
		for _, line := range quote.Lines {
			require.GreaterOrEqual(t, line.Unit.Minor, int64(0))
			require.Equal(t, line.Total.Minor, sum(line.Breakdown))
			require.Equal(t, line.Total.Minor, line.Unit.Minor*int64(line.Quantity))
		}
		again, err := engine.Quote(in)
		require.NoError(t, err)
		require.Equal(t, quote, again, "pure")
	})
}

func TestOrderOfLinesDoesNotMatter(t *testing.T) {
	t.Parallel()
	engine := pricing.NewEngine()
	rapid.Check(t, func(t *rapid.T) {
		in := drawn(t)
		quote, err := engine.Quote(in)
		require.NoError(t, err)
		seed := rapid.Uint64().Draw(t, "seed")
		rand.New(rand.NewPCG(seed, seed)).Shuffle(len(in.Items), func(i, j int) { in.Items[i], in.Items[j] = in.Items[j], in.Items[i] })
		shuffled, err := engine.Quote(in)
		require.NoError(t, err)
		require.Equal(t, quote.Total, shuffled.Total)
		require.Equal(t, quote.Taxes, shuffled.Taxes)
	})
}

func TestMoreIsNeverDearerByThePiece(t *testing.T) {
	t.Parallel()
	engine := pricing.NewEngine()
	rapid.Check(t, func(t *rapid.T) {
		in := drawn(t) // its tiers only fall
		less, err := engine.Quote(in)
		require.NoError(t, err)
		for i := range in.Items {
			in.Items[i].Quantity += rapid.IntRange(0, 50).Draw(t, "more")
		}
		more, err := engine.Quote(in)
		require.NoError(t, err)
		for i := range more.Lines {
			require.LessOrEqual(t, more.Lines[i].Unit.Minor, less.Lines[i].Unit.Minor)
		}
	})
}

func BenchmarkQuoteOf50Lines(b *testing.B) {
	in := pricing.QuoteInput{Terms: plain(noon)}
	var rows []pricing.Price
	for range 50 {
		v := id.New()
		rows = append(rows, price(v, 1, 1000), price(v, 10, 900))
		in.Items = append(in.Items, pricing.Item{VariantID: v, Quantity: 12, TaxClass: money.TaxStandard})
	}
	in.Book = newBook(rows)
	engine := pricing.NewEngine()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := engine.Quote(in); err != nil {
			b.Fatal(err)
		}
	}
}
