package seed_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/seed"
)

func TestTheSampleDeskIsFilledOnce(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	require.NoError(t, seed.Write(t.Context(), a.DB, seed.Options{}))
	r := a.App.Resolvers
	desk := seed.Desk{Drafts: r.Drafts, Recurring: r.Recurring, Methods: r.Shipping, Channels: a.App.Channels, Now: clock.System}
	for range 2 {
		require.NoError(t, desk.Fill(t.Context()))
		var open, sent, recurring int
		require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE state = 'OPEN'), count(*) FILTER (WHERE state = 'SENT'),
			(SELECT count(*) FROM recurring_orders WHERE state = 'ACTIVE') FROM draft_orders`).Scan(&open, &sent, &recurring))
		require.Equal(t, [3]int{1, 1, 1}, [3]int{open, sent, recurring})
	}
}
