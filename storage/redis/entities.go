package redis

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/maypok86/otter/v2"
	goredis "github.com/redis/go-redis/v9"
)

// entitiesHere bounds how many entities of one kind a process keeps.
const entitiesHere = 10_000

// loadWithin bounds a load that its caller no longer waits for.
const loadWithin = 15 * time.Second

// Entities is a read-through cache of one kind of entity, by id: in this process,
// then in Redis, then through the caller's fetch. Entities are kept under the
// generation of their brand, so what is given is never older than the last change
// that was reported done. Values are shared: whoever gets one does not change it.
type Entities[T any] struct {
	client      *Client
	generations *Generations
	kind        string
	keep        time.Duration
	here        *otter.Cache[string, T]

	mu      sync.Mutex
	loading map[string]*load[T]
}

// Fetch reads entities from where they are kept for good.
type Fetch[T any] func(context.Context, []uuid.UUID) (map[uuid.UUID]T, error)

// errLoad is what those who wait hear of a load that panicked.
var errLoad = errors.New("the load they waited for was broken off")

type load[T any] struct {
	done  chan struct{}
	value T
	found bool
	err   error
}

// NewEntities makes an empty cache of the kind ("product"), each entity kept for
// at most the given time.
func NewEntities[T any](client *Client, generations *Generations, kind string, keep time.Duration) *Entities[T] {
	return &Entities[T]{
		client: client, generations: generations, kind: kind, keep: keep, loading: map[string]*load[T]{},
		here: otter.Must(&otter.Options[string, T]{
			MaximumSize: entitiesHere, ExpiryCalculator: otter.ExpiryWriting[string, T](keep),
		}),
	}
}

// Get is the entities with the ids, as they are within something (a channel, say;
// uuid.Nil when they are the same everywhere). fetch is called for those that are not kept,
// once at a time for each in this process; ids that it does not answer are missing
// from the result and not remembered.
func (e *Entities[T]) Get(ctx context.Context, brand, within uuid.UUID, ids []uuid.UUID, fetch Fetch[T]) (map[uuid.UUID]T, error) {
	now, ok := e.generations.Now(ctx, brand)
	if !ok {
		return fetch(ctx, ids)
	}
	keys := make(map[uuid.UUID]string, len(ids))
	found := make(map[uuid.UUID]T, len(ids))
	for _, id := range ids {
		key := e.kind + ":" + within.String() + ":" + id.String() + "@" + strconv.FormatUint(now, 36)
		if value, ok := e.here.GetIfPresent(key); ok {
			found[id] = value
		} else {
			keys[id] = key
		}
	}
	if len(keys) == 0 {
		return found, nil
	}
	mine, waiting := e.claim(keys)
	if len(mine) > 0 {
		e.run(ctx, mine, fetch)
	}
	for id, l := range waiting {
		select {
		case <-l.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if l.err != nil {
			return nil, l.err
		}
		if l.found {
			found[id] = l.value
		}
	}
	return found, nil
}

// claim divides what is not here into what the caller must load, and all that it
// must wait for, its own included.
func (e *Entities[T]) claim(keys map[uuid.UUID]string) (mine map[uuid.UUID]string, all map[uuid.UUID]*load[T]) {
	e.mu.Lock()
	defer e.mu.Unlock()
	mine, all = map[uuid.UUID]string{}, make(map[uuid.UUID]*load[T], len(keys))
	for id, key := range keys {
		l, running := e.loading[key]
		if !running {
			l = &load[T]{done: make(chan struct{})}
			e.loading[key] = l
			mine[id] = key
		}
		all[id] = l
	}
	return mine, all
}

// run loads what was claimed and tells everyone who waits. It is not cut short
// when the caller leaves: others may wait.
func (e *Entities[T]) run(ctx context.Context, claimed map[uuid.UUID]string, fetch Fetch[T]) {
	values, err := map[uuid.UUID]T{}, errLoad
	defer func() { // after a panic of fetch too
		e.mu.Lock()
		defer e.mu.Unlock()
		for id, key := range claimed {
			l := e.loading[key]
			l.value, l.found = values[id]
			l.err = err
			delete(e.loading, key)
			close(l.done)
		}
	}()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadWithin)
	defer cancel()
	values = e.look(ctx, claimed)
	missing := make([]uuid.UUID, 0, len(claimed))
	for id, key := range claimed {
		if value, ok := values[id]; ok {
			e.here.Set(key, value)
		} else {
			missing = append(missing, id)
		}
	}
	if len(missing) == 0 {
		err = nil
		return
	}
	var fetched map[uuid.UUID]T
	if fetched, err = fetch(ctx, missing); err == nil {
		e.store(ctx, claimed, fetched)
		maps.Copy(values, fetched)
	}
}

// look reads what Redis keeps.
func (e *Entities[T]) look(ctx context.Context, keys map[uuid.UUID]string) map[uuid.UUID]T {
	values, replies := map[uuid.UUID]T{}, map[uuid.UUID]*goredis.StringCmd{}
	if !e.client.Up() {
		return values
	}
	pipe := e.client.rdb.Pipeline()
	for id, key := range keys {
		replies[id] = pipe.Get(ctx, "noren:"+key)
	}
	_, _ = pipe.Exec(ctx)
	for id, reply := range replies {
		var value T
		if raw, err := reply.Bytes(); err == nil && json.Unmarshal(raw, &value) == nil {
			values[id] = value
		}
	}
	return values
}

func (e *Entities[T]) store(ctx context.Context, keys map[uuid.UUID]string, values map[uuid.UUID]T) {
	up := e.client.Up()
	var pipe goredis.Pipeliner
	if up {
		pipe = e.client.rdb.Pipeline()
	}
	for id, value := range values {
		e.here.Set(keys[id], value)
		if raw, err := json.Marshal(value); err == nil && up {
			pipe.Set(ctx, "noren:"+keys[id], raw, spread(e.keep))
		}
	}
	if up {
		_, _ = pipe.Exec(ctx)
	}
}
