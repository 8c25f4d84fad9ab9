package resolvers_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

// dawdling is a store of points that tells once what it has just read of an order, and goes
// on when it is told to.
type dawdling struct {
	points.Store
	read    chan<- struct{}
	proceed <-chan struct{}
}

func (d dawdling) Earned(ctx context.Context, orderID uuid.UUID, at time.Time) ([]points.Earned, error) {
	all, err := d.Store.Earned(ctx, orderID, at)
	d.read <- struct{}{}
	<-d.proceed
	return all, err
}

func TestTwoRefundsFollowedAtOnceBothTakePointsBack(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b := s.buyer(t, 0)
	order, payment := b.bought(t)
	s.follow(t, order)
	require.Equal(t, 19, b.has(t).Pending)
	read, proceed := make(chan struct{}, 1), make(chan struct{})
	parts := s.App.App.Resolvers.Points.Parts
	parts.Store = dawdling{parts.Store, read, proceed}
	results := make(chan error, 2)
	refund := apptest.Variables{"asPoints": false}
	require.Empty(t, s.refund(t, payment, "860", refund).UserErrors) // of the parcel 660, of goods 200
	go func() { results <- points.New(parts).Follow(context.Background(), keyOf(t, order)) }()
	<-read
	require.Empty(t, s.refund(t, payment, "1000", refund).UserErrors)
	go func() { results <- s.App.App.Resolvers.Points.Follow(context.Background(), keyOf(t, order)) }()
	require.Eventually(t, func() bool { return len(results) > 0 || pgtest.Waits(t, s.DB) }, 10*time.Second, 10*time.Millisecond)
	close(proceed)
	require.NoError(t, <-results)
	require.NoError(t, <-results)
	require.Equal(t, 7, b.has(t).Pending, "of 780 yen of goods")
}
