package invoice

import (
	"testing"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/order"
)

var roundings = []money.Rounding{money.RoundDown, money.RoundHalfUp, money.RoundUp}

// anOrder draws an order as pricing makes them: lines and sets of any tax class, a
// discount on the whole, shipping, the tax rounded once for each rate.
func anOrder(t *rapid.T) (order.Order, []order.Line) {
	o := order.Order{ID: id.New(), Currency: money.JPY, TaxInclusive: rapid.Bool().Draw(t, "inclusive"), ShippingMinor: rapid.Int64Range(0, 1500).Draw(t, "shipping")}
	rounding := rapid.SampledFrom(roundings).Draw(t, "rounding")
	classes := rapid.SampledFrom(money.TaxClasses)
	sums, there := map[money.TaxClass]int64{}, map[money.TaxClass]bool{}
	count := func(class money.TaxClass, minor int64) { sums[class], there[class] = sums[class]+minor, true }
	var lines []order.Line
	for range rapid.IntRange(1, 6).Draw(t, "lines") {
		l := order.Line{
			ID: id.New(), Name: i18n.JA("品"), Quantity: rapid.IntRange(1, 40).Draw(t, "quantity"), UnitMinor: rapid.Int64Range(1, 9999).Draw(t, "unit"),
			TaxClass: classes.Draw(t, "class"), Currency: money.JPY,
		}
		whole := l.UnitMinor * int64(l.Quantity)
		l.TotalMinor = whole - rapid.Int64Range(0, whole/2).Draw(t, "discount")
		if rapid.IntRange(0, 3).Draw(t, "set") == 0 {
			first := rapid.Int64Range(0, l.TotalMinor).Draw(t, "share")
			secret := rapid.Bool().Draw(t, "secret")
			for _, share := range []int64{first, l.TotalMinor - first} {
				l.Parts = append(l.Parts, order.Part{Secret: secret, Name: i18n.JA("部品"), Quantity: l.Quantity, TaxClass: classes.Draw(t, "part"), Amount: money.Of(share, money.JPY)})
			}
		}
		if len(l.Parts) == 0 {
			count(l.TaxClass, l.TotalMinor)
		}
		for _, p := range l.Parts {
			count(p.TaxClass, p.Amount.Minor)
		}
		lines = append(lines, l)
	}
	count(money.TaxStandard, o.ShippingMinor)
	for _, class := range money.TaxClasses {
		if there[class] {
			taxed := money.TaxOf(class, money.Of(sums[class], money.JPY), o.TaxInclusive, rounding)
			o.Taxes, o.TotalMinor = append(o.Taxes, taxed), o.TotalMinor+taxed.Gross.Minor
		}
	}
	return o, lines
}

func TestLinesAddUpToWhatWasTaxed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o, goods := anOrder(t)
		sums, heads := map[money.TaxClass]int64{}, 0
		for _, l := range linesOf(o, goods) {
			if l.Amount != nil {
				require.NotEmpty(t, l.Class)
				sums[l.Class] += *l.Amount
			}
			if l.OrderLineID != nil {
				heads++
			}
		}
		require.Equal(t, len(goods), heads)
		var total int64
		for _, taxed := range o.Taxes {
			require.Equal(t, base(taxed, o.TaxInclusive), sums[taxed.Class], "%s", taxed.Class)
			require.Equal(t, taxed.Gross.Minor, taxed.Net.Minor+taxed.Tax.Minor)
			total += taxed.Gross.Minor
		}
		require.Equal(t, o.TotalMinor, total)
	})
}

// taxesOf sums documents by class: net, tax, gross.
func taxesOf(documents []Document) map[money.TaxClass][3]int64 {
	all := map[money.TaxClass][3]int64{}
	for _, d := range documents {
		for _, t := range d.Taxes {
			sum := all[t.Class]
			all[t.Class] = [3]int64{sum[0] + t.Net.Minor, sum[1] + t.Tax.Minor, sum[2] + t.Gross.Minor}
		}
	}
	return all
}

func TestPartsOfASetKeepTheirPricesSecret(t *testing.T) {
	t.Parallel()
	set := order.Line{ID: id.New(), Name: i18n.JA("詰め合わせ"), Quantity: 1, UnitMinor: 1000, TotalMinor: 1000, Currency: money.JPY}
	for i, minor := range []int64{300, 200, 500} {
		set.Parts = append(set.Parts, order.Part{Name: i18n.JA("部品"), Quantity: 1, TaxClass: money.TaxClasses[i%2], Amount: money.Of(minor, money.JPY), Secret: true})
	}
	var told []int64
	for _, l := range lineOf(set) {
		if l.Amount != nil {
			told = append(told, *l.Amount)
		}
	}
	require.Equal(t, []int64{800, 200}, told, "by tax class only")
	for i := range set.Parts {
		set.Parts[i].Secret = false
	}
	require.Equal(t, int64(300), *lineOf(set)[1].Amount)
}

func TestCreditNotesNeverExceedTheirInvoice(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o, goods := anOrder(t)
		of := basis{order: o, lines: goods, zone: japan}.invoice()
		whole := taxesOf([]Document{of})
		var credits []Document
		for range rapid.IntRange(0, 12).Draw(t, "credits") {
			lines, taxes, err := left(of, credits).take(anyTaken(t, of))
			if err != nil {
				require.ErrorIs(t, err, ErrCredit)
				continue
			}
			credits = append(credits, Document{Kind: KindCreditNote, Taxes: taxes, Content: Content{Lines: lines, Inclusive: o.TaxInclusive}})
			for _, given := range taxes {
				require.Equal(t, given.Gross.Minor, given.Net.Minor+given.Tax.Minor)
				floor, ceiling := bounds(given, o.TaxInclusive)
				require.GreaterOrEqual(t, given.Tax.Minor, floor, "only the fraction of a yen is rounded")
				require.LessOrEqual(t, given.Tax.Minor, ceiling)
			}
			for _, l := range goods {
				require.LessOrEqual(t, left(of, credits).pieces[l.ID], l.Quantity)
			}
			for class, sums := range taxesOf(credits) {
				for i := range sums {
					require.GreaterOrEqual(t, sums[i], int64(0))
					require.LessOrEqual(t, sums[i], whole[class][i], "%s", class)
				}
			}
		}
		lines, taxes, err := left(of, credits).take(Taken{})
		if err != nil {
			require.ErrorIs(t, err, ErrCredit)
		} else {
			credits = append(credits, Document{Kind: KindCreditNote, Taxes: taxes, Content: Content{Lines: lines, Inclusive: o.TaxInclusive}})
		}
		given := taxesOf(credits)
		for class, sums := range whole {
			require.Equal(t, sums, given[class], "all credit notes together are the invoice: %s", class)
		}
		_, _, err = left(of, credits).take(Taken{})
		require.ErrorIs(t, err, ErrCredit, "nothing is left")
		for _, l := range goods {
			_, _, err = left(of, credits).take(Taken{Lines: []TakenLine{{l.ID, 1}}})
			require.ErrorIs(t, err, ErrCredit, "no piece is left")
		}
	})
}

// bounds are the tax of an amount, rounded down and up.
func bounds(given money.Taxed, inclusive bool) (floor, ceiling int64) {
	sum := money.Of(base(given, inclusive), money.JPY)
	return money.TaxOf(given.Class, sum, inclusive, money.RoundDown).Tax.Minor, money.TaxOf(given.Class, sum, inclusive, money.RoundUp).Tax.Minor
}

func anyTaken(t *rapid.T, of Document) Taken {
	var taken Taken
	for range rapid.IntRange(0, 2).Draw(t, "takenLines") {
		l := rapid.SampledFrom(of.Content.Lines).Draw(t, "of")
		if l.OrderLineID != nil {
			taken.Lines = append(taken.Lines, TakenLine{*l.OrderLineID, rapid.IntRange(0, l.Quantity+1).Draw(t, "pieces")})
		}
	}
	for range rapid.IntRange(0, 1).Draw(t, "takenAmounts") {
		taken.Amounts = append(taken.Amounts, TakenAmount{"値引き", rapid.SampledFrom(money.TaxClasses).Draw(t, "at"), decimal.NewFromInt(rapid.Int64Range(1, 5000).Draw(t, "amount"))})
	}
	if len(taken.Lines)+len(taken.Amounts) == 0 { // which would be everything
		taken.Amounts = []TakenAmount{{"値引き", money.TaxStandard, decimal.NewFromInt(1)}}
	}
	return taken
}

func TestAReceiptIsForWhatIsLeft(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o, goods := anOrder(t)
		of := basis{order: o, lines: goods, zone: japan}.invoice()
		_, taxes, err := left(of, nil).take(anyTaken(t, of))
		if err != nil {
			return
		}
		credit := Document{Kind: KindCreditNote, Serial: 3, Taxes: taxes}
		for _, g := range taxes {
			credit.TotalMinor += g.Gross.Minor
		}
		receipt := basis{order: o, lines: goods, zone: japan}.document(KindReceipt, "")
		receipt.lessen(credit)
		require.Equal(t, o.TotalMinor-credit.TotalMinor, receipt.TotalMinor)
		sums := map[money.TaxClass]int64{}
		for _, l := range receipt.Content.Lines {
			if l.Amount != nil {
				sums[l.Class] += *l.Amount
			}
		}
		var total int64
		for _, taxed := range receipt.Taxes {
			require.Equal(t, base(taxed, o.TaxInclusive), sums[taxed.Class])
			total += taxed.Gross.Minor
		}
		require.Equal(t, receipt.TotalMinor, total)
		require.Equal(t, whole(o), of.TotalMinor, "the invoice stays")
	})
}

func whole(o order.Order) (sum int64) {
	for _, t := range o.Taxes {
		sum += t.Gross.Minor
	}
	return sum
}

func TestABadCreditNoteNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	line := order.Line{ID: id.New(), Name: i18n.JA("首輪"), Quantity: 2, UnitMinor: 550, TotalMinor: 1100, TaxClass: money.TaxStandard, Currency: money.JPY}
	o := order.Order{ID: id.New(), Currency: money.JPY, TaxInclusive: true, TotalMinor: 1100, Taxes: []money.Taxed{money.TaxOf(money.TaxStandard, money.Of(1100, money.JPY), true, money.RoundDown)}}
	r := func() rest { return left(basis{order: o, lines: []order.Line{line}, zone: japan}.invoice(), nil) }
	amount := func(class money.TaxClass, minor string) Taken {
		return Taken{Amounts: []TakenAmount{{"", class, decimal.RequireFromString(minor)}}}
	}
	for want, taken := range map[string]Taken{
		"CREDIT_EXCEEDS_INVOICE at lines.0.quantity: This is more than is left of the document (2)": {Lines: []TakenLine{{line.ID, 3}}},
		"NOT_FOUND at lines.0.orderLineId: Not found":                                               {Lines: []TakenLine{{uuid.New(), 1}}},
		"CREDIT_EXCEEDS_INVOICE at amounts: This is more than is left of the document (1100)":       amount(money.TaxStandard, "1101"),
		"CREDIT_EXCEEDS_INVOICE at amounts: This is more than is left of the document (0)":          amount(money.TaxReduced, "1"),
		"INVALID at amounts.0.amount: The amount is above 0":                                        amount(money.TaxStandard, "0"),
		"AMOUNT_TOO_FINE at amounts.0.amount: The amount has more decimals than the currency":       amount(money.TaxStandard, "0.5"),
	} {
		_, _, err := r().take(taken)
		require.EqualError(t, err, want)
	}
	lines, taxes, err := r().take(Taken{Lines: []TakenLine{{line.ID, 1}, {line.ID, 1}}})
	require.NoError(t, err)
	require.Len(t, lines, 2)
	require.Equal(t, o.Taxes, taxes)
}
