package identity_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/identity"
)

// cheap costs make tests quick.
var cheap = identity.HashParams{Memory: 64, Time: 1, Threads: 1}

func TestPasswordsMatchTheirHashAlone(t *testing.T) {
	t.Parallel()
	h := identity.NewHasher(cheap)
	hash, err := h.Hash(t.Context(), "correct horse")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(hash, "$argon2id$v=19$m=64,t=1,p=1$"), hash)
	other, err := h.Hash(t.Context(), "correct horse")
	require.NoError(t, err)
	require.NotEqual(t, hash, other, "each hash has its own salt")

	matches, stale, err := h.Verify(t.Context(), "correct horse", hash)
	require.NoError(t, err)
	require.True(t, matches)
	require.False(t, stale)
	matches, _, err = h.Verify(t.Context(), "correct horsf", hash)
	require.NoError(t, err)
	require.False(t, matches)

	dearer := identity.NewHasher(identity.HashParams{Memory: 128, Time: 1, Threads: 1})
	matches, stale, err = dearer.Verify(t.Context(), "correct horse", hash)
	require.NoError(t, err)
	require.True(t, matches, "a hash is checked with the costs it was made with")
	require.True(t, stale)
}

func TestNobodysPasswordNeverMatches(t *testing.T) {
	t.Parallel()
	h := identity.NewHasher(cheap)
	for _, password := range []string{"", "anything"} {
		matches, _, err := h.Verify(t.Context(), password, "")
		require.NoError(t, err)
		require.False(t, matches)
	}
}

func TestCheckingNobodyTakesAsLong(t *testing.T) {
	t.Parallel()
	h := identity.NewHasher(identity.HashParams{Memory: 8 * 1024, Time: 4, Threads: 1})
	hash, err := h.Hash(t.Context(), "correct horse")
	require.NoError(t, err)
	fastest := func(stored string) time.Duration {
		best := time.Hour
		for range 5 {
			start := time.Now()
			_, _, err := h.Verify(t.Context(), "wrong horse", stored)
			require.NoError(t, err)
			best = min(best, time.Since(start))
		}
		return best
	}
	require.Greater(t, fastest("")*4, fastest(hash), "an unknown account answers without hashing")
}

func TestStoredHashesOfOtherKindsAreErrors(t *testing.T) {
	t.Parallel()
	h := identity.NewHasher(cheap)
	for _, stored := range []string{
		"plain", "$2a$10$abcdefghijklmnopqrstuv", "$argon2i$v=19$m=64,t=1,p=1$AAAA$AAAA",
		"$argon2id$v=19$m=4294967295,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=64,t=0,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	} {
		_, _, err := h.Verify(t.Context(), "x", stored)
		require.Error(t, err, stored)
	}
}
