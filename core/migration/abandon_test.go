package migration_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/migration"
	"github.com/noren-commerce/noren/storage/postgres"
)

func TestFilesThatNobodyGoesOnWithAreDropped(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	store := postgres.NewDataMigrations(d.db, nil, d.keys)
	const day = 24 * time.Hour
	run := func(state migration.State, sent, looked time.Duration, chunks int) uuid.UUID {
		r := migration.Run{
			ID: id.New(), BrandID: d.shop.BrandID, ChannelID: d.shop.ChannelID, Kind: migration.Members, FileName: "old.csv", State: state,
			Conversions: migration.Conversions{}, CreatedAt: noon.Add(-sent),
		}
		r.FileHash = r.ID.String()
		if looked > 0 {
			at := noon.Add(-looked)
			r.PreviewedAt = &at
		}
		require.NoError(t, store.Insert(t.Context(), r))
		for n := range chunks {
			require.NoError(t, store.AddChunk(t.Context(), r.ID, n, []byte("sealed")))
		}
		d.exec(t, `INSERT INTO migration_names (run_id, hash, line) VALUES ($1, 1, 1)`, r.ID)
		return r.ID
	}
	job := func(of uuid.UUID, finalized string) {
		d.exec(t, `INSERT INTO river_job (state, args, kind, max_attempts, finalized_at) VALUES (CASE WHEN $2 = '' THEN 'retryable' ELSE 'discarded' END::river_job_state,
			jsonb_build_object('runId', $1::uuid), 'migrate_data', 25, nullif($2, '')::timestamptz)`, of, finalized)
	}
	gone := map[string]uuid.UUID{
		"queued":  run(migration.Queued, 15*day, 0, 2),
		"reading": run(migration.Reading, 15*day, 0, 2),
		"seen":    run(migration.Previewed, 30*day, 15*day, 2),
		"taking":  run(migration.Committing, 40*day, 20*day, 2),
		"dry run": run(migration.Previewed, 15*day, 15*day, 0), // of the command, which keeps no file
	}
	job(gone["taking"], "2026-06-01")
	kept := map[string]uuid.UUID{
		"young":         run(migration.Queued, 13*day, 0, 2),
		"seen lately":   run(migration.Previewed, 30*day, 13*day, 2),
		"waiting":       run(migration.Committing, 40*day, 20*day, 2),
		"the command's": run(migration.Committing, 40*day, 0, 0), // which is gone on with by --resume
	}
	job(kept["waiting"], "")
	require.NoError(t, d.past.Abandon(t.Context()))
	require.NoError(t, d.past.Abandon(t.Context()))
	left := func(key uuid.UUID) int {
		return d.count(t, `SELECT (SELECT count(*) FROM migration_chunks WHERE run_id = $1) + (SELECT count(*) FROM migration_names WHERE run_id = $1)`, key)
	}
	for name, key := range gone {
		got, err := store.Run(t.Context(), uuid.Nil, key)
		require.NoError(t, err)
		want := migration.Discarded
		if name == "taking" {
			want = migration.Failed
			require.NotEmpty(t, got.Failure)
		}
		require.Equal(t, want, got.State, name)
		require.NotNil(t, got.FinishedAt, name)
		require.Zero(t, left(key), name)
	}
	for name, key := range kept {
		got, err := store.Run(t.Context(), uuid.Nil, key)
		require.NoError(t, err)
		require.Nil(t, got.FinishedAt, name)
		require.Positive(t, left(key), name)
	}
	require.Equal(t, len(gone), d.count(t, `SELECT count(*) FROM events WHERE type = 'migration.abandoned' AND brand_id = $1`, d.shop.BrandID), "once each")
}
