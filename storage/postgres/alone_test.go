package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

func TestOneIsAtItAlone(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	times, failed := 0, errors.New("failed")
	run := func(inside func() error) error {
		return db.Alone(t.Context(), "round", func(context.Context) error { times++; return inside() })
	}
	require.ErrorIs(t, run(func() error {
		require.NoError(t, run(func() error { return nil }), "nothing is done, and nothing is wrong")
		require.Equal(t, 1, times)
		return db.Alone(t.Context(), "another round", func(context.Context) error { return failed })
	}), failed)
	require.NoError(t, run(func() error { return nil }))
	require.Equal(t, 2, times, "it is free again, also after a failure")
}

// What goes to a great many keeps nobody's order waiting.
func TestMailsToAGreatManyGoLast(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	jobs, err := postgres.NewJobs(db)
	require.NoError(t, err)
	for _, kind := range []messaging.Kind{messaging.KindPointsExpiring, messaging.KindDrawCancelled, messaging.KindWishNews, messaging.KindOrderShipped, messaging.KindPasswordReset} {
		require.NoError(t, jobs.Enqueue(t.Context(), messaging.Message{Key: string(kind), Kind: kind, Content: []byte(`{}`)}))
	}
	last, err := postgres.One[int](t.Context(), db, `SELECT count(*) FROM river_job WHERE priority = 4`)
	require.NoError(t, err)
	first, err := postgres.One[int](t.Context(), db, `SELECT count(*) FROM river_job WHERE priority = 1`)
	require.NoError(t, err)
	require.Equal(t, []int{3, 2}, []int{last, first})
}

// A table that somebody reads for long is not waited for until nobody else can read it.
func TestAMonthIsMadeWithoutHoldingEverybodyUp(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	month := []time.Time{time.Date(2031, 5, 1, 0, 0, 0, 0, time.UTC)}
	store := postgres.NewPurchases(db)
	require.NoError(t, db.InTx(t.Context(), func(ctx context.Context) error {
		if _, err := postgres.One[int](ctx, db, `SELECT count(*) FROM purchases`); err != nil {
			return err
		}
		require.ErrorIs(t, store.Room(t.Context(), month), fault.ErrUnavailable)
		return nil
	}))
	require.NoError(t, store.Room(t.Context(), month))
	made, err := postgres.One[bool](t.Context(), db, `SELECT to_regclass('purchases_2031_05') IS NOT NULL AND to_regclass('purchase_lines_2031_05') IS NOT NULL`)
	require.NoError(t, err)
	require.True(t, made)
}
