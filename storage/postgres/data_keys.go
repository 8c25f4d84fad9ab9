package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/sealing"
)

// DataKeys keeps the keys of personal data in PostgreSQL, wrapped.
type DataKeys struct{ db *DB }

// NewDataKeys makes the store of data keys.
func NewDataKeys(db *DB) *DataKeys { return &DataKeys{db} }

// DataKeys are all keys, newest first. In a transaction they are read by its own
// connection: to wait for another while holding one would let a full pool stand still.
func (s *DataKeys) DataKeys(ctx context.Context) ([]sealing.DataKey, error) {
	return collect[sealing.DataKey](ctx, s.db, `SELECT id, wrapped, created_at FROM data_keys ORDER BY created_at DESC, id`)
}

// AddDataKey keeps the key as the newest; of several processes that find none, one's is
// the first. A clock that goes wrong changes nothing: the first stays the oldest.
func (s *DataKeys) AddDataKey(ctx context.Context, k sealing.DataKey, onlyFirst bool) error {
	return s.db.InTx(context.WithValue(ctx, txKey{}, (*transaction)(nil)), func(ctx context.Context) error {
		if _, err := s.db.conn(ctx).Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext($1))`, "noren data keys"); err != nil {
			return err
		}
		_, err := s.db.conn(ctx).Exec(ctx, `
			INSERT INTO data_keys (id, wrapped, created_at) SELECT $1, $2, greatest($3::timestamptz, (SELECT max(created_at) + interval '1 microsecond' FROM data_keys))
			WHERE NOT ($4 AND EXISTS (SELECT FROM data_keys))`, k.ID, k.Wrapped, k.CreatedAt, onlyFirst)
		return err
	})
}

// Rewrap replaces how the keys are wrapped.
func (s *DataKeys) Rewrap(ctx context.Context, keys []sealing.DataKey) error {
	return s.db.InTx(ctx, func(ctx context.Context) error {
		batch := &pgx.Batch{}
		for _, k := range keys {
			batch.Queue(`UPDATE data_keys SET wrapped = $2 WHERE id = $1`, k.ID, k.Wrapped)
		}
		return s.db.conn(ctx).SendBatch(ctx, batch).Close()
	})
}
