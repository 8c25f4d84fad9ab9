package postgres_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/storage/embedded"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

func TestInTxRollsBackOnErrorAndJoinsWhatIsOpen(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	events := postgres.NewEvents(db)
	refused := errors.New("refused")
	err := db.InTx(t.Context(), func(ctx context.Context) error {
		require.NoError(t, events.Record(ctx, anEvent(ctx, "a")))
		return db.InTx(ctx, func(ctx context.Context) error {
			require.NoError(t, events.Record(ctx, anEvent(ctx, "b")))
			return refused
		})
	})
	require.ErrorIs(t, err, refused)
	require.Zero(t, countEvents(t, db), "the inner one is the outer one")
}

func TestCommittedHearsOfEventsOnlyAfterCommit(t *testing.T) {
	t.Parallel()
	var heard []string
	db := pgtest.New(t)
	db.OnCommit(func(_ context.Context, events []event.Event) {
		for _, e := range events {
			heard = append(heard, e.Type)
		}
		require.Equal(t, len(heard), countEvents(t, db), "committed and visible to others by now")
	})
	events := postgres.NewEvents(db)

	require.Error(t, db.InTx(t.Context(), func(ctx context.Context) error {
		require.NoError(t, events.Record(ctx, anEvent(ctx, "rolled.back")))
		return errors.New("no")
	}))
	require.Empty(t, heard)
	require.NoError(t, db.InTx(t.Context(), func(ctx context.Context) error {
		require.NoError(t, events.Record(ctx, anEvent(ctx, "one")))
		require.Empty(t, heard)
		return events.Record(ctx, anEvent(ctx, "two"))
	}))
	require.Equal(t, []string{"one", "two"}, heard)
	require.NoError(t, events.Record(t.Context(), anEvent(t.Context(), "three")))
	require.Equal(t, []string{"one", "two", "three"}, heard)
}

// Two transactions lock two rows in opposite orders: PostgreSQL kills one of
// them, and both must succeed all the same.
func TestInTxRunsADeadlockedTransactionAgain(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	_, err := db.Pool().Exec(t.Context(), `CREATE TABLE pair (k int PRIMARY KEY, n int); INSERT INTO pair VALUES (1, 0), (2, 0)`)
	require.NoError(t, err)
	var both, done sync.WaitGroup
	both.Add(2)
	runs := make(chan int, 100)
	add := func(first, second int) {
		defer done.Done()
		attempt := 0
		err := db.InTx(t.Context(), func(ctx context.Context) error {
			attempt++
			runs <- attempt
			if err := db.Run(ctx, `UPDATE pair SET n = n + 1 WHERE k = $1`, first); err != nil {
				return err
			}
			if attempt == 1 { // each holds its first row before it asks for the other's
				both.Done()
				both.Wait()
			}
			return db.Run(ctx, `UPDATE pair SET n = n + 1 WHERE k = $1`, second)
		})
		require.NoError(t, err)
	}
	done.Add(2)
	go add(1, 2)
	go add(2, 1)
	done.Wait()
	close(runs)
	again := 0
	for n := range runs {
		if n > 1 {
			again++
		}
	}
	require.Positive(t, again, "one was broken off and ran again")
	var sum int
	require.NoError(t, db.Pool().QueryRow(t.Context(), `SELECT sum(n) FROM pair`).Scan(&sum))
	require.Equal(t, 4, sum)
}

func TestInTxGivesUpAfterABoundedNumberOfAttempts(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	attempts := 0
	err := db.InTx(t.Context(), func(context.Context) error {
		attempts++
		return &pgconn.PgError{Code: "40001", Message: "could not serialize access"}
	})
	require.Error(t, err)
	require.Equal(t, 5, attempts)
}

func TestAPanicFreesTheConnection(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	require.Panics(t, func() {
		_ = db.InTx(t.Context(), func(context.Context) error { panic("bug") })
	})
	require.Zero(t, db.Pool().Stat().AcquiredConns())
}

func TestStatementsAreCountedSingleAndInBatches(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	ctx, statements := postgres.CountStatements(t.Context())
	require.NoError(t, db.Run(ctx, `SELECT 1`))
	require.Equal(t, 1, statements.Count())
	events := postgres.NewEvents(db)
	require.NoError(t, events.Record(ctx, anEvent(ctx, "a"), anEvent(ctx, "b"), anEvent(ctx, "c")))
	require.Equal(t, 2, statements.Count(), "one statement for all")
	require.NoError(t, db.InTx(ctx, func(ctx context.Context) error {
		return errors.Join(events.Record(ctx, anEvent(ctx, "d")), events.Record(ctx, anEvent(ctx, "e")), events.Record(ctx, anEvent(ctx, "f")))
	}))
	require.Equal(t, 7, statements.Count(), "begin, three in a batch, commit")
	require.NoError(t, db.Run(t.Context(), `SELECT 1`))
	require.Equal(t, 7, statements.Count(), "another context is not counted")
}

// A transaction begins with its first statement, and what nobody waits for goes
// along with what somebody does.
func TestATransactionMakesFewRoundTrips(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	events := postgres.NewEvents(db)
	for name, c := range map[string]struct {
		f          func(ctx context.Context) error
		statements int
		roundTrips int
	}{
		"nothing":        {func(context.Context) error { return nil }, 0, 0},
		"a read":         {func(ctx context.Context) error { _, err := postgres.One[int](ctx, db, `SELECT $1::int`, 1); return err }, 3, 2},
		"a write":        {func(ctx context.Context) error { return db.Run(ctx, `SELECT $1::int`, 1) }, 3, 2},
		"an event alone": {func(ctx context.Context) error { return events.Record(ctx, anEvent(ctx, "a")) }, 3, 2},
		"events before a read": {func(ctx context.Context) error {
			if err := errors.Join(events.Record(ctx, anEvent(ctx, "a")), events.Record(ctx, anEvent(ctx, "b"))); err != nil {
				return err
			}
			n, err := postgres.One[int](ctx, db, `SELECT count(*) FROM events WHERE type = ANY($1)`, []string{"a", "b"})
			require.GreaterOrEqual(t, n, 2, "the read sees what was asked before it")
			return err
		}, 5, 2},
	} {
		ctx, statements := postgres.CountStatements(t.Context())
		require.NoError(t, db.InTx(ctx, c.f), name)
		require.Equal(t, [2]int{c.statements, c.roundTrips}, [2]int{statements.Count(), statements.RoundTrips()}, name)
	}
}

func TestWhatWaitsFailsTheTransactionWithItsOwnError(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	events := postgres.NewEvents(db)
	require.NoError(t, events.Record(t.Context(), anEvent(t.Context(), "kept")))
	for name, next := range map[string]func(ctx context.Context) error{
		"at the commit": func(context.Context) error { return nil },
		"at a write":    func(ctx context.Context) error { return db.Run(ctx, `SELECT $1::int`, 1) },
		"at a read":     func(ctx context.Context) error { _, err := postgres.One[int](ctx, db, `SELECT $1::int`, 1); return err },
	} {
		runs := 0
		err := db.InTx(t.Context(), func(ctx context.Context) error {
			runs++
			broken := anEvent(ctx, "broken")
			broken.Data = []byte(`{`) // no JSON
			require.NoError(t, events.Record(ctx, anEvent(ctx, "lost"), broken), "it waits")
			return next(ctx)
		})
		var pg *pgconn.PgError
		require.ErrorAs(t, err, &pg, name)
		require.Equal(t, "22P02", pg.Code, name)
		require.Equal(t, 1, runs, name)
	}
	require.Equal(t, 1, countEvents(t, db))
	require.Zero(t, db.Pool().Stat().AcquiredConns())
}

// A PostgreSQL that goes and comes back: while it is gone the answer is
// fault.ErrUnavailable, at once; afterwards the old pool works, for readers and
// for writers, with no error at all.
func TestThePoolOutlivesARestartOfPostgreSQL(t *testing.T) {
	t.Parallel()
	options := embedded.PostgresOptions{DataDir: dataDir(t)}
	cluster, err := embedded.StartPostgres(t.Context(), options)
	require.NoError(t, err)
	options.Port = cluster.Port
	db, err := postgres.Open(t.Context(), cluster.URL, postgres.WithMaxConns(8))
	require.NoError(t, err)
	defer db.Close()
	write := func(ctx context.Context) error {
		return db.InTx(ctx, func(ctx context.Context) error { return db.Run(ctx, `INSERT INTO kept VALUES (1)`) })
	}
	require.NoError(t, db.Run(t.Context(), `CREATE TABLE kept (n int)`))
	openAll(t, db, 8)

	// Lost in the middle of a transaction, after its first statement.
	restarted := false
	err = db.InTx(t.Context(), func(ctx context.Context) error {
		if err := db.Run(ctx, `INSERT INTO kept VALUES (0)`); err != nil {
			return err
		}
		if !restarted {
			restarted = true
			require.NoError(t, cluster.Stop())
			cluster, err = embedded.StartPostgres(t.Context(), options)
			require.NoError(t, err)
		}
		return db.Run(ctx, `INSERT INTO kept VALUES (0)`)
	})
	require.NoError(t, err, "nothing of it had been kept, so it ran again")
	for range 8 {
		require.NoError(t, write(t.Context()), "each of the dead connections is replaced")
	}

	openAll(t, db, 8)
	require.NoError(t, cluster.Stop())
	began := time.Now()
	require.ErrorIs(t, write(t.Context()), fault.ErrUnavailable)
	require.ErrorIs(t, db.Run(t.Context(), `SELECT 1`), fault.ErrUnavailable)
	_, err = postgres.NewChannels(db).Channels(t.Context())
	require.ErrorIs(t, err, fault.ErrUnavailable)
	require.Less(t, time.Since(began), 3*time.Second, "no waiting for what is not there")

	cluster, err = embedded.StartPostgres(t.Context(), options)
	require.NoError(t, err)
	defer func() { _ = cluster.Stop() }()
	for range 8 {
		require.NoError(t, write(t.Context()))
	}
	var n int
	require.NoError(t, db.Pool().QueryRow(t.Context(), `SELECT count(*) FROM kept`).Scan(&n))
	require.Equal(t, 2+8+8, n, "nothing twice, nothing lost")
}

func TestAFullPoolIsUnavailableToo(t *testing.T) {
	t.Parallel()
	db, err := postgres.Open(t.Context(), pgtest.URL(t), postgres.WithMaxConns(1), postgres.WithAcquireTimeout(500*time.Millisecond))
	require.NoError(t, err)
	t.Cleanup(db.Close)
	held, err := db.Pool().Acquire(t.Context())
	require.NoError(t, err)
	require.ErrorIs(t, db.Run(t.Context(), `SELECT 1`), fault.ErrUnavailable)
	require.ErrorIs(t, db.InTx(t.Context(), func(ctx context.Context) error { return db.Run(ctx, `SELECT 1`) }), fault.ErrUnavailable)
	require.NoError(t, db.InTx(t.Context(), func(context.Context) error { return nil }), "what asks nothing needs no connection")
	held.Release()
	require.NoError(t, db.Run(t.Context(), `SELECT 1`))
}

// openAll makes n connections and leaves them idle.
func openAll(t *testing.T, db *postgres.DB, n int) {
	t.Helper()
	for range n {
		held, err := db.Pool().Acquire(t.Context())
		require.NoError(t, err)
		defer held.Release()
	}
}

func dataDir(t *testing.T) string {
	t.Helper()
	parent, err := os.MkdirTemp("/var/tmp", "noren-restart-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(parent, 0o755)) //nolint:gosec // the cluster's user must reach it
	t.Cleanup(func() { _ = os.RemoveAll(parent) })
	return filepath.Join(parent, "postgres")
}

func anEvent(ctx context.Context, eventType string) event.Event {
	return event.New(ctx, time.Now().UTC(), eventType, "Test", id.New(), nil)
}

func countEvents(t *testing.T, db *postgres.DB) int {
	t.Helper()
	var n int
	require.NoError(t, db.Pool().QueryRow(t.Context(), `SELECT count(*) FROM events`).Scan(&n))
	return n
}
