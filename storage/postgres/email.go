package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/sealing"
)

// LockAccount is the open account, held against other changes; nil if there is none.
func (s *Accounts) LockAccount(ctx context.Context, accountID uuid.UUID) (*identity.Account, error) {
	return first[identity.Account](ctx, s.db, `SELECT `+accountColumns+` FROM accounts a WHERE a.id = $1 AND a.closed_at IS NULL FOR NO KEY UPDATE`, accountID)
}

// TakeEmailChange uses a token up and answers its account, held, and the change that it
// confirms. The account is held first, so that of two changes at once the second sees
// that its token is gone.
func (s *Accounts) TakeEmailChange(ctx context.Context, hash []byte, at time.Time) (*identity.Account, *identity.PendingEmail, error) {
	account, err := first[identity.Account](ctx, s.db, `
		SELECT `+accountColumns+` FROM one_time_tokens t JOIN accounts a ON a.id = t.account_id
		WHERE t.hash = $1 AND t.purpose = $2 AND a.closed_at IS NULL FOR NO KEY UPDATE OF a`, hash, identity.ChangeEmail)
	if err != nil || account == nil {
		return nil, nil, err
	}
	used, err := first[identity.PendingEmail](ctx, s.db, `
		UPDATE one_time_tokens SET used_at = $2 WHERE hash = $1 AND used_at IS NULL AND expires_at > $2 RETURNING account_id, email, expires_at, by_shop`, hash, at)
	if err != nil || used == nil {
		return nil, nil, err
	}
	return account, used, nil
}

// SetEmail keeps the account's new address as a proved one; one that is taken is ErrEmailTaken.
func (s *Accounts) SetEmail(ctx context.Context, a identity.Account) error {
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
		UPDATE accounts SET email = $2, name = $3, address_hash = $4, key_id = $5, email_verified_at = $6, updated_at = $7
		WHERE id = $1 AND closed_at IS NULL
			AND NOT EXISTS (SELECT FROM accounts WHERE email = $8 AND closed_at IS NULL AND key_id IS NULL AND id <> $1)`,
		a.ID, a.Email, a.Name, hash, keyID, a.EmailVerifiedAt, a.UpdatedAt, email)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "23505" || err == nil && tag.RowsAffected() == 0 {
		return identity.ErrEmailTaken
	}
	return err
}

// DropAccountTokens forgets all tokens of the account.
func (s *Accounts) DropAccountTokens(ctx context.Context, accountID uuid.UUID) error {
	_, err := s.db.conn(ctx).Exec(ctx, `DELETE FROM one_time_tokens WHERE account_id = $1`, accountID)
	return err
}

// DropEmailChange forgets the address that the account waits for; false if it waits for none.
func (s *Accounts) DropEmailChange(ctx context.Context, accountID uuid.UUID, at time.Time) (bool, error) {
	waiting, err := column[bool](ctx, s.db, `
		DELETE FROM one_time_tokens WHERE account_id = $1 AND purpose = $2 RETURNING used_at IS NULL AND expires_at > $3`, accountID, identity.ChangeEmail, at)
	for _, one := range waiting {
		if one {
			return true, err
		}
	}
	return false, err
}

// PendingEmail is the address that the account waits for; nil if there is none.
func (s *Accounts) PendingEmail(ctx context.Context, accountID uuid.UUID, at time.Time) (*identity.PendingEmail, error) {
	return first[identity.PendingEmail](ctx, s.db, `
		SELECT account_id, email, expires_at, by_shop FROM one_time_tokens
		WHERE account_id = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3 ORDER BY created_at DESC LIMIT 1`, accountID, identity.ChangeEmail, at)
}

// stillWritten are the tables whose rows are written to at an address of their own, each with
// which of a member's rows something is still written about. What is over keeps the address
// that it went to.
var stillWritten = map[string]string{
	"orders": `status NOT IN ('DELIVERED', 'CANCELLED')
		OR EXISTS (SELECT FROM returns r WHERE r.order_id = orders.id AND r.status NOT IN ('COMPLETED', 'REJECTED', 'WITHDRAWN'))`,
	"recurring_orders": `state <> 'CANCELLED'`,
	"draft_orders":     `state IN ('OPEN', 'SENT')`,
	"quotations":       `state IN ('REQUESTED', 'ANSWERED', 'EXPIRED')`, // of one that expired staff may make another offer
	"carts":            `NOT closed`,
	"restock_requests": `notified_at IS NULL AND closed_at IS NULL`,
}

// Readdress lets what is under way for the account, and is written to at the address
// before, be written to at the account's. Who gave another address for something keeps it.
func (s *Accounts) Readdress(ctx context.Context, a identity.Account, before string) error {
	if err := s.joinRequests(ctx, a); err != nil {
		return err
	}
	for _, t := range sealedTables {
		which, so := stillWritten[t.name]
		if !so {
			continue
		}
		if err := s.readdressRows(ctx, t, which, a, before); err != nil {
			return wrapped("readdress "+t.name, err)
		}
	}
	return nil
}

// readdressRows gives those of the member's rows of a table that have the address before
// the account's.
func (s *Accounts) readdressRows(ctx context.Context, t sealedTable, which string, a identity.Account, before string) error {
	if s.db.keys == nil {
		_, err := s.db.conn(ctx).Exec(ctx, `UPDATE `+t.name+` SET email = $3 WHERE member_id = $1 AND email = $2 AND (`+which+`)`, a.ID, before, a.Email)
		return err
	}
	rows, err := read(ctx, s.db, t.read()+` WHERE member_id = $1 AND (`+which+`) ORDER BY id FOR UPDATE`, []any{a.ID}, func(rows pgx.Rows) ([]tableRow, error) {
		return pgx.CollectRows(rows, pgx.RowToStructByNameLax[tableRow])
	})
	if err != nil {
		return err
	}
	batch, keep := &pgx.Batch{}, t.keep()
	for i := range rows {
		r := &rows[i]
		r.table = t
		if err := s.db.keys.OpenRow(ctx, r); err != nil {
			return err
		}
		if sealing.Email(r.text("email")) != sealing.Email(before) {
			continue
		}
		r.setText("email", a.Email)
		args, err := (&Personal{s.db, s.db.keys}).resealed(ctx, t, r, r.Owner)
		if err != nil {
			return err
		}
		batch.Queue(keep, args...)
		if t.name == "orders" {
			if err := s.queueWrittenTo(ctx, batch, r.ID, before); err != nil {
				return err
			}
		}
	}
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

// queueWrittenTo notes that mails about the order went to the address.
func (s *Accounts) queueWrittenTo(ctx context.Context, batch *pgx.Batch, orderID uuid.UUID, email string) error {
	hashes, err := s.db.emailHashes(ctx, email)
	batch.Queue(`UPDATE orders SET written_to = written_to || $2::bytea[] WHERE id = $1`, orderID, hashes)
	return err
}

// joinRequests lets requests for word that wait at the new address already, for what the
// member waits for too, be the member's: one mail goes to an address for one thing.
func (s *Accounts) joinRequests(ctx context.Context, a identity.Account) error {
	hash, err := s.db.lastingHash(ctx, a.Email)
	if err != nil {
		return err
	}
	is, at := `r.lasting_hash = $2`, any(hash)
	if hash == nil { // addresses stand in clear
		is, at = `r.email = $2`, a.Email
	}
	_, err = s.db.conn(ctx).Exec(ctx, `
		WITH there AS (
			UPDATE restock_requests r SET member_id = coalesce(r.member_id, $1) WHERE `+is+` AND `+waits+`
				AND EXISTS (SELECT FROM restock_requests o WHERE o.member_id = $1 AND o.variant_id = r.variant_id AND o.id <> r.id AND o.notified_at IS NULL AND o.closed_at IS NULL)
			RETURNING r.id, r.variant_id
		)
		UPDATE restock_requests r SET closed_at = $3 FROM there WHERE r.member_id = $1 AND r.variant_id = there.variant_id AND r.id <> there.id AND `+waits, a.ID, at, a.UpdatedAt)
	return err
}
