package postgres_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/display"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

// Without keys to seal with, addresses stand in clear: a request at the new address and the
// member's own for the same still become one.
func TestRequestsForWordFollowTheAddressWithoutKeys(t *testing.T) {
	t.Parallel()
	shop := pgtest.NewShop(t)
	ctx, now := t.Context(), time.Now()
	accounts, waiting := postgres.NewAccounts(shop.DB), postgres.NewDisplay(shop.DB)
	a := identity.Account{ID: id.New(), Role: access.RoleMember, Email: "hanako@example.jp", EmailVerifiedAt: &now, BrandID: &shop.BrandID, Language: "ja", CreatedAt: now, UpdatedAt: now}
	require.NoError(t, accounts.InsertAccount(ctx, a))
	leash, toy := shop.AddProduct(t, "leash", 100).Variants[0], shop.AddProduct(t, "toy", 100).Variants[0]
	for _, r := range []display.Request{
		{VariantID: leash, MemberID: &a.ID, Email: "hanako@example.jp"},
		{VariantID: toy, MemberID: &a.ID, Email: "hanako@example.jp"},
		{VariantID: leash, Email: "new@example.jp"},
	} {
		r.ID, r.BrandID, r.ChannelID, r.Language, r.CreatedAt = id.New(), shop.BrandID, shop.ChannelID, "ja", now
		_, err := waiting.Wait(ctx, r)
		require.NoError(t, err)
	}
	a.Email = "new@example.jp"
	require.NoError(t, accounts.SetEmail(ctx, a))
	require.NoError(t, accounts.Readdress(ctx, a, "hanako@example.jp"))
	n, err := postgres.One[int](ctx, shop.DB, `
		SELECT count(*)::int FROM restock_requests WHERE notified_at IS NULL AND closed_at IS NULL AND email = 'new@example.jp' AND member_id = $1`, a.ID)
	require.NoError(t, err)
	require.Equal(t, 2, n, "one for each, all the member's")
}
