package app

import (
	"context"
	"net/http"
	"sync"
)

// gate lets requests in until it closes, and knows when the last one is out.
type gate struct {
	mu      sync.Mutex
	closed  bool
	inside  int
	emptied chan struct{}
}

func newGate() *gate { return &gate{emptied: make(chan struct{})} }

// through passes requests on while the gate is open; those who come later are
// turned away by refuse.
func (g *gate) through(next http.Handler, refuse http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !g.enter() {
			w.Header().Set("Connection", "close") // the client's next one goes elsewhere
			refuse(w, r)
			return
		}
		defer g.leave()
		next.ServeHTTP(w, r)
	})
}

func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.inside++
	return true
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	g.tell()
}

// close lets nobody in any more.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	g.tell()
}

func (g *gate) tell() {
	if !g.closed || g.inside > 0 {
		return
	}
	select {
	case <-g.emptied:
	default:
		close(g.emptied)
	}
}

// wait waits until everybody is out, or ctx ends.
func (g *gate) wait(ctx context.Context) error {
	select {
	case <-g.emptied:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
