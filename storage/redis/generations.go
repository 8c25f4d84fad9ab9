package redis

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
	goredis "github.com/redis/go-redis/v9"

	"github.com/noren-commerce/noren/core/event"
)

const (
	// bumpWithin bounds what telling Redis of a change may cost the writer.
	bumpWithin = time.Second
	// owedMost is the longest pause between two tries to pay an owed bump.
	owedMost = 500 * time.Millisecond
)

// Generations number the states of what each brand shows. A number never comes
// back, not even when Redis loses its data: it is at least the time of the change
// in microseconds. What is kept under a number is right as long as the number is
// the present one, whoever keeps it and wherever.
//
// A writer moves the number after its commit and before it reports success, so
// whoever asks after that success gets the new number. A reader asks for the
// number before it reads the database, so what it read under a number is never
// older than the number.
//
// A writer that cannot reach Redis owes the move and goes on trying; the relay,
// which reads the same events from PostgreSQL, moves the number as well; and a
// process that has missed Redis moves all numbers before it trusts it again. Until
// the first of these, a process that never missed Redis may give an old answer.
type Generations struct {
	client *Client
	log    *slog.Logger

	mu     sync.Mutex
	brands map[uuid.UUID]*generation
}

// generation is what this process knows of one brand's number.
type generation struct {
	turns turns[uint64] // zero: not known
	seen  [2]uint64     // the highest, own and all brands'; guarded by Generations.mu
	owed  bool          // a bump has not come through; guarded by Generations.mu
}

// NewGenerations makes the numbers' keeper.
func NewGenerations(client *Client, log *slog.Logger) *Generations {
	g := &Generations{client: client, log: log, brands: map[uuid.UUID]*generation{}}
	if client.Configured() {
		all := []uuid.UUID{uuid.Nil}
		returned := func(ctx context.Context) error { return g.move(ctx, all) }
		client.breaker.returned.Store(&returned)
	}
	return g
}

// All brands' numbers lie in one slot of a cluster: they are read together.
func generationKey(brand uuid.UUID) string { return "noren:{generation}:" + brand.String() }

// readGenerations gives the numbers, making those that are not there.
var readGenerations = goredis.NewScript(`
local now = redis.call('TIME')
local fresh = string.format('%.0f', now[1] * 1000000 + now[2])
local all = {}
for i, key in ipairs(KEYS) do
	local n = redis.call('GET', key)
	if not n then
		n = fresh
		redis.call('SET', key, n)
	end
	all[i] = n
end
return all`)

// moveGenerations raises the numbers.
var moveGenerations = goredis.NewScript(`
local now = redis.call('TIME')
local fresh = now[1] * 1000000 + now[2]
for _, key in ipairs(KEYS) do
	local n = tonumber(redis.call('GET', key) or '0')
	n = math.max(n + 1, fresh)
	redis.call('SET', key, string.format('%.0f', n))
end
return 1`)

// Now is the brand's present number; false means that it cannot be known, and
// nothing may be read from or put into a cache.
func (g *Generations) Now(ctx context.Context, brand uuid.UUID) (uint64, bool) {
	if !g.client.Up() {
		return 0, false
	}
	now, ok := g.of(brand).turns.ask(ctx)
	return now, ok && now != 0
}

func (g *Generations) of(brand uuid.UUID) *generation {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.known(brand)
}

// known is what is kept of the brand. The caller holds the lock.
func (g *Generations) known(brand uuid.UUID) *generation {
	b, ok := g.brands[brand]
	if !ok {
		b = &generation{}
		b.turns.read = func() uint64 { return g.read(brand) }
		g.brands[brand] = b
	}
	return b
}

// read asks Redis for the number. It is the sum of the brand's own and of the one
// that moves for all brands: neither ever falls, so no sum comes back.
func (g *Generations) read(brand uuid.UUID) uint64 {
	ctx, cancel := context.WithTimeout(context.Background(), replyWithin)
	defer cancel()
	keys := []string{generationKey(brand), generationKey(uuid.Nil)}
	values, err := g.client.rdb.MGet(ctx, keys...).Result()
	if err == nil && (values[0] == nil || values[1] == nil) {
		values, err = readGenerations.Run(ctx, g.client.rdb, keys).Slice()
	}
	if err != nil {
		return 0
	}
	var now [2]uint64
	for i, v := range values {
		text, _ := v.(string)
		if now[i], err = strconv.ParseUint(text, 10, 64); err != nil {
			return 0
		}
	}
	return g.trusted(brand, now)
}

// trusted is the number, unless this process owes a bump or has seen a higher
// number: then Redis fell back (a replica took over that had not heard the last
// change), and what it keeps under this number may be old.
func (g *Generations) trusted(brand uuid.UUID, now [2]uint64) uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	b, all := g.brands[brand], g.brands[uuid.Nil]
	switch {
	case b.owed || (all != nil && all.owed):
		return 0
	case now[0] < b.seen[0]:
		g.owe(brand)
		return 0
	case now[1] < b.seen[1]:
		g.owe(uuid.Nil)
		return 0
	}
	b.seen = now
	return now[0] + now[1]
}

// Committed moves the numbers of the brands whose shoppers see something else
// after the events. It is a postgres.Committed.
func (g *Generations) Committed(ctx context.Context, events []event.Event) {
	g.Move(ctx, event.ShownBrands(events)...)
}

// Move makes everything kept for the brands unreachable; uuid.Nil means all
// brands. When Redis does not answer the move is owed: this process uses no cache
// for these brands until it has come through, and goes on trying.
func (g *Generations) Move(ctx context.Context, brands ...uuid.UUID) {
	if len(brands) == 0 || !g.client.Configured() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), bumpWithin)
	defer cancel()
	tries := 3
	if !g.client.Up() {
		tries = 1
	}
	var err error
	for range tries {
		if err = g.move(ctx, brands); err == nil {
			return
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, brand := range brands {
		if !g.known(brand).owed {
			g.log.WarnContext(ctx, "a change is not yet known to other processes' caches", "brand", brand, "error", err)
		}
		g.owe(brand)
	}
}

func (g *Generations) move(ctx context.Context, brands []uuid.UUID) error {
	keys := make([]string, len(brands))
	for i, brand := range brands {
		keys[i] = generationKey(brand)
	}
	return moveGenerations.Run(unbroken(ctx), g.client.rdb, keys).Err()
}

// owe starts paying what is owed for the brand. The caller holds the lock.
func (g *Generations) owe(brand uuid.UUID) {
	b := g.known(brand)
	if b.owed {
		return
	}
	b.owed = true
	go g.pay(brand, b)
}

func (g *Generations) pay(brand uuid.UUID, b *generation) {
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, owedMost) {
		select {
		case <-g.client.breaker.stop:
			return
		case <-time.After(pause):
		}
		ctx, cancel := context.WithTimeout(context.Background(), dialWithin+replyWithin)
		err := g.move(ctx, []uuid.UUID{brand})
		cancel()
		if err != nil {
			continue
		}
		g.mu.Lock()
		b.owed = false
		g.mu.Unlock()
		return
	}
}
