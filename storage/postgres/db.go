// Package postgres keeps everything that noren must not lose: it implements the
// core's stores with pgx, the SQL beside the method that runs it.
package postgres

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/multitracer"
	"github.com/jackc/pgx/v5/pgxpool"
	pgxuuid "github.com/vgarvardt/pgx-google-uuid/v5"

	"github.com/noren-commerce/noren/core/sealing"
)

// acquireWithin is how long a statement waits for a free connection, unless
// WithAcquireTimeout says otherwise.
const acquireWithin = 5 * time.Second

// pingAfter is how long a connection may have been idle and still be trusted.
const pingAfter = time.Second

// DB is a pool of connections to one database.
type DB struct {
	pool      *pgxpool.Pool
	brokeAt   atomic.Int64  // Unix nanoseconds of the last connection that died
	committed []Committed   // set before use
	keys      *sealing.Keys // of personal data; nil: rows are kept as they are
}

// settings are what options change.
type settings struct {
	pool    *pgxpool.Config
	tracers []pgx.QueryTracer
	acquire time.Duration
}

// Option changes how a database is opened.
type Option func(*settings)

// WithMaxConns bounds the pool. Unsaid, pgx's default of at least 4 holds, or
// what the URL's pool_max_conns says.
func WithMaxConns(n int32) Option {
	return func(s *settings) { s.pool.MaxConns = n }
}

// WithAcquireTimeout bounds how long a statement waits for a free connection.
// After that the database counts as unavailable: a queue that long only grows.
func WithAcquireTimeout(d time.Duration) Option {
	return func(s *settings) { s.acquire = d }
}

// WithTracer tells the tracer of every statement.
func WithTracer(tracer pgx.QueryTracer) Option {
	return func(s *settings) { s.tracers = append(s.tracers, tracer) }
}

// Open makes the pool; the database need not answer yet.
func Open(ctx context.Context, url string, options ...Option) (*DB, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("DATABASE_URL must be a PostgreSQL URL such as postgres://user:password@host:5432/name: %w", err)
	}
	config.MaxConnIdleTime = 5 * time.Minute
	config.ConnConfig.RuntimeParams["application_name"] = "noren"
	config.ConnConfig.RuntimeParams["timezone"] = "UTC"
	if _, said := config.ConnConfig.RuntimeParams["jit"]; !said {
		config.ConnConfig.RuntimeParams["jit"] = "off" // statements are short: to compile one costs more than it saves
	}
	s := settings{pool: config, acquire: acquireWithin, tracers: []pgx.QueryTracer{statementTracer{}}}
	for _, option := range options {
		option(&s)
	}
	db := &DB{}
	tracer := multitracer.New(s.tracers...)
	tracer.PoolAcquireTracers = append(tracer.PoolAcquireTracers, acquireTracer{s.acquire})
	config.ConnConfig.Tracer = tracer
	config.ShouldPing = db.shouldPing
	config.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		pgxuuid.Register(conn.TypeMap()) // keys go as 16 bytes, not by way of text
		return nil
	}
	if db.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, err
	}
	return db, nil
}

// Close ends the pool once the running statements have ended.
func (db *DB) Close() { db.pool.Close() }

// Pool is the pool itself, for what noren does not own: jobs, copies, health.
func (db *DB) Pool() *pgxpool.Pool { return db.pool }

// shouldPing tests a connection before use when it may have died: when one of
// its siblings has since it was last used, or when it has been idle for long.
func (db *DB) shouldPing(_ context.Context, p pgxpool.ShouldPingParams) bool {
	if p.IdleDuration > pingAfter {
		return true
	}
	broke := db.brokeAt.Load()
	return broke != 0 && time.Now().Add(-p.IdleDuration).UnixNano() <= broke
}

// acquireTracer bounds the wait for a connection. The pool waits in the context
// that its tracer returns; the statement itself keeps its own.
type acquireTracer struct{ within time.Duration }

type acquireKey struct{}

// TraceAcquireStart starts the clock.
func (t acquireTracer) TraceAcquireStart(ctx context.Context, _ *pgxpool.Pool, _ pgxpool.TraceAcquireStartData) context.Context {
	bounded, cancel := context.WithTimeout(ctx, t.within)
	return context.WithValue(bounded, acquireKey{}, cancel)
}

// TraceAcquireEnd stops the clock.
func (acquireTracer) TraceAcquireEnd(ctx context.Context, _ *pgxpool.Pool, _ pgxpool.TraceAcquireEndData) {
	if cancel, ok := ctx.Value(acquireKey{}).(context.CancelFunc); ok {
		cancel()
	}
}

// Alone runs f unless somebody else is at what the name says, here or in another process:
// then it does nothing. It holds a connection meanwhile, so a process that is killed is at
// it no more.
func (db *DB) Alone(ctx context.Context, name string, f func(ctx context.Context) error) error {
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return db.unavailable(ctx, err)
	}
	defer conn.Release()
	var got bool
	if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock(hashtextextended($1, 0))`, name).Scan(&got); err != nil || !got {
		return db.unavailable(ctx, err)
	}
	defer func() {
		over := context.WithoutCancel(ctx)
		if _, err := conn.Exec(over, `SELECT pg_advisory_unlock(hashtextextended($1, 0))`, name); err != nil {
			_ = conn.Conn().Close(over) // which ends the lock, too
		}
	}()
	return f(ctx)
}
