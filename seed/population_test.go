package seed_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/sealing"
	"github.com/noren-commerce/noren/seed"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

var people = seed.Population{Members: 400, Purchases: 5000, Years: 2, Seed: 7, Until: time.Date(2026, 6, 30, 0, 0, 0, 0, time.UTC)}

// village is a database with the sample, and keys.
func village(t *testing.T) (*postgres.DB, *sealing.Keys) {
	t.Helper()
	db := pgtest.New(t)
	require.NoError(t, seed.Write(t.Context(), db, seed.Options{}))
	wrap, err := identity.Sealer("a-secret-of-thirty-two-characters", "test")
	require.NoError(t, err)
	return db, sealing.New(postgres.NewDataKeys(db), wrap, clock.System)
}

func number(t *testing.T, db *postgres.DB, sql string, args ...any) (n int64) {
	t.Helper()
	require.NoError(t, db.Pool().QueryRow(t.Context(), sql, args...).Scan(&n), sql)
	return n
}

// fingerprint is all that a population is, but for what is sealed.
func fingerprint(t *testing.T, db *postgres.DB) []string {
	t.Helper()
	rows, err := db.Pool().Query(t.Context(), `
		SELECT md5(string_agg(x::text, ',' ORDER BY x::text)) FROM (SELECT purchase_id, position, bought_on, member_id, store_id, product_id, quantity, amount FROM purchase_lines) x
		UNION ALL SELECT md5(string_agg(x::text, ',' ORDER BY x::text)) FROM (SELECT id, bought_on, bought_at, brand_id, member_id, card_number, store_id, till, receipt, items, total FROM purchases) x
		UNION ALL SELECT md5(string_agg(x::text, ',' ORDER BY x::text)) FROM (SELECT * FROM memberships) x
		UNION ALL SELECT md5(string_agg(x::text, ',' ORDER BY x::text)) FROM (SELECT * FROM member_cards) x
		UNION ALL SELECT md5(string_agg(x::text, ',' ORDER BY x::text)) FROM (SELECT * FROM pets WHERE member_id IN (SELECT id FROM members)) x
		UNION ALL SELECT md5(string_agg(x::text, ',' ORDER BY x::text)) FROM (SELECT * FROM member_consents) x
		UNION ALL SELECT md5(string_agg(x::text, ',' ORDER BY x::text)) FROM (SELECT member_id, gender, birth_year, birth_month FROM profiles WHERE member_id IN (SELECT id FROM members)) x`)
	require.NoError(t, err)
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return all
}

func TestPopulationIsWhatWasAskedForAndCanBeFound(t *testing.T) {
	t.Parallel()
	db, keys := village(t)
	require.NoError(t, seed.WritePopulation(t.Context(), db, keys, people, nil))
	require.EqualValues(t, 400, number(t, db, `SELECT count(*) FROM members`))
	require.EqualValues(t, 5000, number(t, db, `SELECT count(*) FROM purchase_lines`))
	for sql, why := range map[string]string{
		`SELECT count(*) FROM purchases_default`:                                                                                                                              "every month has its partition",
		`SELECT count(*) FROM purchases WHERE bought_on > '2026-06-30' OR bought_on < '2024-07-01'`:                                                                           "within the years",
		`SELECT count(*) FROM purchases p JOIN memberships j USING (member_id) WHERE p.bought_at < j.joined_at`:                                                               "nobody buys before joining",
		`SELECT count(*) FROM purchases p WHERE member_id IS NOT NULL AND NOT EXISTS (SELECT FROM memberships j WHERE j.member_id = p.member_id AND j.brand_id = p.brand_id)`: "members buy where they are members",
		`SELECT count(*) FROM purchases p LEFT JOIN (SELECT purchase_id, sum(quantity) AS n, sum(amount) AS paid FROM purchase_lines GROUP BY 1) l ON l.purchase_id = p.id WHERE items IS DISTINCT FROM n OR total IS DISTINCT FROM paid`: "receipts add up",
		`SELECT count(*) FROM purchases p JOIN member_cards c ON c.number = p.card_number WHERE c.member_id IS DISTINCT FROM p.member_id`:                                                                                                 "cards are the buyer's",
		`SELECT count(*) FROM memberships j WHERE spend <> (SELECT coalesce(sum(total), 0) FROM purchases p WHERE p.member_id = j.member_id AND p.brand_id = j.brand_id AND bought_on > '2025-06-30')`:                                    "ranks go by what was spent",
		`SELECT count(*) FROM member_settings s WHERE given <> (SELECT given FROM member_consents c WHERE c.member_id = s.member_id AND c.brand_id = s.brand_id AND c.medium = s.medium ORDER BY at DESC LIMIT 1)`:                        "the last word holds",
		`SELECT count(*) FROM profiles p JOIN members m ON m.id = p.member_id WHERE p.name NOT LIKE 's1.%' OR p.phone_hash IS NULL`:                                                                                                       "personal data is sealed",
		`SELECT count(*) FROM pg_index WHERE NOT indisvalid`: "indexes are whole",
	} {
		require.Zero(t, number(t, db, sql), why)
	}
	require.Positive(t, number(t, db, `SELECT count(*) FROM pg_indexes WHERE indexname = 'member_cards_store'`), "indexes are there again")
	top := number(t, db, `SELECT sum(n)::bigint FROM (SELECT count(*) AS n FROM purchases WHERE member_id IS NOT NULL GROUP BY member_id ORDER BY 1 DESC LIMIT 80) x`)
	require.Greater(t, 2*top, number(t, db, `SELECT count(*) FROM purchases WHERE member_id IS NOT NULL`), "a fifth of the members makes half of the visits")

	rows, err := db.Pool().Query(t.Context(), `SELECT number FROM member_cards`)
	require.NoError(t, err)
	numbers, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	for _, n := range numbers {
		_, err := member.ReadNumber(n)
		require.NoError(t, err, n)
	}
	var id uuid.UUID
	var sealed string
	require.NoError(t, db.Pool().QueryRow(t.Context(), `SELECT member_id, email FROM profiles WHERE email <> '' LIMIT 1`).Scan(&id, &sealed))
	email, err := keys.Open(t.Context(), "email", id, sealed)
	require.NoError(t, err)
	hash, err := keys.Hash(t.Context(), "email", sealing.Email(email))
	require.NoError(t, err)
	require.EqualValues(t, 1, number(t, db, `SELECT count(*) FROM profiles WHERE email_hash = $1 AND member_id = $2`, hash, id))
}

func TestBrokenOffPopulationGoesOnToTheSame(t *testing.T) {
	t.Parallel()
	whole, keys := village(t)
	require.NoError(t, seed.WritePopulation(t.Context(), whole, keys, people, nil))
	require.NoError(t, seed.WritePopulation(t.Context(), whole, keys, people, nil), "a second time does nothing")

	broken, keys := village(t)
	for stop := 1; ; stop++ { // each run comes some parts further
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			defer cancel()
			for ctx.Err() == nil && number(t, broken, `SELECT count(*) FROM pg_tables WHERE tablename = 'sample_parts'`) == 0 {
				time.Sleep(time.Millisecond)
			}
			time.Sleep(time.Duration(stop) * 40 * time.Millisecond)
		}()
		err := seed.WritePopulation(ctx, broken, keys, people, nil)
		cancel()
		if err == nil {
			break
		}
		require.True(t, errors.Is(err, context.Canceled) || ctx.Err() != nil, err)
	}
	require.Equal(t, fingerprint(t, whole), fingerprint(t, broken))

	other := people
	other.Members++
	require.ErrorContains(t, seed.WritePopulation(t.Context(), broken, keys, other, nil), "population of 400 members")
}

func TestHistoryThatIsThereStays(t *testing.T) {
	t.Parallel()
	db, keys := village(t)
	require.NoError(t, seed.WriteMembers(t.Context(), db, clock.System()))
	before := number(t, db, `SELECT count(*) FROM purchases`)
	require.Positive(t, before)
	require.NoError(t, seed.WritePopulation(t.Context(), db, keys, people, nil))
	require.EqualValues(t, 8, number(t, db, `SELECT count(*) FROM purchases WHERE import_id IS NOT NULL`))
	require.EqualValues(t, 5008, number(t, db, `SELECT count(*) FROM purchase_lines`))
}
