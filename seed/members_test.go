package seed_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/seed"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

func TestSampleMembersAreThereOnce(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	require.NoError(t, seed.Write(t.Context(), db, seed.Options{}))
	for range 2 {
		require.NoError(t, seed.WriteMembers(t.Context(), db, clock.System()))
	}
	for sql, want := range map[string]int{
		`SELECT count(*) FROM members`:                                     len(seed.Members()),
		`SELECT count(*) FROM member_cards`:                                len(seed.Members()),
		`SELECT count(*) FROM purchases`:                                   8,
		`SELECT count(*) FROM purchases WHERE member_id IS NOT NULL`:       6,
		`SELECT count(*) FROM purchase_problems WHERE state = 'OPEN'`:      2,
		`SELECT count(*) FROM purchase_lines WHERE variant_id IS NOT NULL`: 7,
		`SELECT count(*) FROM member_ranks`:                                3,
		`SELECT coalesce(sum(refused), 0)::int FROM purchase_imports`:      0,
	} {
		var n int
		require.NoError(t, db.Pool().QueryRow(t.Context(), sql).Scan(&n), sql)
		require.Equal(t, want, n, sql)
	}
}
