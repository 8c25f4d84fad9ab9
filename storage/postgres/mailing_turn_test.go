package postgres_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/id"
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
