package postgres

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/noren-commerce/noren/core/fault"
)

// maxAttempts bounds how often a transaction that PostgreSQL broke off is run again.
const maxAttempts = 5

type txKey struct{}

func txFrom(ctx context.Context) pgx.Tx {
	tx, _ := ctx.Value(txKey{}).(pgx.Tx)
	return tx
}

// InTx runs f in one transaction that every store joins through the context. An
// error from f rolls back. Inside a transaction it joins that one. PostgreSQL's
// serialisation failures and deadlocks run f again, and only here; a database
// that cannot be reached is fault.ErrUnavailable.
func (db *DB) InTx(ctx context.Context, f func(context.Context) error) error {
	if txFrom(ctx) != nil {
		return f(ctx)
	}
	for attempt := 1; ; attempt++ {
		err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
			return f(context.WithValue(ctx, txKey{}, tx))
		})
		if err == nil || attempt == maxAttempts || !runAgain(err) {
			return unavailable(err)
		}
		pause := time.Duration(attempt) * time.Duration(1+rand.IntN(10)) * time.Millisecond
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// runAgain reports whether nothing of the transaction has been kept, so that it
// may be run once more.
func runAgain(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "40001" || pg.Code == "40P01"
	}
	return pgconn.SafeToRetry(err)
}

// unavailable turns "the database does not answer" into fault.ErrUnavailable,
// keeping the cause; other errors stay as they are.
func unavailable(err error) error {
	var pg *pgconn.PgError
	var connect *pgconn.ConnectError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &pg):
		// 08 connection exception, 53 insufficient resources, 57P0x shutdown.
		if class := pg.Code[:2]; class == "08" || class == "53" || pg.Code[:4] == "57P0" {
			return errors.Join(fault.ErrUnavailable, err)
		}
		return err
	case errors.As(err, &connect), pgconn.SafeToRetry(err), isBroken(err):
		return errors.Join(fault.ErrUnavailable, err)
	}
	return err
}

func isUnavailable(err error) bool { return errors.Is(unavailable(err), fault.ErrUnavailable) }
