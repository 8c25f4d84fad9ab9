package promotion_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/promotion"
)

func TestACheckCharacterFindsAnyWrongCharacter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		code := promotion.NormalCode(promotion.NewCode())
		require.Len(t, code, 16)
		require.False(t, promotion.Mistyped(code))
		at := rapid.IntRange(0, 15).Draw(t, "at")
		other := rapid.SampledFrom([]byte("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")).Draw(t, "other")
		if wrong := code[:at] + string(other) + code[at+1:]; wrong != code {
			require.True(t, promotion.Mistyped(wrong), "%s for %s", wrong, code)
		}
	})
}

func TestACodeIsReadAsItWasTyped(t *testing.T) {
	t.Parallel()
	require.Equal(t, "7Q3F9KXM", promotion.NormalCode(" 7q3f-9kxm "))
	require.Equal(t, "ABC123", promotion.NormalCode("ＡＢｃ１２３"))
	require.Equal(t, "ABCD-EFGH-J", promotion.Grouped("ABCDEFGHJ"))
}

func TestACheckCharacterFindsNearlyAllSwappedNeighbours(t *testing.T) {
	t.Parallel()
	swapped, missed := 0, 0
	for range 500 {
		code := promotion.NormalCode(promotion.NewCode())
		for at := range 15 {
			if code[at] == code[at+1] {
				continue
			}
			swapped++
			if !promotion.Mistyped(code[:at] + string(code[at+1]) + string(code[at]) + code[at+2:]) {
				missed++
			}
		}
	}
	require.Less(t, missed*50, swapped, "%d of %d", missed, swapped)
}
