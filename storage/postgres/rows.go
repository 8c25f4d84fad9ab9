package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
)

// collect reads every row into the struct T by column name, and opens what is sealed.
func collect[T any](ctx context.Context, db *DB, sql string, args ...any) ([]T, error) {
	all, err := read(ctx, db, sql, args, func(rows pgx.Rows) ([]T, error) {
		return pgx.CollectRows(rows, pgx.RowToStructByName[T])
	})
	if err != nil {
		return nil, err
	}
	for i := range all {
		if err := db.open(ctx, &all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// first reads the first row into the struct T, and opens what is sealed; nil if there is none.
func first[T any](ctx context.Context, db *DB, sql string, args ...any) (*T, error) {
	found, err := read(ctx, db, sql, args, func(rows pgx.Rows) (*T, error) {
		row, err := pgx.CollectOneRow(rows, pgx.RowToAddrOfStructByName[T])
		if errors.Is(err, pgx.ErrNoRows) {
			return nil, nil
		}
		return row, err
	})
	if err != nil || found == nil {
		return nil, err
	}
	return found, db.open(ctx, found)
}

// one reads the single value of the single row.
func one[T any](ctx context.Context, db *DB, sql string, args ...any) (T, error) {
	return read(ctx, db, sql, args, func(rows pgx.Rows) (T, error) {
		return pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
	})
}

// read runs a query. In a transaction it travels with what waits to be sent.
// Outside, a connection that broke is replaced and the query run once more: a
// restart of PostgreSQL costs a reader nothing.
func read[R any](ctx context.Context, db *DB, sql string, args []any, collect func(pgx.Rows) (R, error)) (R, error) {
	if tx := txFrom(ctx); tx != nil && tx.ahead() {
		return readWith(ctx, db, sql, args, collect)
	}
	run := func() (R, error) {
		rows, err := db.conn(ctx).Query(ctx, sql, args...)
		if err != nil {
			var none R
			return none, err
		}
		return collect(rows)
	}
	result, err := run()
	if err != nil && txFrom(ctx) == nil && ctx.Err() == nil && isDown(err) {
		db.broke()
		result, err = run()
	}
	return result, db.unavailable(ctx, err)
}

// readWith runs a query as a batch, so that what waits in the transaction goes
// along. What collect makes of the rows is no failure of the batch.
func readWith[R any](ctx context.Context, db *DB, sql string, args []any, collect func(pgx.Rows) (R, error)) (result R, err error) {
	var collected error
	batch := &pgx.Batch{}
	batch.Queue(sql, args...).Query(func(rows pgx.Rows) error {
		result, collected = collect(rows)
		return nil
	})
	if err := db.conn(ctx).SendBatch(ctx, batch).Close(); err != nil {
		return result, err
	}
	return result, collected
}
