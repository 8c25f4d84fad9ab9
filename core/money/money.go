// Package money counts money in whole minor units, and is the one place where
// amounts are rounded and consumption tax is worked out.
package money

import (
	"math/bits"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/fault"
)

// Currency is an ISO 4217 code.
type Currency string

// JPY is the yen, which has no minor unit.
const JPY Currency = "JPY"

// Digits is the number of decimal places of the currency's minor unit (ISO 4217).
func (c Currency) Digits() int32 {
	switch c {
	case JPY, "KRW", "VND", "CLP", "ISK", "PYG", "UGX", "XAF", "XOF", "XPF":
		return 0
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3
	}
	return 2
}

// Failures of reckoning.
var (
	ErrOverflow  = fault.Invalid("AMOUNT_TOO_LARGE", "金額が大きすぎます", "The amount is too large")
	ErrCurrency  = fault.Invalid("CURRENCY_MISMATCH", "通貨が一致しません", "The currencies differ")
	ErrPrecision = fault.Invalid("AMOUNT_TOO_FINE", "この通貨では小数点以下の桁数が多すぎます", "The amount has more decimals than the currency")
)

// Money is an amount in the minor units of a currency: 1980 JPY is {1980, JPY},
// 12.50 USD is {1250, USD}.
type Money struct {
	Minor    int64
	Currency Currency
}

// Of is an amount in minor units.
func Of(minor int64, currency Currency) Money { return Money{minor, currency} }

// Parse reads a decimal such as "12.50". Finer than the minor unit is ErrPrecision.
func Parse(d decimal.Decimal, currency Currency) (Money, error) {
	shifted := d.Shift(currency.Digits())
	if !shifted.IsInteger() {
		return Money{}, ErrPrecision
	}
	if shifted.Abs().GreaterThan(decimal.NewFromInt(Max)) {
		return Money{}, ErrOverflow
	}
	return Money{shifted.IntPart(), currency}, nil
}

// Amount is the exact amount in major units.
func (m Money) Amount() decimal.Decimal { return decimal.New(m.Minor, -m.Currency.Digits()) }

// String is the amount as the schema writes it: "1980", "12.50".
func (m Money) String() string {
	digits := int(m.Currency.Digits())
	if digits == 0 {
		return strconv.FormatInt(m.Minor, 10)
	}
	sign, minor := "", strconv.FormatUint(magnitude(m.Minor), 10)
	if m.Minor < 0 {
		sign = "-"
	}
	if len(minor) <= digits {
		minor = strings.Repeat("0", digits+1-len(minor)) + minor
	}
	return sign + minor[:len(minor)-digits] + "." + minor[len(minor)-digits:]
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return uint64(-(n + 1)) + 1
	}
	return uint64(n)
}

// Max is the largest amount, in minor units, that noren reckons with: a thousand
// trillion yen. Within it no sum, product or tax overflows unseen.
const Max int64 = 1_000_000_000_000_000

// Add is the sum; of two currencies it is ErrCurrency, beyond Max ErrOverflow.
func (m Money) Add(o Money) (Money, error) {
	if m.Currency != o.Currency {
		return Money{}, ErrCurrency
	}
	return bounded(m.Minor+o.Minor, m.Currency)
}

// Times is the amount taken quantity times; beyond Max it is ErrOverflow.
func (m Money) Times(quantity int) (Money, error) {
	if m.Minor == 0 || quantity == 0 {
		return Money{0, m.Currency}, nil
	}
	product := m.Minor * int64(quantity)
	if product/int64(quantity) != m.Minor {
		return Money{}, ErrOverflow
	}
	return bounded(product, m.Currency)
}

func bounded(minor int64, currency Currency) (Money, error) {
	if minor > Max || minor < -Max {
		return Money{}, ErrOverflow
	}
	return Money{minor, currency}, nil
}

// Rounding says which way an amount finer than the minor unit goes. The law
// leaves the choice to the seller (消費税法 基本通達: 端数処理).
type Rounding string

// The ways to round.
const (
	RoundDown   Rounding = "DOWN"    // 切捨て, the custom of Japanese retail
	RoundHalfUp Rounding = "HALF_UP" // 四捨五入
	RoundUp     Rounding = "UP"      // 切上げ
)

// Round brings an exact number of minor units to a whole one. Down is toward
// zero and up away from it, so that a refund mirrors its sale.
func (r Rounding) Round(exact decimal.Decimal) int64 {
	switch r {
	case RoundUp:
		return exact.RoundUp(0).IntPart()
	case RoundHalfUp:
		return exact.Round(0).IntPart()
	}
	return exact.Truncate(0).IntPart()
}

// Divide is numerator / denominator (above zero), rounded; it takes no detour
// over decimals. The numerator must be within Max times a thousand.
func (r Rounding) Divide(numerator, denominator int64) int64 {
	quotient, rest := numerator/denominator, numerator%denominator
	away := int64(1)
	if rest < 0 {
		away, rest = -1, -rest
	}
	if (r == RoundUp && rest > 0) || (r == RoundHalfUp && 2*rest >= denominator) {
		return quotient + away
	}
	return quotient
}

// Portion is numerator/denominator of an amount, rounded to whole units of unit
// minor units (1, 10, 100 yen). The product may exceed 64 bits on the way; a
// result beyond Max is ErrOverflow.
func (r Rounding) Portion(amount, numerator, denominator, unit int64) (int64, error) {
	high, low := bits.Mul64(magnitude(amount), magnitude(numerator))
	divisor := uint64(denominator) * uint64(unit) //nolint:gosec // both are positive constants of a rule
	if high >= divisor {
		return 0, ErrOverflow
	}
	quotient, rest := bits.Div64(high, low, divisor)
	if (r == RoundUp && rest > 0) || (r == RoundHalfUp && rest >= divisor-rest) {
		quotient++
	}
	if quotient > uint64(Max/unit) { //nolint:gosec // Max/unit is positive
		return 0, ErrOverflow
	}
	whole := int64(quotient) * unit //nolint:gosec // bounded above
	if (amount < 0) != (numerator < 0) {
		whole = -whole
	}
	return whole, nil
}
