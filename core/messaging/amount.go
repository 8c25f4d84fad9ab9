package messaging

import (
	"strings"

	"github.com/noren-commerce/noren/core/money"
)

// amount writes an amount the way the language reads it: 1,980円, ¥1,980, 12.50 USD.
func amount(language string, m money.Money) string {
	whole, rest, _ := strings.Cut(m.String(), ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	written := sign + grouped(whole)
	if rest != "" {
		written += "." + rest
	}
	switch {
	case m.Currency != money.JPY:
		return written + " " + string(m.Currency)
	case language == "ja":
		return written + "円"
	}
	return sign + "¥" + grouped(whole)
}

// grouped writes digits in groups of three.
func grouped(digits string) string {
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}
