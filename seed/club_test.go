package seed_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/seed"
)

func TestTheSampleClubIsFilledOnce(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	require.NoError(t, seed.Write(t.Context(), a.DB, seed.Options{}))
	require.NoError(t, seed.WriteMembers(t.Context(), a.DB, clock.System()))
	r := a.App.Resolvers
	club := seed.Club{Members: r.Members, Vouchers: r.Vouchers, Wishes: r.Wishes, Channels: a.App.Channels}
	for range 2 {
		require.NoError(t, club.Fill(t.Context()))
		for sql, want := range map[string]int{
			`SELECT count(*) FROM voucher_batches WHERE value = 500 AND count = 20`: 1,
			`SELECT count(*) FROM members WHERE household_id IS NOT NULL`:           2,
			`SELECT count(*) FROM wish_lists`:                                       1,
			`SELECT count(*) FROM wishes WHERE notify`:                              3,
		} {
			var n int
			require.NoError(t, a.DB.Pool().QueryRow(t.Context(), sql).Scan(&n), sql)
			require.Equal(t, want, n, sql)
		}
	}
}
