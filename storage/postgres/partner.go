package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/partner"
)

// Partners keeps partners in PostgreSQL.
type Partners struct{ db *DB }

// NewPartners makes the store of partners.
func NewPartners(db *DB) *Partners { return &Partners{db} }

const (
	partnerColumns    = `p.id, p.brand_id, p.name, p.client, p.permissions, p.rate_per_minute, p.created_at, p.closed_at`
	partnerKeyColumns = `k.id, k.partner_id, k.prefix, k.created_at, k.expires_at, k.revoked_at, k.last_used_at`
)

// Partners are the brand's partners, newest first.
func (s *Partners) Partners(ctx context.Context, brandID uuid.UUID) ([]partner.Partner, error) {
	return collect[partner.Partner](ctx, s.db, `
		SELECT `+partnerColumns+` FROM partners p WHERE p.brand_id = $1 ORDER BY p.id DESC`, brandID)
}

// Partner locks the brand's partner.
func (s *Partners) Partner(ctx context.Context, brandID, partnerID uuid.UUID) (*partner.Partner, error) {
	return first[partner.Partner](ctx, s.db, `
		SELECT `+partnerColumns+` FROM partners p WHERE p.brand_id = $1 AND p.id = $2 FOR UPDATE`, brandID, partnerID)
}

// SavePartner adds or changes a partner.
func (s *Partners) SavePartner(ctx context.Context, p partner.Partner) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO partners (id, brand_id, name, client, permissions, rate_per_minute, created_at, closed_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (id) DO UPDATE SET name = $3, client = $4, permissions = $5, rate_per_minute = $6, closed_at = $8`,
		p.ID, p.BrandID, p.Name, p.Client, p.Permissions, p.RatePerMinute, p.CreatedAt, p.ClosedAt)
	return err
}

// KeysOf are the keys of many partners, newest first.
func (s *Partners) KeysOf(ctx context.Context, partnerIDs []uuid.UUID) ([]partner.Key, error) {
	return collect[partner.Key](ctx, s.db, `
		SELECT `+partnerKeyColumns+` FROM partner_keys k WHERE k.partner_id = ANY ($1) ORDER BY k.id DESC`, partnerIDs)
}

// Key locks the brand's key.
func (s *Partners) Key(ctx context.Context, brandID, keyID uuid.UUID) (*partner.Key, error) {
	return first[partner.Key](ctx, s.db, `
		SELECT `+partnerKeyColumns+` FROM partner_keys k JOIN partners p ON p.id = k.partner_id
		WHERE k.id = $1 AND p.brand_id = $2 FOR UPDATE OF k`, keyID, brandID)
}

// AddKey keeps a new key.
func (s *Partners) AddKey(ctx context.Context, k partner.Key, hash []byte) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO partner_keys (id, partner_id, prefix, hash, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		k.ID, k.PartnerID, k.Prefix, hash, k.CreatedAt, k.ExpiresAt)
	return err
}

// SaveKey keeps when a key ends.
func (s *Partners) SaveKey(ctx context.Context, k partner.Key) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE partner_keys SET expires_at = $2, revoked_at = $3 WHERE id = $1`, k.ID, k.ExpiresAt, k.RevokedAt)
	return err
}

// grantRow is a grant as it is read: the partner's columns and the credential's.
type grantRow struct {
	partner.Partner
	KeyID  uuid.UUID
	Scopes []access.Permission
	Until  *time.Time
}

// ByKey finds who may act with the key.
func (s *Partners) ByKey(ctx context.Context, prefix string, hash []byte, at time.Time) (*partner.Grant, error) {
	return s.grant(ctx, `
		SELECT `+partnerColumns+`, k.id AS key_id, p.permissions AS scopes, k.expires_at AS until
		FROM partner_keys k JOIN partners p ON p.id = k.partner_id
		WHERE k.prefix = @prefix AND k.hash = @hash AND `+inForce,
		pgx.NamedArgs{"prefix": prefix, "hash": hash, "at": at})
}

// ByToken finds who may act with the token: what it was given and the partner
// still holds.
func (s *Partners) ByToken(ctx context.Context, hash []byte, at time.Time) (*partner.Grant, error) {
	return s.grant(ctx, `
		SELECT `+partnerColumns+`, k.id AS key_id, least(t.expires_at, k.expires_at) AS until,
			ARRAY(SELECT unnest(t.permissions) INTERSECT SELECT unnest(p.permissions)) AS scopes
		FROM partner_tokens t JOIN partner_keys k ON k.id = t.key_id JOIN partners p ON p.id = k.partner_id
		WHERE t.hash = @hash AND t.expires_at > @at AND `+inForce,
		pgx.NamedArgs{"hash": hash, "at": at})
}

const inForce = `k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > @at) AND p.closed_at IS NULL`

func (s *Partners) grant(ctx context.Context, sql string, args pgx.NamedArgs) (*partner.Grant, error) {
	row, err := first[grantRow](ctx, s.db, sql, args)
	if row == nil || err != nil {
		return nil, err
	}
	_, err = s.db.conn(ctx).Exec(ctx, `
		UPDATE partner_keys SET last_used_at = $2
		WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2::timestamptz - interval '1 minute')`, row.KeyID, args["at"])
	return &partner.Grant{Partner: row.Partner, KeyID: row.KeyID, Scopes: row.Scopes, Until: row.Until}, err
}

// AddToken keeps a token and forgets those that have expired.
func (s *Partners) AddToken(ctx context.Context, hash []byte, t partner.Token, keyID uuid.UUID, at time.Time) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		WITH gone AS (DELETE FROM partner_tokens WHERE hash IN (
			SELECT hash FROM partner_tokens WHERE expires_at < $5 ORDER BY expires_at LIMIT 100 FOR UPDATE SKIP LOCKED))
		INSERT INTO partner_tokens (hash, key_id, permissions, expires_at) VALUES ($1, $2, $3, $4)`,
		hash, keyID, t.Scopes, t.ExpiresAt, at)
	return err
}
