package prize_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/prize"
)

func TestACarriersFileNumbersWhatWasMarkedByHand(t *testing.T) {
	t.Parallel()
	for _, state := range []prize.State{prize.Shipped, prize.Delivered} {
		s := openStall(t)
		m := s.joined(t, 500)
		e, err := s.Exchange(m, s.ask(s.prize(t, 1, nil), 1))
		require.NoError(t, err)
		_, err = s.Advance(s.admin(), prize.AdvanceInput{To: prize.Shipped, Moves: []prize.Move{{ExchangeID: e.ID}}})
		require.NoError(t, err)
		if state == prize.Delivered {
			_, err = s.Advance(s.admin(), prize.AdvanceInput{To: state, Moves: []prize.Move{{ExchangeID: e.ID}}})
			require.NoError(t, err)
		}
		told, left := len(s.mails), s.clock()
		for range 2 {
			s.pass(time.Hour)
			known, err := s.ShipNumbered(s.admin(), e.Reference(), "ヤマト運輸", "1234-5678", s.clock())
			require.NoError(t, err)
			require.True(t, known, "that it has left")
		}
		mine, err := s.Mine(m, page.Args{})
		require.NoError(t, err)
		got := mine.Edges[0].Node
		require.Equal(t, []any{state, "ヤマト運輸", "1234-5678"}, []any{got.State, got.Carrier, got.TrackingNumber})
		require.Equal(t, left, got.ShippedAt.UTC(), "when it left stays")
		require.Len(t, s.mails, told, "nobody is told twice")
		_, err = s.ShipNumbered(s.admin(), e.Reference(), "ヤマト運輸", "9999", s.clock())
		require.ErrorIs(t, err, prize.ErrState, "another parcel")
	}
}
