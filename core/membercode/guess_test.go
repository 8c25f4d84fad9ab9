package membercode_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/membercode"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
	"github.com/noren-commerce/noren/storage/redis"
)

// slow is a store that takes its time to look a card up, and counts how often it was asked.
type slow struct {
	used
	asked *atomic.Int32
	fails bool
}

func (s slow) Holder(ctx context.Context, brandID uuid.UUID, number string) (*membercode.Holder, error) {
	s.asked.Add(1)
	time.Sleep(5 * time.Millisecond)
	if s.fails {
		return nil, errors.New("the database is away")
	}
	return s.used.Holder(ctx, brandID, number)
}

const noCard = "2900000000025"

// counting makes codes whose tries are counted by processes that share a Redis.
func counting(t *testing.T, url string, processes int) ([]*membercode.Service, slow) {
	t.Helper()
	store := slow{used: used{}, asked: new(atomic.Int32)}
	all := make([]*membercode.Service, processes)
	for i := range all {
		client, err := redis.Open(url, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		t.Cleanup(func() { _ = client.Close() })
		all[i], err = membercode.New(store, "a secret of the shop", redis.NewLimiter(client), time.Now)
		require.NoError(t, err)
	}
	return all, store
}

// by is the context of somebody who shows cards.
func by(t *testing.T, role access.Role) context.Context {
	t.Helper()
	return access.With(channel.With(t.Context(), channel.Channel{BrandID: id.New()}), access.Actor{Role: role, ID: id.New()})
}

func TestWrongCardsAtOnceAreCountedBeforeTheyAreLookedUp(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		url             string
		processes, most int
	}{
		"one process": {"", 1, 20},
		// A Redis that is slow for a moment is left alone: then each process counts for itself.
		"two with Redis": {pgtest.RedisURL(t), 2, 60},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			codes, store := counting(t, c.url, c.processes)
			ctx := by(t, access.RoleStoreStaff)
			var group sync.WaitGroup
			var wrong, refused atomic.Int32
			for i := range 200 {
				group.Go(func() {
					_, err := codes[i%len(codes)].Card(ctx, noCard, nil)
					switch {
					case errors.Is(err, membercode.ErrCard):
						wrong.Add(1)
					case errors.Is(err, membercode.ErrTries):
						refused.Add(1)
					}
				})
			}
			group.Wait()
			require.Equal(t, []int32{200, wrong.Load()}, []int32{wrong.Load() + refused.Load(), store.asked.Load()})
			require.GreaterOrEqual(t, int(wrong.Load()), 20)
			require.LessOrEqual(t, int(wrong.Load()), c.most)
		})
	}
}

func TestRightCardsAreNotCounted(t *testing.T) {
	t.Parallel()
	codes, _ := counting(t, "", 1)
	ctx := by(t, access.RoleStoreStaff)
	for range 50 {
		_, err := codes[0].Card(ctx, aCard, nil)
		require.NoError(t, err)
	}
	for range 20 {
		_, err := codes[0].Card(ctx, noCard, nil)
		require.ErrorIs(t, err, membercode.ErrCard)
	}
	_, err := codes[0].Card(ctx, aCard, nil)
	require.ErrorIs(t, err, membercode.ErrTries)
}

func TestOneTillsWrongCardsShutNoOtherShopOfTheChain(t *testing.T) {
	t.Parallel()
	codes, _ := counting(t, "", 1)
	ctx, shop := by(t, access.RolePartner), id.New()
	try := func(number string, at uuid.UUID) error {
		_, err := codes[0].Card(ctx, number, &at)
		return err
	}
	for i := range 300 {
		want := membercode.ErrCard
		if i >= 20 {
			want = membercode.ErrTries
		}
		require.ErrorIs(t, try(noCard, shop), want, i)
	}
	require.ErrorIs(t, try(aCard, shop), membercode.ErrTries)
	next := id.New()
	for range 30 {
		require.NoError(t, try(aCard, next))
	}

	// The chain has a count of its own: shops that are made up give no more tries.
	for range 180 {
		require.ErrorIs(t, try(noCard, id.New()), membercode.ErrCard)
	}
	require.ErrorIs(t, try(noCard, id.New()), membercode.ErrTries)
	require.ErrorIs(t, try(aCard, next), membercode.ErrTries)
	_, err := codes[0].Card(ctx, aCard, nil)
	require.ErrorIs(t, err, membercode.ErrTries)
}

func TestWhatCouldNotBeLookedUpIsNotCounted(t *testing.T) {
	t.Parallel()
	client, err := redis.Open("", slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	codes, err := membercode.New(slow{used{}, new(atomic.Int32), true}, "a secret of the shop", redis.NewLimiter(client), time.Now)
	require.NoError(t, err)
	ctx := by(t, access.RoleStoreStaff)
	for range 30 {
		_, err := codes.Card(ctx, aCard, nil)
		require.EqualError(t, err, "the database is away")
	}
}
