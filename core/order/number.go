package order

import (
	"crypto/rand"
	"math/big"
	"strings"

	"golang.org/x/text/width"
)

// symbols are what an order number is made of: 29, a prime, so that the check
// symbol finds every single wrong symbol and every swap of two neighbours. No
// vowels, nor 0 and 1: nothing to mistake on the phone, no words.
const symbols = "23456789BCDFGHJKLMNPQRSTVWXYZ"

// numberLength is the number of random symbols before the check symbol:
// 29^9 is some 14 trillion, too many to guess or to count orders by.
const numberLength = 9

// NewNumber is a random order number such as "7KXQ9-B4TMH".
func NewNumber() (string, error) {
	base := big.NewInt(int64(len(symbols)))
	drawn := make([]byte, 0, numberLength+1)
	for range numberLength {
		n, err := rand.Int(rand.Reader, base)
		if err != nil {
			return "", err
		}
		drawn = append(drawn, symbols[n.Int64()])
	}
	drawn = append(drawn, check(drawn))
	return string(drawn[:5]) + "-" + string(drawn[5:]), nil
}

// ParseNumber brings a number that a person typed into its form; ok is false if
// it cannot be one.
func ParseNumber(typed string) (number string, ok bool) {
	cleaned := strings.Map(func(r rune) rune {
		if strings.ContainsRune(symbols, r) {
			return r
		}
		return -1
	}, strings.ToUpper(width.Narrow.String(typed)))
	if len(cleaned) != numberLength+1 || check([]byte(cleaned[:numberLength])) != cleaned[numberLength] {
		return "", false
	}
	return cleaned[:5] + "-" + cleaned[5:], true
}

// check weighs each symbol by its place: the weights differ and none is a
// multiple of 29.
func check(drawn []byte) byte {
	sum := 0
	for i, symbol := range drawn {
		sum += (i + 2) * strings.IndexByte(symbols, symbol)
	}
	return symbols[sum%len(symbols)]
}
