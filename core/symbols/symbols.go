// Package symbols makes numbers that people read out and type in, with a symbol that
// checks the others.
package symbols

import (
	"crypto/rand"
	"math/big"
	"strings"

	"golang.org/x/text/width"
)

// all are what numbers are made of: 29, a prime, so that the check symbol finds every
// single wrong symbol and every swap of two neighbours. No vowels, nor 0 and 1: nothing
// to mistake on the phone, no words.
const all = "23456789BCDFGHJKLMNPQRSTVWXYZ"

// Draw is n random symbols and the check symbol; n is at most 26, since the weights of
// the places must stay below 29. A symbol is worth 4.86 bits.
func Draw(n int) (string, error) {
	base := big.NewInt(int64(len(all)))
	drawn := make([]byte, 0, n+1)
	for range n {
		i, err := rand.Int(rand.Reader, base)
		if err != nil {
			return "", err
		}
		drawn = append(drawn, all[i.Int64()])
	}
	return string(append(drawn, check(drawn))), nil
}

// Derive is n symbols and the check symbol that follow from the seed, which has to be as
// good as random and worth more than the symbols.
func Derive(seed []byte, n int) string {
	base, rest := big.NewInt(int64(len(all))), new(big.Int).SetBytes(seed)
	drawn, i := make([]byte, 0, n+1), new(big.Int)
	for range n {
		rest.DivMod(rest, base, i)
		drawn = append(drawn, all[i.Int64()])
	}
	return string(append(drawn, check(drawn)))
}

// Read is what a person typed, without what stands between the symbols; ok is false
// unless it is n symbols and their check symbol.
func Read(typed string, n int) (read string, ok bool) {
	read = strings.Map(func(r rune) rune {
		if strings.ContainsRune(all, r) {
			return r
		}
		return -1
	}, strings.ToUpper(width.Narrow.String(typed)))
	return read, len(read) == n+1 && check([]byte(read[:n])) == read[n]
}

// check weighs each symbol by its place: the weights differ and none is a multiple of 29.
func check(drawn []byte) byte {
	sum := 0
	for i, symbol := range drawn {
		sum += (i + 2) * strings.IndexByte(all, symbol)
	}
	return all[sum%len(all)]
}
