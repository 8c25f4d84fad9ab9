package postgres_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

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
