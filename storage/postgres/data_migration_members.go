package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/migration"
	"github.com/noren-commerce/noren/core/sealing"
)

// likeness are the keyed hashes by which a member is compared; nil where there is nothing
// to compare.
type likeness struct{ email, phone, kana []byte }

func (s *DataMigrations) likeness(ctx context.Context, m member.Member) (l likeness, err error) {
	day, postal := "", ""
	if m.Birthday != nil {
		day = m.Birthday.Format(time.DateOnly)
	}
	if m.Address != nil {
		postal = m.Address.PostalCode
	}
	hash := func(field string, parts ...string) []byte {
		for _, p := range parts {
			if p == "" {
				return nil
			}
		}
		made, failed := s.keys.Hash(ctx, "likeness "+field, strings.Join(parts, "\x00"))
		err = errors.Join(err, failed)
		return made
	}
	l.email = hash("email", sealing.Email(m.Email))
	l.phone = hash("phone", sealing.Phone(m.Phone), day)
	l.kana = hash("kana", strings.ReplaceAll(m.Kana, " ", ""), day, postal)
	return l, err
}

// Index makes members comparable who are not yet, or were changed, or by an older key.
func (s *DataMigrations) Index(ctx context.Context, behind uuid.UUID, most int) (uuid.UUID, error) {
	keyID, err := s.keys.Current(ctx)
	if err != nil {
		return behind, err
	}
	ids, err := column[uuid.UUID](ctx, s.DB, `
		SELECT m.id FROM members m LEFT JOIN member_likenesses l ON l.member_id = m.id LEFT JOIN profiles p ON p.member_id = m.id
		WHERE m.id > $1 AND m.merged_into IS NULL AND m.erased_at IS NULL AND (l.member_id IS NULL OR l.key_id <> $2 OR l.at < greatest(m.updated_at, p.updated_at))
		ORDER BY m.id LIMIT $3`, behind, keyID, most)
	if err != nil || len(ids) == 0 {
		return behind, err
	}
	all, err := s.members.Members(ctx, ids)
	if err != nil {
		return behind, err
	}
	batch := &pgx.Batch{}
	for _, m := range all {
		l, err := s.likeness(ctx, m)
		if err != nil {
			return behind, err
		}
		batch.Queue(`INSERT INTO member_likenesses (member_id, email, phone_birthday, kana_birthday, key_id, at) VALUES ($1, $2, $3, $4, $5, greatest($6, now()))
			ON CONFLICT (member_id) DO UPDATE SET email = $2, phone_birthday = $3, kana_birthday = $4, key_id = $5, at = EXCLUDED.at`, m.ID, l.email, l.phone, l.kana, keyID, m.UpdatedAt)
	}
	return ids[len(ids)-1], wrapped("compare members", s.conn(ctx).SendBatch(ctx, batch).Close())
}

// loading is how new members become rows of a table.
type loading struct {
	table   string
	columns []string
	rows    func(ctx context.Context, n *migration.NewMember) ([][]any, error)
}

// AddMembers puts members into the database by COPY, table by table.
func (s *DataMigrations) AddMembers(ctx context.Context, r migration.Run, source string, all []*migration.NewMember) error {
	if len(all) == 0 {
		return nil
	}
	for _, t := range s.loadings(r, source) {
		var rows [][]any
		for _, n := range all {
			some, err := t.rows(ctx, n)
			if err != nil {
				return err
			}
			rows = append(rows, some...)
		}
		if len(rows) == 0 {
			continue
		}
		if _, err := s.conn(ctx).CopyFrom(ctx, pgx.Identifier{t.table}, t.columns, pgx.CopyFromRows(rows)); err != nil {
			return drawn(fmt.Errorf("copy into %s: %w", t.table, err))
		}
	}
	return nil
}

// drawn is migration.ErrDrawn where a card number that was drawn is given out.
func drawn(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.ConstraintName == "member_cards_number_key" {
		return migration.ErrDrawn
	}
	return err
}

func (s *DataMigrations) loadings(r migration.Run, source string) []loading {
	return []loading{
		{"members", []string{"id", "created_at", "updated_at"}, func(_ context.Context, n *migration.NewMember) ([][]any, error) {
			return [][]any{{n.Member.ID, n.Member.CreatedAt, n.Member.UpdatedAt}}, nil
		}},
		{"profiles", ProfileColumns, func(ctx context.Context, n *migration.NewMember) ([][]any, error) {
			row, err := ProfileRow(ctx, s.keys, n.Member)
			return [][]any{row}, err
		}},
		{"saved_addresses", AddressColumns, s.addressRows},
		{"memberships", []string{"member_id", "brand_id", "registered_store_id", "home_store_id", "rank_due_on", "joined_at", "imported"}, func(_ context.Context, n *migration.NewMember) ([][]any, error) {
			return [][]any{{n.Member.ID, r.BrandID, n.StoreID, n.HomeID, n.Member.UpdatedAt, n.Member.CreatedAt, true}}, nil
		}},
		{"member_cards", []string{"id", "number", "member_id", "brand_id", "kind", "state", "store_id", "issued_at", "imported"}, func(_ context.Context, n *migration.NewMember) ([][]any, error) {
			kind, number, err := member.Physical, n.Card, error(nil)
			if number == "" {
				kind = member.Digital
				number, err = member.DrawNumber()
			}
			return [][]any{{id.New(), number, n.Member.ID, r.BrandID, string(kind), string(member.CardActive), n.StoreID, n.Member.CreatedAt, true}}, err
		}},
		{"pets", []string{"id", "member_id", "name", "species", "breed", "birthday", "allergies", "created_at", "updated_at"}, petRows},
		{"member_consents", []string{"id", "member_id", "brand_id", "medium", "given", "how", "wording", "store_id", "actor_role", "actor_id", "at"}, consentRows},
		{"member_settings", []string{"member_id", "brand_id", "medium", "given", "since"}, settingRows},
		{"newsletter_consents", []string{"member_id", "brand_id", "given_at"}, newsletterRows},
		{"migration_sources", []string{"brand_id", "source", "key", "member_id", "run_id"}, func(_ context.Context, n *migration.NewMember) ([][]any, error) {
			return [][]any{{r.BrandID, source, n.Key, n.Member.ID, r.ID}}, nil
		}},
		{"member_likenesses", []string{"member_id", "email", "phone_birthday", "kana_birthday", "key_id", "at"}, s.likenessRows},
	}
}

func (s *DataMigrations) addressRows(ctx context.Context, n *migration.NewMember) ([][]any, error) {
	if n.Member.Address == nil {
		return nil, nil
	}
	at := n.Member.UpdatedAt
	row, err := AddressRow(ctx, s.keys, customer.SavedAddress{ID: id.New(), MemberID: n.Member.ID, Address: *n.Member.Address, IsDefault: true, CreatedAt: at, UpdatedAt: at})
	return [][]any{row}, err
}

func petRows(_ context.Context, n *migration.NewMember) ([][]any, error) {
	var rows [][]any
	for _, p := range n.Pets {
		rows = append(rows, []any{p.ID, p.MemberID, p.Name, string(p.Species), p.Breed, p.Birthday, p.Allergies, p.CreatedAt, p.UpdatedAt})
	}
	return rows, nil
}

func consentRows(_ context.Context, n *migration.NewMember) ([][]any, error) {
	var rows [][]any
	for _, c := range n.Consents {
		rows = append(rows, []any{c.ID, c.MemberID, c.BrandID, string(c.Medium), c.Given, string(c.How), c.Wording, c.StoreID, string(c.ActorRole), c.ActorID, c.At})
	}
	return rows, nil
}

func settingRows(_ context.Context, n *migration.NewMember) ([][]any, error) {
	var rows [][]any
	for _, c := range n.Consents {
		rows = append(rows, []any{c.MemberID, c.BrandID, string(c.Medium), c.Given, c.At})
	}
	return rows, nil
}

func newsletterRows(_ context.Context, n *migration.NewMember) ([][]any, error) {
	var rows [][]any
	for _, c := range n.Consents {
		if c.Medium == member.Mail && c.Given {
			rows = append(rows, []any{c.MemberID, c.BrandID, c.At})
		}
	}
	return rows, nil
}

func (s *DataMigrations) likenessRows(ctx context.Context, n *migration.NewMember) ([][]any, error) {
	l, err := s.likeness(ctx, n.Member)
	if err != nil {
		return nil, err
	}
	keyID, err := s.keys.Current(ctx)
	return [][]any{{n.Member.ID, l.email, l.phone, l.kana, keyID, n.Member.UpdatedAt}}, err
}

// byIndex keeps the planner from reading all of a table that was just filled and has no
// statistics yet, until the transaction ends.
const byIndex = `SELECT set_config('enable_seqscan', 'off', true)`

// alike finds, for each of the given, one other with each of the likenesses: a look into
// one index each.
const alike = `
	WITH given AS (SELECT * FROM unnest($1::uuid[], $2::bytea[], $3::bytea[], $4::bytea[], $5::uuid[]) AS g (member_id, email, phone, kana, card)),
	found AS (
		SELECT g.member_id, g.card AS other_id, 'CARD' AS what FROM given g WHERE g.card IS NOT NULL
		UNION ALL SELECT g.member_id, o.member_id, 'EMAIL' FROM given g
			CROSS JOIN LATERAL (SELECT l.member_id FROM member_likenesses l WHERE l.email = g.email AND l.member_id <> g.member_id LIMIT 1) o
		UNION ALL SELECT g.member_id, o.member_id, 'PHONE_AND_BIRTHDAY' FROM given g
			CROSS JOIN LATERAL (SELECT l.member_id FROM member_likenesses l WHERE l.phone_birthday = g.phone AND l.member_id <> g.member_id LIMIT 1) o
		UNION ALL SELECT g.member_id, o.member_id, 'KANA_BIRTHDAY_AND_POSTAL_CODE' FROM given g
			CROSS JOIN LATERAL (SELECT l.member_id FROM member_likenesses l WHERE l.kana_birthday = g.kana AND l.member_id <> g.member_id LIMIT 1) o
	), pairs AS (
		SELECT (array_agg(member_id ORDER BY member_id DESC))[1] AS member_id, least(member_id, other_id) AS lesser, greatest(member_id, other_id) AS greater, array_agg(DISTINCT what) AS what
		FROM found GROUP BY least(member_id, other_id), greatest(member_id, other_id)
	)`

// Propose finds who may be the same person as one of these.
func (s *DataMigrations) Propose(ctx context.Context, r migration.Run, all []*migration.NewMember, keep bool) (int, error) {
	n := len(all)
	if n == 0 {
		return 0, nil
	}
	ids, emails, phones, kanas, cards := make([]uuid.UUID, n), make([][]byte, n), make([][]byte, n), make([][]byte, n), make([]*uuid.UUID, n)
	for i, m := range all {
		l, err := s.likeness(ctx, m.Member)
		if err != nil {
			return 0, err
		}
		ids[i], emails[i], phones[i], kanas[i], cards[i] = m.Member.ID, l.email, l.phone, l.kana, m.Alike
	}
	if _, err := s.conn(ctx).Exec(ctx, byIndex); err != nil {
		return 0, err
	}
	if !keep {
		return one[int](ctx, s.DB, alike+` SELECT count(*)::int FROM pairs`, ids, emails, phones, kanas, cards)
	}
	kept := make([]uuid.UUID, 0, n)
	for range n * 4 {
		kept = append(kept, id.New())
	}
	tag, err := s.conn(ctx).Exec(ctx, alike+`
		INSERT INTO duplicate_members (id, brand_id, run_id, member_id, other_id, likenesses, state, created_at)
		SELECT ($6::uuid[])[row_number() OVER (ORDER BY lesser, greater)], $7, $8, member_id, CASE member_id WHEN lesser THEN greater ELSE lesser END, what, 'OPEN', $9 FROM pairs
		ON CONFLICT DO NOTHING`, ids, emails, phones, kanas, cards, kept, r.BrandID, r.ID, all[0].Member.UpdatedAt)
	return int(tag.RowsAffected()), wrapped("propose duplicates", err)
}
