// Package postgres keeps everything that noren must not lose: it implements the
// core's stores with pgx, the SQL beside the method that runs it.
package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/multitracer"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// DB is a pool of connections to one database.
type DB struct{ pool *pgxpool.Pool }

// Option changes how a database is opened.
type Option func(*pgxpool.Config, *[]pgx.QueryTracer)

// WithMaxConns bounds the pool. Unsaid, pgx's default of at least 4 holds, or
// what the URL's pool_max_conns says.
func WithMaxConns(n int32) Option {
	return func(c *pgxpool.Config, _ *[]pgx.QueryTracer) { c.MaxConns = n }
}

// WithTracer tells the tracer of every statement.
func WithTracer(tracer pgx.QueryTracer) Option {
	return func(_ *pgxpool.Config, tracers *[]pgx.QueryTracer) { *tracers = append(*tracers, tracer) }
}

// Open makes the pool; the database need not answer yet.
func Open(ctx context.Context, url string, options ...Option) (*DB, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("DATABASE_URL must be a PostgreSQL URL such as postgres://user:password@host:5432/name: %w", err)
	}
	tracers := []pgx.QueryTracer{statementTracer{}}
	config.MaxConnIdleTime = 5 * time.Minute
	config.ConnConfig.RuntimeParams["application_name"] = "noren"
	config.ConnConfig.RuntimeParams["timezone"] = "UTC"
	for _, option := range options {
		option(config, &tracers)
	}
	config.ConnConfig.Tracer = multitracer.New(tracers...)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	return &DB{pool: pool}, nil
}

// Close ends the pool once the running statements have ended.
func (db *DB) Close() { db.pool.Close() }

// Pool is the pool itself, for what noren does not own: jobs, copies, health.
func (db *DB) Pool() *pgxpool.Pool { return db.pool }

// conn is what a statement runs on: the transaction of the context, or the pool.
type conn interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
	CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, rows pgx.CopyFromSource) (int64, error)
}

func (db *DB) conn(ctx context.Context) conn {
	if tx := txFrom(ctx); tx != nil {
		return tx
	}
	return db.pool
}
