package seed_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/seed"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

func TestSampleQuotationsStandInEveryStateOnce(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	require.NoError(t, seed.Write(t.Context(), db, seed.Options{}))
	for range 2 {
		require.NoError(t, seed.WriteQuotations(t.Context(), db, clock.System()))
		var all, states, orders, bargains int
		require.NoError(t, db.Pool().QueryRow(t.Context(), `SELECT count(*), count(DISTINCT q.state), count(o.id),
			count(*) FILTER (WHERE o.total = (SELECT f.total FROM quotation_offers f WHERE f.quotation_id = q.id AND f.revision = q.revision))
			FROM quotations q LEFT JOIN orders o ON o.quotation_id = q.id`).Scan(&all, &states, &orders, &bargains))
		require.Equal(t, [4]int{6, 6, 1, 1}, [4]int{all, states, orders, bargains})
	}
}
