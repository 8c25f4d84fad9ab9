package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/messaging"
)

// Policy is what holds for all staff.
func (s *Accounts) Policy(ctx context.Context) (identity.Policy, error) {
	policy, err := first[identity.Policy](ctx, s.db, `SELECT networks, require_totp FROM staff_policy`)
	if err != nil || policy == nil {
		return identity.Policy{}, err
	}
	return *policy, nil
}

// SetPolicy changes what holds for all staff.
func (s *Accounts) SetPolicy(ctx context.Context, p identity.Policy) error {
	_, err := s.db.conn(ctx).Exec(ctx, `UPDATE staff_policy SET networks = $1, require_totp = $2`, p.Networks, p.RequireTotp)
	return err
}

// Staff are the open staff accounts behind the cursor's account, by id.
func (s *Accounts) Staff(ctx context.Context, after uuid.UUID, limit int) ([]identity.Account, error) {
	return collect[identity.Account](ctx, s.db, `
		SELECT `+accountColumns+` FROM accounts a
		WHERE a.role IN ('STORE_STAFF', 'STAFF', 'ADMIN') AND a.closed_at IS NULL AND a.id > $1 ORDER BY a.id LIMIT $2`, after, limit)
}

// UpdateAccount writes the account's name, role and language.
func (s *Accounts) UpdateAccount(ctx context.Context, a identity.Account) error {
	name, keyID, err := s.db.renamed(ctx, a.ID, a.Name)
	if err != nil {
		return err
	}
	_, err = s.db.conn(ctx).Exec(ctx, `
		UPDATE accounts SET name = $2, role = $3, language = $4, updated_at = $5, key_id = `+keyOnceRenamed(`$6`)+` WHERE id = $1`,
		a.ID, name, a.Role, a.Language, a.UpdatedAt, keyID)
	return err
}

// CloseAccount closes the account; its address is free again.
func (s *Accounts) CloseAccount(ctx context.Context, accountID uuid.UUID, at time.Time) error {
	_, err := s.db.conn(ctx).Exec(ctx, `UPDATE accounts SET closed_at = $2, updated_at = $2 WHERE id = $1 AND closed_at IS NULL`, accountID, at)
	return err
}

// OtherAdmins counts the open administrators beside the account. All are locked in
// one order, so that of two who leave at once the second sees the first gone.
func (s *Accounts) OtherAdmins(ctx context.Context, accountID uuid.UUID) (int, error) {
	return one[int](ctx, s.db, `
		WITH admins AS (SELECT id FROM accounts WHERE role = 'ADMIN' AND closed_at IS NULL ORDER BY id FOR UPDATE)
		SELECT count(*) FROM admins WHERE id <> $1`, accountID)
}

// SetGroups puts the account into these groups and no others.
func (s *Accounts) SetGroups(ctx context.Context, accountID uuid.UUID, groupIDs []uuid.UUID) error {
	return s.link(ctx, `DELETE FROM account_groups WHERE account_id = $1`,
		`INSERT INTO account_groups (account_id, group_id) SELECT $1, unnest($2::uuid[]) ON CONFLICT DO NOTHING`, accountID, groupIDs)
}

// SetStores gives the account these stores and no others.
func (s *Accounts) SetStores(ctx context.Context, accountID uuid.UUID, locationIDs []uuid.UUID) error {
	return s.link(ctx, `DELETE FROM account_stores WHERE account_id = $1`,
		`INSERT INTO account_stores (account_id, location_id) SELECT $1, unnest($2::uuid[]) ON CONFLICT DO NOTHING`, accountID, locationIDs)
}

func (s *Accounts) link(ctx context.Context, unset, set string, accountID uuid.UUID, keys []uuid.UUID) error {
	batch := &pgx.Batch{}
	batch.Queue(unset, accountID)
	batch.Queue(set, accountID, keys)
	err := s.db.conn(ctx).SendBatch(ctx, batch).Close()
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "23503" { // foreign_key_violation
		return fault.ErrNotFound
	}
	return err
}

const groupColumns = `g.id, g.name, g.permissions, g.networks, g.created_at, g.updated_at`

// Groups are the permission groups, by name.
func (s *Accounts) Groups(ctx context.Context) ([]identity.Group, error) {
	return collect[identity.Group](ctx, s.db, `SELECT `+groupColumns+` FROM permission_groups g ORDER BY g.name`)
}

// GroupsOf are the groups of the accounts, a row for each pair.
func (s *Accounts) GroupsOf(ctx context.Context, accountIDs []uuid.UUID) ([]identity.Membership, error) {
	return collect[identity.Membership](ctx, s.db, `
		SELECT m.account_id, `+groupColumns+` FROM account_groups m JOIN permission_groups g ON g.id = m.group_id
		WHERE m.account_id = ANY($1) ORDER BY g.name`, accountIDs)
}

// SaveGroup keeps a group, new or changed; a name that is taken is ErrGroupName.
func (s *Accounts) SaveGroup(ctx context.Context, g identity.Group) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO permission_groups (id, name, permissions, networks, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name, permissions = EXCLUDED.permissions, networks = EXCLUDED.networks, updated_at = EXCLUDED.updated_at`,
		g.ID, g.Name, g.Permissions, g.Networks, g.CreatedAt, g.UpdatedAt)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.ConstraintName == "permission_groups_name" {
		return identity.ErrGroupName
	}
	return err
}

// RemoveGroup takes the group away from everybody.
func (s *Accounts) RemoveGroup(ctx context.Context, groupID uuid.UUID) error {
	_, err := s.db.conn(ctx).Exec(ctx, `DELETE FROM permission_groups WHERE id = $1`, groupID)
	return err
}

// Factor is the account's second factor, confirmed or not; nil if there is none.
func (s *Accounts) Factor(ctx context.Context, accountID uuid.UUID) (*identity.Factor, error) {
	return first[identity.Factor](ctx, s.db, `
		SELECT account_id, secret, confirmed_at, last_step, created_at FROM totp_factors WHERE account_id = $1`, accountID)
}

// SaveFactor keeps a factor to be confirmed, in place of an older unconfirmed one.
func (s *Accounts) SaveFactor(ctx context.Context, f identity.Factor) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO totp_factors AS t (account_id, secret, created_at) VALUES ($1, $2, $3)
		ON CONFLICT (account_id) DO UPDATE SET secret = EXCLUDED.secret, created_at = EXCLUDED.created_at, last_step = 0
		WHERE t.confirmed_at IS NULL`, f.AccountID, f.Secret, f.CreatedAt)
	return err
}

// AcceptStep confirms the factor and notes the step; false if that step or a later
// one was accepted before. The row's lock decides between two at once.
func (s *Accounts) AcceptStep(ctx context.Context, accountID uuid.UUID, step int64, at time.Time) (bool, error) {
	tag, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE totp_factors SET last_step = $2, confirmed_at = coalesce(confirmed_at, $3)
		WHERE account_id = $1 AND last_step < $2`, accountID, step, at)
	return tag.RowsAffected() == 1, err
}

// RemoveFactor takes the factor and its recovery codes away.
func (s *Accounts) RemoveFactor(ctx context.Context, accountID uuid.UUID) (bool, error) {
	if _, err := s.db.conn(ctx).Exec(ctx, `DELETE FROM recovery_codes WHERE account_id = $1`, accountID); err != nil {
		return false, err
	}
	tag, err := s.db.conn(ctx).Exec(ctx, `DELETE FROM totp_factors WHERE account_id = $1`, accountID)
	return tag.RowsAffected() == 1, err
}

// ReplaceRecoveryCodes keeps these codes and no others.
func (s *Accounts) ReplaceRecoveryCodes(ctx context.Context, accountID uuid.UUID, hashes [][]byte) error {
	batch := &pgx.Batch{}
	batch.Queue(`DELETE FROM recovery_codes WHERE account_id = $1`, accountID)
	batch.Queue(`INSERT INTO recovery_codes (account_id, hash) SELECT $1, unnest($2::bytea[])`, accountID, hashes)
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

// UseRecoveryCode uses a code up; false if there is no such unused one.
func (s *Accounts) UseRecoveryCode(ctx context.Context, accountID uuid.UUID, hash []byte, at time.Time) (bool, error) {
	tag, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE recovery_codes SET used_at = $3 WHERE account_id = $1 AND hash = $2 AND used_at IS NULL`, accountID, hash, at)
	return tag.RowsAffected() == 1, err
}

// WithFactor are those of the accounts that have a confirmed factor.
func (s *Accounts) WithFactor(ctx context.Context, accountIDs []uuid.UUID) ([]uuid.UUID, error) {
	return column[uuid.UUID](ctx, s.db, `SELECT account_id FROM totp_factors WHERE account_id = ANY($1) AND confirmed_at IS NOT NULL`, accountIDs)
}

// staffMay are the staff whose permission groups give them the permission;
// administrators where there are none.
func staffMay(ctx context.Context, db *DB, permission access.Permission) ([]messaging.Address, error) {
	return contacts(ctx, db, `
		WITH able AS (
			SELECT a.id AS account_id, a.name, a.email FROM accounts a WHERE a.closed_at IS NULL AND a.role IN ('STAFF', 'STORE_STAFF') AND EXISTS (
				SELECT FROM account_groups m JOIN permission_groups g ON g.id = m.group_id WHERE m.account_id = a.id AND @permission = ANY(g.permissions))
		)
		SELECT * FROM able
		UNION ALL
		SELECT id, name, email FROM accounts WHERE role = 'ADMIN' AND closed_at IS NULL AND NOT EXISTS (SELECT FROM able)
		ORDER BY account_id LIMIT 100`, pgx.NamedArgs{"permission": permission})
}
