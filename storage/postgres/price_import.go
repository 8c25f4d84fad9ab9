package postgres

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/noren-commerce/noren/core/importing"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/pricing"
)

// PriceImports keeps files of prices and what they would change.
type PriceImports struct {
	*DB
	jobs    *Jobs
	pricing *Pricing
}

// NewPriceImports makes the store of files of prices.
func NewPriceImports(db *DB, jobs *Jobs) *PriceImports {
	return &PriceImports{db, jobs, NewPricing(db)}
}

const priceRunColumns = `id, brand_id, channel_id, kind, encoding, file_name, file_hash, state, position, added, changed, closed, unchanged, rejected,
	failure, may_below, applied, relisted, actor_id, committed_by, created_at, previewed_at, finished_at`

func priceRunValues(r importing.PriceRun) pgx.NamedArgs {
	return pgx.NamedArgs{"id": r.ID, "brand": r.BrandID, "channel": r.ChannelID, "kind": r.Kind, "encoding": r.Encoding, "name": r.FileName, "hash": r.FileHash,
		"state": r.State, "position": r.Position, "added": r.Added, "changed": r.Changed, "closed": r.Closed, "unchanged": r.Unchanged, "rejected": r.Rejected,
		"failure": printable(r.Failure), "may_below": r.MayBelow, "applied": r.Applied, "relisted": r.Relisted, "actor": r.ActorID, "committed_by": r.CommittedBy,
		"created": r.CreatedAt, "previewed": r.PreviewedAt, "finished": r.FinishedAt}
}

const insertPriceRun = `INSERT INTO price_imports (id, brand_id, channel_id, kind, encoding, file_name, file_hash, state, may_below, actor_id, created_at)
	VALUES (@id, @brand, @channel, @kind, @encoding, @name, @hash, @state, @may_below, @actor, @created)`

// QueuePrices keeps a run that waits for its job.
func (s *PriceImports) QueuePrices(ctx context.Context, r importing.PriceRun) error {
	_, err := s.conn(ctx).Exec(ctx, insertPriceRun, priceRunValues(r))
	return err
}

// BeginPrices answers the unread run of the same file, or keeps the new one.
func (s *PriceImports) BeginPrices(ctx context.Context, r importing.PriceRun) (importing.PriceRun, error) {
	r.State = importing.PricesReading
	run, err := first[importing.PriceRun](ctx, s.DB, insertPriceRun+`
		ON CONFLICT (channel_id, kind, file_hash) WHERE state IN ('QUEUED', 'READING', 'FAILED')
		DO UPDATE SET state = 'READING', failure = '', finished_at = NULL
		RETURNING `+priceRunColumns, priceRunValues(r))
	if err != nil {
		return r, err
	}
	return *run, nil
}

// AddPriceChunk keeps a piece of the file.
func (s *PriceImports) AddPriceChunk(ctx context.Context, runID uuid.UUID, number int, bytes []byte) error {
	_, err := s.conn(ctx).Exec(ctx, `INSERT INTO price_import_chunks (run_id, number, bytes) VALUES ($1, $2, $3)`, runID, number, bytes)
	return err
}

// HashPrices notes the file's hash; one that failed makes way.
func (s *PriceImports) HashPrices(ctx context.Context, r importing.PriceRun, hash string) error {
	_, err := s.conn(ctx).Exec(ctx, `UPDATE price_imports SET file_hash = file_hash || ' ' || id WHERE channel_id = $1 AND kind = $2 AND file_hash = $3 AND state = 'FAILED'`,
		r.ChannelID, r.Kind, hash)
	if err != nil {
		return err
	}
	_, err = s.conn(ctx).Exec(ctx, `UPDATE price_imports SET file_hash = $2 WHERE id = $1`, r.ID, hash)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.ConstraintName == "price_imports_unread" {
		return importing.ErrUnfinished
	}
	return err
}

// PriceChunk is a piece of the file; nil behind the last.
func (s *PriceImports) PriceChunk(ctx context.Context, runID uuid.UUID, number int) ([]byte, error) {
	row, err := first[struct{ Bytes []byte }](ctx, s.DB, `SELECT bytes FROM price_import_chunks WHERE run_id = @id AND number = @n`, pgx.NamedArgs{"id": runID, "n": number})
	if err != nil || row == nil {
		return nil, err
	}
	return row.Bytes, nil
}

// ForgetPriceFile drops the file of a run.
func (s *PriceImports) ForgetPriceFile(ctx context.Context, runID uuid.UUID) error {
	_, err := s.conn(ctx).Exec(ctx, `DELETE FROM price_import_chunks WHERE run_id = $1`, runID)
	return err
}

// EnqueuePrices queues a preview or a commit.
func (s *PriceImports) EnqueuePrices(ctx context.Context, job importing.PriceJob) error {
	return s.jobs.Insert(ctx, job)
}

const priceRunOf = `SELECT ` + priceRunColumns + ` FROM price_imports WHERE id = @id AND (@brand = '00000000-0000-0000-0000-000000000000'::uuid OR brand_id = @brand)`

// PriceRun is a run of the brand, of any if it is zero; nil if there is none.
func (s *PriceImports) PriceRun(ctx context.Context, brandID, runID uuid.UUID) (*importing.PriceRun, error) {
	return first[importing.PriceRun](ctx, s.DB, priceRunOf, pgx.NamedArgs{"id": runID, "brand": brandID})
}

// LockPriceRun is PriceRun for changing it.
func (s *PriceImports) LockPriceRun(ctx context.Context, brandID, runID uuid.UUID) (*importing.PriceRun, error) {
	return first[importing.PriceRun](ctx, s.DB, priceRunOf+` FOR UPDATE`, pgx.NamedArgs{"id": runID, "brand": brandID})
}

const updatePriceRun = `UPDATE price_imports SET state = @state, position = @position, added = @added, changed = @changed, closed = @closed, unchanged = @unchanged,
	rejected = @rejected, failure = @failure, may_below = @may_below, applied = @applied, relisted = @relisted, committed_by = @committed_by, previewed_at = @previewed, finished_at = @finished
	WHERE id = @id`

// SavePriceRun keeps how far a run is.
func (s *PriceImports) SavePriceRun(ctx context.Context, r importing.PriceRun) error {
	_, err := s.conn(ctx).Exec(ctx, updatePriceRun, priceRunValues(r))
	return err
}

// NotePrices keeps the run's new numbers, if it still stands at the position, and what
// was rejected.
func (s *PriceImports) NotePrices(ctx context.Context, r importing.PriceRun, position int, rejected []importing.Rejection) error {
	args := priceRunValues(r)
	args["was"] = position
	batch := &pgx.Batch{}
	batch.Queue(updatePriceRun+` AND position = @was AND state IN ('QUEUED', 'READING')`, args).Exec(func(tag pgconn.CommandTag) error {
		if tag.RowsAffected() == 0 { // somebody else reads the same file, and is further
			return importing.ErrUnfinished
		}
		return nil
	})
	queueRejections(batch, r.ID, rejected)
	return s.conn(ctx).SendBatch(ctx, batch).Close()
}

// queueRejections keeps rejections behind those that the run has.
func queueRejections(batch *pgx.Batch, runID uuid.UUID, rejected []importing.Rejection) {
	if len(rejected) == 0 {
		return
	}
	rows := make([]map[string]any, len(rejected))
	for i, x := range rejected {
		rows[i] = map[string]any{"place": i + 1, "line": x.Line, "col": x.Column, "value": printable(x.Value), "slug": printable(x.Slug), "warning": x.Warning, "ja": printable(x.JA), "en": printable(x.EN)}
	}
	batch.Queue(`
		INSERT INTO price_import_rejections (run_id, number, line, "column", value, slug, warning, ja, en)
		SELECT $1, (SELECT coalesce(max(number), 0) FROM price_import_rejections WHERE run_id = $1) + x.place, x.line, x.col, x.value, x.slug, x.warning, x.ja, x.en
		FROM jsonb_to_recordset($2) AS x (place int, line int, col text, value text, slug text, warning boolean, ja text, en text)`, runID, rows)
}

// PriceRuns is one page of the brand's runs, newest first.
func (s *PriceImports) PriceRuns(ctx context.Context, brandID uuid.UUID, args page.Args) (page.Connection[importing.PriceRun], error) {
	return newest(ctx, s.DB, priceRunColumns, `price_imports`, []string{`brand_id = @brand`}, pgx.NamedArgs{"brand": brandID}, args,
		func(r importing.PriceRun) newestKey { return newestKey{r.CreatedAt, r.ID} })
}

// PriceLists are the brand's lists, but for those of single customers.
func (s *PriceImports) PriceLists(ctx context.Context, brandID uuid.UUID) ([]pricing.List, error) {
	return s.pricing.PriceLists(ctx, brandID)
}

// OpenRates are the brand's rates that are not closed.
func (s *PriceImports) OpenRates(ctx context.Context, brandID uuid.UUID, lock bool) ([]pricing.Rate, error) {
	sql := `SELECT ` + rateColumns + ` FROM rates WHERE brand_id = @brand AND closed_at IS NULL ORDER BY id`
	if lock {
		sql += ` FOR UPDATE`
	}
	return collect[pricing.Rate](ctx, s.DB, sql, pgx.NamedArgs{"brand": brandID})
}
