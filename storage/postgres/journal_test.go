package postgres_test

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

func TestDatabaseKeepsTheJournal(t *testing.T) {
	t.Parallel()
	p := pgtest.NewShop(t)
	journal := postgres.NewJournal(p.DB)
	now := clock.System()
	e := ledger.Entry{ID: id.New(), BrandID: p.BrandID, At: now, PostedAt: now, Kind: ledger.KindFee, Source: "test:1", Currency: "JPY"}
	e.DebitTo(ledger.Fees, "", 100)
	e.CreditTo(ledger.Bank, "", 100)
	require.NoError(t, journal.Post(t.Context(), e))

	again := e
	again.ID = id.New()
	require.NoError(t, journal.Post(t.Context(), again), "its source is written down once")
	all, err := journal.Balances(t.Context(), p.BrandID, nil)
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, int64(100), all[1].DebitMinor)

	broken := func(sql string) {
		t.Helper()
		_, err := p.DB.Pool().Exec(t.Context(), sql)
		var pg *pgconn.PgError
		require.True(t, errors.As(err, &pg), sql)
		require.Equal(t, "23514", pg.Code, sql)
	}
	off := e
	off.ID, off.Source, off.Lines = id.New(), "test:2", e.Lines[:1]
	require.ErrorContains(t, journal.Post(t.Context(), off), "does not balance")
	found, err := journal.Entry(t.Context(), p.BrandID, off.ID)
	require.NoError(t, err)
	require.Nil(t, found, "nothing of it is kept")
	broken(`INSERT INTO journal_lines (entry_id, position, account, debit, credit) SELECT id, 9, 'BANK', 1, 0 FROM journal_entries`)
	broken(`INSERT INTO journal_lines (entry_id, position, account, debit, credit) SELECT id, 9, 'BANK', 1, 1 FROM journal_entries`)
	broken(`INSERT INTO journal_lines (entry_id, position, account, debit, credit) SELECT id, 9, 'SHOES', 0, 1 FROM journal_entries`)
	broken(`UPDATE journal_lines SET debit = 1 WHERE debit > 0`)
	broken(`DELETE FROM journal_lines`)
	broken(`TRUNCATE journal_lines, journal_entries CASCADE`)
	broken(`UPDATE journal_entries SET memo = 'x'`)
	broken(`DELETE FROM journal_entries`)
}
