package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/importing"
	"github.com/noren-commerce/noren/core/page"
)

// Imports keeps the runs of imports and writes their products.
type Imports struct{ db *DB }

// NewImports makes the imports' store.
func NewImports(db *DB) *Imports { return &Imports{db} }

const runColumns = `id, brand_id, channel_id, file_name, file_hash, status, position, created, updated, rejected, failure, actor_id, started_at, finished_at`

// Begin answers the unfinished run of the same file, or keeps the new one.
func (s *Imports) Begin(ctx context.Context, r importing.Run, restart bool) (importing.Run, error) {
	var begun importing.Run
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		args := pgx.NamedArgs{"id": r.ID, "brand": r.BrandID, "channel": r.ChannelID, "name": r.FileName, "hash": r.FileHash, "actor": r.ActorID, "at": r.StartedAt, "restart": restart}
		if restart {
			if _, err := s.db.conn(ctx).Exec(ctx, `DELETE FROM import_runs WHERE channel_id = @channel AND file_hash = @hash AND status <> 'DONE'`, args); err != nil {
				return err
			}
		}
		run, err := first[importing.Run](ctx, s.db, `
			INSERT INTO import_runs (id, brand_id, channel_id, file_name, file_hash, status, actor_id, started_at)
			VALUES (@id, @brand, @channel, @name, @hash, 'RUNNING', @actor, @at)
			ON CONFLICT (channel_id, file_hash) WHERE status IN ('QUEUED', 'RUNNING', 'FAILED')
			DO UPDATE SET status = 'RUNNING', failure = '', finished_at = NULL
			RETURNING `+runColumns, args)
		if err == nil {
			begun = *run
		}
		return err
	})
	return begun, err
}

// Finish notes how a run ended.
func (s *Imports) Finish(ctx context.Context, r importing.Run) error {
	_, err := s.db.conn(ctx).Exec(ctx, `UPDATE import_runs SET status = $2, failure = $3, finished_at = $4 WHERE id = $1`,
		r.ID, r.Status, r.Failure, r.FinishedAt)
	return err
}

// Run is a run of the brand; nil if there is none.
func (s *Imports) Run(ctx context.Context, brandID, runID uuid.UUID) (*importing.Run, error) {
	return first[importing.Run](ctx, s.db, `SELECT `+runColumns+` FROM import_runs WHERE id = @id AND brand_id = @brand`,
		pgx.NamedArgs{"id": runID, "brand": brandID})
}

// numbered is a rejection with its place in the run.
type numbered struct {
	Number  int
	Line    int
	Column  string
	Value   string
	Slug    string
	Warning bool
	JA      string
	EN      string
}

// Rejections are one page of a run's rejections, in the order of the file.
func (s *Imports) Rejections(ctx context.Context, runID uuid.UUID, args page.Args) (page.Connection[importing.Rejection], error) {
	return rejectionsIn(ctx, s.db, `import_rejections`, runID, args)
}

// rejectionsIn is one page of a run's rejections in a table of such.
func rejectionsIn(ctx context.Context, db *DB, table string, runID uuid.UUID, args page.Args) (page.Connection[importing.Rejection], error) {
	var none page.Connection[importing.Rejection]
	size, err := args.Size()
	if err != nil {
		return none, err
	}
	after := 0
	behind, err := args.Start(&after)
	if err != nil {
		return none, err
	}
	named := pgx.NamedArgs{"run": runID, "after": after, "limit": size + 1}
	rows, err := collect[numbered](ctx, db, `
		SELECT number, line, "column", value, slug, warning, ja, en FROM `+table+`
		WHERE run_id = @run AND number > @after ORDER BY number LIMIT @limit`, named)
	if err != nil {
		return none, err
	}
	return page.Map(page.Of(rows, size, behind, rejectionKey), rejectionOf), nil
}

// note queues the run's new numbers and what was rejected.
func note(batch *pgx.Batch, r importing.Run, products []importing.Product) {
	batch.Queue(`UPDATE import_runs SET position = $2, created = $3, updated = $4, rejected = $5 WHERE id = $1 AND position = $6`,
		r.ID, r.Position, r.Created, r.Updated, r.Rejected, r.Position-len(products)).Exec(func(tag pgconn.CommandTag) error {
		if tag.RowsAffected() == 0 { // somebody else imports the same file, and is further
			return importing.ErrUnfinished
		}
		return nil
	})
	for _, p := range products {
		for _, x := range p.Rejections {
			batch.Queue(`
				INSERT INTO import_rejections (run_id, number, line, "column", value, slug, warning, ja, en)
				SELECT $1, coalesce(max(number), 0) + 1, $2, $3, $4, $5, $6, $7, $8 FROM import_rejections WHERE run_id = $1`,
				r.ID, x.Line, x.Column, printable(x.Value), printable(x.Slug), x.Warning, x.JA, x.EN)
		}
	}
}

// printable drops what PostgreSQL's text cannot hold.
func printable(s string) string {
	kept := make([]rune, 0, len(s))
	for _, r := range s {
		if r != 0 {
			kept = append(kept, r)
		}
	}
	return string(kept)
}

// Check counts what Write would do to the products and notes why it would reject
// them; it writes nothing.
func (s *Imports) Check(ctx context.Context, r importing.Run, products []importing.Product, at time.Time) (importing.Run, error) {
	w, err := s.look(ctx, r, products, at)
	if err != nil {
		return r, err
	}
	unsent := &pgx.Batch{}
	for i := range products {
		w.product(unsent, &r, &products[i])
	}
	r.Position += len(products)
	return r, nil
}

// Write writes the products of one step in one transaction.
func (s *Imports) Write(ctx context.Context, r importing.Run, products []importing.Product, at time.Time) (importing.Run, []uuid.UUID, error) {
	var (
		after   importing.Run
		written []uuid.UUID
	)
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		after, written = r, nil
		w, err := s.look(ctx, r, products, at)
		if err != nil {
			return err
		}
		batch := &pgx.Batch{}
		for i := range products {
			w.product(batch, &after, &products[i])
		}
		after.Position += len(products)
		note(batch, after, products)
		written = w.written
		if len(written) == 0 {
			return s.db.conn(ctx).SendBatch(ctx, batch).Close()
		}
		w.list(batch, written)
		if w.priced {
			moveRulesOf(batch, w.listID)
		}
		imported := w.event(ctx, after)
		queueEvents(batch, imported)
		if err := s.db.conn(ctx).SendBatch(ctx, batch).Close(); err != nil {
			return err
		}
		s.db.recorded(ctx, []event.Event{imported})
		return nil
	})
	return after, written, err
}
