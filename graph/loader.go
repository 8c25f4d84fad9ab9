package graph

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/graph-gophers/dataloader/v7"

	"github.com/noren-commerce/noren/graph/run"
)

// gather is how long a loader waits for more keys before it asks the store.
const gather = 500 * time.Microsecond

// Loader collects the keys that one request asks for and fetches them together.
type Loader[K comparable, V any] struct {
	fetch  func(context.Context, []K) (map[K]V, error)
	loader *dataloader.Loader[K, V] // made when a key has to be waited for
	mu     sync.RWMutex
	known  map[K]V
}

// NewLoader makes a loader for one request. A key that fetch does not answer
// loads as the zero value.
func NewLoader[K comparable, V any](fetch func(context.Context, []K) (map[K]V, error)) *Loader[K, V] {
	return &Loader[K, V]{fetch: fetch}
}

// Load is the value of the key, fetched together with its siblings'.
func (l *Loader[K, V]) Load(ctx context.Context, key K) (V, error) {
	if v, ok := l.look(key); ok {
		return v, nil
	}
	v, err := l.collect(ctx, key)()
	if err == nil {
		l.learn(func(known map[K]V) { known[key] = v })
	}
	return v, err
}

// LoadMany is the values of the keys, by key.
func (l *Loader[K, V]) LoadMany(ctx context.Context, keys []K) (map[K]V, error) {
	found := make(map[K]V, len(keys))
	missing := l.lookMany(keys, found)
	if len(missing) == 0 {
		return found, nil
	}
	waits := make([]dataloader.Thunk[V], len(missing))
	for i, key := range missing {
		waits[i] = l.collect(ctx, key)
	}
	var failures []error
	for i, key := range missing {
		v, err := waits[i]()
		found[key] = v
		if err != nil {
			failures = append(failures, err)
		}
	}
	if len(failures) == 0 {
		l.learn(func(known map[K]V) {
			for _, key := range missing {
				known[key] = found[key]
			}
		})
	}
	return found, errors.Join(failures...)
}

// Ahead fetches the keys at once, in one call, so that Load later answers
// without waiting. A resolver of a list calls it for what its rows will ask.
func (l *Loader[K, V]) Ahead(ctx context.Context, keys []K) (map[K]V, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	found, err := l.fetch(ctx, keys)
	if err != nil {
		return nil, err
	}
	l.learn(func(known map[K]V) {
		for _, key := range keys {
			known[key] = found[key]
		}
	})
	return found, nil
}

func (l *Loader[K, V]) look(key K) (V, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	v, ok := l.known[key]
	return v, ok
}

// lookMany adds what is known of the keys to found and returns the rest.
func (l *Loader[K, V]) lookMany(keys []K, found map[K]V) (missing []K) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, key := range keys {
		if v, ok := l.known[key]; ok {
			found[key] = v
		} else {
			missing = append(missing, key)
		}
	}
	return missing
}

func (l *Loader[K, V]) learn(what func(known map[K]V)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known == nil {
		l.known = map[K]V{}
	}
	what(l.known)
}

// collect puts the key into the next batch. The siblings of the field, which may
// ask for keys of the same batch, go on meanwhile.
func (l *Loader[K, V]) collect(ctx context.Context, key K) dataloader.Thunk[V] {
	thunk := l.batches().Load(ctx, key)
	run.Waiting(ctx)
	return thunk
}

func (l *Loader[K, V]) batches() *dataloader.Loader[K, V] {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.loader == nil {
		l.loader = dataloader.NewBatchedLoader(l.batch, dataloader.WithWait[K, V](gather))
	}
	return l.loader
}

func (l *Loader[K, V]) batch(ctx context.Context, keys []K) []*dataloader.Result[V] {
	found, err := l.fetch(ctx, keys)
	results := make([]*dataloader.Result[V], len(keys))
	for i, key := range keys {
		results[i] = &dataloader.Result[V]{Data: found[key], Error: err}
	}
	return results
}

// ByKey makes a fetch of one value a key from a fetch of rows.
func ByKey[K comparable, V any](rows func(context.Context, []K) ([]V, error), key func(V) K) func(context.Context, []K) (map[K]V, error) {
	return func(ctx context.Context, keys []K) (map[K]V, error) {
		all, err := rows(ctx, keys)
		found := make(map[K]V, len(all))
		for _, v := range all {
			found[key(v)] = v
		}
		return found, err
	}
}

// Grouped makes a fetch of many values a key from a fetch of rows; order is kept.
func Grouped[K comparable, V any](rows func(context.Context, []K) ([]V, error), key func(V) K) func(context.Context, []K) (map[K][]V, error) {
	return func(ctx context.Context, keys []K) (map[K][]V, error) {
		all, err := rows(ctx, keys)
		found := make(map[K][]V, len(keys))
		for _, v := range all {
			found[key(v)] = append(found[key(v)], v)
		}
		return found, err
	}
}
