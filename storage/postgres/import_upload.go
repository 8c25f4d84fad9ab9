package postgres

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/noren-commerce/noren/core/importing"
)

// Uploads keeps uploaded files and queues their imports.
type Uploads struct {
	*DB
	jobs *Jobs
}

// NewUploads makes the store of uploads.
func NewUploads(db *DB, jobs *Jobs) *Uploads { return &Uploads{db, jobs} }

// Queue keeps a run that waits for its job.
func (s *Uploads) Queue(ctx context.Context, r importing.Run, o importing.Options) error {
	_, err := s.conn(ctx).Exec(ctx, `
		INSERT INTO import_runs (id, brand_id, channel_id, file_name, file_hash, status, actor_id, started_at, options)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, r.ID, r.BrandID, r.ChannelID, r.FileName, r.FileHash, r.Status, r.ActorID, r.StartedAt, o)
	return err
}

// AddChunk keeps a piece of the file.
func (s *Uploads) AddChunk(ctx context.Context, runID uuid.UUID, number int, bytes []byte) error {
	_, err := s.conn(ctx).Exec(ctx, `INSERT INTO import_chunks (run_id, number, bytes) VALUES ($1, $2, $3)`, runID, number, bytes)
	return err
}

// Hash notes the file's hash; the same file in another unfinished run is
// ErrUnfinished. A run that failed, and whose file is gone, is taken over: this
// one goes on where that stopped.
func (s *Uploads) Hash(ctx context.Context, runID uuid.UUID, hash string) error {
	_, err := s.conn(ctx).Exec(ctx, `
		WITH failed AS (
			UPDATE import_runs AS f SET file_hash = f.file_hash || ' taken over by ' || r.id
			FROM import_runs AS r
			WHERE r.id = $1 AND f.channel_id = r.channel_id AND f.file_hash = $2 AND f.status = 'FAILED'
				AND NOT EXISTS (SELECT 1 FROM import_chunks WHERE run_id = f.id)
			RETURNING f.position
		)
		UPDATE import_runs SET position = failed.position FROM failed WHERE id = $1`, runID, hash)
	if err != nil {
		return err
	}
	_, err = s.conn(ctx).Exec(ctx, `UPDATE import_runs SET file_hash = $2 WHERE id = $1`, runID, hash)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.ConstraintName == "import_runs_unfinished" {
		return importing.ErrUnfinished
	}
	return err
}

// Enqueue queues the import.
func (s *Uploads) Enqueue(ctx context.Context, job importing.Job) error {
	return s.jobs.Insert(ctx, job)
}

// Queued is the run with its options; nil if there is none.
func (s *Uploads) Queued(ctx context.Context, runID uuid.UUID) (*importing.Run, importing.Options, error) {
	row, err := first[struct {
		importing.Run
		Options importing.Options
	}](ctx, s.DB, `SELECT `+runColumns+`, options FROM import_runs WHERE id = @id`, pgx.NamedArgs{"id": runID})
	if err != nil || row == nil {
		return nil, importing.Options{}, err
	}
	return &row.Run, row.Options, nil
}

// Chunk is a piece of the file; nil behind the last.
func (s *Uploads) Chunk(ctx context.Context, runID uuid.UUID, number int) ([]byte, error) {
	row, err := first[struct{ Bytes []byte }](ctx, s.DB, `SELECT bytes FROM import_chunks WHERE run_id = @id AND number = @n`, pgx.NamedArgs{"id": runID, "n": number})
	if err != nil || row == nil {
		return nil, err
	}
	return row.Bytes, nil
}

// Forget drops the file of a run.
func (s *Uploads) Forget(ctx context.Context, runID uuid.UUID) error {
	_, err := s.conn(ctx).Exec(ctx, `DELETE FROM import_chunks WHERE run_id = $1`, runID)
	return err
}
