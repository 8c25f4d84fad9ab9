package postgres

import (
	"context"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
)

// Statements counts the SQL statements that run under a context, and how often
// PostgreSQL was waited for, so that a test can hold an operation to its numbers.
// Begin and commit count as well; that River wakes its workers does not, for it
// leaves that out when it has just done so.
type Statements struct {
	n     atomic.Int64
	trips atomic.Int64
	outer *Statements // counts as well
}

// Count is the number of statements so far; each statement of a batch counts.
func (s *Statements) Count() int { return int(s.n.Load()) }

// RoundTrips is the number of round trips so far; a batch is one. Preparing a
// statement, once for each connection, is left out.
func (s *Statements) RoundTrips() int { return int(s.trips.Load()) }

type statementsKey struct{}

// CountStatements counts what runs under the returned context. Whoever counts
// already goes on counting.
func CountStatements(ctx context.Context) (context.Context, *Statements) {
	s := new(Statements)
	s.outer, _ = ctx.Value(statementsKey{}).(*Statements)
	return context.WithValue(ctx, statementsKey{}, s), s
}

// statementTracer counts into the context's Statements, where there is one.
type statementTracer struct{}

func (statementTracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if !wakes(data.SQL) {
		count(ctx, 1, 1)
	}
	return ctx
}

func (statementTracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (statementTracer) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	count(ctx, 0, 1)
	return ctx
}

func (statementTracer) TraceBatchQuery(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchQueryData) {
	if !wakes(data.SQL) {
		count(ctx, 1, 0)
	}
}

func (statementTracer) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

func (statementTracer) TraceCopyFromStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceCopyFromStartData) context.Context {
	count(ctx, 1, 1)
	return ctx
}

func (statementTracer) TraceCopyFromEnd(context.Context, *pgx.Conn, pgx.TraceCopyFromEndData) {}

// wakes reports whether the statement is River's to its workers.
func wakes(sql string) bool { return strings.Contains(sql, "pg_notify(") }

func count(ctx context.Context, statements, trips int64) {
	s, _ := ctx.Value(statementsKey{}).(*Statements)
	for ; s != nil; s = s.outer {
		s.n.Add(statements)
		s.trips.Add(trips)
	}
}
