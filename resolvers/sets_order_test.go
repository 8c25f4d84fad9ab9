package resolvers_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestASetWaitsForItsParts orders boxes of which some tea is missing: the line says how
// many boxes wait and until when, and the mail what is in them.
func TestASetWaitsForItsParts(t *testing.T) {
	t.Parallel()
	s := openSetShop(t)
	s.SetStock(t, s.tea, 5) // two in each box
	backOrders(t, s.App, nil, 50)
	guest := &shopper{App: s.App}
	require.Empty(t, guest.choose(t, s.box, 4).UserErrors)
	guest.fillIn(t, s.method)
	placed := guest.place(t, "intent-1", "4000")
	require.Empty(t, placed.UserErrors)
	waits := guest.waits(t, placed.Order.ID)
	require.Equal(t, 2, waits.BackOrdered, "three pieces of tea are missing, of two boxes")
	require.Nil(t, waits.DueOn)
	d := &depot{App: s.App}
	d.announce(t, s.tea, 3, "2099-01-01")
	require.Equal(t, "2099-01-01", *guest.waits(t, placed.Order.ID).DueOn)

	var parts int
	openMails(t, s.App)
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `
		SELECT jsonb_array_length(args->'message'->'content'->'lines'->0->'parts') FROM river_job
		WHERE kind = 'send_message' AND args->'message'->>'kind' = 'order_confirmation'`).Scan(&parts))
	require.Equal(t, 2, parts)
}
