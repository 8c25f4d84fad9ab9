package order_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/width"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/order"
)

const symbols = "23456789BCDFGHJKLMNPQRSTVWXYZ"

func number(t *rapid.T) string {
	made, err := order.NewNumber()
	require.NoError(t, err)
	require.Regexp(t, `^[`+symbols+`]{5}-[`+symbols+`]{5}$`, made)
	return made
}

func TestNumbersAreReadHoweverTheyAreTyped(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		made := number(t)
		for _, typed := range []string{made, strings.ToLower(made), strings.ReplaceAll(made, "-", ""), " " + strings.ReplaceAll(made, "-", " ") + " ", width.Widen.String(made)} {
			read, ok := order.ParseNumber(typed)
			require.True(t, ok, typed)
			require.Equal(t, made, read)
		}
	})
}

func TestMisreadNumbersAreNoticed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		made := []byte(strings.ReplaceAll(number(t), "-", ""))
		at := rapid.IntRange(0, len(made)-1).Draw(t, "at")
		wrong := append([]byte(nil), made...)
		wrong[at] = rapid.SampledFrom([]byte(symbols)).Filter(func(b byte) bool { return b != made[at] }).Draw(t, "symbol")
		_, ok := order.ParseNumber(string(wrong))
		require.False(t, ok, "one wrong symbol: %s for %s", wrong, made)

		at = rapid.IntRange(0, len(made)-2).Draw(t, "swapped")
		if made[at] == made[at+1] {
			return
		}
		swapped := append([]byte(nil), made...)
		swapped[at], swapped[at+1] = swapped[at+1], swapped[at]
		_, ok = order.ParseNumber(string(swapped))
		require.False(t, ok, "two swapped: %s for %s", swapped, made)
	})
}
