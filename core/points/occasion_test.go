package points_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/identity"
	cards "github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/sealing"
	"github.com/noren-commerce/noren/storage/postgres"
)

// brittle breaks off after so many transactions.
type brittle struct {
	idempotency.Tx
	left int
}

var errBroken = errors.New("broken off")

func (b *brittle) InTx(ctx context.Context, f func(context.Context) error) error {
	return b.Tx.InTx(ctx, func(ctx context.Context) error {
		if err := f(ctx); err != nil {
			return err
		}
		if b.left--; b.left < 0 {
			return errBroken
		}
		return nil
	})
}

// A job that is broken off in the middle of a transaction goes on with the members who are
// left, and gives nobody points twice.
func TestOccasionsGoOnWhereTheyWereBrokenOff(t *testing.T) {
	t.Parallel()
	b := open(t, 0)
	ctx, admin := access.With(t.Context(), access.System), b.as(access.Actor{Role: access.RoleAdmin})
	b.day(t, "2026-02-27")
	_, err := b.SaveRule(admin, points.SaveRuleInput{ProgrammeID: b.own.ID, Name: i18n.JA("入会記念日"), Terms: points.Terms{Occasion: points.Anniversary, Points: 10}})
	require.NoError(t, err)
	const many = 1200
	_, err = b.shop.DB.Pool().Exec(ctx, `
		WITH made AS (INSERT INTO members (id, created_at, updated_at) SELECT gen_random_uuid(), now(), now() FROM generate_series(1, $2) RETURNING id)
		INSERT INTO memberships (member_id, brand_id, joined_at) SELECT id, $1, '2024-02-29T03:00:00Z' FROM made`, b.shop.BrandID, many)
	require.NoError(t, err)
	b.day(t, "2026-02-28")
	sound := b.Tx
	count := func() (n int) {
		require.NoError(t, b.shop.DB.Pool().QueryRow(ctx, `SELECT count(*) FROM point_entries WHERE kind = 'EARN'`).Scan(&n))
		return n
	}
	// 27 February, three times 500 at most of the 28th, and what posts within them.
	broken := 0
	for range 50 {
		b.Tx = &brittle{sound, broken}
		if err := b.Celebrate(ctx); err == nil {
			break
		} else {
			require.ErrorIs(t, err, errBroken)
		}
		require.Zero(t, count()%100, "all of a transaction, or nothing")
		broken++
	}
	require.Positive(t, broken)
	b.Tx = sound
	require.NoError(t, b.Celebrate(ctx))
	require.Equal(t, many, count())
	var twice []uuid.UUID
	rows, err := b.shop.DB.Pool().Query(ctx, `SELECT account_id FROM point_entries GROUP BY 1 HAVING count(*) > 1`)
	require.NoError(t, err)
	for rows.Next() {
		var key uuid.UUID
		require.NoError(t, rows.Scan(&key))
		twice = append(twice, key)
	}
	require.Empty(t, twice)
	b.audit(t)
}

// stuck is a store in which some things fail.
type stuck struct {
	points.Store
	programme uuid.UUID
	occasion  points.Occasion // empty: writing off
}

var errStuck = errors.New("stuck")

func (s stuck) Expire(ctx context.Context, programmeID uuid.UUID, day, at time.Time, most int) ([]points.Loss, error) {
	if programmeID == s.programme && s.occasion == "" {
		return nil, errStuck
	}
	return s.Store.Expire(ctx, programmeID, day, at, most)
}

func (s stuck) Round(ctx context.Context, programmeID uuid.UUID, o points.Occasion) (*points.Round, error) {
	if programmeID == s.programme && s.occasion == o {
		return nil, errStuck
	}
	return s.Store.Round(ctx, programmeID, o)
}

func TestAProgrammeThatFailsHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	b := open(t, 1)
	m := b.members[0]
	for _, p := range []points.Programme{b.own, b.pool} {
		posting := b.posting(points.Grant, m, "granted-1", 100)
		posting.ProgrammeID = p.ID
		_, err := b.Post(t.Context(), posting)
		require.NoError(t, err)
	}
	b.pass(31 * 24 * time.Hour)
	sound := b.Store
	for _, p := range []points.Programme{b.own, b.pool} { // whichever comes first
		b.Store = stuck{Store: sound, programme: p.ID}
		require.ErrorIs(t, b.Expire(t.Context()), errStuck, "and still it is told")
	}
	var left int
	require.NoError(t, b.shop.DB.Pool().QueryRow(t.Context(), `SELECT sum(available) FROM point_accounts`).Scan(&left))
	require.Zero(t, left)
	b.audit(t)
}

// party lets a programme give points for what members celebrate.
func (b *bench) party(t testing.TB, p points.Programme, o points.Occasion) {
	t.Helper()
	_, err := b.SaveRule(b.as(access.Actor{Role: access.RoleAdmin}), points.SaveRuleInput{ProgrammeID: p.ID, Name: i18n.JA("お祝い"), Terms: points.Terms{Occasion: o, Points: 10}})
	require.NoError(t, err)
}

// joined is a member with a card alone who joined at the moment.
func (b *bench) joined(t testing.TB, at string) uuid.UUID {
	t.Helper()
	m := id.New()
	_, err := b.shop.DB.Pool().Exec(t.Context(), `
		WITH made AS (INSERT INTO members (id, created_at, updated_at) VALUES ($1, now(), now()))
		INSERT INTO memberships (member_id, brand_id, joined_at) VALUES ($1, $2, $3::timestamptz)`, m, b.shop.BrandID, at)
	require.NoError(t, err)
	return m
}

// rank makes a rank of the bench's brand.
func (b *bench) rank(t testing.TB, code string, spend int) uuid.UUID {
	t.Helper()
	key := id.New()
	_, err := b.shop.DB.Pool().Exec(t.Context(), `INSERT INTO member_ranks (id, brand_id, code, name, min_spend, months, updated_at) VALUES ($1, $2, $3, '{"ja": "ランク"}', $4, 12, now())`, key, b.shop.BrandID, code, spend)
	require.NoError(t, err)
	return key
}

// ranked notes that the member has another rank now.
func (b *bench) ranked(t testing.TB, m uuid.UUID, from, to *uuid.UUID) {
	t.Helper()
	_, err := b.shop.DB.Pool().Exec(t.Context(), `INSERT INTO member_rank_changes (id, member_id, brand_id, from_id, to_id, spend, at) VALUES ($1, $2, $3, $4, $5, 0, $6)`, id.New(), m, b.shop.BrandID, from, to, b.clock())
	require.NoError(t, err)
}

// got is for what the member was given points.
func (b *bench) got(t testing.TB, m uuid.UUID) (reasons []string) {
	t.Helper()
	rows, err := b.shop.DB.Pool().Query(t.Context(), `SELECT e.reason FROM point_entries e JOIN point_accounts a ON a.id = e.account_id WHERE a.member_id = $1 ORDER BY e.reason`, m)
	require.NoError(t, err)
	reasons, err = pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return reasons
}

func TestAnOccasionThatFailsHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	b := open(t, 0)
	b.day(t, "2026-03-01")
	for _, o := range []points.Occasion{points.Anniversary, points.RankedUp} {
		b.party(t, b.own, o)
		b.party(t, b.pool, o)
	}
	b.pass(time.Hour)
	m, gold := b.joined(t, "2024-03-01T03:00:00Z"), b.rank(t, "gold", 1)
	b.ranked(t, m, nil, &gold)
	sound := b.Store
	for _, p := range []points.Programme{b.own, b.pool} {
		for _, o := range []points.Occasion{points.Birthday, points.Anniversary} {
			b.Store = stuck{sound, p.ID, o}
			require.ErrorIs(t, b.Celebrate(t.Context()), errStuck)
		}
	}
	require.Equal(t, []string{"ANNIVERSARY", "ANNIVERSARY", "RANK_UP gold", "RANK_UP gold"}, b.got(t, m))
}

func TestTheRankThatAllBeginWithIsNoRise(t *testing.T) {
	t.Parallel()
	b := open(t, 0)
	b.party(t, b.own, points.RankedUp)
	b.pass(time.Hour)
	base, gold := b.rank(t, "base", 0), b.rank(t, "gold", 10000)
	fresh, risen, straight := b.joined(t, "2025-05-01T03:00:00Z"), b.joined(t, "2025-05-01T03:00:00Z"), b.joined(t, "2025-05-01T03:00:00Z")
	b.ranked(t, fresh, nil, &base)
	b.ranked(t, risen, &base, &gold)
	b.ranked(t, straight, nil, &gold)
	require.NoError(t, b.Celebrate(t.Context()))
	require.Empty(t, b.got(t, fresh))
	require.Equal(t, []string{"RANK_UP gold"}, b.got(t, risen))
	require.Equal(t, []string{"RANK_UP gold"}, b.got(t, straight))
	var waiting int
	require.NoError(t, b.shop.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM member_rank_changes WHERE points_due`).Scan(&waiting))
	require.Zero(t, waiting)
}

// A member with a value that cannot be opened has no birthday, and all others have theirs. Where
// no key can be read, nobody's birthday is over.
func TestAMemberWhoCannotBeReadHoldsUpNobodysBirthday(t *testing.T) {
	t.Parallel()
	b := open(t, 0)
	master, err := identity.Sealer("secret", "test")
	require.NoError(t, err)
	keys := postgres.NewDataKeys(b.shop.DB)
	sealed := sealing.New(keys, master, b.clock)
	_, err = sealed.Current(t.Context())
	require.NoError(t, err)
	store := postgres.NewMembers(b.shop.DB, sealed)
	b.day(t, "2026-03-01")
	b.party(t, b.own, points.Birthday)
	born := time.Date(1990, 3, 1, 0, 0, 0, 0, time.UTC)
	var all []uuid.UUID
	for range 3 {
		m := b.joined(t, "2025-05-01T03:00:00Z")
		require.NoError(t, store.SavePersonal(t.Context(), cards.Member{ID: m, Personal: cards.Personal{Name: "山田 花子", Birthday: &born, Gender: customer.GenderUnsaid}, UpdatedAt: b.clock()}))
		all = append(all, m)
	}
	_, err = b.shop.DB.Pool().Exec(t.Context(), `UPDATE profiles SET sealed_birthday = (SELECT sealed_birthday FROM profiles WHERE member_id = $2) WHERE member_id = $1`, all[1], all[0])
	require.NoError(t, err)
	b.Members = cards.New(cards.Parts{Tx: b.shop.DB, Store: postgres.NewMembers(b.shop.DB, sealing.New(noKeys{}, master, b.clock)), Now: b.clock})
	require.ErrorIs(t, b.Celebrate(t.Context()), errStuck)
	b.Members = cards.New(cards.Parts{Tx: b.shop.DB, Store: store, Now: b.clock})
	require.NoError(t, b.Celebrate(t.Context()))
	require.Equal(t, []string{"BIRTHDAY"}, b.got(t, all[0]))
	require.Empty(t, b.got(t, all[1]))
	require.Equal(t, []string{"BIRTHDAY"}, b.got(t, all[2]))
}

// noKeys are data keys that cannot be read now.
type noKeys struct{ sealing.Store }

func (noKeys) DataKeys(context.Context) ([]sealing.DataKey, error) { return nil, errStuck }
