package prize_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/prize"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

// open lets every account end.
type open struct{}

func (open) Prove(context.Context, string, string) error                   { return nil }
func (open) AskEmailChange(context.Context, uuid.UUID, string, bool) error { return nil }
func (open) End(context.Context, uuid.UUID) error                          { return nil }

// A merge waits for an exchange that is under way, and takes it along; the next one finds
// nobody.
func TestAMergeTakesAlongWhatIsBeingExchanged(t *testing.T) {
	t.Parallel()
	s := openStall(t)
	s.members.Accounts = open{}
	bowl := s.prize(t, 10, nil)
	kept, gone := s.joined(t, 0), s.joined(t, 500)
	keptID, goneID := access.From(kept).ID, access.From(gone).ID
	exchange := func(ctx context.Context, key string) (*prize.Exchange, error) {
		return s.Exchange(ctx, prize.ExchangeInput{IdempotencyKey: key, PrizeID: bowl.ID, Quantity: 1, Points: 100, Address: home()})
	}
	var done *prize.Exchange
	begun, proceed, results := make(chan struct{}), make(chan struct{}), make(chan error, 2)
	go func() {
		results <- s.shop.DB.InTx(gone, func(ctx context.Context) (err error) {
			done, err = exchange(ctx, "exchange-1")
			close(begun)
			<-proceed
			return err
		})
	}()
	<-begun
	go func() {
		_, err := s.members.Merge(s.admin(), member.MergeInput{IdempotencyKey: "merge-0001", KeepID: keptID, GoneID: goneID, Reason: "同一人物"})
		results <- err
	}()
	require.Eventually(t, func() bool {
		return len(results) > 0 || pgtest.Waits(t, s.shop.DB)
	}, 10*time.Second, 10*time.Millisecond)
	close(proceed)
	for range 2 {
		require.NoError(t, <-results)
	}
	require.EqualValues(t, 1, s.count(t, `SELECT count(*) FROM prize_exchanges WHERE member_id = $1`, keptID))
	require.EqualValues(t, 400, s.usable(t, kept))
	_, err := s.Cancel(s.admin(), prize.CancelInput{IdempotencyKey: "cancel-001", ExchangeID: done.ID, Reason: "欠品"})
	require.NoError(t, err)
	require.EqualValues(t, 500, s.usable(t, kept))
	_, err = exchange(gone, "exchange-2")
	require.ErrorIs(t, err, points.ErrMember)
}
