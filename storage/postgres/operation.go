package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/operation"
)

// Operations keeps the registry of operations in PostgreSQL.
type Operations struct{ db *DB }

// NewOperations makes the store of registered operations.
func NewOperations(db *DB) *Operations { return &Operations{db} }

const registeredColumns = `client, id, name, kind, source, registered_at, retired_at, uses, last_used_at`

// Register adds what is new and revives what was retired.
func (s *Operations) Register(ctx context.Context, operations []operation.Operation) (int, error) {
	added := 0
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		added = 0
		batch := &pgx.Batch{}
		for _, o := range operations {
			batch.Queue(`
				INSERT INTO operations (client, id, name, kind, source, registered_at)
				VALUES ($1, $2, $3, $4, $5, $6)
				ON CONFLICT (client, id) DO UPDATE SET retired_at = NULL, source = EXCLUDED.source, name = EXCLUDED.name
				WHERE operations.retired_at IS NOT NULL`,
				o.Client, o.ID, o.Name, o.Kind, o.Source, o.RegisteredAt)
		}
		results := s.db.conn(ctx).SendBatch(ctx, batch)
		for range operations {
			tag, err := results.Exec()
			if err != nil {
				_ = results.Close()
				return err
			}
			added += int(tag.RowsAffected())
		}
		return results.Close()
	})
	return added, err
}

// Runnable are the operations with the id that are not retired.
func (s *Operations) Runnable(ctx context.Context, id string) ([]operation.Operation, error) {
	return collect[operation.Operation](ctx, s.db, `
		SELECT `+registeredColumns+` FROM operations WHERE id = $1 AND retired_at IS NULL ORDER BY client`, id)
}

// Operations are a client's, or everyone's for an empty client, newest first.
func (s *Operations) Operations(ctx context.Context, client string) ([]operation.Operation, error) {
	return collect[operation.Operation](ctx, s.db, `
		SELECT `+registeredColumns+` FROM operations WHERE $1 IN ('', client)
		ORDER BY client, name, registered_at DESC, id`, client)
}

// Retire makes operations unrunnable.
func (s *Operations) Retire(ctx context.Context, r operation.Retirement) (int, error) {
	tag, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE operations SET retired_at = @at
		WHERE client = @client AND retired_at IS NULL AND CASE
			WHEN cardinality(@ids::text[]) > 0 THEN id = ANY (@ids)
			ELSE id <> ALL (@keep::text[]) AND coalesce(last_used_at, registered_at) < @since
		END`, pgx.NamedArgs{
		"at": r.At, "client": r.Client, "ids": orEmpty(r.IDs), "keep": orEmpty(r.Keep), "since": r.UnusedSince,
	})
	return int(tag.RowsAffected()), err
}

// CountUses adds to the counts.
func (s *Operations) CountUses(ctx context.Context, uses []operation.Use) error {
	var clients, ids []string
	var times []int64
	var last []time.Time
	for _, u := range uses {
		clients, ids = append(clients, u.Client), append(ids, u.ID)
		times, last = append(times, u.Times), append(last, u.LastAt)
	}
	_, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE operations o SET uses = o.uses + u.times, last_used_at = greatest(o.last_used_at, u.last_at)
		FROM unnest($1::text[], $2::text[], $3::bigint[], $4::timestamptz[]) AS u (client, id, times, last_at)
		WHERE o.client = u.client AND o.id = u.id`, clients, ids, times, last)
	return err
}

func orEmpty[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}
