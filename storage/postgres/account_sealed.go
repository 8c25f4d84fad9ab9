package postgres

import (
	"cmp"
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/sealing"
)

// addressHash is under what the mail address of an account is unique and found, whichever
// key sealed it; nil if there is no key.
func (db *DB) addressHash(ctx context.Context, email string) ([]byte, error) {
	if db.keys == nil {
		return nil, nil
	}
	return addressHash(ctx, db.keys, email)
}

func addressHash(ctx context.Context, keys *sealing.Keys, email string) ([]byte, error) {
	return keys.Lasting(ctx, "account", sealing.Email(email))
}

// accountAt is the id of the open account at a mail address: by its hash, and in clear among
// those that are not sealed. Each part is a look into one index.
func accountAt(hash, email string) string {
	return `(SELECT id FROM accounts WHERE address_hash = ` + hash + ` AND closed_at IS NULL
		UNION ALL SELECT id FROM accounts WHERE email = ` + email + ` AND closed_at IS NULL AND key_id IS NULL LIMIT 1)`
}

// sealed is the value as it is kept; itself if there is no key.
func (db *DB) sealed(ctx context.Context, field string, owner uuid.UUID, value string) (string, error) {
	if db.keys == nil {
		return value, nil
	}
	return db.keys.Seal(ctx, field, owner, value)
}

// renamed is the name of an account as it is kept, and with which key. An account whose
// name another key seals than its address is sealed anew by the job.
func (db *DB) renamed(ctx context.Context, accountID uuid.UUID, name string) (kept string, keyID *string, err error) {
	c := contact{AccountID: accountID, Address: messaging.Address{Name: name}}
	keyID, err = db.seal(ctx, &c)
	return c.Name, keyID, err
}

// keyOnceRenamed is the key of an account whose name is sealed with the given one.
func keyOnceRenamed(key string) string {
	return `CASE WHEN key_id IS NULL OR key_id = ` + key + ` THEN key_id ELSE '' END`
}

// contact is an account as it is written to.
type contact struct {
	AccountID uuid.UUID
	messaging.Address
}

// Sealed are the values that are sealed with the account.
func (c *contact) Sealed() (uuid.UUID, []sealing.Column) {
	return c.AccountID, sealing.Person(&c.Name, &c.Email)
}

// contacts reads accounts as they are written to, in the order of their addresses.
func contacts(ctx context.Context, db *DB, sql string, args ...any) ([]messaging.Address, error) {
	found, err := collect[contact](ctx, db, sql, args...)
	if err != nil {
		return nil, err
	}
	all := make([]messaging.Address, len(found))
	for i, c := range found {
		all[i] = c.Address
	}
	slices.SortFunc(all, func(a, b messaging.Address) int { return cmp.Compare(a.Email, b.Email) })
	return all, nil
}

// contactOf is the account as it is written to, open or closed; nobody if there is none.
func contactOf(ctx context.Context, db *DB, accountID uuid.UUID) (messaging.Address, error) {
	c, err := first[contact](ctx, db, `SELECT id AS account_id, name, email FROM accounts WHERE id = $1`, accountID)
	if err != nil || c == nil {
		return messaging.Address{}, err
	}
	return c.Address, nil
}

// DropTokens forgets the tokens whose time is over, with the addresses that they went to.
func (s *Personal) DropTokens(ctx context.Context) error {
	_, err := s.db.conn(ctx).Exec(ctx, `DELETE FROM one_time_tokens WHERE expires_at <= now()`)
	return wrapped("forget tokens whose time is over", err)
}
