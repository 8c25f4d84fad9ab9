package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/identity"
)

// Linked is the open account that the provider's person holds; nil if there is none.
func (s *Accounts) Linked(ctx context.Context, issuer, subject string) (*identity.Account, error) {
	return first[identity.Account](ctx, s.db, `
		SELECT `+accountColumns+` FROM login_links l JOIN accounts a ON a.id = l.account_id
		WHERE l.issuer = $1 AND l.subject = $2 AND a.closed_at IS NULL`, issuer, subject)
}

// Link keeps the link; false if the person holds another open account. A link to
// an account that was closed gives way.
func (s *Accounts) Link(ctx context.Context, l identity.Link) (bool, error) {
	keyID, err := s.db.seal(ctx, &l)
	if err != nil {
		return false, err
	}
	tag, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO login_links AS l (id, account_id, provider, issuer, subject, email, created_at, key_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (issuer, subject) DO UPDATE SET id = $1, account_id = $2, provider = $3, email = $6, created_at = $7, key_id = $8
		WHERE l.account_id = $2 OR EXISTS (SELECT FROM accounts a WHERE a.id = l.account_id AND a.closed_at IS NOT NULL)`,
		l.ID, l.AccountID, l.Provider, l.Issuer, l.Subject, l.Email, l.CreatedAt, keyID)
	return tag.RowsAffected() > 0, err
}

// Links are the logins elsewhere of the accounts, oldest first.
func (s *Accounts) Links(ctx context.Context, accountIDs []uuid.UUID) ([]identity.Link, error) {
	return collect[identity.Link](ctx, s.db, `
		SELECT id, account_id, provider, issuer, subject, email, created_at FROM login_links
		WHERE account_id = ANY($1) ORDER BY id`, accountIDs)
}

// Unlink removes a link of the account; false if it has no such link.
func (s *Accounts) Unlink(ctx context.Context, accountID, linkID uuid.UUID) (bool, error) {
	// The account's row makes two removals take turns: the last link stays.
	if _, err := s.db.conn(ctx).Exec(ctx, `SELECT FROM accounts WHERE id = $1 FOR NO KEY UPDATE`, accountID); err != nil {
		return false, err
	}
	tag, err := s.db.conn(ctx).Exec(ctx, `DELETE FROM login_links WHERE id = $1 AND account_id = $2`, linkID, accountID)
	return tag.RowsAffected() > 0, err
}

// Disarm takes the account's password, second factor and logins elsewhere away.
func (s *Accounts) Disarm(ctx context.Context, accountID uuid.UUID) error {
	batch := &pgx.Batch{}
	batch.Queue(`UPDATE accounts SET password = '' WHERE id = $1`, accountID)
	batch.Queue(`DELETE FROM totp_factors WHERE account_id = $1`, accountID)
	batch.Queue(`DELETE FROM recovery_codes WHERE account_id = $1`, accountID)
	batch.Queue(`DELETE FROM login_links WHERE account_id = $1`, accountID)
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}
