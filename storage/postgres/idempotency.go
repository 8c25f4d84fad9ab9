package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/idempotency"
)

// Keys keeps idempotency keys in PostgreSQL.
type Keys struct{ db *DB }

// NewKeys makes the store of idempotency keys.
func NewKeys(db *DB) *Keys { return &Keys{db} }

// Claim takes the key, in one statement. Two claims of one key at once: the second
// waits on the first's row, and then finds the answer in it.
func (s *Keys) Claim(ctx context.Context, c idempotency.Claim) idempotency.Claimed {
	var held []claim
	batch := &pgx.Batch{}
	queueRows(batch, &held, nil, `
		INSERT INTO idempotency_keys AS k (scope, operation, key, input_hash, answer, created_at)
		VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (scope, operation, key) DO UPDATE SET created_at = k.created_at
		RETURNING k.input_hash, k.answer, k.xmax <> 0 AS earlier, NOT EXISTS (SELECT FROM brands OFFSET 1) AS one_brand`,
		c.Scope, c.Operation, c.Key, c.InputHash, c.Answer, c.At)
	failed := s.db.later(ctx, batch)
	return func(ctx context.Context) (*idempotency.Earlier, error) {
		if err := errors.Join(failed, s.db.flush(ctx)); err != nil {
			return nil, err
		}
		if len(held) != 1 {
			return nil, errors.New("an idempotency key was claimed without an answer")
		}
		if !held[0].Earlier {
			return nil, nil
		}
		return &idempotency.Earlier{InputHash: held[0].InputHash, Answer: held[0].Answer, OneBrand: held[0].OneBrand}, nil
	}
}

// claim is the row of a key: our own, or an earlier taker's.
type claim struct {
	InputHash []byte
	Answer    json.RawMessage
	Earlier   bool
	OneBrand  bool
}

// Keep notes the answer to a claim.
func (s *Keys) Keep(ctx context.Context, c idempotency.Claim, answer json.RawMessage) error {
	batch := &pgx.Batch{}
	batch.Queue(`
		UPDATE idempotency_keys SET answer = $4 WHERE scope = $1 AND operation = $2 AND key = $3`,
		c.Scope, c.Operation, c.Key, answer)
	return s.db.later(ctx, batch)
}

// Forget removes at most so many keys that are older than the moment, and counts them.
func (s *Keys) Forget(ctx context.Context, before time.Time, most int) (int, error) {
	tag, err := s.db.conn(ctx).Exec(ctx, `
		DELETE FROM idempotency_keys WHERE ctid = ANY(ARRAY(SELECT ctid FROM idempotency_keys WHERE created_at < $1 ORDER BY created_at LIMIT $2))`, before, most)
	return int(tag.RowsAffected()), err
}
