package graph

import (
	"context"
	"errors"
	"time"

	"github.com/graph-gophers/dataloader/v7"
)

// gather is how long a loader waits for more keys before it asks the store.
const gather = 500 * time.Microsecond

// Loader collects the keys that one request asks for and fetches them together.
type Loader[K comparable, V any] struct {
	fetch  func(context.Context, []K) (map[K]V, error)
	loader *dataloader.Loader[K, V]
}

// NewLoader makes a loader for one request. A key that fetch does not answer
// loads as the zero value.
func NewLoader[K comparable, V any](fetch func(context.Context, []K) (map[K]V, error)) *Loader[K, V] {
	batch := func(ctx context.Context, keys []K) []*dataloader.Result[V] {
		found, err := fetch(ctx, keys)
		results := make([]*dataloader.Result[V], len(keys))
		for i, key := range keys {
			results[i] = &dataloader.Result[V]{Data: found[key], Error: err}
		}
		return results
	}
	return &Loader[K, V]{fetch, dataloader.NewBatchedLoader(batch, dataloader.WithWait[K, V](gather))}
}

// Load is the value of the key, fetched together with its siblings'.
func (l *Loader[K, V]) Load(ctx context.Context, key K) (V, error) {
	return l.loader.Load(ctx, key)()
}

// LoadMany is the values of the keys, by key.
func (l *Loader[K, V]) LoadMany(ctx context.Context, keys []K) (map[K]V, error) {
	values, failures := l.loader.LoadMany(ctx, keys)()
	found := make(map[K]V, len(keys))
	for i, key := range keys {
		found[key] = values[i]
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
	for _, key := range keys {
		l.loader.Prime(ctx, key, found[key])
	}
	return found, nil
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
