package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/sealing"
)

// Customers keeps profiles, address books and pets in PostgreSQL.
type Customers struct {
	db   *DB
	keys *sealing.Keys
}

// NewCustomers makes the customers' store; the keys seal personal data.
func NewCustomers(db *DB, keys *sealing.Keys) *Customers { return &Customers{db, keys} }

// Lock holds the member against other changes until the transaction ends, by staff too;
// false if there is no such open account.
func (s *Customers) Lock(ctx context.Context, memberID uuid.UUID) (bool, error) {
	batch := &pgx.Batch{}
	batch.Queue(`SELECT FROM members WHERE id = $1 FOR NO KEY UPDATE`, memberID)
	if err := s.db.later(ctx, batch); err != nil {
		return false, err
	}
	tag, err := s.db.conn(ctx).Exec(ctx, `SELECT FROM accounts WHERE id = $1 AND closed_at IS NULL FOR NO KEY UPDATE`, memberID)
	return tag.RowsAffected() > 0, err
}

// Profiles are the open accounts' profiles; the newsletter is the brand's.
func (s *Customers) Profiles(ctx context.Context, brandID uuid.UUID, memberIDs []uuid.UUID) ([]*customer.Profile, error) {
	rows, err := collect[storedProfile](ctx, s.db, `
		SELECT a.id AS member_id, a.name, coalesce(p.kana, '') AS kana, coalesce(p.phone, '') AS phone, p.birthday, coalesce(p.sealed_birthday, '') AS sealed_birthday,
			coalesce(p.gender, 'UNSAID') AS gender, coalesce(p.updated_at, a.created_at) AS updated_at,
			EXISTS (SELECT FROM newsletter_consents n WHERE n.member_id = a.id AND n.brand_id = $1 AND n.withdrawn_at IS NULL) AS newsletter
		FROM accounts a LEFT JOIN profiles p ON p.member_id = a.id
		WHERE a.id = ANY($2) AND a.closed_at IS NULL`, brandID, memberIDs)
	if err != nil {
		return nil, err
	}
	profiles := make([]*customer.Profile, len(rows))
	for i := range rows {
		p := &rows[i].Profile
		o := opening{ctx: ctx, keys: s.keys, owner: p.MemberID}
		p.Name, p.Kana, p.Phone, p.Birthday = o.text("name", p.Name), o.text("kana", p.Kana), o.text("phone", p.Phone), o.day("birthday", rows[i].SealedBirthday, p.Birthday)
		if o.err != nil {
			return nil, o.err
		}
		profiles[i] = p
	}
	return profiles, nil
}

// storedProfile is a profile as its row holds it.
type storedProfile struct {
	customer.Profile
	SealedBirthday string
}

// SaveProfile keeps the profile, the account's name if that is another now, and what it says
// of the brand's newsletter.
func (s *Customers) SaveProfile(ctx context.Context, brandID uuid.UUID, p customer.Profile, renamed bool, told customer.Told) error {
	batch := &pgx.Batch{}
	if renamed {
		name, keyID, err := s.db.renamed(ctx, p.MemberID, p.Name)
		if err != nil {
			return err
		}
		batch.Queue(`UPDATE accounts SET name = $2, updated_at = $3, key_id = `+keyOnceRenamed(`$4`)+` WHERE id = $1`, p.MemberID, name, p.UpdatedAt, keyID)
	}
	if err := queuePersonal(ctx, batch, s.keys, personal{memberID: p.MemberID, kana: p.Kana, phone: p.Phone, birthday: p.Birthday, gender: p.Gender, at: p.UpdatedAt}); err != nil {
		return err
	}
	queueMailSetting(batch, p, brandID, told)
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

// queueMailSetting keeps whether a brand may send a member its mail magazine, with the
// proof of it if it was otherwise before.
func queueMailSetting(batch *pgx.Batch, p customer.Profile, brandID uuid.UUID, told customer.Told) {
	changed := `UPDATE newsletter_consents SET withdrawn_at = $3 WHERE member_id = $1 AND brand_id = $2 AND withdrawn_at IS NULL RETURNING 1`
	if p.Newsletter {
		changed = `INSERT INTO newsletter_consents (member_id, brand_id, given_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING 1`
	}
	batch.Queue(`
		WITH changed AS (`+changed+`), proof AS (
			INSERT INTO member_consents (id, member_id, brand_id, medium, given, how, actor_role, actor_id, address, at)
			SELECT $5::uuid, $1, $2, 'MAIL', $4, $6, 'MEMBER', $1, $7::inet, $3::timestamptz FROM changed
		)
		INSERT INTO member_settings (member_id, brand_id, medium, given, since) SELECT $1, $2, 'MAIL', $4::boolean, $3::timestamptz FROM changed
		ON CONFLICT (member_id, brand_id, medium) DO UPDATE SET given = EXCLUDED.given, since = EXCLUDED.since`,
		p.MemberID, brandID, p.UpdatedAt, p.Newsletter, id.New(), told.How, told.Address)
}

// Addresses are the members' address books without what was removed, the default
// first, then by age.
func (s *Customers) Addresses(ctx context.Context, memberIDs []uuid.UUID) ([]customer.SavedAddress, error) {
	rows, err := collect[storedAddress](ctx, s.db, `
		SELECT id, member_id, '{}'::jsonb AS address, address AS stored, is_default, created_at, updated_at, closed_at FROM saved_addresses
		WHERE member_id = ANY($1) AND closed_at IS NULL ORDER BY member_id, is_default DESC, id`, memberIDs)
	if err != nil {
		return nil, err
	}
	addresses := make([]customer.SavedAddress, len(rows))
	for i, r := range rows {
		if r.Address, err = openAddress(ctx, s.keys, r.ID, r.Stored); err != nil {
			return nil, err
		}
		addresses[i] = r.SavedAddress
	}
	return addresses, nil
}

// storedAddress is an entry of an address book as its row holds it.
type storedAddress struct {
	customer.SavedAddress
	Stored json.RawMessage
}

// SaveAddresses keeps the addresses in the given order, new or changed.
func (s *Customers) SaveAddresses(ctx context.Context, addresses ...customer.SavedAddress) error {
	batch := &pgx.Batch{}
	for _, a := range addresses {
		if err := queueAddress(ctx, batch, s.keys, a); err != nil {
			return err
		}
	}
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

// Pets are the members' pets without what was removed, by age of the entry.
func (s *Customers) Pets(ctx context.Context, memberIDs []uuid.UUID) ([]customer.Pet, error) {
	return collect[customer.Pet](ctx, s.db, `
		SELECT id, member_id, name, species, breed, birthday, allergies, created_at, updated_at, closed_at FROM pets
		WHERE member_id = ANY($1) AND closed_at IS NULL ORDER BY member_id, id`, memberIDs)
}

// SavePet keeps the pet, new or changed.
func (s *Customers) SavePet(ctx context.Context, p customer.Pet) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO pets (id, member_id, name, species, breed, birthday, created_at, updated_at, closed_at, allergies)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (id) DO UPDATE SET name = $3, species = $4, breed = $5, birthday = $6, updated_at = $8, closed_at = $9, allergies = $10`,
		p.ID, p.MemberID, p.Name, p.Species, p.Breed, p.Birthday, p.CreatedAt, p.UpdatedAt, p.ClosedAt, orEmpty(p.Allergies))
	return err
}

// Weights are the pets' weights, the latest day first.
func (s *Customers) Weights(ctx context.Context, petIDs []uuid.UUID) ([]customer.Weight, error) {
	return collect[customer.Weight](ctx, s.db, `
		SELECT pet_id, measured_on, grams FROM pet_weights WHERE pet_id = ANY($1) ORDER BY pet_id, measured_on DESC`, petIDs)
}

// SaveWeight keeps the weight of a day; nothing weighs nothing, and takes the day out.
func (s *Customers) SaveWeight(ctx context.Context, w customer.Weight, at time.Time) error {
	if w.Grams == 0 {
		_, err := s.db.conn(ctx).Exec(ctx, `DELETE FROM pet_weights WHERE pet_id = $1 AND measured_on = $2`, w.PetID, w.MeasuredOn)
		return err
	}
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO pet_weights (pet_id, measured_on, grams, noted_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (pet_id, measured_on) DO UPDATE SET grams = EXCLUDED.grams, noted_at = EXCLUDED.noted_at`, w.PetID, w.MeasuredOn, w.Grams, at)
	return err
}

// Forget removes all that is known of the member; that a newsletter was agreed to
// stays on record, withdrawn at the moment.
func (s *Customers) Forget(ctx context.Context, memberID uuid.UUID, at time.Time) error {
	batch := &pgx.Batch{}
	for _, table := range []string{"profiles", "saved_addresses", "pets", "product_views"} {
		batch.Queue(`DELETE FROM `+table+` WHERE member_id = $1`, memberID)
	}
	batch.Queue(`DELETE FROM wish_lists WHERE member_id = $1`, memberID)
	batch.Queue(`UPDATE newsletter_consents SET withdrawn_at = $2 WHERE member_id = $1 AND withdrawn_at IS NULL`, memberID, at)
	queueLeave(batch, []uuid.UUID{memberID}, at)
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}
