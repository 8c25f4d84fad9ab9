package seed_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/seed"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

func TestSampleCompanyBuysOnAccountOnce(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	require.NoError(t, seed.Write(t.Context(), db, seed.Options{}))
	for range 2 {
		require.NoError(t, seed.WriteAccounts(t.Context(), db, clock.System()))
		var orders, statements, open, matched int
		require.NoError(t, db.Pool().QueryRow(t.Context(), `SELECT (SELECT count(*) FROM orders WHERE payment_method = 'ON_ACCOUNT' AND status = 'SHIPPED'),
			(SELECT count(*) FROM account_statements WHERE closing > 0), (SELECT count(*) FROM bank_lines WHERE state = 'OPEN'), (SELECT count(*) FROM bank_lines WHERE state = 'MATCHED')`).Scan(&orders, &statements, &open, &matched))
		require.Equal(t, []int{4, 2, 1}, []int{orders, open, matched})
		require.Positive(t, statements)
		var owed, receivable, off int64
		require.NoError(t, db.Pool().QueryRow(t.Context(), `SELECT (SELECT sum(used) FROM company_credit), sum(debit - credit) FILTER (WHERE account = 'RECEIVABLE'), sum(debit - credit) FROM journal_lines`).Scan(&owed, &receivable, &off))
		require.Equal(t, owed, receivable, "all that is owed has shipped")
		require.Zero(t, off)
	}
}
