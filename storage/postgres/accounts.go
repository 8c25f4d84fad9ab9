package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/sealing"
)

// Accounts keeps accounts and sessions in PostgreSQL.
type Accounts struct{ db *DB }

// NewAccounts makes the accounts' store.
func NewAccounts(db *DB) *Accounts { return &Accounts{db} }

const accountColumns = `a.id, a.role, a.email, a.email_verified_at, a.name, a.password, a.brand_id, a.language, a.created_at, a.updated_at, a.closed_at`

// InsertAccount keeps a new account; an address that is taken is ErrEmailTaken.
func (s *Accounts) InsertAccount(ctx context.Context, a identity.Account) error {
	email := a.Email
	hash, err := s.db.addressHash(ctx, email)
	if err != nil {
		return err
	}
	keyID, err := s.db.seal(ctx, &a)
	if err != nil {
		return err
	}
	tag, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO accounts (id, role, email, address_hash, key_id, email_verified_at, name, password, brand_id, language, created_at, updated_at)
		SELECT $1, $2, $3, $4, $5, $6::timestamptz, $7, $8, $9::uuid, $10, $11::timestamptz, $12::timestamptz
		WHERE NOT EXISTS (SELECT FROM accounts WHERE email = $13 AND closed_at IS NULL AND key_id IS NULL) ON CONFLICT DO NOTHING`,
		a.ID, a.Role, a.Email, hash, keyID, a.EmailVerifiedAt, a.Name, a.Password, a.BrandID, a.Language, a.CreatedAt, a.UpdatedAt, email)
	if err == nil && tag.RowsAffected() == 0 {
		return identity.ErrEmailTaken
	}
	return err
}

// AccountByEmail is the open account with the normalised address; nil if there is none.
func (s *Accounts) AccountByEmail(ctx context.Context, email string) (*identity.Account, error) {
	hash, err := s.db.addressHash(ctx, email)
	if err != nil {
		return nil, err
	}
	return first[identity.Account](ctx, s.db, `SELECT `+accountColumns+` FROM accounts a WHERE a.id = `+accountAt(`$1`, `$2`), hash, email)
}

// Account is the open account; nil if there is none.
func (s *Accounts) Account(ctx context.Context, accountID uuid.UUID) (*identity.Account, error) {
	return first[identity.Account](ctx, s.db, `SELECT `+accountColumns+` FROM accounts a WHERE a.id = $1 AND a.closed_at IS NULL`, accountID)
}

// SetPassword replaces the stored hash.
func (s *Accounts) SetPassword(ctx context.Context, accountID uuid.UUID, hash string, at time.Time) error {
	_, err := s.db.conn(ctx).Exec(ctx, `UPDATE accounts SET password = $2, updated_at = $3 WHERE id = $1`, accountID, hash, at)
	return err
}

// InsertSession keeps a new session with its first refresh token.
func (s *Accounts) InsertSession(ctx context.Context, in identity.Session, refreshHash []byte) error {
	batch := &pgx.Batch{}
	batch.Queue(`
		INSERT INTO sessions (id, account_id, device, address, created_at, last_used_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		in.ID, in.AccountID, in.Device, in.Address, in.CreatedAt, in.LastUsedAt, in.ExpiresAt)
	batch.Queue(`INSERT INTO refresh_tokens (hash, session_id, issued_at) VALUES ($1, $2, $3)`, refreshHash, in.ID, in.CreatedAt)
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

// Rotate uses a refresh token up and keeps its successor. Of two that use one
// token at once, the second waits on its row and then finds it used.
func (s *Accounts) Rotate(ctx context.Context, r *identity.Rotation) (*identity.Account, error) {
	err := s.db.conn(ctx).QueryRow(ctx, `
		WITH used AS (
			UPDATE refresh_tokens t SET used_at = $3
			FROM sessions s JOIN accounts a ON a.id = s.account_id
			WHERE t.hash = $1 AND t.used_at IS NULL AND s.id = t.session_id
			  AND s.ended_at IS NULL AND s.expires_at > $3 AND a.closed_at IS NULL
			RETURNING t.session_id
		), extended AS (
			UPDATE sessions s SET last_used_at = $3, expires_at = $4 FROM used WHERE s.id = used.session_id
		)
		INSERT INTO refresh_tokens (hash, session_id, issued_at) SELECT $2, session_id, $3 FROM used
		RETURNING session_id`, r.Old, r.New, r.At, r.ExpiresAt).Scan(&r.SessionID)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return first[identity.Account](ctx, s.db, `
		SELECT `+accountColumns+` FROM accounts a JOIN sessions s ON s.account_id = a.id WHERE s.id = $1`, r.SessionID)
}

// SessionOfUsed is the session whose token with the hash was used before; nil if
// there is no such token.
func (s *Accounts) SessionOfUsed(ctx context.Context, refreshHash []byte) (*uuid.UUID, error) {
	return orNone(one[uuid.UUID](ctx, s.db, `SELECT session_id FROM refresh_tokens WHERE hash = $1 AND used_at IS NOT NULL`, refreshHash))
}

// EndSession ends an open session, of the account if one is named, and answers
// whose it was; nil if there is none.
func (s *Accounts) EndSession(ctx context.Context, accountID *uuid.UUID, sessionID uuid.UUID, reason string, at time.Time) (*uuid.UUID, error) {
	return orNone(one[uuid.UUID](ctx, s.db, `
		UPDATE sessions SET ended_at = $4, end_reason = $3
		WHERE id = $2 AND ended_at IS NULL AND account_id = coalesce($1, account_id)
		RETURNING account_id`, accountID, sessionID, reason, at))
}

// orNone turns "no row" into nil.
func orNone[T any](value T, err error) (*T, error) {
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &value, nil
}

// Sessions are the accounts' open sessions, last used first.
func (s *Accounts) Sessions(ctx context.Context, accountIDs []uuid.UUID, at time.Time) ([]identity.Session, error) {
	return collect[identity.Session](ctx, s.db, `
		SELECT id, account_id, device, address, created_at, last_used_at, expires_at, ended_at FROM sessions
		WHERE account_id = ANY($1) AND ended_at IS NULL AND expires_at > $2 ORDER BY last_used_at DESC, id DESC LIMIT 1000`, accountIDs, at)
}

// EndSessions ends the account's open sessions but the one to keep, and answers
// which those were.
func (s *Accounts) EndSessions(ctx context.Context, accountID, keep uuid.UUID, reason string, at time.Time) ([]uuid.UUID, error) {
	return column[uuid.UUID](ctx, s.db, `
		UPDATE sessions SET ended_at = $4, end_reason = $3 WHERE account_id = $1 AND id <> $2 AND ended_at IS NULL
		RETURNING id`, accountID, keep, reason, at)
}

// column reads the single value of every row.
func column[T any](ctx context.Context, db *DB, sql string, args ...any) ([]T, error) {
	return read(ctx, db, sql, args, func(rows pgx.Rows) ([]T, error) { return pgx.CollectRows(rows, pgx.RowTo[T]) })
}

// standingColumns are what the account a comes to, whatever the session.
const standingColumns = `a.id AS account_id, a.role,
	ARRAY(SELECT DISTINCT p FROM account_groups m JOIN permission_groups g ON g.id = m.group_id, unnest(g.permissions) p
		WHERE m.account_id = a.id AND a.role IN ('STORE_STAFF', 'STAFF')) AS permissions,
	ARRAY(SELECT l.location_id FROM account_stores l WHERE l.account_id = a.id) AS stores,
	ARRAY(SELECT n FROM account_groups m JOIN permission_groups g ON g.id = m.group_id, unnest(g.networks) n
		WHERE m.account_id = a.id) AS networks,
	CASE WHEN a.role IN ('STORE_STAFF', 'STAFF', 'ADMIN') THEN (SELECT y.networks FROM staff_policy y) ELSE '{}' END AS office`

// Standing is what an open session and its open account come to; nil without.
func (s *Accounts) Standing(ctx context.Context, sessionID uuid.UUID, at time.Time) (*identity.Standing, error) {
	return first[identity.Standing](ctx, s.db, `
		SELECT s.id AS session_id, `+standingColumns+` FROM sessions s JOIN accounts a ON a.id = s.account_id
		WHERE s.id = $1 AND s.ended_at IS NULL AND s.expires_at > $2 AND a.closed_at IS NULL`, sessionID, at)
}

// AccountStanding is what the account alone comes to; nil if it is not open.
func (s *Accounts) AccountStanding(ctx context.Context, accountID uuid.UUID) (*identity.Standing, error) {
	return first[identity.Standing](ctx, s.db, `
		SELECT '00000000-0000-0000-0000-000000000000'::uuid AS session_id, `+standingColumns+` FROM accounts a
		WHERE a.id = $1 AND a.closed_at IS NULL`, accountID)
}

// InsertToken keeps a new token; older unused ones of its purpose are void, and those whose
// time is over are gone, with the addresses that they went to.
func (s *Accounts) InsertToken(ctx context.Context, t identity.OneTimeToken) error {
	email, err := s.db.sealed(ctx, "email", t.AccountID, t.Email)
	if err != nil {
		return err
	}
	batch := &pgx.Batch{}
	batch.Queue(`
		WITH over AS (DELETE FROM one_time_tokens WHERE account_id = $1 AND expires_at <= $3)
		UPDATE one_time_tokens SET used_at = $3 WHERE account_id = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3`, t.AccountID, t.Purpose, t.CreatedAt)
	batch.Queue(`
		INSERT INTO one_time_tokens (hash, account_id, purpose, email, created_at, expires_at, by_shop) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		t.Hash, t.AccountID, t.Purpose, email, t.CreatedAt, t.ExpiresAt, t.ByShop)
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

// UseToken uses a token up; nil unless it is unused, in time, of the purpose, and
// its account open and still at the address that the token was sent to.
func (s *Accounts) UseToken(ctx context.Context, hash []byte, purpose identity.Purpose, at time.Time) (*identity.Account, error) {
	used, err := first[usedToken](ctx, s.db, `
		UPDATE one_time_tokens t SET used_at = $3 FROM accounts a
		WHERE t.hash = $1 AND t.purpose = $2 AND t.used_at IS NULL AND t.expires_at > $3
		  AND a.id = t.account_id AND a.closed_at IS NULL
		RETURNING `+accountColumns+`, t.email AS sent_to`, hash, purpose, at)
	if err != nil || used == nil || used.SentTo != used.Email {
		return nil, err
	}
	return &used.Account, nil
}

// usedToken is the account of a token, with the address that it was sent to.
type usedToken struct {
	identity.Account
	SentTo string
}

// Sealed are the values that are sealed with the account.
func (t *usedToken) Sealed() (uuid.UUID, []sealing.Column) {
	owner, columns := t.Account.Sealed()
	return owner, append(columns, sealing.Column{Field: "email", Value: sealing.Text(&t.SentTo)})
}

// SetEmailVerified notes that the address is the account's.
func (s *Accounts) SetEmailVerified(ctx context.Context, accountID uuid.UUID, at time.Time) error {
	_, err := s.db.conn(ctx).Exec(ctx, `UPDATE accounts SET email_verified_at = $2, updated_at = $2 WHERE id = $1`, accountID, at)
	return err
}
