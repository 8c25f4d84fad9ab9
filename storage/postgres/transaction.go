package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/noren-commerce/noren/core/event"
)

// transaction is what a context carries inside InTx. It makes few round trips: it
// begins with the first statement that is sent, what nobody waits for an answer to
// is sent along with the next that somebody does wait for, and what still waits at
// the end goes with the commit.
type transaction struct {
	pool    *pgxpool.Pool
	begun   bool               // something has been sent, or tried
	conn    *pgxpool.Conn      // nil until then, and where there was none to be had
	waiting []*pgx.QueuedQuery // asked for and not sent yet
	events  []event.Event      // told when it is committed
}

// ahead reports whether something has to be sent before, or with, the next statement.
func (t *transaction) ahead() bool { return !t.begun || len(t.waiting) > 0 }

// SendBatch sends what waits and the batch in one round trip. A statement that
// failed ahead of the batch fails it.
func (t *transaction) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	if !t.ahead() {
		return t.conn.SendBatch(ctx, b)
	}
	whole := &pgx.Batch{}
	if !t.begun {
		t.begun = true
		var err error
		if t.conn, err = t.pool.Acquire(ctx); err != nil {
			return pgx.FailedBatchResults(b, err)
		}
		whole.Queue("begin")
	}
	whole.QueuedQueries = append(whole.QueuedQueries, t.waiting...)
	first := len(whole.QueuedQueries)
	whole.QueuedQueries = append(whole.QueuedQueries, b.QueuedQueries...)
	t.waiting = nil
	results := t.conn.SendBatch(ctx, whole)
	for _, q := range whole.QueuedQueries[:first] {
		if err := heard(q, results); err != nil {
			_ = results.Close()
			return pgx.FailedBatchResults(b, err)
		}
	}
	return results
}

// heard reads the answer to a statement of a batch.
func heard(q *pgx.QueuedQuery, results pgx.BatchResults) error {
	if q.Fn != nil {
		return q.Fn(results)
	}
	_, err := results.Exec()
	return err
}

// flush sends what waits.
func (t *transaction) flush(ctx context.Context) error {
	if len(t.waiting) == 0 {
		return nil
	}
	return t.SendBatch(ctx, &pgx.Batch{}).Close()
}

// settle sends what has to be answered before the commit: what somebody looks at the
// answer of, and what the transaction begins with, as a connection may turn out to be
// dead and it be run again.
func (t *transaction) settle(ctx context.Context) error {
	if t.begun && !slices.ContainsFunc(t.waiting, func(q *pgx.QueuedQuery) bool { return q.Fn != nil }) {
		return nil
	}
	return t.flush(ctx)
}

// ready begins the transaction and sends what waits.
func (t *transaction) ready(ctx context.Context) error {
	if !t.ahead() {
		return nil
	}
	return t.SendBatch(ctx, &pgx.Batch{}).Close()
}

// Exec runs a statement. One without arguments may be several, and goes alone.
func (t *transaction) Exec(ctx context.Context, sql string, args ...any) (tag pgconn.CommandTag, err error) {
	if !t.ahead() || len(args) == 0 {
		if err := t.ready(ctx); err != nil {
			return tag, err
		}
		return t.conn.Exec(ctx, sql, args...)
	}
	batch := &pgx.Batch{}
	batch.Queue(sql, args...).Exec(func(done pgconn.CommandTag) error {
		tag = done
		return nil
	})
	err = t.SendBatch(ctx, batch).Close()
	return tag, err
}

// Query runs a query after what waits: its rows are read one by one. See read for
// those that are collected, which travel with it.
func (t *transaction) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if err := t.ready(ctx); err != nil {
		return noRows{err}, err
	}
	return t.conn.Query(ctx, sql, args...)
}

// QueryRow runs a query of one row after what waits.
func (t *transaction) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	if err := t.ready(ctx); err != nil {
		return noRows{err}
	}
	return t.conn.QueryRow(ctx, sql, args...)
}

// CopyFrom copies rows after what waits.
func (t *transaction) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, rows pgx.CopyFromSource) (int64, error) {
	if err := t.ready(ctx); err != nil {
		return 0, err
	}
	return t.conn.CopyFrom(ctx, table, columns, rows)
}

// commit ends a transaction, with what still waits. One that did nothing has never
// begun.
func (t *transaction) commit(ctx context.Context) error {
	if !t.begun {
		return nil
	}
	var tag pgconn.CommandTag
	last := &pgx.Batch{QueuedQueries: t.waiting}
	t.waiting = nil
	last.Queue("commit").Exec(func(done pgconn.CommandTag) error {
		tag = done
		return nil
	})
	if err := t.conn.SendBatch(ctx, last).Close(); err != nil {
		return err
	}
	t.release()
	if tag.String() == "ROLLBACK" { // a statement had failed, and nobody had looked
		return pgx.ErrTxCommitRollback
	}
	return nil
}

// rollback ends a transaction that is not committed; one that is has no connection.
func (t *transaction) rollback(ctx context.Context) {
	if t.conn == nil {
		return
	}
	if t.conn.Conn().PgConn().TxStatus() != 'I' {
		_, _ = t.conn.Exec(ctx, "rollback")
	}
	t.release()
}

// release gives the connection back. The pool closes one that is still in a transaction.
func (t *transaction) release() {
	t.conn.Release()
	t.conn = nil
}

// lost reports whether err came of a connection that broke, or was never made.
func (t *transaction) lost(err error) bool {
	if t.conn == nil {
		return t.begun && isDown(err)
	}
	return t.conn.Conn().IsClosed()
}

// noRows are the rows of a query that has none: it failed, or nobody waits for them.
type noRows struct{ err error }

func (noRows) Close()                                       {}
func (r noRows) Err() error                                 { return r.err }
func (noRows) CommandTag() pgconn.CommandTag                { return pgconn.CommandTag{} }
func (noRows) FieldDescriptions() []pgconn.FieldDescription { return nil }
func (noRows) Next() bool                                   { return false }
func (r noRows) Values() ([]any, error)                     { return nil, r.Scan() }
func (noRows) RawValues() [][]byte                          { return nil }
func (noRows) Conn() *pgx.Conn                              { return nil }
func (noRows) TypeMap() *pgtype.Map                         { return nil }

func (r noRows) Scan(...any) error {
	if r.err != nil {
		return r.err
	}
	return pgx.ErrNoRows
}
