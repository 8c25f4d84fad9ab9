package postgres

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/idempotency"
)

// Keys keeps idempotency keys in PostgreSQL.
type Keys struct{ db *DB }

// NewKeys makes the store of idempotency keys.
func NewKeys(db *DB) *Keys { return &Keys{db} }

// Claim takes the key. Two claims of one key at once: the second waits on the
// first's row, and reads its answer in the statement after.
func (s *Keys) Claim(ctx context.Context, c idempotency.Claim) (*idempotency.Earlier, error) {
	tag, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO idempotency_keys (scope, operation, key, input_hash, created_at)
		VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`, c.Scope, c.Operation, c.Key, c.InputHash, c.At)
	if err != nil || tag.RowsAffected() == 1 {
		return nil, err
	}
	var e idempotency.Earlier
	err = s.db.conn(ctx).QueryRow(ctx, `
		SELECT input_hash, answer FROM idempotency_keys WHERE scope = $1 AND operation = $2 AND key = $3`,
		c.Scope, c.Operation, c.Key).Scan(&e.InputHash, &e.Answer)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, errors.New("idempotency key vanished while it was claimed")
	}
	return &e, err
}

// Keep notes the answer to a claim.
func (s *Keys) Keep(ctx context.Context, c idempotency.Claim, answer json.RawMessage) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE idempotency_keys SET answer = $4 WHERE scope = $1 AND operation = $2 AND key = $3`,
		c.Scope, c.Operation, c.Key, answer)
	return err
}
