package redis_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/limit"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
	"github.com/noren-commerce/noren/storage/redis"
)

var silent = slog.New(slog.NewTextHandler(io.Discard, nil))

// process is one noren among several over the same Redis.
type process struct {
	client      *redis.Client
	generations *redis.Generations
	answers     *redis.Answers
	brand       uuid.UUID
}

func newProcess(t *testing.T, url string, brand uuid.UUID) *process {
	client, err := redis.Open(url, silent)
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	generations := redis.NewGenerations(client, silent)
	return &process{client, generations, redis.NewAnswers(client, generations), brand}
}

func (p *process) context(t *testing.T) context.Context {
	return channel.With(t.Context(), channel.Channel{BrandID: p.brand})
}

// read answers as the GraphQL edge does: the number first, then the cache, then
// the database, and what was read is kept under the number.
func (p *process) read(ctx context.Context, database *atomic.Int64) int64 {
	generation, ok := p.answers.Generation(ctx, uuid.Nil)
	key := "answer:" + p.brand.String() + strconv.FormatUint(generation, 36)
	if ok {
		if kept, found := p.answers.Get(ctx, key); found {
			n, _ := strconv.ParseInt(string(kept), 10, 64)
			return n
		}
	}
	n := database.Load()
	if rand.IntN(3) == 0 {
		runtime.Gosched() // a load that takes its time, across a change
	}
	if ok {
		p.answers.Set(ctx, key, []byte(strconv.FormatInt(n, 10)))
	}
	return n
}

// traffic writes and reads in two processes at once. No reader may get a value
// older than the last one whose write had been reported done when it asked.
func traffic(t *testing.T, url string, writes int, disturb func(write int)) (stats redis.AnswerStats) {
	brand := id.New()
	a, b := newProcess(t, url, brand), newProcess(t, url, brand)
	var database, reported atomic.Int64
	var reads, stale atomic.Int64
	done := make(chan struct{})
	var readers sync.WaitGroup
	for i := range 8 {
		p := []*process{a, b}[i%2]
		readers.Go(func() {
			ctx := p.context(t)
			for {
				select {
				case <-done:
					return
				default:
				}
				least := reported.Load()
				if p.read(ctx, &database) < least {
					stale.Add(1)
				}
				reads.Add(1)
			}
		})
	}
	for n := range writes {
		disturb(n)
		writer := []*process{a, b}[n%2]
		database.Store(int64(n + 1)) // the commit
		writer.generations.Move(writer.context(t), brand)
		reported.Store(int64(n + 1)) // the success is reported
		for seen := reads.Load(); reads.Load() < seen+20; {
			runtime.Gosched() // some are answered from the cache meanwhile
		}
	}
	close(done)
	readers.Wait()
	require.Zero(t, stale.Load(), "stale answers of %d", reads.Load())
	x, y := a.answers.Stats(), b.answers.Stats()
	return redis.AnswerStats{Here: x.Here + y.Here, There: x.There + y.There, Missed: x.Missed + y.Missed, Blind: x.Blind + y.Blind}
}

func TestNoStaleAnswerAfterAWrite(t *testing.T) {
	t.Parallel()
	stats := traffic(t, pgtest.RedisURL(t), 300, func(int) {})
	require.Positive(t, stats.Here, "the cache was used: %+v", stats)
	require.Positive(t, stats.There, "and shared: %+v", stats)
}

func TestNoStaleAnswerWhenRedisGoesAndComesBack(t *testing.T) {
	t.Parallel()
	server := pgtest.Redis(t)
	stats := traffic(t, server.URL, 300, func(n int) {
		switch n {
		case 60:
			server.Stop()
		case 120:
			require.NoError(t, server.Restart()) // with its data
		case 180:
			server.Stop()
			server.Flush()
		case 200:
			require.NoError(t, server.Restart()) // without
		}
	})
	require.Positive(t, stats.Here, "%+v", stats)
	require.Positive(t, stats.Blind, "while Redis was gone nothing came from a cache: %+v", stats)
}

func TestTheNumberNeverComesBack(t *testing.T) {
	t.Parallel()
	server := pgtest.Redis(t)
	p := newProcess(t, server.URL, id.New())
	ctx := p.context(t)
	first, ok := p.generations.Now(ctx, p.brand)
	require.True(t, ok)
	again, _ := p.generations.Now(ctx, p.brand)
	require.Equal(t, first, again, "it stays while nothing changes")

	p.generations.Move(ctx, p.brand)
	second, _ := p.generations.Now(ctx, p.brand)
	require.Greater(t, second, first)
	p.generations.Move(ctx, uuid.Nil)
	third, _ := p.generations.Now(ctx, p.brand)
	require.Greater(t, third, second, "a change to all brands is one to each")
	p.generations.Move(ctx, id.New())
	other, _ := p.generations.Now(ctx, p.brand)
	require.Equal(t, third, other, "another brand's is not")

	server.Flush()
	fourth, ok := p.generations.Now(ctx, p.brand)
	require.True(t, ok)
	require.Greater(t, fourth, third, "Redis lost everything")
}

// A replica that took over without having heard of the last change still keeps
// what was right before it.
func TestARedisThatFellBackIsNotTrusted(t *testing.T) {
	t.Parallel()
	server := pgtest.Redis(t)
	p := newProcess(t, server.URL, id.New())
	ctx := p.context(t)
	_, ok := p.generations.Now(ctx, p.brand)
	require.True(t, ok)
	before := server.Dump()
	p.generations.Move(ctx, p.brand)
	moved, _ := p.generations.Now(ctx, p.brand)

	server.Load(before)
	now, ok := p.generations.Now(ctx, p.brand)
	require.False(t, ok, "the number %d is lower than %d", now, moved)
	require.Eventually(t, func() bool {
		now, ok := p.generations.Now(ctx, p.brand)
		return ok && now > moved
	}, 3*time.Minute, 5*time.Millisecond)
}

func TestCommittedMovesOnlyWhatShoppersSee(t *testing.T) {
	t.Parallel()
	p := newProcess(t, pgtest.RedisURL(t), id.New())
	ctx := p.context(t)
	first, _ := p.generations.Now(ctx, p.brand)
	p.generations.Committed(ctx, []event.Event{event.New(ctx, time.Now(), "order.placed", "Order", id.New(), nil)})
	second, _ := p.generations.Now(ctx, p.brand)
	require.Equal(t, first, second)
	p.generations.Committed(ctx, []event.Event{event.New(ctx, time.Now(), "product.updated", "Product", id.New(), nil)})
	third, _ := p.generations.Now(ctx, p.brand)
	require.Greater(t, third, second)
}

func TestAStampedeLoadsOnce(t *testing.T) {
	t.Parallel()
	p := newProcess(t, pgtest.RedisURL(t), id.New())
	entities := redis.NewEntities[string](p.client, p.generations, "test", time.Minute)
	ids := []uuid.UUID{id.New(), id.New(), id.New()}
	var loads atomic.Int64
	var inside, all sync.WaitGroup
	inside.Add(1)
	fetch := func(_ context.Context, ids []uuid.UUID) (map[uuid.UUID]string, error) {
		loads.Add(int64(len(ids)))
		inside.Wait() // until everybody has asked
		values := map[uuid.UUID]string{}
		for _, id := range ids {
			values[id] = "value of " + id.String()
		}
		return values, nil
	}
	var asked atomic.Int64
	for range 50 {
		all.Go(func() {
			asked.Add(1)
			found, err := entities.Get(p.context(t), p.brand, uuid.Nil, ids, fetch)
			require.NoError(t, err)
			require.Len(t, found, 3)
			require.Equal(t, "value of "+ids[0].String(), found[ids[0]])
		})
	}
	for asked.Load() < 50 || loads.Load() < 3 {
		runtime.Gosched()
	}
	inside.Done()
	all.Wait()
	require.EqualValues(t, 3, loads.Load(), "each entity once")

	other := redis.NewEntities[string](p.client, p.generations, "test", time.Minute)
	_, err := other.Get(p.context(t), p.brand, uuid.Nil, ids, fetch)
	require.NoError(t, err)
	require.EqualValues(t, 3, loads.Load(), "another process finds them in Redis")
	p.generations.Move(p.context(t), p.brand)
	_, err = other.Get(p.context(t), p.brand, uuid.Nil, ids, fetch)
	require.NoError(t, err)
	require.EqualValues(t, 6, loads.Load(), "a change makes them unreachable")
}

func TestAFailedLoadIsNotKept(t *testing.T) {
	t.Parallel()
	p := newProcess(t, pgtest.RedisURL(t), id.New())
	entities := redis.NewEntities[int](p.client, p.generations, "test", time.Minute)
	ids := []uuid.UUID{id.New()}
	broken := fmt.Errorf("no database")
	_, err := entities.Get(p.context(t), p.brand, uuid.Nil, ids, func(context.Context, []uuid.UUID) (map[uuid.UUID]int, error) { return nil, broken })
	require.ErrorIs(t, err, broken)
	found, err := entities.Get(p.context(t), p.brand, uuid.Nil, ids, func(context.Context, []uuid.UUID) (map[uuid.UUID]int, error) {
		return map[uuid.UUID]int{ids[0]: 7}, nil
	})
	require.NoError(t, err)
	require.Equal(t, map[uuid.UUID]int{ids[0]: 7}, found)
}

func TestRedisAbsentAtStartCostsNothingAndIsUsedWhenItComes(t *testing.T) {
	t.Parallel()
	server := pgtest.Redis(t)
	server.Stop()
	p := newProcess(t, server.URL, id.New())
	ctx := p.context(t)
	_, ok := p.generations.Now(ctx, p.brand)
	require.False(t, ok)
	began := time.Now()
	limiter, entities := redis.NewLimiter(p.client), redis.NewEntities[int](p.client, p.generations, "test", time.Minute)
	for range 200 {
		_, ok = p.generations.Now(ctx, p.brand)
		require.False(t, ok)
		require.True(t, limiter.Allow(ctx, "k", limit.Rate{Allowed: 1000, Per: time.Minute}).Allowed)
		_, err := entities.Get(ctx, p.brand, uuid.Nil, []uuid.UUID{p.brand}, func(context.Context, []uuid.UUID) (map[uuid.UUID]int, error) { return nil, nil })
		require.NoError(t, err)
	}
	limiter.GiveBack(ctx, "k", limit.Rate{Allowed: 1000, Per: time.Minute})
	require.Less(t, time.Since(began), 2*time.Second, "600 questions to a dead Redis")

	require.NoError(t, server.Restart())
	require.Eventually(t, func() bool { _, ok := p.generations.Now(ctx, p.brand); return ok }, 3*time.Minute, 5*time.Millisecond)
}

func TestNoRedisAtAll(t *testing.T) {
	t.Parallel()
	p := newProcess(t, "", id.New())
	ctx := p.context(t)
	_, ok := p.generations.Now(ctx, p.brand)
	require.False(t, ok)
	p.generations.Move(ctx, p.brand)
	documents := redis.NewDocuments(p.client)
	documents.Put(ctx, "hash", "{ me }")
	source, ok := documents.Get(ctx, "hash")
	require.True(t, ok)
	require.Equal(t, "{ me }", source)
	require.ErrorIs(t, p.client.Ping(ctx), redis.ErrDown)
}

func TestAWrongURLIsRefused(t *testing.T) {
	t.Parallel()
	_, err := redis.Open("localhost:6379", silent)
	require.ErrorContains(t, err, "REDIS_URL must be")
}

func TestLimitIsOneForAllProcessesAndHoldsWithoutRedis(t *testing.T) {
	t.Parallel()
	server := pgtest.Redis(t)
	brand := id.New()
	a, b := newProcess(t, server.URL, brand), newProcess(t, server.URL, brand)
	limiters := []*redis.Limiter{redis.NewLimiter(a.client), redis.NewLimiter(b.client)}
	rate := limit.Rate{Allowed: 5, Per: time.Hour}
	passed := 0
	for i := range 10 {
		if limiters[i%2].Allow(t.Context(), "login:a", rate).Allowed {
			passed++
		}
	}
	require.Equal(t, 5, passed)
	refused := limiters[0].Allow(t.Context(), "login:a", rate)
	require.Greater(t, refused.RetryAfter, 10*time.Minute)
	require.True(t, limiters[0].Allow(t.Context(), "login:b", rate).Allowed, "another key")
	gives := func(key string, n int) (remaining int) { // and takes one
		for i := range n {
			limiters[i%2].GiveBack(t.Context(), key, rate)
		}
		return limiters[1].Allow(t.Context(), key, rate).Remaining
	}
	require.Equal(t, []int{2, 4, 4, 4}, []int{gives("login:a", 3), gives("login:a", 3), gives("login:a", 9), gives("login:new", 1)}, "what is given back can be tried again, and no more than that")

	server.Stop()
	passed = 0
	for range 10 {
		if v := limiters[0].Allow(t.Context(), "login:c", rate); v.Allowed {
			passed++
		} else {
			require.Greater(t, v.RetryAfter, 10*time.Minute)
		}
	}
	require.Equal(t, 5, passed, "this process counts for itself")
	for _, n := range []int{3, 20} {
		for range n {
			limiters[0].GiveBack(t.Context(), "login:c", rate)
		}
		require.Equal(t, min(n, 5)-1, limiters[0].Allow(t.Context(), "login:c", rate).Remaining)
	}
}

func TestSignalsReachOtherProcessesAndThisOneWithoutRedis(t *testing.T) {
	t.Parallel()
	server := pgtest.Redis(t)
	brand := id.New()
	a, b := redis.NewSignals(newProcess(t, server.URL, brand).client), redis.NewSignals(newProcess(t, server.URL, brand).client)
	t.Cleanup(func() { _ = a.Close(); _ = b.Close() })
	ctx, cancel := context.WithCancel(t.Context())
	here, there := a.Listen(ctx, "order:1"), b.Listen(ctx, "order:1")
	elsewhere := b.Listen(ctx, "order:2")

	// A subscription takes a moment to reach Redis: publish until it has.
	for got := false; !got; {
		a.Publish(ctx, "order:1", []byte("paid"))
		require.Equal(t, "paid", string(<-here), "once, and not again through Redis")
		select {
		case data := <-there:
			require.Equal(t, "paid", string(data))
			got = true
		case <-time.After(20 * time.Millisecond):
		}
	}
	require.Empty(t, here)
	require.Empty(t, elsewhere)

	server.Stop()
	a.Publish(ctx, "order:1", []byte("shipped"))
	require.Equal(t, "shipped", string(<-here))
	cancel()
	_, open := <-here
	require.False(t, open, "the channel closes with its context")
}

func TestStreamTellsEventsInOrderOrFails(t *testing.T) {
	t.Parallel()
	server := pgtest.Redis(t)
	p := newProcess(t, server.URL, id.New())
	stream := redis.NewStream(p.client)
	var events []event.Event
	for _, name := range []string{"a", "b", "c"} {
		events = append(events, event.New(p.context(t), time.Now(), name, "Order", id.New(), map[string]string{"犬": name}))
	}
	require.NoError(t, stream.Tell(t.Context(), events))
	entries, err := server.Stream("noren:events")
	require.NoError(t, err)
	require.Len(t, entries, 3)
	for i, entry := range entries {
		require.Equal(t, events[i].ID.String(), entry["id"])
		require.Equal(t, events[i].Type, entry["type"])
		require.JSONEq(t, string(events[i].Data), entry["data"])
	}
	server.Stop()
	require.Error(t, stream.Tell(t.Context(), events))
}
