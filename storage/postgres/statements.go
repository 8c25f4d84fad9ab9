package postgres

import (
	"context"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
)

// Statements counts the SQL statements that run under a context, so that a test
// can hold an operation to its number. Begin and commit count as well; that River
// wakes its workers does not, for it leaves that out when it has just done so.
type Statements struct {
	n     atomic.Int64
	outer *Statements // counts as well
}

// Count is the number of statements so far; each statement of a batch counts.
func (s *Statements) Count() int { return int(s.n.Load()) }

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
	if !strings.Contains(data.SQL, "pg_notify(") {
		count(ctx)
	}
	return ctx
}

func (statementTracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (statementTracer) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}

func (statementTracer) TraceBatchQuery(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchQueryData) {
	count(ctx)
}

func (statementTracer) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

func (statementTracer) TraceCopyFromStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceCopyFromStartData) context.Context {
	count(ctx)
	return ctx
}

func (statementTracer) TraceCopyFromEnd(context.Context, *pgx.Conn, pgx.TraceCopyFromEndData) {}

func count(ctx context.Context) {
	s, _ := ctx.Value(statementsKey{}).(*Statements)
	for ; s != nil; s = s.outer {
		s.n.Add(1)
	}
}
