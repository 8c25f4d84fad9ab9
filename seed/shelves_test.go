package seed_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/seed"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

func TestSampleShelvesAreArrangedOnce(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	require.NoError(t, seed.Write(t.Context(), db, seed.Options{}))
	var counts [6]int
	for range 2 {
		require.NoError(t, seed.WriteShelves(t.Context(), db, clock.System()))
		require.NoError(t, db.Pool().QueryRow(t.Context(), `SELECT (SELECT count(*) FROM sold_out_policies), (SELECT count(*) FROM display_rules),
			(SELECT count(*) FROM badges), (SELECT count(*) FROM category_pins), (SELECT count(*) FROM sale_terms), (SELECT count(*) FROM sets)`).
			Scan(&counts[0], &counts[1], &counts[2], &counts[3], &counts[4], &counts[5]))
		require.Equal(t, [6]int{4, 3, 3, 1, 4, 2}, counts)
	}
}
