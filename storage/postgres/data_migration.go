package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/noren-commerce/noren/core/migration"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/sealing"
)

// DataMigrations keeps files of past data, and what they bring.
type DataMigrations struct {
	*DB
	jobs    *Jobs // nil: nothing is queued
	keys    *sealing.Keys
	members *Members
}

// NewDataMigrations makes the store of files of past data.
func NewDataMigrations(db *DB, jobs *Jobs, keys *sealing.Keys) *DataMigrations {
	return &DataMigrations{db, jobs, keys, NewMembers(db, keys)}
}

const dataMigrationColumns = `id, brand_id, channel_id, kind, file_name, file_hash, mapping, state, position, rows, accepted, rejected, repeated, proposals, remarks,
	conversions, failure, actor_id, committed_by, created_at, previewed_at, finished_at`

func dataMigrationValues(r migration.Run) pgx.NamedArgs {
	return pgx.NamedArgs{"id": r.ID, "brand": r.BrandID, "channel": r.ChannelID, "kind": r.Kind, "name": printable(r.FileName), "hash": r.FileHash, "mapping": r.Mapping, "state": r.State,
		"position": r.Position, "rows": r.Rows, "accepted": r.Accepted, "rejected": r.Rejected, "repeated": r.Repeated, "proposals": r.Proposals, "remarks": r.Remarks,
		"conversions": r.Conversions, "failure": printable(r.Failure), "actor": r.ActorID, "committed_by": r.CommittedBy, "created": r.CreatedAt, "previewed": r.PreviewedAt, "finished": r.FinishedAt}
}

// Insert keeps a new run.
func (s *DataMigrations) Insert(ctx context.Context, r migration.Run) error {
	_, err := s.conn(ctx).Exec(ctx, `INSERT INTO migrations (`+dataMigrationColumns+`) VALUES (@id, @brand, @channel, @kind, @name, @hash, @mapping, @state, @position, @rows, @accepted,
		@rejected, @repeated, @proposals, @remarks, @conversions, @failure, @actor, @committed_by, @created, @previewed, @finished)`, dataMigrationValues(r))
	return underWay(err)
}

// underWay is the failure of whoever would take a file that somebody else takes.
func underWay(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.ConstraintName == "migrations_committing" {
		return migration.ErrUnfinished
	}
	return err
}

// OfFile is the latest run that took the file, or began to.
func (s *DataMigrations) OfFile(ctx context.Context, brandID uuid.UUID, kind migration.Kind, hash string) (*migration.Run, error) {
	return first[migration.Run](ctx, s.DB, `SELECT `+dataMigrationColumns+` FROM migrations WHERE brand_id = $1 AND kind = $2 AND file_hash = $3 AND state IN ('COMMITTING', 'COMMITTED')
		ORDER BY created_at DESC LIMIT 1`, brandID, kind, hash)
}

const dataMigrationOf = `SELECT ` + dataMigrationColumns + ` FROM migrations WHERE id = $1 AND ($2 = '00000000-0000-0000-0000-000000000000'::uuid OR brand_id = $2)`

// Run is a run of the brand, of any if it is zero.
func (s *DataMigrations) Run(ctx context.Context, brandID, runID uuid.UUID) (*migration.Run, error) {
	return first[migration.Run](ctx, s.DB, dataMigrationOf, runID, brandID)
}

// Lock is Run for changing it.
func (s *DataMigrations) Lock(ctx context.Context, brandID, runID uuid.UUID) (*migration.Run, error) {
	return first[migration.Run](ctx, s.DB, dataMigrationOf+` FOR UPDATE`, runID, brandID)
}

const updateDataMigration = `UPDATE migrations SET file_hash = @hash, state = @state, position = @position, rows = @rows, accepted = @accepted, rejected = @rejected, repeated = @repeated,
	proposals = @proposals, remarks = @remarks, conversions = @conversions, failure = @failure, committed_by = @committed_by, previewed_at = @previewed, finished_at = @finished WHERE id = @id`

// Save keeps a run.
func (s *DataMigrations) Save(ctx context.Context, r migration.Run) error {
	_, err := s.conn(ctx).Exec(ctx, updateDataMigration, dataMigrationValues(r))
	return underWay(err)
}

// Note keeps how far a run is, if it stands at the position, and remarks.
func (s *DataMigrations) Note(ctx context.Context, r migration.Run, position int, remarks []migration.Remark) error {
	args := dataMigrationValues(r)
	args["was"] = position
	tag, err := s.conn(ctx).Exec(ctx, updateDataMigration+` AND position = @was AND state IN ('QUEUED', 'READING', 'COMMITTING')`, args)
	if err != nil {
		return err
	}
	if tag.RowsAffected() == 0 { // somebody else reads the same file, and is further
		return migration.ErrUnfinished
	}
	if len(remarks) == 0 {
		return nil
	}
	_, err = s.conn(ctx).CopyFrom(ctx, pgx.Identifier{"migration_remarks"}, []string{"run_id", "number", "line", "column", "value", "kind", "ja", "en"},
		pgx.CopyFromSlice(len(remarks), func(i int) ([]any, error) {
			m := remarks[i]
			return []any{r.ID, m.Number, m.Line, printable(m.Column), printable(m.Value), string(m.Kind), printable(m.JA), printable(m.EN)}, nil
		}))
	return wrapped("keep remarks", err)
}

// Again drops the remarks of the run, and what was seen in its file.
func (s *DataMigrations) Again(ctx context.Context, runID uuid.UUID) error {
	_, err := s.conn(ctx).Exec(ctx, `WITH names AS (DELETE FROM migration_names WHERE run_id = $1) DELETE FROM migration_remarks WHERE run_id = $1`, runID)
	return err
}

const chunkField = "migration"

// AddChunk keeps a piece of the file, sealed: it holds personal data.
func (s *DataMigrations) AddChunk(ctx context.Context, runID uuid.UUID, number int, bytes []byte) error {
	sealed, err := s.keys.Seal(ctx, chunkField, runID, base64.StdEncoding.EncodeToString(bytes))
	if err != nil {
		return err
	}
	_, err = s.conn(ctx).Exec(ctx, `INSERT INTO migration_chunks (run_id, number, bytes) VALUES ($1, $2, $3)`, runID, number, sealed)
	return err
}

// Chunk is a piece of the file; nil behind the last.
func (s *DataMigrations) Chunk(ctx context.Context, runID uuid.UUID, number int) ([]byte, error) {
	found, err := first[struct{ Bytes string }](ctx, s.DB, `SELECT bytes FROM migration_chunks WHERE run_id = $1 AND number = $2`, runID, number)
	if err != nil || found == nil {
		return nil, err
	}
	plain, err := s.keys.Open(ctx, chunkField, runID, found.Bytes)
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(plain)
}

// Forget drops the file, and what was seen in it.
func (s *DataMigrations) Forget(ctx context.Context, runID uuid.UUID) error {
	_, err := s.conn(ctx).Exec(ctx, `WITH names AS (DELETE FROM migration_names WHERE run_id = $1) DELETE FROM migration_chunks WHERE run_id = $1`, runID)
	return err
}

// Abandoned are some runs that nobody has gone on with since. A job is queued in the
// transaction that sends or commits a file: one that waits for none is not on its way.
func (s *DataMigrations) Abandoned(ctx context.Context, before time.Time, most int) ([]migration.Run, error) {
	return collect[migration.Run](ctx, s.DB, `
		SELECT `+dataMigrationColumns+` FROM migrations m
		WHERE m.state IN ('QUEUED', 'READING', 'PREVIEWED', 'COMMITTING') AND greatest(m.created_at, m.previewed_at) < $1
			AND (EXISTS (SELECT FROM migration_chunks c WHERE c.run_id = m.id) OR m.state <> 'COMMITTING' AND EXISTS (SELECT FROM migration_names n WHERE n.run_id = m.id))
			AND NOT EXISTS (SELECT FROM river_job j WHERE j.kind = $2 AND j.finalized_at IS NULL AND (j.args->>'runId')::uuid = m.id)
		ORDER BY m.id LIMIT $3`, before, migration.Job{}.Kind(), most)
}

// Enqueue queues the job of a run.
func (s *DataMigrations) Enqueue(ctx context.Context, runID uuid.UUID) error {
	return s.jobs.Insert(ctx, migration.Job{RunID: runID})
}

// Runs is one page of the brand's runs, the newest first.
func (s *DataMigrations) Runs(ctx context.Context, brandID uuid.UUID, p page.Args) (page.Connection[migration.Run], error) {
	return newest(ctx, s.DB, dataMigrationColumns, `migrations`, []string{`brand_id = @brand`}, pgx.NamedArgs{"brand": brandID}, p,
		func(r migration.Run) newestKey { return newestKey{r.CreatedAt, r.ID} })
}

// Remarks is one page of a run's remarks, in the order of the file.
func (s *DataMigrations) Remarks(ctx context.Context, runID uuid.UUID, p page.Args) (page.Connection[migration.Remark], error) {
	var none page.Connection[migration.Remark]
	size, err := p.Size()
	if err != nil {
		return none, err
	}
	var after int
	behind, err := p.Start(&after)
	if err != nil {
		return none, err
	}
	rows, err := s.RemarksBehind(ctx, runID, after, size+1)
	if err != nil {
		return none, err
	}
	return page.Of(rows, size, behind, func(r migration.Remark) any { return r.Number }), nil
}

// RemarksBehind are the next remarks of a run.
func (s *DataMigrations) RemarksBehind(ctx context.Context, runID uuid.UUID, number, most int) ([]migration.Remark, error) {
	return collect[migration.Remark](ctx, s.DB, `SELECT number, line, "column", value, kind, ja, en FROM migration_remarks WHERE run_id = $1 AND number > $2 ORDER BY number LIMIT $3`, runID, number, most)
}

// nameHash is a name's hash: of a million names two are the same in one file of ten million.
func nameHash(what, name string) int64 {
	sum := sha256.Sum256([]byte(what + "\x00" + name))
	return int64(binary.BigEndian.Uint64(sum[:8])) //nolint:gosec // any bits will do
}

// Seen notes names of the run's file, and answers where each was first.
func (s *DataMigrations) Seen(ctx context.Context, runID uuid.UUID, names []migration.Named) (map[migration.Named]int, error) {
	hashes, lines, of := make([]int64, len(names)), make([]int, len(names)), make(map[int64]migration.Named, len(names))
	for i, n := range names {
		hashes[i], lines[i] = nameHash(n.What, n.Name), n.Line
		of[hashes[i]] = migration.Named{What: n.What, Name: n.Name}
	}
	_, err := s.conn(ctx).Exec(ctx, `
		INSERT INTO migration_names (run_id, hash, line) SELECT $1, hash, min(line) FROM unnest($2::bigint[], $3::int[]) AS n (hash, line) GROUP BY hash ON CONFLICT DO NOTHING`, runID, hashes, lines)
	if err != nil {
		return nil, err
	}
	found, err := collect[struct {
		Hash int64
		Line int
	}](ctx, s.DB, `SELECT h.hash, n.line FROM unnest($2::bigint[]) h (hash)
		CROSS JOIN LATERAL (SELECT line FROM migration_names WHERE run_id = $1 AND hash = h.hash OFFSET 0) n`, runID, hashes)
	seen := make(map[migration.Named]int, len(found))
	for _, f := range found {
		seen[of[f.Hash]] = f.Line
	}
	return seen, err
}

// Stores are the brand's shops by their codes.
func (s *DataMigrations) Stores(ctx context.Context, brandID uuid.UUID) (map[string]uuid.UUID, error) {
	return NewPurchases(s.DB).Stores(ctx, brandID)
}

// goesOn is who goes on in the place of a member who was merged into another, and that one
// into another: of the ids in the table "asked" (key, id).
const goesOn = `, chain AS (
		SELECT a.key, m.id, m.merged_into FROM asked a CROSS JOIN LATERAL (SELECT id, merged_into FROM members WHERE id = a.id OFFSET 0) m
		UNION ALL SELECT c.key, m.id, m.merged_into FROM chain c CROSS JOIN LATERAL (SELECT id, merged_into FROM members WHERE id = c.merged_into OFFSET 0) m
	) SELECT key, id FROM chain WHERE merged_into IS NULL`

// byKey looks keys up one by one in an index (OFFSET 0 keeps it so): the tables fill up
// while an import runs, and by what PostgreSQL knew of them before it would read them whole
// for every batch.
func (s *DataMigrations) byKey(ctx context.Context, asked string, args ...any) (map[string]uuid.UUID, error) {
	found, err := collect[struct {
		Key string
		ID  uuid.UUID
	}](ctx, s.DB, `WITH RECURSIVE asked AS (`+asked+`)`+goesOn, args...)
	all := make(map[string]uuid.UUID, len(found))
	for _, f := range found {
		all[f.Key] = f.ID
	}
	return all, err
}

// Sources are whom earlier rows of the source brought, by key.
func (s *DataMigrations) Sources(ctx context.Context, brandID uuid.UUID, source string, keys []string) (map[string]uuid.UUID, error) {
	return s.byKey(ctx, `SELECT k.key, s.id FROM unnest($3::text[]) k (key)
		CROSS JOIN LATERAL (SELECT member_id AS id FROM migration_sources WHERE brand_id = $1 AND source = $2 AND key = k.key OFFSET 0) s`, brandID, source, keys)
}

// CardHolders are whose the cards are.
func (s *DataMigrations) CardHolders(ctx context.Context, numbers []string) (map[string]uuid.UUID, error) {
	return s.byKey(ctx, `SELECT k.key, c.id FROM unnest($1::text[]) k (key)
		CROSS JOIN LATERAL (SELECT member_id AS id FROM member_cards WHERE number = k.key OFFSET 0) c`, numbers)
}

// Erased are those of the members who were erased.
func (s *DataMigrations) Erased(ctx context.Context, memberIDs []uuid.UUID) ([]uuid.UUID, error) {
	return read(ctx, s.DB, `SELECT m.id FROM unnest($1::uuid[]) k (id) CROSS JOIN LATERAL (SELECT id FROM members WHERE id = k.id AND erased_at IS NOT NULL OFFSET 0) m`,
		[]any{memberIDs}, func(rows pgx.Rows) ([]uuid.UUID, error) { return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID]) })
}

const duplicateColumns = `id, brand_id, run_id, member_id, other_id, likenesses, state, reason, actor_id, created_at, settled_at`

// Duplicates is one page of the brand's pairs in the state, the newest first.
func (s *DataMigrations) Duplicates(ctx context.Context, brandID uuid.UUID, state migration.DuplicateState, p page.Args) (page.Connection[migration.Duplicate], error) {
	return newest(ctx, s.DB, duplicateColumns, `duplicate_members`, []string{`brand_id = @brand`, `state = @state`}, pgx.NamedArgs{"brand": brandID, "state": state}, p,
		func(d migration.Duplicate) newestKey { return newestKey{d.CreatedAt, d.ID} })
}

// LockDuplicate is the brand's pair, held; nil if there is none.
func (s *DataMigrations) LockDuplicate(ctx context.Context, brandID, duplicateID uuid.UUID) (*migration.Duplicate, error) {
	return first[migration.Duplicate](ctx, s.DB, `SELECT `+duplicateColumns+` FROM duplicate_members WHERE id = $1 AND brand_id = $2 FOR UPDATE`, duplicateID, brandID)
}

// SaveDuplicate keeps what was decided.
func (s *DataMigrations) SaveDuplicate(ctx context.Context, d migration.Duplicate) error {
	_, err := s.conn(ctx).Exec(ctx, `UPDATE duplicate_members SET state = $2, reason = $3, actor_id = $4, settled_at = $5 WHERE id = $1`, d.ID, d.State, strings.TrimSpace(d.Reason), d.ActorID, d.SettledAt)
	return err
}
