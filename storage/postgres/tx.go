package postgres

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/noren-commerce/noren/core/event"
)

// maxAttempts bounds how often a transaction that PostgreSQL broke off is run again.
const maxAttempts = 5

// Committed is told of the events of a transaction once it is committed and
// before InTx returns: whoever made the change hears of success only when this
// has run. It must not fail and must be quick.
type Committed func(ctx context.Context, events []event.Event)

// OnCommit tells f of the events of every transaction from now on. It is called
// while noren is put together, before anything is written.
func (db *DB) OnCommit(f Committed) { db.committed = append(db.committed, f) }

func (db *DB) tell(ctx context.Context, events []event.Event) {
	if len(events) == 0 {
		return
	}
	for _, f := range db.committed {
		f(ctx, events)
	}
}

type txKey struct{}

func txFrom(ctx context.Context) *transaction {
	tx, _ := ctx.Value(txKey{}).(*transaction)
	return tx
}

// Joined reports whether what is read in the context is read in a transaction,
// and so may be what is not committed.
func Joined(ctx context.Context) bool { return txFrom(ctx) != nil }

// InTx runs f in one transaction that every store joins through the context. An
// error from f rolls back. Inside a transaction it joins that one. What
// PostgreSQL broke off (a serialisation failure, a deadlock, a connection lost
// before commit) runs again, and only here, so f must change nothing but the
// database; a database that cannot be reached is fault.ErrUnavailable.
func (db *DB) InTx(ctx context.Context, f func(context.Context) error) error {
	if txFrom(ctx) != nil {
		return f(ctx)
	}
	for attempt := 1; ; attempt++ {
		err, again := db.attempt(ctx, f)
		if err == nil || !again || attempt == maxAttempts || ctx.Err() != nil {
			return db.unavailable(ctx, err)
		}
		pause := time.Duration(attempt) * time.Duration(1+rand.IntN(10)) * time.Millisecond //nolint:gosec // jitter
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// attempt runs f once. again says that it failed and nothing of it was kept.
func (db *DB) attempt(ctx context.Context, f func(context.Context) error) (err error, again bool) { //nolint:revive // the error is the answer
	tx := &transaction{pool: db.pool}
	defer func() {
		// After a commit this does nothing; after a panic it frees the connection.
		cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), acquireWithin)
		defer cancel()
		tx.rollback(cleanup)
	}()
	if err = f(context.WithValue(ctx, txKey{}, tx)); err == nil {
		err = tx.settle(ctx)
	}
	if err != nil {
		lost := tx.lost(err)
		if lost {
			db.broke()
		}
		return err, lost || isBrokenOff(err)
	}
	// A connection lost here leaves it open whether the commit came through:
	// nothing but PostgreSQL's own word lets it run again.
	if err = tx.commit(ctx); err != nil {
		return err, isBrokenOff(err)
	}
	db.tell(ctx, tx.events)
	return nil, false
}

// isBrokenOff reports a serialisation failure or a deadlock.
func isBrokenOff(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}

// recorded keeps the events until the transaction is committed; outside one
// they are committed already.
func (db *DB) recorded(ctx context.Context, events []event.Event) {
	if tx := txFrom(ctx); tx != nil {
		tx.events = append(tx.events, events...)
		return
	}
	db.tell(ctx, events)
}

// later asks for statements whose answers nobody waits for. In a transaction they
// travel with the next one that somebody waits for, or ahead of the commit, and
// fail there; outside they run at once.
func (db *DB) later(ctx context.Context, batch *pgx.Batch) error {
	if tx := txFrom(ctx); tx != nil {
		tx.waiting = append(tx.waiting, batch.QueuedQueries...)
		return nil
	}
	return db.conn(ctx).SendBatch(ctx, batch).Close()
}

// flush sends what waits in the transaction of the context.
func (db *DB) flush(ctx context.Context) error {
	tx := txFrom(ctx)
	if tx == nil {
		return nil
	}
	return db.unavailable(ctx, tx.flush(ctx))
}
