package resolvers_test

import (
	"testing"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

// migrationOperations are those of past data.
var migrationOperations = map[string]clientOperation{
	"admin/Migrations": {1, asked(func(t *testing.T, w *world) apptest.Variables {
		for range w.size {
			w.past(t, "PREVIEWED")
		}
		return nil
	})},
	"admin/Migration": {1, asked(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"id": w.past(t, "PREVIEWED")} })},
	"admin/MigrationRemarks": {2, asked(func(t *testing.T, w *world) apptest.Variables {
		run := w.past(t, "PREVIEWED")
		_, key, _ := id.Parse(run)
		exec(t, w.App, `INSERT INTO migration_remarks (run_id, number, line, "column", value, kind, ja, en) SELECT $1, n, n, 'c', '', 'NOTICED', '', '' FROM generate_series(1, $2::int) n`, key, w.size)
		return apptest.Variables{"migrationId": run}
	})},
	"admin/DuplicateMembers": {1, asked(func(t *testing.T, w *world) apptest.Variables {
		for range w.size {
			w.pair(t)
		}
		return nil
	})},
	"admin/UploadMigration": {7, input(func(*testing.T, *world) apptest.Variables {
		return apptest.Variables{"kind": "MEMBERS", "mapping": pastMapping, "file": attached(pastMembers)}
	})},
	"admin/CommitMigration":  {7, input(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"id": w.past(t, "PREVIEWED")} })},
	"admin/DiscardMigration": {6, input(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"id": w.past(t, "PREVIEWED")} })},
	"admin/ExportMigrationReport": {2, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"id": w.past(t, "COMMITTED")}
	})},
	"admin/SettleDuplicateMember": {5, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"duplicateId": w.pair(t), "reason": "別人"}
	})},
}

// past is a file of past data in the state.
func (w *world) past(t *testing.T, state string) string {
	t.Helper()
	key := id.New()
	exec(t, w.App, `INSERT INTO migrations (id, brand_id, channel_id, kind, file_name, file_hash, mapping, state, created_at)
		SELECT $1, $2, (SELECT id FROM channels WHERE brand_id = $2 ORDER BY id LIMIT 1), 'MEMBERS', 'old.csv', gen_random_uuid()::text, '', $3, now()`, key, w.BrandID, state)
	return id.Global("Migration", key)
}

// pair is a pair of members that may be one.
func (w *world) pair(t *testing.T) string {
	t.Helper()
	key, one, two := id.New(), id.New(), id.New()
	exec(t, w.App, `INSERT INTO members (id, created_at, updated_at) VALUES ($1, now(), now()), ($2, now(), now())`, one, two)
	exec(t, w.App, `INSERT INTO duplicate_members (id, brand_id, run_id, member_id, other_id, likenesses, state, created_at) VALUES ($1, $2, $1, $3, $4, '{EMAIL}', 'OPEN', now())`, key, w.BrandID, one, two)
	return id.Global("DuplicateMember", key)
}
