package money_test

import (
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/money"
)

func TestMoneyIsWrittenInMajorUnits(t *testing.T) {
	t.Parallel()
	for written, m := range map[string]money.Money{
		"1980": money.Of(1980, money.JPY), "-5": money.Of(-5, money.JPY),
		"12.50": money.Of(1250, "USD"), "0.05": money.Of(5, "USD"), "-0.05": money.Of(-5, "USD"), "1.234": money.Of(1234, "KWD"),
	} {
		require.Equal(t, written, m.String())
		back, err := money.Parse(decimal.RequireFromString(written), m.Currency)
		require.NoError(t, err)
		require.Equal(t, m, back)
	}
	_, err := money.Parse(decimal.RequireFromString("0.5"), money.JPY)
	require.ErrorIs(t, err, money.ErrPrecision)
}

func TestReckoningBeyondTheBoundFails(t *testing.T) {
	t.Parallel()
	_, err := money.Of(money.Max, money.JPY).Add(money.Of(1, money.JPY))
	require.ErrorIs(t, err, money.ErrOverflow)
	_, err = money.Of(1<<40, money.JPY).Times(1 << 40)
	require.ErrorIs(t, err, money.ErrOverflow)
	_, err = money.Of(1, money.JPY).Add(money.Of(1, "USD"))
	require.ErrorIs(t, err, money.ErrCurrency)
}

func TestTaxByRate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		class     money.TaxClass
		sum       int64
		inclusive bool
		rounding  money.Rounding
		net, tax  int64
	}{
		{money.TaxStandard, 1000, false, money.RoundDown, 1000, 100},
		{money.TaxStandard, 1100, true, money.RoundDown, 1000, 100},
		{money.TaxReduced, 108, true, money.RoundDown, 100, 8},
		{money.TaxStandard, 999, false, money.RoundDown, 999, 99},
		{money.TaxStandard, 995, false, money.RoundHalfUp, 995, 100},
		{money.TaxStandard, 991, false, money.RoundUp, 991, 100},
		{money.TaxReduced, 123, false, money.RoundDown, 123, 9},
		{money.TaxStandard, 1980, true, money.RoundDown, 1800, 180},
		{money.TaxStandard, -999, false, money.RoundDown, -999, -99},
		{money.TaxExempt, 500, false, money.RoundUp, 500, 0},
	} {
		got := money.TaxOf(c.class, money.Of(c.sum, money.JPY), c.inclusive, c.rounding)
		require.Equal(t, c.net, got.Net.Minor, "%+v", c)
		require.Equal(t, c.tax, got.Tax.Minor, "%+v", c)
	}
}

func TestNetAndTaxMakeGross(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sum := money.Of(rapid.Int64Range(-money.Max, money.Max).Draw(t, "sum"), money.JPY)
		class := rapid.SampledFrom(money.TaxClasses).Draw(t, "class")
		rounding := rapid.SampledFrom([]money.Rounding{money.RoundDown, money.RoundHalfUp, money.RoundUp}).Draw(t, "rounding")
		inclusive := rapid.Bool().Draw(t, "inclusive")
		taxed := money.TaxOf(class, sum, inclusive, rounding)
		require.Equal(t, taxed.Gross.Minor, taxed.Net.Minor+taxed.Tax.Minor)
		// The integer division agrees with exact decimals.
		exact := decimal.NewFromInt(sum.Minor).Mul(decimal.NewFromInt(class.Percent()))
		divisor := decimal.NewFromInt(100)
		if inclusive {
			divisor = decimal.NewFromInt(100 + class.Percent())
		}
		require.Equal(t, rounding.Round(exact.DivRound(divisor, 40)), taxed.Tax.Minor)
	})
}

func TestPortionAgreesWithExactDecimals(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		amount := rapid.Int64Range(-1_000_000_000_000, 1_000_000_000_000).Draw(t, "amount")
		numerator := rapid.Int64Range(-2_000_000, 2_000_000).Draw(t, "numerator")
		unit := rapid.SampledFrom([]int64{1, 10, 100}).Draw(t, "unit")
		rounding := rapid.SampledFrom([]money.Rounding{money.RoundDown, money.RoundHalfUp, money.RoundUp}).Draw(t, "rounding")
		got, err := rounding.Portion(amount, numerator, 1_000_000, unit)
		require.NoError(t, err)
		exact := decimal.NewFromInt(amount).Mul(decimal.NewFromInt(numerator)).DivRound(decimal.NewFromInt(1_000_000*unit), 40)
		require.Equal(t, rounding.Round(exact)*unit, got)
	})
	_, err := money.RoundDown.Portion(money.Max, 2_000_000, 1_000_000, 1)
	require.ErrorIs(t, err, money.ErrOverflow)
	_, err = money.RoundDown.Portion(1<<62, 1<<62, 1, 1)
	require.ErrorIs(t, err, money.ErrOverflow)
}
