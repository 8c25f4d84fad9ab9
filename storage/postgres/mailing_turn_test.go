package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/mailing"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

// A mailing that was worked on waits behind those that were not: the first to be sent does not
// keep the fourth from its turn.
func TestEachMailingHasItsTurn(t *testing.T) {
	t.Parallel()
	s := pgtest.NewShop(t)
	now, segment := time.Now().Truncate(time.Second), id.New()
	require.NoError(t, s.DB.Run(t.Context(), `
		INSERT INTO segments (id, brand_id, name, kind, currency, conditions, members, counted_at, created_at, updated_at) VALUES ($1, $2, 'みんな', 'DYNAMIC', 'JPY', '{}', 0, now(), now(), now())`, segment, s.BrandID))
	mailing := func(sent time.Duration, leased *time.Time) uuid.UUID {
		key := id.New()
		require.NoError(t, s.DB.Run(t.Context(), `
			INSERT INTO mailings (id, brand_id, name, medium, segment_id, currency, piece_cost, fixed_cost, hold_out, window_days, state, leased_until, created_at, updated_at, sent_at)
			VALUES ($1, $2, 'x', 'MAIL', $3, 'JPY', 0, 0, 0, 30, 'SENDING', $4, now(), now(), $5)`, key, s.BrandID, segment, leased, now.Add(sent)))
		return key
	}
	ago := func(d time.Duration) *time.Time { at := now.Add(-d); return &at }
	lately := mailing(-4*time.Hour, ago(0))
	before := mailing(-3*time.Hour, ago(time.Minute))
	mailing(-2*time.Hour, ago(-time.Minute)) // somebody works on it
	never, last := mailing(-time.Hour, nil), mailing(-time.Minute, nil)
	turns, err := postgres.NewMailings(s.DB, nil).Working(t.Context(), now)
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{never, last, before, lately}, turns)
}

// Of a cancel and an e-mail that is taken up at once, each sees the other: the e-mail of a
// mailing that is cancelled does not leave with a coupon that is void.
func TestACancelAndAClaimAreOneAfterTheOther(t *testing.T) {
	t.Parallel()
	s := newVault(t)
	ctx, segment, member, key := t.Context(), id.New(), id.New(), id.New()
	store := postgres.NewMailings(s.DB, s.keys)
	run := func(sql string, args ...any) { require.NoError(t, s.DB.Run(ctx, sql, args...)) }
	run(`INSERT INTO segments (id, brand_id, name, kind, currency, conditions, members, counted_at, created_at, updated_at) VALUES ($1, $2, 'みんな', 'DYNAMIC', 'JPY', '{}', 0, now(), now(), now())`, segment, s.BrandID)
	run(`INSERT INTO mailings (id, brand_id, name, medium, segment_id, currency, piece_cost, fixed_cost, hold_out, window_days, state, created_at, updated_at, sent_at)
		VALUES ($1, $2, 'x', 'MAIL', $3, 'JPY', 0, 0, 0, 30, 'SENDING', now(), now(), now())`, key, s.BrandID, segment)
	run(`INSERT INTO members (id, created_at, updated_at) VALUES ($1, now(), now())`, member)
	run(`INSERT INTO memberships (member_id, brand_id, joined_at) VALUES ($1, $2, now())`, member, s.BrandID)
	run(`INSERT INTO member_settings (member_id, brand_id, medium, given, since) VALUES ($1, $2, 'MAIL', true, now())`, member, s.BrandID)
	run(`INSERT INTO mailing_recipients (mailing_id, member_id, state, position) VALUES ($1, $2, 'QUEUED', 1)`, key, member)
	m := mailing.Mailing{ID: key, BrandID: s.BrandID}
	claimed := make(chan mailing.Claim, 1)
	require.NoError(t, s.DB.InTx(ctx, func(tx context.Context) error {
		held, err := store.Lock(tx, s.BrandID, key)
		require.NoError(t, err)
		go func() {
			claim, err := store.Claim(ctx, m, mailing.Reader{MemberID: member, Email: "hanako@example.jp"}, "m1", time.Now())
			assert.NoError(t, err)
			claimed <- claim
		}()
		require.Eventually(t, func() bool {
			n, err := postgres.One[int](ctx, s.DB, `SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
			return err == nil && n > 0 || len(claimed) > 0
		}, 10*time.Second, 5*time.Millisecond)
		require.Empty(t, claimed, "it waits for whoever cancels")
		held.State = mailing.Cancelled
		return store.Update(tx, *held)
	}))
	require.Equal(t, mailing.Stopped, <-claimed)
	state, err := postgres.One[string](ctx, s.DB, `SELECT state FROM mailing_recipients`)
	require.NoError(t, err)
	require.Equal(t, "QUEUED", state)
}
