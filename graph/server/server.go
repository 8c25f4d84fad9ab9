// Package server answers GraphQL over HTTP, WebSocket and server-sent events. It
// drives the schema that gqlgen generates by itself, so that a hot operation costs
// one look-up of its document and one execution, and a public one often neither.
package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"golang.org/x/sync/singleflight"
)

// Config says how the endpoint behaves. Schema is the only thing it must have.
type Config struct {
	// Schema is what is served.
	Schema graphql.ExecutableSchema
	// Limits bound what one request may ask; the zero value means DefaultLimits.
	Limits Limits
	// Origins are the other sites whose pages may open a WebSocket ("https://shop.example").
	Origins []string
	// Introspection reports whether the caller may read the schema; nil means nobody.
	Introspection func(context.Context) bool
	// Policy says in which forms the caller may send operations; nil means any.
	Policy func(context.Context) Policy
	// Documents finds registered operations by id; nil means there are none.
	Documents Documents
	// Automatic keeps automatically persisted queries (APQ); nil means not offered.
	Automatic Automatic
	// Answers keeps whole answers to public operations; nil means none are kept.
	Answers Answers
	// Scope names who would get the same public answer as the caller: channel,
	// language, price context. false means that nobody would. It goes with Answers.
	// The operation runs in the context that it returns, in which whatever decides the
	// answer is fixed to what the scope says.
	Scope func(context.Context) (context.Context, AnswerScope, bool)
	// Prepare is called before each execution, and before each event of a
	// subscription: fresh dataloaders are put into the context here.
	Prepare func(context.Context) context.Context
	// Connect identifies the caller of a WebSocket by what connection_init carried.
	// The connection closes when the context's deadline, if any, has passed.
	Connect func(ctx context.Context, payload map[string]any) (context.Context, context.CancelFunc, error)
	// Observer is told of every operation: logs, metrics and traces hang on it.
	Observer Observer
	// Field wraps every field with a resolver or a directive; nil means not at all.
	Field graphql.FieldMiddleware
	// RequestID is the id by which a person can find the request in the log.
	RequestID func(context.Context) string
	// Log gets what clients are not told; nil means slog's default.
	Log *slog.Logger
}

// Policy says in which forms a caller may send operations.
type Policy struct {
	AdHoc     bool // any document
	Automatic bool // APQ: any document, remembered by its hash
}

// Server is the GraphQL endpoint: an http.Handler for one path.
type Server struct {
	Config
	documents *documents
	flights   singleflight.Group
	streams   streams
}

// New makes the endpoint, or says what is wrong with the config.
func New(c Config) (*Server, error) {
	if c.Schema == nil {
		return nil, errors.New("graph/server: a schema is needed")
	}
	c.Limits = c.Limits.orDefaults()
	c = c.orDefaults()
	docs, err := newDocuments(c.Schema.Schema(), c.Limits)
	if err != nil {
		return nil, err
	}
	return &Server{Config: c, documents: docs, streams: newStreams(c.Limits.Streams)}, nil
}

func (c Config) orDefaults() Config {
	if c.Introspection == nil {
		c.Introspection = func(context.Context) bool { return false }
	}
	if c.Policy == nil {
		c.Policy = func(context.Context) Policy { return Policy{AdHoc: true, Automatic: true} }
	}
	if c.Scope == nil {
		c.Answers = nil
	}
	if c.Prepare == nil {
		c.Prepare = func(ctx context.Context) context.Context { return ctx }
	}
	if c.Connect == nil {
		c.Connect = func(ctx context.Context, _ map[string]any) (context.Context, context.CancelFunc, error) {
			return ctx, func() {}, nil
		}
	}
	if c.Observer == nil {
		c.Observer = blind{}
	}
	if c.RequestID == nil {
		c.RequestID = func(context.Context) string { return "" }
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

// ServeHTTP answers one HTTP request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case isWebSocket(r):
		s.serveWebSocket(w, r)
	case r.Method == http.MethodGet || r.Method == http.MethodPost:
		s.serveHTTP(w, r)
	case r.Method == http.MethodOptions:
		w.Header().Set("Allow", allowedMethods)
		w.WriteHeader(http.StatusNoContent)
	default:
		s.refuse(w, mediaJSON, refuseMethod(r.Context()))
	}
}

// Drain ends every subscription so that clients reconnect elsewhere, refuses new
// ones, and waits for their goroutines until ctx is done.
func (s *Server) Drain(ctx context.Context) error { return s.streams.drain(ctx) }

// streams counts what stays open: subscriptions over SSE and WebSocket connections.
type streams struct {
	mu      *sync.Mutex
	open    map[int]context.CancelCauseFunc
	next    int
	limit   int
	closed  bool
	drained chan struct{}
}

var errDraining = errors.New("the server is going away")

func newStreams(limit int) streams {
	return streams{mu: &sync.Mutex{}, open: map[int]context.CancelCauseFunc{}, limit: limit, drained: make(chan struct{})}
}

// enter admits one more stream, whose context ends when the server drains.
func (s *streams) enter(ctx context.Context) (_ context.Context, leave func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.open) >= s.limit {
		return ctx, nil, false
	}
	ctx, cancel := context.WithCancelCause(ctx)
	key := s.next
	s.next++
	s.open[key] = cancel
	return ctx, func() {
		cancel(nil)
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.open, key)
		s.tellDrained()
	}, true
}

func (s *streams) tellDrained() {
	if s.closed && len(s.open) == 0 {
		select {
		case <-s.drained:
		default:
			close(s.drained)
		}
	}
}

func (s *streams) drain(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	for _, cancel := range s.open {
		cancel(errDraining)
	}
	s.tellDrained()
	s.mu.Unlock()
	select {
	case <-s.drained:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// keepAlive is how often an open stream says that it lives; proxies cut silent ones.
const keepAlive = 20 * time.Second

// patience is how long a stream waits for a client to take what it is sent.
const patience = 10 * time.Second
