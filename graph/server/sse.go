package server

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"sync"
	"time"
)

// serveEvents answers with an event stream, one operation per request ("distinct
// connections mode" of the GraphQL over SSE protocol). Queries and mutations give
// one event.
func (s *Server) serveEvents(w http.ResponseWriter, r *http.Request, p *params) {
	started := time.Now()
	ctx := r.Context()
	c, refused := s.prepare(ctx, p)
	if refused == nil && !c.isSubscription() {
		refused = admissible(ctx, r, c)
	}
	ctx, end := s.Observer.Begin(ctx, describe(c, p, "sse"))
	outcome := Outcome{}
	defer func() { outcome.Elapsed = time.Since(started); end(outcome) }()
	if refused != nil {
		outcome.Codes, outcome.Refused = refused.codes(), true
		s.refuse(w, mediaEvents, refused)
		return
	}
	if !c.isSubscription() {
		a := s.answer(ctx, c)
		outcome.Codes, outcome.Cached, outcome.Bytes = a.codes, a.cached, len(a.body)
		writeEvents(w, a.body)
		return
	}
	ctx, leave, ok := s.streams.enter(ctx)
	if !ok {
		outcome.Codes, outcome.Refused = []string{string(CodeTooManyStreams)}, true
		s.refuse(w, mediaGraphQL, refuseStreams(ctx))
		return
	}
	defer leave()
	outcome.Codes = s.sendEvents(ctx, w, c)
}

// sendEvents runs the subscription until it or its client ends. When the server
// drains, the stream breaks off without "complete", so that the client reconnects.
func (s *Server) sendEvents(ctx context.Context, w http.ResponseWriter, c *call) []string {
	out := &eventWriter{w: w, control: http.NewResponseController(w)}
	out.open()
	next, refused := s.stream(ctx, c)
	if refused != nil {
		_ = out.next(appendResponse(nil, nil, refused.errors, nil))
		out.complete()
		return refused.codes()
	}
	stop := out.keepAlive(ctx)
	defer stop()
	for {
		a, more := next()
		if !more {
			break
		}
		if out.next(a.body) != nil {
			return nil
		}
	}
	if ctx.Err() == nil {
		out.complete()
	} else if errors.Is(context.Cause(ctx), errDraining) {
		out.raw("retry: 1000\n\n")
	}
	return nil
}

// eventWriter writes server-sent events; its methods may be called concurrently.
type eventWriter struct {
	mu      sync.Mutex
	w       http.ResponseWriter
	control *http.ResponseController
}

func (e *eventWriter) open() {
	h := e.w.Header()
	h.Set("Content-Type", mediaEvents+"; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	e.w.WriteHeader(http.StatusOK)
	e.raw(":\n\n")
}

func (e *eventWriter) raw(text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	_ = e.control.SetWriteDeadline(time.Now().Add(patience))
	_, _ = e.w.Write([]byte(text))
	_ = e.control.Flush()
}

func (e *eventWriter) next(body []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	_ = e.control.SetWriteDeadline(time.Now().Add(patience))
	if _, err := e.w.Write(event("next", body)); err != nil { //nolint:gosec // an event stream with nosniff, not a page
		return err
	}
	return e.control.Flush()
}

func (e *eventWriter) complete() { e.raw("event: complete\ndata:\n\n") }

// keepAlive sends a comment now and then until stop is called.
func (e *eventWriter) keepAlive(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(keepAlive)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				e.raw(":\n\n")
			}
		}
	})
	return func() { cancel(); done.Wait() }
}

// event frames a body, whose line breaks (JSON may have some) each need a "data:".
func event(name string, body []byte) []byte {
	out := append(make([]byte, 0, len(body)+32), "event: "+name+"\ndata: "...)
	out = append(out, bytes.ReplaceAll(body, []byte("\n"), []byte("\ndata: "))...)
	return append(out, "\n\n"...)
}

// writeEvents answers with one event and the end of the stream.
func writeEvents(w http.ResponseWriter, body []byte) {
	out := &eventWriter{w: w, control: http.NewResponseController(w)}
	out.open()
	_ = out.next(body)
	out.complete()
}

func refuseStreams(ctx context.Context) *refusal {
	return refuseWith(ctx, http.StatusServiceUnavailable, CodeTooManyStreams,
		"接続が混み合っています。しばらくしてからもう一度お試しください", "Too many streams are open; try again in a moment")
}
