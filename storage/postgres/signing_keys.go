package postgres

import (
	"context"
	"time"

	"github.com/noren-commerce/noren/core/identity"
)

// SigningKeys keeps the keys that sign access tokens in PostgreSQL.
type SigningKeys struct{ db *DB }

// NewSigningKeys makes the signing keys' store.
func NewSigningKeys(db *DB) *SigningKeys { return &SigningKeys{db} }

// Keys are the keys that are valid at the moment, newest first.
func (s *SigningKeys) Keys(ctx context.Context, at time.Time) ([]identity.Key, error) {
	return collect[identity.Key](ctx, s.db, `
		SELECT id, public_key, private_key, created_at, signs_from, valid_until FROM signing_keys
		WHERE valid_until IS NULL OR valid_until > $1 ORDER BY signs_from DESC`, at)
}

// AddFirst keeps the key unless a valid one is there. Processes that start
// together take turns.
func (s *SigningKeys) AddFirst(ctx context.Context, k identity.Key) error {
	return s.db.InTx(ctx, func(ctx context.Context) error {
		if err := s.takeTurn(ctx); err != nil {
			return err
		}
		_, err := s.db.conn(ctx).Exec(ctx, insertKey+`
			WHERE NOT EXISTS (SELECT FROM signing_keys WHERE valid_until IS NULL OR valid_until > $4)`,
			k.ID, []byte(k.PublicKey), k.PrivateKey, k.CreatedAt, k.SignsFrom)
		return err
	})
}

// Rotate keeps the key and ends the validity of all others at the moment.
func (s *SigningKeys) Rotate(ctx context.Context, k identity.Key, othersUntil time.Time) error {
	return s.db.InTx(ctx, func(ctx context.Context) error {
		if err := s.takeTurn(ctx); err != nil {
			return err
		}
		conn := s.db.conn(ctx)
		if _, err := conn.Exec(ctx, `UPDATE signing_keys SET valid_until = $1 WHERE valid_until IS NULL OR valid_until > $1`, othersUntil); err != nil {
			return err
		}
		_, err := conn.Exec(ctx, insertKey, k.ID, []byte(k.PublicKey), k.PrivateKey, k.CreatedAt, k.SignsFrom)
		return err
	})
}

const insertKey = `INSERT INTO signing_keys (id, public_key, private_key, created_at, signs_from) SELECT $1, $2, $3, $4, $5`

func (s *SigningKeys) takeTurn(ctx context.Context) error {
	_, err := s.db.conn(ctx).Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext('noren signing keys'))`)
	return err
}
