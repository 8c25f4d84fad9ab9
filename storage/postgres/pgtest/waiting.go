package pgtest

import (
	"context"
	"testing"

	"github.com/noren-commerce/noren/storage/postgres"
)

// Waits reports whether somebody in the database waits for what another transaction holds.
func Waits(t testing.TB, db *postgres.DB) (waits bool) {
	err := db.Pool().QueryRow(context.WithoutCancel(t.Context()), `
		SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')`).Scan(&waits)
	return err == nil && waits
}
