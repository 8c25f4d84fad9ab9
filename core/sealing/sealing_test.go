package sealing_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/sealing"
)

// drawer keeps keys in memory.
type drawer struct{ keys []sealing.DataKey }

func (d *drawer) DataKeys(context.Context) ([]sealing.DataKey, error) {
	return slices.Clone(d.keys), nil
}

func (d *drawer) AddDataKey(_ context.Context, k sealing.DataKey, onlyFirst bool) error {
	if !onlyFirst || len(d.keys) == 0 {
		d.keys = append([]sealing.DataKey{k}, d.keys...)
	}
	return nil
}

func (d *drawer) Rewrap(_ context.Context, keys []sealing.DataKey) error {
	d.keys = keys
	return nil
}

func keysOf(t testing.TB, d *drawer, secret string) *sealing.Keys {
	master, err := identity.Sealer(secret, "test")
	require.NoError(t, err)
	return sealing.New(d, master, clock.System)
}

func TestWhatIsSealedOpensForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	keys := keysOf(t, &drawer{}, "one")
	rapid.Check(t, func(rt *rapid.T) {
		value, owner := rapid.StringN(1, 40, -1).Draw(rt, "value"), id.New()
		sealed, err := keys.Seal(t.Context(), "name", owner, value)
		require.NoError(rt, err)
		require.True(rt, sealing.Sealed(sealed))
		if len(value) > 6 {
			require.NotContains(rt, sealed, value)
		}
		again, err := keys.Seal(t.Context(), "name", owner, value)
		require.NoError(rt, err)
		require.NotEqual(rt, sealed, again, "equal values must not look equal")
		back, err := keys.Open(t.Context(), "name", owner, sealed)
		require.NoError(rt, err)
		require.Equal(rt, value, back)
		_, err = keys.Open(t.Context(), "name", id.New(), sealed)
		require.Error(rt, err, "another's row")
		_, err = keys.Open(t.Context(), "kana", owner, sealed)
		require.Error(rt, err, "another column")
	})
}

func TestWhatWasNeverSealedIsItself(t *testing.T) {
	t.Parallel()
	keys := keysOf(t, &drawer{}, "one")
	for _, value := range []string{"", "山田", "s0.abc"} {
		got, err := keys.Open(t.Context(), "name", uuid.Nil, value)
		require.NoError(t, err)
		require.Equal(t, value, got)
	}
}

func TestRotationKeepsOldValuesReadableAndFindable(t *testing.T) {
	t.Parallel()
	d, owner := &drawer{}, id.New()
	keys, other := keysOf(t, d, "one"), keysOf(t, d, "one")
	before, err := keys.Seal(t.Context(), "email", owner, "a@example.jp")
	require.NoError(t, err)
	hash, err := keys.Hash(t.Context(), "email", "a@example.jp")
	require.NoError(t, err)
	counted, err := keys.Lasting(t.Context(), "email", "a@example.jp")
	require.NoError(t, err)
	_, err = other.Current(t.Context())
	require.NoError(t, err)

	key, err := keys.Rotate(t.Context())
	require.NoError(t, err)
	after, err := keys.Seal(t.Context(), "email", owner, "a@example.jp")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(after, "s1."+key.ID+"."), "the key's id is in the value")
	for _, sealed := range []string{before, after} {
		for _, process := range []*sealing.Keys{keys, other} { // the other has read the keys before the rotation
			got, err := process.Open(t.Context(), "email", owner, sealed)
			require.NoError(t, err)
			require.Equal(t, "a@example.jp", got)
		}
	}
	all, err := keys.Hashes(t.Context(), "email", "a@example.jp")
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, hash, all[1])
	require.NotEqual(t, hash, all[0])
	for _, process := range []*sealing.Keys{keys, other, keysOf(t, d, "one")} {
		again, err := process.Lasting(t.Context(), "email", "a@example.jp")
		require.NoError(t, err)
		require.Equal(t, counted, again, "what is counted stays counted")
	}
	require.NotContains(t, all, counted)
}

func TestAnotherMasterKeyOpensNothingUntilTheKeysAreRewrapped(t *testing.T) {
	t.Parallel()
	d, owner := &drawer{}, id.New()
	keys := keysOf(t, d, "one")
	sealed, err := keys.Seal(t.Context(), "name", owner, "山田")
	require.NoError(t, err)
	_, err = keysOf(t, d, "two").Open(t.Context(), "name", owner, sealed)
	require.ErrorContains(t, err, "NOREN_PERSONAL_KEY")
	master, err := identity.Sealer("two", "test")
	require.NoError(t, err)
	n, err := keys.Rewrap(t.Context(), master)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	got, err := keysOf(t, d, "two").Open(t.Context(), "name", owner, sealed)
	require.NoError(t, err)
	require.Equal(t, "山田", got)
}

func TestNormalForms(t *testing.T) {
	t.Parallel()
	require.Equal(t, "hanako@example.jp", sealing.Email(" ＨＡＮＡＫＯ＠Example.jp "))
	for _, typed := range []string{"090-1234-5678", "０９０（１２３４）５６７８", "+81 90 1234 5678", "+81-(0)90-1234-5678"} {
		require.Equal(t, "09012345678", sealing.Phone(typed), typed)
	}
	require.Equal(t, "0812345678", sealing.Phone("0812345678"), "an area code is no country code")
}
