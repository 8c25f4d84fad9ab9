package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/customer"
)

// Customers keeps profiles, address books and pets in PostgreSQL.
type Customers struct{ db *DB }

// NewCustomers makes the customers' store.
func NewCustomers(db *DB) *Customers { return &Customers{db} }

// Lock holds the member against other changes until the transaction ends; false
// if there is no such open account.
func (s *Customers) Lock(ctx context.Context, memberID uuid.UUID) (bool, error) {
	tag, err := s.db.conn(ctx).Exec(ctx, `SELECT FROM accounts WHERE id = $1 AND closed_at IS NULL FOR NO KEY UPDATE`, memberID)
	return tag.RowsAffected() > 0, err
}

// Profiles are the open accounts' profiles; the newsletter is the brand's.
func (s *Customers) Profiles(ctx context.Context, brandID uuid.UUID, memberIDs []uuid.UUID) ([]*customer.Profile, error) {
	return read(ctx, s.db, `
		SELECT a.id AS member_id, a.name, coalesce(p.kana, '') AS kana, coalesce(p.phone, '') AS phone, p.birthday,
			coalesce(p.gender, 'UNSAID') AS gender, coalesce(p.updated_at, a.created_at) AS updated_at,
			EXISTS (SELECT FROM newsletter_consents n WHERE n.member_id = a.id AND n.brand_id = $1 AND n.withdrawn_at IS NULL) AS newsletter
		FROM accounts a LEFT JOIN profiles p ON p.member_id = a.id
		WHERE a.id = ANY($2) AND a.closed_at IS NULL`, []any{brandID, memberIDs}, func(rows pgx.Rows) ([]*customer.Profile, error) {
		return pgx.CollectRows(rows, pgx.RowToAddrOfStructByName[customer.Profile])
	})
}

// SaveProfile keeps the profile and what it says of the brand's newsletter.
func (s *Customers) SaveProfile(ctx context.Context, brandID uuid.UUID, p customer.Profile) error {
	batch := &pgx.Batch{}
	batch.Queue(`UPDATE accounts SET name = $2, updated_at = $3 WHERE id = $1 AND name <> $2`, p.MemberID, p.Name, p.UpdatedAt)
	batch.Queue(`
		INSERT INTO profiles (member_id, kana, phone, birthday, gender, updated_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (member_id) DO UPDATE SET kana = $2, phone = $3, birthday = $4, gender = $5, updated_at = $6`,
		p.MemberID, p.Kana, p.Phone, p.Birthday, p.Gender, p.UpdatedAt)
	if p.Newsletter {
		batch.Queue(`
			INSERT INTO newsletter_consents (member_id, brand_id, given_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
			p.MemberID, brandID, p.UpdatedAt)
	} else {
		batch.Queue(`
			UPDATE newsletter_consents SET withdrawn_at = $3 WHERE member_id = $1 AND brand_id = $2 AND withdrawn_at IS NULL`,
			p.MemberID, brandID, p.UpdatedAt)
	}
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

// Addresses are the members' address books without what was removed, the default
// first, then by age.
func (s *Customers) Addresses(ctx context.Context, memberIDs []uuid.UUID) ([]customer.SavedAddress, error) {
	return collect[customer.SavedAddress](ctx, s.db, `
		SELECT id, member_id, address, is_default, created_at, updated_at, closed_at FROM saved_addresses
		WHERE member_id = ANY($1) AND closed_at IS NULL ORDER BY member_id, is_default DESC, id`, memberIDs)
}

// SaveAddresses keeps the addresses in the given order, new or changed.
func (s *Customers) SaveAddresses(ctx context.Context, addresses ...customer.SavedAddress) error {
	batch := &pgx.Batch{}
	for _, a := range addresses {
		batch.Queue(`
			INSERT INTO saved_addresses (id, member_id, address, is_default, created_at, updated_at, closed_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (id) DO UPDATE SET address = $3, is_default = $4, updated_at = $6, closed_at = $7`,
			a.ID, a.MemberID, a.Address, a.IsDefault, a.CreatedAt, a.UpdatedAt, a.ClosedAt)
	}
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

// Pets are the members' pets without what was removed, by age of the entry.
func (s *Customers) Pets(ctx context.Context, memberIDs []uuid.UUID) ([]customer.Pet, error) {
	return collect[customer.Pet](ctx, s.db, `
		SELECT id, member_id, name, species, breed, birthday, created_at, updated_at, closed_at FROM pets
		WHERE member_id = ANY($1) AND closed_at IS NULL ORDER BY member_id, id`, memberIDs)
}

// SavePet keeps the pet, new or changed.
func (s *Customers) SavePet(ctx context.Context, p customer.Pet) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO pets (id, member_id, name, species, breed, birthday, created_at, updated_at, closed_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (id) DO UPDATE SET name = $3, species = $4, breed = $5, birthday = $6, updated_at = $8, closed_at = $9`,
		p.ID, p.MemberID, p.Name, p.Species, p.Breed, p.Birthday, p.CreatedAt, p.UpdatedAt, p.ClosedAt)
	return err
}

// Forget removes all that is known of the member; that a newsletter was agreed to
// stays on record, withdrawn at the moment.
func (s *Customers) Forget(ctx context.Context, memberID uuid.UUID, at time.Time) error {
	batch := &pgx.Batch{}
	for _, table := range []string{"profiles", "saved_addresses", "pets", "product_views"} {
		batch.Queue(`DELETE FROM `+table+` WHERE member_id = $1`, memberID)
	}
	batch.Queue(`DELETE FROM wishes w USING wish_lists l WHERE l.id = w.list_id AND l.member_id = $1`, memberID)
	batch.Queue(`DELETE FROM wish_lists WHERE member_id = $1`, memberID)
	batch.Queue(`UPDATE newsletter_consents SET withdrawn_at = $2 WHERE member_id = $1 AND withdrawn_at IS NULL`, memberID, at)
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}
