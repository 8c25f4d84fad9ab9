package messaging

import (
	"strconv"
	"strings"
)

// amount writes minor units the way the language reads them: 1,980円, ¥1,980.
func amount(language, currency string, minor int64) string {
	sign := ""
	if minor < 0 {
		sign, minor = "-", -minor
	}
	if currency == "JPY" {
		if language == "ja" {
			return sign + grouped(minor) + "円"
		}
		return sign + "¥" + grouped(minor)
	}
	cents := strconv.FormatInt(100+minor%100, 10)[1:]
	return sign + grouped(minor/100) + "." + cents + " " + currency
}

// grouped writes n in groups of three digits.
func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}
