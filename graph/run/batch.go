package run

import (
	"context"
	"slices"
	"sync"
	"time"
)

// patience is how long a batch waits for an operation that does not come to rest:
// one of its goroutines may wait for another that waits for the batch.
const patience = 20 * time.Millisecond

// crew is the goroutines that resolve one operation.
type crew struct {
	mu      sync.Mutex
	working int      // those that neither wait for a batch nor for each other
	waiting []*Batch // not fetched yet
}

// Batch is what several goroutines of an operation wait for together. It is fetched
// when none of them can go on without it, so that what is asked for together does
// not hang on how fast the machine is.
type Batch struct {
	crew    *crew
	fetch   func()
	late    *time.Timer
	waiters int
	done    chan struct{} // closed when fetched
	over    bool
	alone   sync.Once // without a crew
}

// NewBatch announces a batch. Fetch is called once, on a goroutine of its own.
// Outside of an operation that was begun it is called by the first to wait.
func NewBatch(ctx context.Context, fetch func()) *Batch {
	b := &Batch{fetch: fetch, done: make(chan struct{})}
	p := at(ctx)
	if p == nil || p.operation == nil {
		return b
	}
	b.crew = &p.operation.crew
	b.crew.mu.Lock()
	defer b.crew.mu.Unlock()
	b.crew.waiting = append(b.crew.waiting, b)
	b.late = time.AfterFunc(patience, func() { b.crew.start(b) }) // which waits for the lock
	return b
}

// Wait returns when the batch is fetched. Other goroutines go on meanwhile with the
// siblings of the field, and of all fields above it, which may ask for the same
// batch. Where nothing waits, no goroutine is started.
func (b *Batch) Wait(ctx context.Context) {
	if b.crew == nil {
		b.alone.Do(b.fetch)
		return
	}
	if p := at(ctx); p != nil {
		for t := p.turns; t != nil; t = t.up {
			t.help()
		}
	}
	b.crew.mu.Lock()
	if b.over {
		b.crew.mu.Unlock()
		return
	}
	b.waiters++
	b.crew.rest()
	<-b.done
}

// run fetches. Whoever waited is at work again before any of them is: else the
// first could find the others at rest.
func (b *Batch) run() {
	b.late.Stop()
	b.fetch()
	b.crew.mu.Lock()
	b.over = true
	b.crew.working += b.waiters
	b.crew.mu.Unlock()
	close(b.done)
}

// start fetches a batch that the crew lets wait.
func (c *crew) start(b *Batch) {
	c.mu.Lock()
	i := slices.Index(c.waiting, b)
	if i >= 0 {
		c.waiting = slices.Delete(c.waiting, i, i+1)
	}
	c.mu.Unlock()
	if i >= 0 {
		b.run()
	}
}

// rest takes the goroutine at hand off work, and unlocks. If it was the last, what
// waits is fetched.
func (c *crew) rest() {
	c.working--
	var due []*Batch
	if c.working <= 0 {
		due, c.waiting = c.waiting, nil
	}
	c.mu.Unlock()
	for _, b := range due {
		go b.run()
	}
}
