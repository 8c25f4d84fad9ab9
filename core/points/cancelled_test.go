package points_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/points"
)

// An order is cancelled whose points came from a lot that is over by then: they cannot come
// back to it, whether or not the job has written the lot off.
func TestPointsOfAnOrderCancelledAfterTheirLotIsOver(t *testing.T) {
	t.Parallel()
	for _, job := range []bool{true, false} {
		t.Run(fmt.Sprint("written off: ", job), func(t *testing.T) {
			t.Parallel()
			b := open(t, 1)
			m := b.members[0]
			b.set(time.Date(2026, 3, 1, 12, 0, 0, 0, jst))
			_, err := b.Post(t.Context(), b.posting(points.Earn, m, "earned", 100))
			require.NoError(t, err)
			tenders, rest, err := b.Price(b.member(m), []points.UseInput{{ProgrammeID: b.own.ID, Points: 60}}, money.Of(1000, money.JPY))
			require.NoError(t, err)
			require.EqualValues(t, 940, rest)
			tenders[0].OrderID, tenders[0].PaymentID = id.New(), id.New()
			require.NoError(t, b.Spend(b.member(m), tenders))
			back := points.Refund{OrderID: tenders[0].OrderID, PaymentID: tenders[0].PaymentID, Paid: 60, Minor: 20, Reason: "一部返金"}
			b.set(time.Date(2026, 3, 31, 23, 59, 59, 0, jst)) // the lot's last second
			require.NoError(t, b.GiveBack(t.Context(), back))
			require.EqualValues(t, 60, b.usable(t, m), "in time they come back to their lot")
			b.pass(time.Second)
			if job {
				require.NoError(t, b.Expire(t.Context()))
			}
			require.Zero(t, b.usable(t, m), "and are over with it")

			back.Before, back.Minor, back.Reason = 20, 40, "キャンセル"
			require.NoError(t, b.GiveBack(t.Context(), back))
			require.NoError(t, b.GiveBack(t.Context(), back), "told twice it happens once")
			require.NoError(t, b.Expire(t.Context()))
			require.EqualValues(t, 40, b.usable(t, m), "what was paid lives on for the days of grace; what was there before does not")
			lots, err := b.Lots(b.member(m), b.own.ID, nil)
			require.NoError(t, err)
			require.Len(t, lots, 1)
			require.Equal(t, "2026-04-15", lots[0].ExpiresOn.Format(time.DateOnly))
			require.Nil(t, lots[0].OrderID, "the order has not earned them")
			b.set(time.Date(2026, 4, 15, 23, 59, 59, 0, jst))
			require.EqualValues(t, 40, b.usable(t, m))
			b.pass(time.Second)
			require.Zero(t, b.usable(t, m))
			require.NoError(t, b.Expire(t.Context()))
			back.Before, back.Minor = 60, 1
			require.Error(t, b.GiveBack(t.Context(), back), "no more comes back than was paid")
			b.audit(t)
		})
	}
}
