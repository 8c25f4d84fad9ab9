package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/sealing"
)

// Members keeps members in PostgreSQL, their personal data sealed.
type Members struct {
	db   *DB
	keys *sealing.Keys
}

// NewMembers makes the members' store.
func NewMembers(db *DB, keys *sealing.Keys) *Members { return &Members{db, keys} }

// storedMember is a member as the rows hold it.
type storedMember struct {
	ID             uuid.UUID
	Account        bool
	HouseholdID    *uuid.UUID
	MergedInto     *uuid.UUID
	ErasedAt       *time.Time
	CreatedAt      time.Time
	UpdatedAt      time.Time
	Name           string
	Kana           string
	Phone          string
	Email          string
	Birthday       *time.Time
	SealedBirthday string
	Gender         customer.Gender
	AddressID      *uuid.UUID
	Stored         json.RawMessage
	Stores         []uuid.UUID
}

const selectMembers = `
	SELECT m.id, a.id IS NOT NULL AS account, m.household_id, m.merged_into, m.erased_at, m.created_at, m.updated_at,
		coalesce(a.name, p.name, '') AS name, coalesce(p.kana, '') AS kana, coalesce(p.phone, '') AS phone, coalesce(a.email, p.email, '') AS email,
		p.birthday, coalesce(p.sealed_birthday, '') AS sealed_birthday, coalesce(p.gender, 'UNSAID') AS gender, s.id AS address_id, s.address AS stored,
		ARRAY(SELECT DISTINCT x.store FROM memberships j CROSS JOIN LATERAL (VALUES (j.registered_store_id), (j.home_store_id)) AS x (store)
			WHERE j.member_id = m.id AND j.ended_at IS NULL AND x.store IS NOT NULL) AS stores
	FROM members m
	LEFT JOIN accounts a ON a.id = m.id AND a.closed_at IS NULL
	LEFT JOIN profiles p ON p.member_id = m.id
	LEFT JOIN saved_addresses s ON s.member_id = m.id AND s.is_default AND s.closed_at IS NULL`

func (s *Members) members(ctx context.Context, rest string, args ...any) ([]member.Member, error) {
	rows, err := collect[storedMember](ctx, s.db, selectMembers+rest, args...)
	if err != nil {
		return nil, err
	}
	members := make([]member.Member, len(rows))
	for i, r := range rows {
		if members[i], err = s.open(ctx, r); err != nil {
			return nil, err
		}
	}
	return members, nil
}

// open unseals what is sealed of a row.
func (s *Members) open(ctx context.Context, r storedMember) (member.Member, error) {
	o := opening{ctx: ctx, keys: s.keys, owner: r.ID}
	m := member.Member{
		ID: r.ID, Account: r.Account, HouseholdID: r.HouseholdID, MergedInto: r.MergedInto, ErasedAt: r.ErasedAt, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, Stores: r.Stores,
		Personal: member.Personal{
			Name: o.text("name", r.Name), Kana: o.text("kana", r.Kana), Phone: o.text("phone", r.Phone), Email: o.text("email", r.Email),
			Birthday: o.day("birthday", r.SealedBirthday, r.Birthday), Gender: r.Gender,
		},
	}
	if r.AddressID != nil {
		a, err := openAddress(ctx, s.keys, *r.AddressID, r.Stored)
		o.err, m.Address = errors.Join(o.err, err), &a
	}
	return m, o.err
}

// Legible are those of the ids, merged and erased ones too, and apart from them why those
// cannot be read whose sealed values cannot be opened. Where the keys themselves cannot be read,
// nobody can.
func (s *Members) Legible(ctx context.Context, memberIDs []uuid.UUID) ([]member.Member, map[uuid.UUID]error, error) {
	rows, err := collect[storedMember](ctx, s.db, selectMembers+` WHERE m.id = ANY($1) ORDER BY m.id`, memberIDs)
	members, sealed := make([]member.Member, 0, len(rows)), map[uuid.UUID]error{}
	for _, r := range rows {
		switch m, err := s.open(ctx, r); {
		case err == nil:
			members = append(members, m)
		case errors.Is(err, sealing.ErrIllegible):
			sealed[r.ID] = err
		default:
			return nil, nil, err
		}
	}
	return members, sealed, err
}

// Members are those of the ids, merged and erased ones too.
func (s *Members) Members(ctx context.Context, memberIDs []uuid.UUID) ([]member.Member, error) {
	return s.members(ctx, ` WHERE m.id = ANY($1) ORDER BY m.id`, memberIDs)
}

// Lock are the same, locked by their ids' order. They are read once they are locked: what
// was joined to a row that had to be waited for would be as it was before.
func (s *Members) Lock(ctx context.Context, memberIDs []uuid.UUID) ([]member.Member, error) {
	batch := &pgx.Batch{}
	batch.Queue(`SELECT FROM members WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE`, memberIDs)
	if err := s.db.later(ctx, batch); err != nil {
		return nil, err
	}
	return s.Members(ctx, memberIDs)
}

// Find are at most so many members that the criterion fits. Each way is one look into
// one index, and then at those members: found as an array, since a join would be ordered
// by walking all members. A number leads to whoever its card belongs to now.
func (s *Members) Find(ctx context.Context, by member.Criterion, most int) ([]member.Member, error) {
	const rest = ` AND m.merged_into IS NULL AND m.erased_at IS NULL ORDER BY m.id LIMIT $2`
	switch {
	case by.CardNumber != "":
		return s.members(ctx, ` WHERE m.id = (SELECT member_id FROM member_cards WHERE number = $1)`+rest, by.CardNumber, most)
	case by.Email != "":
		email := sealing.Email(by.Email)
		hashes, err := s.keys.Hashes(ctx, "email", email)
		if err != nil {
			return nil, err
		}
		hash, err := addressHash(ctx, s.keys, email)
		if err != nil {
			return nil, err
		}
		return s.members(ctx, ` WHERE m.id = ANY(ARRAY(
			SELECT `+accountAt(`$3`, `$4`)+` UNION ALL SELECT member_id FROM profiles WHERE email_hash = ANY($1)))`+rest, hashes, most, hash, email)
	}
	hashes, err := s.keys.Hashes(ctx, "phone", sealing.Phone(by.Phone))
	if err != nil {
		return nil, err
	}
	return s.members(ctx, ` WHERE m.id = ANY(ARRAY(SELECT member_id FROM profiles WHERE phone_hash = ANY($1)))`+rest, hashes, most)
}

// Enrol makes a member of the id unless there is one.
func (s *Members) Enrol(ctx context.Context, memberID uuid.UUID, at time.Time) error {
	_, err := s.db.conn(ctx).Exec(ctx, `INSERT INTO members (id, created_at, updated_at) VALUES ($1, $2, $2) ON CONFLICT DO NOTHING`, memberID, at)
	return err
}

// SavePersonal keeps the member's own data. The name and address of an account are the
// account's.
func (s *Members) SavePersonal(ctx context.Context, m member.Member) error {
	p := personal{memberID: m.ID, name: m.Name, kana: m.Kana, phone: m.Phone, email: m.Email, birthday: m.Birthday, gender: m.Gender, at: m.UpdatedAt}
	if m.Account {
		p.name, p.email = "", ""
	}
	batch := &pgx.Batch{}
	if err := queuePersonal(ctx, batch, s.keys, p); err != nil {
		return err
	}
	batch.Queue(`UPDATE members SET updated_at = $2 WHERE id = $1`, m.ID, m.UpdatedAt)
	if m.Address != nil {
		batch.Queue(`UPDATE saved_addresses SET is_default = false, closed_at = $2, updated_at = $2 WHERE member_id = $1 AND is_default AND closed_at IS NULL`, m.ID, m.UpdatedAt)
		saved := customer.SavedAddress{ID: id.New(), MemberID: m.ID, Address: *m.Address, IsDefault: true, CreatedAt: m.UpdatedAt, UpdatedAt: m.UpdatedAt}
		if err := queueAddress(ctx, batch, s.keys, saved); err != nil {
			return err
		}
	}
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

// SetHousehold puts the members into a household, or out of theirs.
func (s *Members) SetHousehold(ctx context.Context, memberIDs []uuid.UUID, householdID *uuid.UUID, at time.Time) error {
	_, err := s.db.conn(ctx).Exec(ctx, `UPDATE members SET household_id = $2, updated_at = $3 WHERE id = ANY($1)`, memberIDs, householdID, at)
	return err
}

// Household are the members of the households.
func (s *Members) Household(ctx context.Context, householdIDs []uuid.UUID) ([]member.Member, error) {
	return s.members(ctx, ` WHERE m.household_id = ANY($1) AND m.merged_into IS NULL AND m.erased_at IS NULL ORDER BY m.id`, householdIDs)
}

// Join makes a membership unless there is one, and opens one that was ended.
func (s *Members) Join(ctx context.Context, m member.Membership) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO memberships AS j (member_id, brand_id, registered_store_id, home_store_id, joined_at, rank_due_on) VALUES ($1, $2, $3, $4, $5::timestamptz, ($5 AT TIME ZONE 'Asia/Tokyo')::date)
		ON CONFLICT (member_id, brand_id) DO UPDATE SET home_store_id = coalesce(EXCLUDED.home_store_id, j.home_store_id), ended_at = NULL,
			joined_at = CASE WHEN j.ended_at IS NULL THEN j.joined_at ELSE EXCLUDED.joined_at END`,
		m.MemberID, m.BrandID, m.RegisteredStoreID, m.HomeStoreID, m.JoinedAt)
	return err
}

// SetHomeStore chooses the home store.
func (s *Members) SetHomeStore(ctx context.Context, memberID, brandID uuid.UUID, storeID *uuid.UUID) error {
	tag, err := s.db.conn(ctx).Exec(ctx, `UPDATE memberships SET home_store_id = $3 WHERE member_id = $1 AND brand_id = $2 AND ended_at IS NULL`, memberID, brandID, storeID)
	if err == nil && tag.RowsAffected() == 0 {
		return member.ErrNotJoined
	}
	return err
}

// Memberships are what the members are to each brand, in the order in which they joined.
func (s *Members) Memberships(ctx context.Context, memberIDs []uuid.UUID) ([]member.Membership, error) {
	return collect[member.Membership](ctx, s.db, `
		SELECT j.member_id, j.brand_id, j.registered_store_id, j.home_store_id, j.rank_id, r.code AS rank_code, r.name AS rank_name, j.spend,
			`+currencyOf("j.brand_id")+` AS currency, j.joined_at, j.ended_at
		FROM memberships j LEFT JOIN member_ranks r ON r.id = j.rank_id
		WHERE j.member_id = ANY($1) ORDER BY j.member_id, j.joined_at, j.brand_id`, memberIDs)
}

// currencyOf is the currency in which a brand's members are counted: its first channel's.
func currencyOf(brand string) string {
	return `coalesce((SELECT c.currency FROM channels c WHERE c.brand_id = ` + brand + ` ORDER BY c.created_at, c.id LIMIT 1), 'JPY')`
}

// StoreOf reports whether the shop is one of the brand's that is open.
func (s *Members) StoreOf(ctx context.Context, brandID, storeID uuid.UUID) (bool, error) {
	return one[bool](ctx, s.db, `SELECT EXISTS (SELECT FROM locations WHERE id = $2 AND brand_id = $1 AND active AND kind IN ('SHOP', 'EVENT'))`, brandID, storeID)
}

const cardColumns = `id, number, member_id, brand_id, kind, state, store_id, replaces_id, issued_at, ended_at`

// Cards are the members' cards, the latest first.
func (s *Members) Cards(ctx context.Context, memberIDs []uuid.UUID) ([]member.Card, error) {
	return collect[member.Card](ctx, s.db, `SELECT `+cardColumns+` FROM member_cards WHERE member_id = ANY($1) ORDER BY member_id, issued_at DESC, id DESC`, memberIDs)
}

// Card is the card of the id; nil if there is none.
func (s *Members) Card(ctx context.Context, cardID uuid.UUID) (*member.Card, error) {
	return first[member.Card](ctx, s.db, `SELECT `+cardColumns+` FROM member_cards WHERE id = $1`, cardID)
}

// CardByNumber is the card of the number; nil if there is none.
func (s *Members) CardByNumber(ctx context.Context, number string) (*member.Card, error) {
	return first[member.Card](ctx, s.db, `SELECT `+cardColumns+` FROM member_cards WHERE number = $1`, number)
}

// InsertCard keeps a new card; a number that was given out before is ErrCardTaken.
func (s *Members) InsertCard(ctx context.Context, c member.Card) error {
	tag, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO member_cards (id, number, member_id, brand_id, kind, state, store_id, replaces_id, issued_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (number) DO NOTHING`, c.ID, c.Number, c.MemberID, c.BrandID, c.Kind, c.State, c.StoreID, c.ReplacesID, c.IssuedAt)
	if err == nil && tag.RowsAffected() == 0 {
		return member.ErrCardTaken
	}
	return err
}

// EndCard takes a card out of use.
func (s *Members) EndCard(ctx context.Context, cardID uuid.UUID, as member.CardState, at time.Time) error {
	_, err := s.db.conn(ctx).Exec(ctx, `UPDATE member_cards SET state = $2, ended_at = $3 WHERE id = $1 AND state = 'ACTIVE'`, cardID, as, at)
	return err
}

// CountClaim counts that somebody claims the number, and answers how often that was since.
// Counts that are older say nothing any more, and go.
func (s *Members) CountClaim(ctx context.Context, number string, since, at time.Time) (int, error) {
	return one[int](ctx, s.db, `
		WITH gone AS (DELETE FROM member_card_claims WHERE since < $2 AND number <> $1)
		INSERT INTO member_card_claims AS c (number, tries, since) VALUES ($1, 1, $3)
		ON CONFLICT (number) DO UPDATE SET tries = CASE WHEN c.since < $2 THEN 1 ELSE c.tries + 1 END, since = CASE WHEN c.since < $2 THEN $3 ELSE c.since END
		RETURNING tries`, number, since, at)
}

// ForgetClaims begins anew.
func (s *Members) ForgetClaims(ctx context.Context, number string) error {
	_, err := s.db.conn(ctx).Exec(ctx, `DELETE FROM member_card_claims WHERE number = $1`, number)
	return err
}

// queueLeave ends all that the members are members of, and what would be ordered for them:
// what comes again, and what staff prepare. The cards that pay for it are given up, and
// points that nobody can use any more had their last day: the next round writes them off. The
// accounts of points are marked under their locks, and the lots looked at after that: what is
// posted at the same moment is among them, or sees the mark.
func queueLeave(batch *pgx.Batch, memberIDs []uuid.UUID, at time.Time) {
	batch.Queue(`
		WITH cards AS (UPDATE member_cards SET state = 'CLOSED', ended_at = $2 WHERE member_id = ANY($1) AND state = 'ACTIVE')
		UPDATE memberships SET ended_at = $2, rank_due_on = NULL WHERE member_id = ANY($1) AND ended_at IS NULL`, memberIDs, at)
	batch.Queue(`
		WITH ended AS (
			UPDATE recurring_orders SET state = 'CANCELLED', retry_at = NULL, revision = revision + 1, updated_at = $2
			WHERE member_id = ANY($1) AND state IN ('ACTIVE', 'PAUSED')
		)
		UPDATE draft_orders SET state = 'CANCELLED', revision = revision + 1, token_hash = NULL, updated_at = $2
		WHERE member_id = ANY($1) AND state IN ('OPEN', 'SENT')`, memberIDs, at)
	batch.Queue(`
		WITH mine AS (SELECT id FROM point_accounts WHERE member_id = ANY($1) AND merged_into IS NULL ORDER BY id FOR NO KEY UPDATE)
		UPDATE point_accounts a SET left_on = ($2::timestamptz AT TIME ZONE 'Asia/Tokyo')::date FROM mine WHERE a.id = mine.id AND a.left_on IS NULL`, memberIDs, at)
	batch.Queue(`
		UPDATE point_lots l SET expires_on = w.day - 1 FROM point_accounts a, (SELECT ($2::timestamptz AT TIME ZONE 'Asia/Tokyo')::date AS day) w
		WHERE a.member_id = ANY($1) AND l.account_id = a.id AND l.remaining > 0 AND (l.expires_on IS NULL OR l.expires_on >= w.day)`, memberIDs, at)
	batch.Queue(`UPDATE saved_cards SET state = 'REMOVED', network = '', last4 = '', expiry_year = 0, expiry_month = 0, updated_at = $2 WHERE member_id = ANY($1)`, memberIDs, at)
}

// AddConsents adds to the record, and lets it hold; of mail also where those who send
// magazines look.
func (s *Members) AddConsents(ctx context.Context, consents []member.Consent) error {
	batch := &pgx.Batch{}
	for _, c := range consents {
		batch.Queue(`
			WITH record AS (
				INSERT INTO member_consents (id, member_id, brand_id, medium, given, how, wording, store_id, actor_role, actor_id, address, at)
				VALUES ($1::uuid, $2::uuid, $3::uuid, $4::text, $5::boolean, $6, $7, $8, $9, $10, $11, $12::timestamptz)
			), mail AS (
				INSERT INTO newsletter_consents (member_id, brand_id, given_at) SELECT $2, $3, $12 WHERE $4 = 'MAIL' AND $5 ON CONFLICT DO NOTHING
			), silence AS (
				UPDATE newsletter_consents SET withdrawn_at = $12 WHERE member_id = $2 AND brand_id = $3 AND withdrawn_at IS NULL AND $4 = 'MAIL' AND NOT $5
			)
			INSERT INTO member_settings AS s (member_id, brand_id, medium, given, since) VALUES ($2, $3, $4, $5, $12)
			ON CONFLICT (member_id, brand_id, medium) DO UPDATE SET given = EXCLUDED.given,
				since = CASE WHEN s.given = EXCLUDED.given THEN s.since ELSE EXCLUDED.since END`,
			c.ID, c.MemberID, c.BrandID, c.Medium, c.Given, c.How, c.Wording, c.StoreID, c.ActorRole, c.ActorID, c.Address, c.At)
	}
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

// Consents are the members' record, those of members merged into them too.
func (s *Members) Consents(ctx context.Context, memberIDs []uuid.UUID) ([]member.Consent, error) {
	return collect[member.Consent](ctx, s.db, `
		SELECT c.id, m.keeper AS member_id, c.brand_id, c.medium, c.given, c.how, c.wording, c.store_id, c.actor_role, c.actor_id, c.address, c.at
		FROM (`+mergedToo+`) m JOIN member_consents c ON c.member_id = m.id
		ORDER BY m.keeper, c.at DESC, c.id DESC`, memberIDs)
}

// mergedToo are the members of $1, each with all that were ever merged into it.
const mergedToo = `WITH RECURSIVE chain AS (
	SELECT k AS keeper, k AS id FROM unnest($1::uuid[]) AS k
	UNION SELECT chain.keeper, g.id FROM chain JOIN members g ON g.merged_into = chain.id
) SELECT keeper, id FROM chain`

// Settings are what holds of the members' consents.
func (s *Members) Settings(ctx context.Context, memberIDs []uuid.UUID) ([]member.Setting, error) {
	return collect[member.Setting](ctx, s.db, `
		SELECT member_id, brand_id, medium, given, since FROM member_settings WHERE member_id = ANY($1) ORDER BY member_id, brand_id, medium`, memberIDs)
}
