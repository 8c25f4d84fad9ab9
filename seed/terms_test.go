package seed_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/seed"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

func TestSampleTermsAreAgreedOnce(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	require.NoError(t, seed.Write(t.Context(), db, seed.Options{}))
	for range 2 {
		require.NoError(t, seed.WriteTerms(t.Context(), db, clock.System()))
		var counts [6]int
		require.NoError(t, db.Pool().QueryRow(t.Context(), `SELECT (SELECT count(*) FROM rates), (SELECT count(*) FROM quantity_discounts),
			(SELECT count(*) FROM prices p JOIN price_lists l ON l.id = p.price_list_id WHERE l.audience_kind = 'COMPANY'),
			(SELECT count(*) FROM campaigns WHERE status = 'READY'), (SELECT count(*) FROM coupons), (SELECT count(DISTINCT k) FROM campaigns, jsonb_path_query(benefits, '$[*].kind') k)`).
			Scan(&counts[0], &counts[1], &counts[2], &counts[3], &counts[4], &counts[5]))
		require.Equal(t, [6]int{6, 2, 3, 16, 101, 10}, counts)
		var watched, coming int
		require.NoError(t, db.Pool().QueryRow(t.Context(), `SELECT (SELECT count(*) FROM stock_levels WHERE reorder_point IS NOT NULL), (SELECT sum(incoming) FROM stock_levels)`).Scan(&watched, &coming))
		require.Equal(t, [2]int{8, 192}, [2]int{watched, coming})
		var lots, pieces int
		require.NoError(t, db.Pool().QueryRow(t.Context(), `SELECT count(*), sum(available) FROM stock_lot_levels k JOIN stock_lots t ON t.id = k.lot_id WHERE t.number <> ''`).Scan(&lots, &pieces))
		require.Equal(t, [2]int{2, 48}, [2]int{lots, pieces})
	}
}
