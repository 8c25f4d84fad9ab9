package postgres

import "context"

// Run runs a statement as a store does.
func (db *DB) Run(ctx context.Context, sql string, args ...any) error {
	_, err := db.conn(ctx).Exec(ctx, sql, args...)
	return err
}

// One reads a single value as a store does.
func One[T any](ctx context.Context, db *DB, sql string, args ...any) (T, error) {
	return one[T](ctx, db, sql, args...)
}
