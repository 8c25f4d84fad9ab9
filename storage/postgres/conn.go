package postgres

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/puddle/v2"

	"github.com/noren-commerce/noren/core/fault"
)

// conn is what a statement runs on: the transaction of the context, or the pool.
// A database that does not answer is fault.ErrUnavailable, whichever method met it.
type conn interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
	CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, rows pgx.CopyFromSource) (int64, error)
}

func (db *DB) conn(ctx context.Context) conn {
	if tx := txFrom(ctx); tx != nil {
		return guarded{tx, db}
	}
	return guarded{db.pool, db}
}

// guarded names a database that does not answer as what it is.
type guarded struct {
	conn
	db *DB
}

func (g guarded) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	tag, err := g.conn.Exec(ctx, sql, args...)
	if err != nil && txFrom(ctx) == nil && ctx.Err() == nil && pgconn.SafeToRetry(err) {
		g.db.broke()
		tag, err = g.conn.Exec(ctx, sql, args...)
	}
	return tag, g.db.unavailable(ctx, err)
}

func (g guarded) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	rows, err := g.conn.Query(ctx, sql, args...)
	return rows, g.db.unavailable(ctx, err)
}

func (g guarded) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return guardedRow{g.conn.QueryRow(ctx, sql, args...), ctx, g.db}
}

func (g guarded) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	return guardedBatch{g.conn.SendBatch(ctx, b), ctx, g.db}
}

func (g guarded) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, rows pgx.CopyFromSource) (int64, error) {
	n, err := g.conn.CopyFrom(ctx, table, columns, rows)
	return n, g.db.unavailable(ctx, err)
}

type guardedRow struct {
	pgx.Row
	ctx context.Context
	db  *DB
}

func (r guardedRow) Scan(dest ...any) error { return r.db.unavailable(r.ctx, r.Row.Scan(dest...)) }

type guardedBatch struct {
	pgx.BatchResults
	ctx context.Context
	db  *DB
}

func (b guardedBatch) Exec() (pgconn.CommandTag, error) {
	tag, err := b.BatchResults.Exec()
	return tag, b.db.unavailable(b.ctx, err)
}

func (b guardedBatch) Query() (pgx.Rows, error) {
	rows, err := b.BatchResults.Query()
	return rows, b.db.unavailable(b.ctx, err)
}

func (b guardedBatch) QueryRow() pgx.Row { return guardedRow{b.BatchResults.QueryRow(), b.ctx, b.db} }

func (b guardedBatch) Close() error { return b.db.unavailable(b.ctx, b.BatchResults.Close()) }

// unavailable turns "the database does not answer" into fault.ErrUnavailable,
// keeping the cause; other errors stay as they are.
func (db *DB) unavailable(ctx context.Context, err error) error {
	if err == nil || errors.Is(err, fault.ErrUnavailable) {
		return err
	}
	if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return errors.Join(fault.ErrUnavailable, err) // the wait for a connection, not the caller's own time
	}
	if !isDown(err) {
		return err
	}
	db.broke()
	return errors.Join(fault.ErrUnavailable, err)
}

// broke remembers that a connection died, so that its siblings are tested before
// they are used.
func (db *DB) broke() { db.brokeAt.Store(time.Now().UnixNano()) }

// isDown reports whether the database, or the way to it, failed rather than the
// statement.
func isDown(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		// 08 connection exception, 53 insufficient resources, 57P0x shutdown.
		return len(pg.Code) == 5 && (pg.Code[:2] == "08" || pg.Code[:2] == "53" || pg.Code[:4] == "57P0")
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return false
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || pgconn.SafeToRetry(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, puddle.ErrClosedPool)
}
