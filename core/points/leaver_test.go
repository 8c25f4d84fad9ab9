package points_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/points"
)

// A lot of a leaver that was written off, and to which an order's points would come back, stands
// in nobody's way: neither the leaver's own points nor anybody else's live on.
func TestWhatComesBackToALeaverIsWrittenOffAndKeepsNobodyElseWaiting(t *testing.T) {
	t.Parallel()
	b := open(t, 3)
	leaver, emptied, other := b.members[0], b.members[1], b.members[2]
	for _, m := range b.members {
		b.does(t, points.Grant, m, "granted-1", 500)
	}
	b.does(t, points.Use, leaver, "used-some", 300)
	b.does(t, points.Use, emptied, "used-all1", 500)
	require.NoError(t, b.close(leaver))
	require.NoError(t, b.close(emptied))
	require.NoError(t, b.Expire(t.Context()))
	b.does(t, points.Return, leaver, "back-001", 300, func(p *points.Posting) { p.Undoes = "used-some" })
	b.does(t, points.Return, emptied, "back-001", 500, func(p *points.Posting) { p.Undoes = "used-all1" })
	require.Zero(t, b.usable(t, leaver))
	require.Zero(t, b.usable(t, emptied), "nothing was left of the lot when its holder left, and still it is over")
	require.NoError(t, b.Expire(t.Context()))
	require.Empty(t, b.ends(t, leaver))
	require.Empty(t, b.ends(t, emptied))
	b.pass(31 * 24 * time.Hour)
	require.NoError(t, b.Expire(t.Context()))
	require.Empty(t, b.ends(t, other))
	b.audit(t)
}

// A lot that was written off on its day, and has something again from before anybody kept that
// from happening, is written off once more under a key of its own.
func TestALotThatWasWrittenOffOnItsDayIsWrittenOffAgain(t *testing.T) {
	t.Parallel()
	b := open(t, 2)
	for _, m := range b.members {
		b.does(t, points.Grant, m, "granted-1", 500)
	}
	b.pass(31 * 24 * time.Hour)
	expire := func() {
		t.Helper()
		_, err := b.store.Expire(t.Context(), b.own.ID, b.own.Day(b.clock()), b.clock(), 100)
		require.NoError(t, err)
	}
	expire()
	_, err := b.shop.DB.Pool().Exec(t.Context(), `
		WITH again AS (UPDATE point_lots SET remaining = 300 RETURNING account_id, programme_id), more AS (
			INSERT INTO point_entries (account_id, number, programme_id, key, part, kind, debit, credit, points, available, pending, at)
			SELECT account_id, 3, programme_id, 'back', 0, 'RETURN', 'REDEEMED', 'AVAILABLE', 300, 300, 0, $1 FROM again)
		UPDATE point_accounts SET available = 300, number = 3`, b.clock())
	require.NoError(t, err)
	expire()
	b.audit(t)
	for _, m := range b.members {
		require.Empty(t, b.ends(t, m))
	}
}

func TestWhateverReachesALeaverIsWrittenOff(t *testing.T) {
	t.Parallel()
	b := open(t, 2)
	m, from, order := b.members[0], b.members[1], id.New()
	b.does(t, points.Earn, m, "promised", 60, func(p *points.Posting) { p.Pending, p.OrderID = true, &order })
	b.does(t, points.Grant, from, "granted-1", 100)
	require.NoError(t, b.close(m))
	b.pass(24 * time.Hour)
	b.does(t, points.Confirm, m, "confirm-1", 0, func(p *points.Posting) { p.OrderID = &order })
	b.does(t, points.Grant, m, "granted-2", 5)
	b.does(t, points.Repay, m, "repaid-01", 7, func(p *points.Posting) { last := b.own.Day(b.clock()).AddDate(1, 0, 0); p.Until = &last })
	_, err := b.Post(t.Context(), b.posting(points.TransferOut, from, "transfer", 30), b.posting(points.TransferIn, m, "transfer", 30))
	require.NoError(t, err)
	pooled := b.posting(points.Grant, m, "pooled-01", 11) // of a programme in which they had nothing
	pooled.ProgrammeID = b.pool.ID
	_, err = b.Post(t.Context(), pooled)
	require.NoError(t, err)
	require.Zero(t, b.usable(t, m))
	require.NoError(t, b.Expire(t.Context()))
	var left int
	require.NoError(t, b.shop.DB.Pool().QueryRow(t.Context(), `SELECT sum(available + pending) FROM point_accounts WHERE member_id = $1`, m).Scan(&left))
	require.Zero(t, left)
	require.EqualValues(t, 70, b.usable(t, from))
	b.audit(t)
}

// Who leaves while points are posted waits for it, and has them written off as well.
func TestWhoLeavesMissesNothingThatIsPostedAtTheSameMoment(t *testing.T) {
	t.Parallel()
	b := open(t, 1)
	m := b.members[0]
	b.does(t, points.Grant, m, "granted-1", 5)
	posted, left := make(chan struct{}), make(chan error, 1)
	err := b.shop.DB.InTx(t.Context(), func(ctx context.Context) error {
		if _, err := b.Post(ctx, b.posting(points.Grant, m, "granted-2", 100)); err != nil {
			return err
		}
		go func() {
			close(posted)
			left <- b.close(m)
		}()
		<-posted
		for waiting := 0; waiting == 0; { // until the other one stands before the lock, or is through
			select {
			case err := <-left:
				left <- err
				return err
			case <-time.After(10 * time.Millisecond):
			}
			if err := b.shop.DB.Pool().QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting); err != nil {
				return err
			}
		}
		return nil
	})
	require.NoError(t, err)
	require.NoError(t, <-left)
	require.NoError(t, b.Expire(t.Context()))
	require.Empty(t, b.ends(t, m))
	b.audit(t)
}

// A movement of the day before, which waited for its turn, wakes nothing of who has left since.
func TestALateMovementWakesNothingOfALeaver(t *testing.T) {
	t.Parallel()
	b := open(t, 1)
	m := b.members[0]
	b.lives(t, points.ByMovement, 12, nil)
	b.day(t, "2026-03-01")
	b.does(t, points.Earn, m, "earned-1", 100)
	late := b.posting(points.Earn, m, "earned-2", 5)
	b.day(t, "2026-03-02")
	require.NoError(t, b.close(m))
	b.day(t, "2026-03-05")
	b.does(t, points.Grant, m, "granted-1", 7)
	for _, at := range []int{0, 3} { // of the day before the leave, and of one between it and what came then
		late.Key, late.At = fmt.Sprint("late-", at), late.At.AddDate(0, 0, at)
		_, err := b.one(t.Context(), late)
		require.NoError(t, err)
	}
	require.Zero(t, b.usable(t, m))
	require.NoError(t, b.Expire(t.Context()))
	require.Empty(t, b.ends(t, m))
	b.audit(t)
}
