package redis

import (
	"context"
	"sync"
)

// turns shares one reading among all who asked before it began. Unlike a
// singleflight, nobody gets a reading that began before they asked: what they are
// told is at least as new as their question.
type turns[T any] struct {
	read func() T

	mu      sync.Mutex
	running bool
	next    *turn[T]
}

type turn[T any] struct {
	done  chan struct{}
	value T
}

// ask is a reading that began after the call; false if ctx ended first.
func (t *turns[T]) ask(ctx context.Context) (T, bool) {
	t.mu.Lock()
	if t.next == nil {
		t.next = &turn[T]{done: make(chan struct{})}
	}
	mine := t.next
	if t.running {
		t.mu.Unlock()
	} else {
		t.running, t.next = true, nil
		t.mu.Unlock()
		t.take(mine)
		t.handOver()
	}
	select {
	case <-mine.done:
		return mine.value, true
	case <-ctx.Done():
		var none T
		return none, false
	}
}

func (t *turns[T]) take(now *turn[T]) {
	defer close(now.done)
	now.value = t.read()
}

// handOver lets those who came meanwhile have their turn, in the background: the
// one who read first has its answer.
func (t *turns[T]) handOver() {
	t.mu.Lock()
	defer t.mu.Unlock()
	following := t.next
	t.next = nil
	if following == nil {
		t.running = false
		return
	}
	go func() {
		t.take(following)
		t.handOver()
	}()
}
