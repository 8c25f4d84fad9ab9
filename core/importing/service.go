package importing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/page"
)

// Status is how far a run has come.
type Status string

// The statuses of a run.
const (
	Queued  Status = "QUEUED"
	Running Status = "RUNNING"
	Done    Status = "DONE"
	Failed  Status = "FAILED" // broken off; the same file goes on where it stopped
)

// Run is one reading of one file.
type Run struct {
	ID         uuid.UUID
	BrandID    uuid.UUID
	ChannelID  uuid.UUID
	FileName   string
	FileHash   string
	Status     Status
	Position   int // products of the file that are done
	Created    int
	Updated    int
	Rejected   int // products that were not taken
	Failure    string
	ActorID    *uuid.UUID
	StartedAt  time.Time
	FinishedAt *time.Time
}

// GlobalID is the run's id in the schema.
func (r Run) GlobalID() string { return id.Global("ImportRun", r.ID) }

// Store keeps runs and writes products.
type Store interface {
	// Begin answers the unfinished run of the same file, set to running, or keeps
	// the new one. restart forgets what the unfinished one had done.
	Begin(ctx context.Context, r Run, restart bool) (Run, error)
	// Write writes the products of one step, each whole or not at all, with the
	// run's new position and every rejection, in one transaction.
	Write(ctx context.Context, r Run, products []Product, at time.Time) (Run, []uuid.UUID, error)
	// Check counts what Write would do, and writes nothing.
	Check(ctx context.Context, r Run, products []Product, at time.Time) (Run, error)
	Finish(ctx context.Context, r Run) error
	Run(ctx context.Context, brandID, runID uuid.UUID) (*Run, error)
	List(ctx context.Context, brandID uuid.UUID, in ListInput) (page.Connection[Run], error)
	Rejections(ctx context.Context, runID uuid.UUID, args page.Args) (page.Connection[Rejection], error)
	// FirstRejections are the first pages of several runs, in one statement.
	FirstRejections(ctx context.Context, wanted []page.First) (map[page.First]page.Connection[Rejection], error)
	RejectionCounts(ctx context.Context, wanted []page.First) (map[page.First]int, error)
}

// Indexer makes written products findable.
type Indexer interface {
	Products(ctx context.Context, ids ...uuid.UUID) error
}

// step is how many products are written in one transaction.
const step = 200

// Service imports files.
type Service struct {
	store   Store
	uploads Uploads
	index   Indexer
	now     clock.Clock
}

// New makes the import service; uploads may be nil where no client sends files.
func New(store Store, uploads Uploads, index Indexer, now clock.Clock) *Service {
	return &Service{store, uploads, index, now}
}

// Input is a file to import into the channel of the context.
type Input struct {
	FileName string
	Open     func() (io.ReadCloser, error) // opened twice: to hash and to read
	Options  Options                       // Currency is the channel's
	Restart  bool                          // begin anew where an earlier run broke off
	DryRun   bool                          // say what would happen, and write nothing
	Progress func(Progress)                // may be nil
}

// Progress is how far an import is.
type Progress struct {
	Bytes    int64 // of the file, read so far
	Run      Run
	Rejected []Rejection // since the last word
}

// Import reads the file and writes its products. A product that exists, by slug,
// is updated. An import that was broken off goes on where it stopped.
func (s *Service) Import(ctx context.Context, in Input) (*Run, error) {
	if err := access.RequireEverywhere(ctx, access.CatalogWrite); err != nil {
		return nil, err
	}
	hash, err := hashOf(in.Open)
	if err != nil {
		return nil, err
	}
	ch := channel.From(ctx)
	in.Options.Currency = money.Currency(ch.Currency)
	run := Run{ID: id.New(), BrandID: ch.BrandID, ChannelID: ch.ID, FileName: in.FileName, FileHash: hash, Status: Running, StartedAt: s.now()}
	if actor := access.From(ctx); actor.ID != uuid.Nil {
		run.ActorID = &actor.ID
	}
	if in.DryRun {
		run, err = s.read(ctx, in, run)
		return &run, err
	}
	if run, err = s.store.Begin(ctx, run, in.Restart); err != nil {
		return nil, err
	}
	run, err = s.read(ctx, in, run)
	run.Status = Done
	if err != nil {
		run.Status, run.Failure = Failed, err.Error()
	}
	finished := s.now()
	run.FinishedAt = &finished
	return &run, errors.Join(err, s.store.Finish(context.WithoutCancel(ctx), run))
}

func (s *Service) read(ctx context.Context, in Input, run Run) (Run, error) {
	file, err := in.Open()
	if err != nil {
		return run, fmt.Errorf("open %s: %w", in.FileName, err)
	}
	defer func() { _ = file.Close() }()
	counted := &counter{r: file}
	var pending []Product
	flush := func() error {
		if len(pending) == 0 {
			return nil
		}
		if run, err = s.write(ctx, in, run, pending); err != nil {
			return err
		}
		s.tell(in, counted.n, run, pending)
		pending = pending[:0]
		return nil
	}
	number := 0
	for product, err := range Products(counted, in.Options) {
		if err != nil {
			return run, errors.Join(err, flush())
		}
		if number++; number <= run.Position {
			continue
		}
		if pending = append(pending, product); len(pending) == step {
			if err := flush(); err != nil {
				return run, err
			}
		}
	}
	return run, flush()
}

// write writes one step and makes it findable, or only checks it.
func (s *Service) write(ctx context.Context, in Input, run Run, products []Product) (Run, error) {
	if in.DryRun {
		return s.store.Check(ctx, run, products, s.now())
	}
	run, written, err := s.store.Write(ctx, run, products, s.now())
	if err == nil && s.index != nil && len(written) > 0 {
		err = s.index.Products(ctx, written...)
	}
	return run, err
}

func (s *Service) tell(in Input, bytes int64, run Run, products []Product) {
	if in.Progress == nil {
		return
	}
	p := Progress{Bytes: bytes, Run: run}
	for _, product := range products {
		p.Rejected = append(p.Rejected, product.Rejections...)
	}
	in.Progress(p)
}

// Run is a run of the channel's brand, for staff of the catalog.
func (s *Service) Run(ctx context.Context, runID uuid.UUID) (*Run, error) {
	if err := access.RequireEverywhere(ctx, access.CatalogWrite); err != nil {
		return nil, err
	}
	run, err := s.store.Run(ctx, channel.From(ctx).BrandID, runID)
	if err == nil && run == nil {
		return nil, fault.ErrNotFound
	}
	return run, err
}

// Rejections are the rows of a run that were not taken as they stood, as they
// stood in the file.
func (s *Service) Rejections(ctx context.Context, runID uuid.UUID, args page.Args) (page.Connection[Rejection], error) {
	return s.store.Rejections(ctx, runID, args)
}

func hashOf(open func() (io.ReadCloser, error)) (string, error) {
	file, err := open()
	if err != nil {
		return "", fmt.Errorf("open the file: %w", err)
	}
	defer func() { _ = file.Close() }()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", fmt.Errorf("read the file: %w", err)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// counter counts what is read.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
