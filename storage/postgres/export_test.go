package postgres

import "context"

// Run runs a statement as a store does.
func (db *DB) Run(ctx context.Context, sql string, args ...any) error {
	_, err := db.conn(ctx).Exec(ctx, sql, args...)
	return err
}
