package postgres_test

import (
	"crypto/sha256"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/display"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/storage/postgres"
)

const everyRequest = `SELECT string_agg(r::text, ' ') FROM restock_requests r`

// waiting asks for the variant and answers the request that waits.
func (v *vault) waiting(t *testing.T, variantID uuid.UUID, email string) uuid.UUID {
	t.Helper()
	kept, err := postgres.NewDisplay(v.DB).Wait(t.Context(), display.Request{
		ID: id.New(), BrandID: v.BrandID, ChannelID: v.ChannelID, VariantID: variantID, Name: "山田 花子", Email: email, Language: "ja", CreatedAt: v.now,
	})
	require.NoError(t, err)
	require.Equal(t, "山田 花子 "+email, kept.Name+" "+kept.Email)
	return kept.ID
}

func TestWhoWaitsForGoodsIsSealedAndWaitsOnce(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	ctx, store, personal := t.Context(), postgres.NewDisplay(v.DB), postgres.NewPersonal(v.DB, v.keys)
	p := v.AddProduct(t, "leash", 100, 200)
	leash, other := p.Variants[0], p.Variants[1]
	once := v.waiting(t, leash, "a@example.jp")
	require.Equal(t, once, v.waiting(t, leash, "a@example.jp"))

	v.DB.SealWith(v.keys)
	require.Equal(t, once, v.waiting(t, leash, "a@example.jp"), "one of an older version waits already")
	sealed := v.waiting(t, other, "a@example.jp")
	require.Equal(t, sealed, v.waiting(t, other, "a@example.jp"))
	require.NotEqual(t, sealed, v.waiting(t, other, "b@example.jp"))
	for range 2 {
		_, err := personal.Reseal(ctx, nil)
		require.NoError(t, err)
		for _, clear := range []string{"example.jp", "山田"} {
			require.NotContains(t, v.text(t, everyRequest), clear)
		}
		v.now = v.now.Add(time.Hour)
		_, err = v.keys.Rotate(ctx)
		require.NoError(t, err)
		require.Equal(t, once, v.waiting(t, leash, "a@example.jp"), "whatever key seals")
		require.Equal(t, sealed, v.waiting(t, other, "a@example.jp"))
	}

	// The link of one mail ends all that waits at the address, in clear or sealed.
	third := v.AddProduct(t, "bowl", 100).Variants[0]
	v.exec(t, `INSERT INTO restock_requests (id, brand_id, channel_id, variant_id, email, language, created_at) VALUES (gen_random_uuid(), $1, $2, $3, 'a@example.jp', 'ja', now())`, v.BrandID, v.ChannelID, third)
	token := sha256.Sum256([]byte("token"))
	require.NoError(t, store.Notified(ctx, sealed, token[:], v.now))
	known, err := store.CloseAll(ctx, token[:], v.now)
	require.NoError(t, err)
	require.True(t, known)
	require.Equal(t, "2", v.text(t, `SELECT count(*)::text FROM restock_requests WHERE closed_at IS NOT NULL`))
	require.Equal(t, "1", v.text(t, `SELECT count(*)::text FROM restock_requests WHERE closed_at IS NULL AND notified_at IS NULL`), "another's")
	known, err = store.CloseAll(ctx, []byte("another"), v.now)
	require.NoError(t, err)
	require.False(t, known)
}

// An older process may let the same address wait beside one that is sealed.
func TestAPairOfRequestsHoldsUpNoSealing(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	v.DB.SealWith(v.keys)
	leash := v.AddProduct(t, "leash", 100).Variants[0]
	v.waiting(t, leash, "a@example.jp")
	v.exec(t, `INSERT INTO restock_requests (id, brand_id, channel_id, variant_id, email, language, created_at) VALUES (gen_random_uuid(), $1, $2, $3, 'a@example.jp', 'ja', now())`, v.BrandID, v.ChannelID, leash)
	n, err := postgres.NewPersonal(v.DB, v.keys).Reseal(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.NotContains(t, v.text(t, everyRequest), "example.jp")
	require.Equal(t, "1", v.text(t, `SELECT count(lasting_hash)::text FROM restock_requests`))
}
