package seed_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/seed"
)

func TestSampleProgrammesAreMadeOnce(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	require.NoError(t, seed.Write(t.Context(), a.DB, seed.Options{}))
	for range 2 {
		require.NoError(t, seed.Loyalty(t.Context(), a.App.Resolvers.Points, a.App.Channels))
		var programmes, given, codes int
		require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT count(*), (SELECT sum(available) FROM point_accounts), (SELECT count(*) FROM point_codes WHERE daily) FROM point_programmes`).Scan(&programmes, &given, &codes))
		require.Equal(t, 1, codes)
		require.Equal(t, len(seed.Brands())+1, programmes)
		require.Equal(t, 1200, given)
	}
}
