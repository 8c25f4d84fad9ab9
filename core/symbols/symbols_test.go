package symbols_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/symbols"
)

const all = "23456789BCDFGHJKLMNPQRSTVWXYZ"

func TestWhatIsDrawnIsReadHoweverItIsTyped(t *testing.T) {
	t.Parallel()
	for _, n := range []int{9, 23, 26} {
		drawn, err := symbols.Draw(n)
		require.NoError(t, err)
		require.Len(t, drawn, n+1)
		for _, typed := range []string{drawn, strings.ToLower(drawn), " " + drawn[:4] + "-" + drawn[4:] + "　"} {
			read, ok := symbols.Read(typed, n)
			require.True(t, ok)
			require.Equal(t, drawn, read)
		}
		for _, wrong := range []string{"", drawn[1:], drawn + "2", strings.Repeat("ん", n+1)} {
			_, ok := symbols.Read(wrong, n)
			require.False(t, ok, wrong)
		}
	}
}

func TestEveryWrongSymbolAndSwapIsFound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 26).Draw(t, "n")
		drawn, err := symbols.Draw(n)
		if err != nil {
			t.Fatal(err)
		}
		at := rapid.IntRange(0, n).Draw(t, "at")
		wrong := []byte(drawn)
		wrong[at] = rapid.SampledFrom([]byte(all)).Filter(func(b byte) bool { return b != drawn[at] }).Draw(t, "symbol")
		if _, ok := symbols.Read(string(wrong), n); ok {
			t.Fatalf("%s for %s", wrong, drawn)
		}
		if at < n-1 && drawn[at] != drawn[at+1] {
			swapped := []byte(drawn)
			swapped[at], swapped[at+1] = swapped[at+1], swapped[at]
			if _, ok := symbols.Read(string(swapped), n); ok {
				t.Fatalf("%s for %s", swapped, drawn)
			}
		}
	})
}

func TestWhatIsDerivedFollowsFromItsSeed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seed")
		derived := symbols.Derive(seed, 7)
		if read, ok := symbols.Read(derived, 7); !ok || read != derived || symbols.Derive(seed, 7) != derived {
			t.Fatal(derived)
		}
	})
	require.NotEqual(t, symbols.Derive([]byte("one seed of many bytes"), 7), symbols.Derive([]byte("another seed of bytes"), 7))
}
