package operation

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/fault"
)

const (
	// trustFor is how long a process runs an operation without asking whether it
	// has been retired.
	trustFor = 30 * time.Second
	// countEvery is how often uses are written down.
	countEvery = 10 * time.Second
	// longestID bounds what a client may send as an id, in bytes.
	longestID = 200
)

// Check fails when a source does not fit the schema.
type Check func(source string) error

// Registry finds registered operations and counts their use.
type Registry struct {
	store Store
	check Check
	now   clock.Clock
	known *otter.Cache[string, []Operation]

	mu        sync.Mutex
	uses      map[[2]string]Use
	countedAt time.Time
	writing   sync.WaitGroup
}

// New makes the registry; check is what a source must pass to be registered.
func New(store Store, check Check, now clock.Clock) *Registry {
	return &Registry{
		store: store, check: check, now: now, uses: map[[2]string]Use{},
		known: otter.Must(&otter.Options[string, []Operation]{
			MaximumSize: 10_000, ExpiryCalculator: otter.ExpiryWriting[string, []Operation](trustFor),
		}),
	}
}

// Find is the source of the operation with the id, and counts the use. With a
// client, it is that client's or none. An unknown or retired id is not an error.
func (r *Registry) Find(ctx context.Context, client, id string) (source string, found bool, err error) {
	if id == "" || len(id) > longestID {
		return "", false, nil
	}
	versions, ok := r.known.GetIfPresent(id)
	if !ok {
		if versions, err = r.store.Runnable(ctx, id); err != nil {
			return "", false, err
		}
		if len(versions) > 0 {
			r.known.Set(id, versions)
		}
	}
	for _, o := range versions {
		if client == "" || o.Client == client {
			r.used(ctx, o)
			return o.Source, true, nil
		}
	}
	return "", false, nil
}

// used counts one use, and now and then writes the counts down beside the request.
func (r *Registry) used(ctx context.Context, o Operation) {
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	key := [2]string{o.Client, o.ID}
	u := r.uses[key]
	r.uses[key] = Use{Client: o.Client, ID: o.ID, Times: u.Times + 1, LastAt: now}
	switch {
	case r.countedAt.IsZero():
		r.countedAt = now
	case now.Sub(r.countedAt) >= countEvery:
		r.countedAt = now
		ctx := context.WithoutCancel(ctx)
		r.writing.Go(func() { _ = r.write(ctx) }) // what fails is kept for the next time
	}
}

// Flush writes the counts down; a process calls it before it ends.
func (r *Registry) Flush(ctx context.Context) error {
	r.writing.Wait()
	return r.write(ctx)
}

func (r *Registry) write(ctx context.Context) error {
	r.mu.Lock()
	uses := make([]Use, 0, len(r.uses))
	for _, u := range r.uses {
		uses = append(uses, u)
	}
	clear(r.uses)
	r.mu.Unlock()
	if len(uses) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, countEvery)
	defer cancel()
	err := r.store.CountUses(ctx, uses)
	if err != nil {
		r.keep(uses)
	}
	return err
}

// keep takes counts back that could not be written.
func (r *Registry) keep(uses []Use) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, u := range uses {
		key := [2]string{u.Client, u.ID}
		newer := r.uses[key]
		u.Times += newer.Times
		if newer.LastAt.After(u.LastAt) {
			u.LastAt = newer.LastAt
		}
		r.uses[key] = u
	}
}

// Register adds operations to a client's, all or none. Those that do not fit the
// schema fail with ErrInvalid each. It says how many could not be run before.
func (r *Registry) Register(ctx context.Context, client string, operations []Operation) (int, error) {
	var errs []error
	if client == "" {
		errs = append(errs, fault.ErrRequired.At("client"))
	}
	operations = slices.Clone(operations)
	for i, o := range operations {
		switch err := r.check(o.Source); {
		case o.ID == "" || len(o.ID) > longestID:
			errs = append(errs, ErrInvalid.With(o.Name, "its id is empty or too long"))
		case err != nil:
			errs = append(errs, ErrInvalid.With(o.Name, err.Error()))
		}
		operations[i].Client, operations[i].RegisteredAt = client, r.now()
	}
	if err := errors.Join(errs...); err != nil {
		return 0, err
	}
	return r.store.Register(ctx, operations)
}

// List are a client's operations, or everyone's for an empty client.
func (r *Registry) List(ctx context.Context, client string) ([]Operation, error) {
	return r.store.Operations(ctx, client)
}

// Retire makes operations unrunnable and says how many it did. Other processes
// notice within half a minute.
func (r *Registry) Retire(ctx context.Context, retirement Retirement) (int, error) {
	if retirement.Client == "" {
		return 0, fault.ErrRequired.At("client")
	}
	retirement.At = r.now()
	n, err := r.store.Retire(ctx, retirement)
	r.known.InvalidateAll()
	return n, err
}
