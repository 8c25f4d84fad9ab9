package seed_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/seed"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

func TestSampleShopHasDocumentsOfEveryKind(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	require.NoError(t, seed.Write(t.Context(), db, seed.Options{}))
	now := clock.System()
	for range 2 { // again: what is there stays
		require.NoError(t, seed.WriteIssuers(t.Context(), db, now))
		require.NoError(t, seed.WriteOrders(t.Context(), db, now))
		require.NoError(t, seed.WriteAccounts(t.Context(), db, now))
		require.NoError(t, seed.WriteDocuments(t.Context(), db, now))
		counts := map[string]int{}
		for _, kind := range []string{"INVOICE", "DELIVERY_NOTE", "RECEIPT", "CREDIT_NOTE", "STATEMENT"} {
			var n, gaps int
			require.NoError(t, db.Pool().QueryRow(t.Context(), `SELECT count(*), coalesce(sum(last - n), 0)::int FROM (
				SELECT max(serial) AS last, count(*) AS n FROM documents WHERE kind = $1 GROUP BY brand_id) k`, kind).Scan(new(int), &gaps))
			require.NoError(t, db.Pool().QueryRow(t.Context(), `SELECT count(*) FROM documents WHERE kind = $1`, kind).Scan(&n))
			require.Zero(t, gaps, kind)
			counts[kind] = n
		}
		require.Equal(t, 34, counts["INVOICE"], "one for each order that shipped: 29 of members, 1 over a counter, 4 on account")
		require.Equal(t, 35, counts["DELIVERY_NOTE"], "one for each parcel, also of what replaces returned goods")
		require.Equal(t, 6, counts["RECEIPT"], "four, two of them again")
		require.Equal(t, 3, counts["CREDIT_NOTE"], "a price cut, and two receipts of returned goods")
		require.Positive(t, counts["STATEMENT"])
	}
}
