package graph

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/graph-gophers/dataloader/v7"

	"github.com/noren-commerce/noren/graph/run"
)

// Loader collects the keys that one request asks for and fetches them together.
type Loader[K comparable, V any] struct {
	fetch     func(context.Context, []K) (map[K]V, error)
	mu        sync.RWMutex
	known     map[K]V
	asked     map[K]*batch[K, V] // those that are not known yet
	gathering *batch[K, V]       // takes keys until it is fetched
}

// batch is keys that are fetched together.
type batch[K comparable, V any] struct {
	*run.Batch
	keys  []K
	found map[K]V
	err   error
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
	b := l.ask(ctx, key)[0]
	b.Wait(ctx)
	return b.found[key], b.err
}

// LoadMany is the values of the keys, by key.
func (l *Loader[K, V]) LoadMany(ctx context.Context, keys []K) (map[K]V, error) {
	found := make(map[K]V, len(keys))
	missing := l.lookMany(keys, found)
	if len(missing) == 0 {
		return found, nil
	}
	var failures []error
	batches := l.ask(ctx, missing...)
	for i, key := range missing {
		b := batches[i]
		b.Wait(ctx)
		found[key] = b.found[key]
		if b.err != nil && !slices.Contains(failures, b.err) {
			failures = append(failures, b.err)
		}
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

// ask puts the keys into the next batch, unless one has them already, and returns
// the batch of each.
func (l *Loader[K, V]) ask(ctx context.Context, keys ...K) []*batch[K, V] {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.asked == nil {
		l.asked = map[K]*batch[K, V]{}
	}
	batches := make([]*batch[K, V], len(keys))
	for i, key := range keys {
		b, ok := l.asked[key]
		if !ok {
			b = l.next(ctx)
			b.keys = append(b.keys, key)
			l.asked[key] = b
		}
		batches[i] = b
	}
	return batches
}

// next is the batch that takes keys.
func (l *Loader[K, V]) next(ctx context.Context) *batch[K, V] {
	if l.gathering == nil {
		b := &batch[K, V]{}
		b.Batch = run.NewBatch(ctx, func() { l.load(ctx, b) })
		l.gathering = b
	}
	return l.gathering
}

// load fetches a batch. The dataloader's own window is a timer; the operation knows
// better when all have asked, so the loader is full when it has these keys.
func (l *Loader[K, V]) load(ctx context.Context, b *batch[K, V]) {
	l.mu.Lock()
	l.gathering = nil
	l.mu.Unlock()
	loader := dataloader.NewBatchedLoader(l.results, dataloader.WithBatchCapacity[K, V](len(b.keys)))
	values := make([]dataloader.Thunk[V], len(b.keys))
	for i, key := range b.keys {
		values[i] = loader.Load(ctx, key)
	}
	b.found = make(map[K]V, len(b.keys))
	for i, key := range b.keys {
		if b.found[key], b.err = values[i](); b.err != nil {
			return // a batch fails as a whole
		}
	}
	l.learn(func(known map[K]V) { maps.Copy(known, b.found) })
}

func (l *Loader[K, V]) results(ctx context.Context, keys []K) []*dataloader.Result[V] {
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
