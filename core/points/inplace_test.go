package points

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/id"
)

// Points in the place of money are whole, worth to the yen what they replace, and no more
// than it: what is left of it is less than the smallest step of the programme.
func TestPointsInPlaceOfMoneyAreWorthIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := Programme{UnitPoints: rapid.Int64Range(1, 1000).Draw(t, "points"), UnitMinor: rapid.Int64Range(1, 1000).Draw(t, "minor")}
		amount := rapid.Int64Range(0, 10_000_000).Draw(t, "amount")
		in := p.inPlace(amount)
		require.Equal(t, in.Points*p.UnitMinor, in.Minor*p.UnitPoints, "at the programme's own value")
		require.Equal(t, in.Minor, value(p, in.Points), "as the books value them")
		require.LessOrEqual(t, in.Minor, amount)
		require.Less(t, amount-in.Minor, p.UnitMinor)
		require.Equal(t, in, p.inPlace(in.Minor), "what makes whole points does so again")
		part := rapid.Int64Range(0, max(in.Minor, 0)).Draw(t, "part")
		require.LessOrEqual(t, in.Of(part), in.Points)
	})
}

func TestALotInPlaceOfMoneyIsNotTheOrders(t *testing.T) {
	t.Parallel()
	holder, order, now := Holder{id.New(), id.New()}, id.New(), time.Now()
	book := NewBook([]Locked{{
		Account:   Account{ID: id.New(), ProgrammeID: holder.ProgrammeID, MemberID: holder.MemberID},
		Programme: Programme{ID: holder.ProgrammeID, UnitPoints: 1, UnitMinor: 1, Zone: "Asia/Tokyo"},
	}})
	post := func(key string, kind Kind, points int64, pending bool) Result {
		r, err := book.Post(Posting{Holder: holder, Key: key, Kind: kind, Points: points, Pending: pending, OrderID: &order, At: now})
		require.NoError(t, err)
		return r
	}
	post("earned", Earn, 19, true)
	require.EqualValues(t, 500, post("refund", Repay, 500, false).Account.Available)
	require.True(t, post("refund", Repay, 500, false).Replayed)
	r := post("back", TakeBack, 19, false)
	require.Equal(t, []int64{500, 0, 0}, []int64{r.Account.Available, r.Account.Pending, r.Account.Owed}, "the order takes back what it earned")
	for _, l := range book.Changes().Made {
		require.Equal(t, l.Issued == 19, l.OrderID != nil, "%d points", l.Issued)
	}
}
