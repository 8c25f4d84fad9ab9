package migration

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/link"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/purchase"
)

// Named is something of a file that stands in it once: a key, a card, a receipt.
type Named struct {
	What, Name string
	Line       int
}

// Store keeps runs and puts what they bring into the database; everything joins the
// transaction of the context.
type Store interface {
	InTx(ctx context.Context, f func(ctx context.Context) error) error

	// Insert keeps a new run. ErrUnfinished if the same file is under way.
	Insert(ctx context.Context, r Run) error
	// OfFile is the latest run of the brand's that has the file and mapping, begun or done;
	// nil if there is none.
	OfFile(ctx context.Context, brandID uuid.UUID, kind Kind, hash string) (*Run, error)
	// Run is a run of the brand, of any if it is zero; nil if there is none. Lock holds it.
	Run(ctx context.Context, brandID, runID uuid.UUID) (*Run, error)
	Lock(ctx context.Context, brandID, runID uuid.UUID) (*Run, error)
	Save(ctx context.Context, r Run) error
	// Note keeps how far a run is, if it stands at the position, and remarks; else ErrUnfinished.
	Note(ctx context.Context, r Run, position int, remarks []Remark) error
	// Again drops the remarks of the run, and what was seen in its file.
	Again(ctx context.Context, runID uuid.UUID) error
	AddChunk(ctx context.Context, runID uuid.UUID, number int, bytes []byte) error
	// Chunk is a piece of the file; nil behind the last.
	Chunk(ctx context.Context, runID uuid.UUID, number int) ([]byte, error)
	// Forget drops the file, and what was seen in it.
	Forget(ctx context.Context, runID uuid.UUID) error
	// Abandoned are some runs that were sent, and looked at, before the time, that hold a file
	// or what was seen in it, and that no job is at. The command's own imports, which it can go
	// on with at any time, are none.
	Abandoned(ctx context.Context, before time.Time, most int) ([]Run, error)
	Enqueue(ctx context.Context, runID uuid.UUID) error

	Runs(ctx context.Context, brandID uuid.UUID, p page.Args) (page.Connection[Run], error)
	Remarks(ctx context.Context, runID uuid.UUID, p page.Args) (page.Connection[Remark], error)
	// RemarksBehind are the next remarks of a run, in order.
	RemarksBehind(ctx context.Context, runID uuid.UUID, number, most int) ([]Remark, error)

	// Seen notes names of the run's file, and answers the line of each that it was first seen in.
	Seen(ctx context.Context, runID uuid.UUID, names []Named) (map[Named]int, error)
	// Stores are the brand's shops by their codes.
	Stores(ctx context.Context, brandID uuid.UUID) (map[string]uuid.UUID, error)
	// Sources are whom earlier rows of the source brought, by key; merged ones are who goes on.
	Sources(ctx context.Context, brandID uuid.UUID, source string, keys []string) (map[string]uuid.UUID, error)
	// CardHolders are whose the cards are.
	CardHolders(ctx context.Context, numbers []string) (map[string]uuid.UUID, error)
	// Erased are those of the members who were erased.
	Erased(ctx context.Context, memberIDs []uuid.UUID) ([]uuid.UUID, error)
	// Index makes some members behind the id comparable with others, and answers the last of
	// them; the same id if there are no more.
	Index(ctx context.Context, behind uuid.UUID, most int) (uuid.UUID, error)
	// AddMembers puts members into the database, who are not in it.
	AddMembers(ctx context.Context, r Run, source string, all []*NewMember) error
	// Propose finds who may be the same person as one of these, and keeps the pairs if that is
	// wanted. It answers how many there are.
	Propose(ctx context.Context, r Run, all []*NewMember, keep bool) (int, error)

	Duplicates(ctx context.Context, brandID uuid.UUID, state DuplicateState, p page.Args) (page.Connection[Duplicate], error)
	LockDuplicate(ctx context.Context, brandID, duplicateID uuid.UUID) (*Duplicate, error)
	SaveDuplicate(ctx context.Context, d Duplicate) error
}

// Ledger posts points.
type Ledger interface {
	Post(ctx context.Context, all ...points.Posting) ([]points.Result, error)
	// Posted are the points that the postings moved when they were made before, by their places.
	Posted(ctx context.Context, all []points.Posting) (map[int]int64, error)
	// Coded is the programme of the context's brand with the code.
	Coded(ctx context.Context, code string) (points.Programme, error)
}

// History keeps purchases. What it brings earns nothing.
type History interface {
	Read(ctx context.Context, receipts []purchase.Receipt) (made []purchase.Taken, failed map[int]error, err error)
	Room(ctx context.Context, receipts []purchase.Taken) error
	Bring(ctx context.Context, importID uuid.UUID, receipts []purchase.Taken) ([]purchase.Purchase, error)
	// Known are the receipts that the history has, and whether with the same content.
	Known(ctx context.Context, receipts []purchase.Taken) (map[uuid.UUID]bool, error)
}

// Merger makes two members one.
type Merger interface {
	Merge(ctx context.Context, in member.MergeInput) (*member.Member, error)
}

// Parts are what the service stands on.
type Parts struct {
	Store     Store
	Points    Ledger
	Purchases History
	Members   Merger // nil: pairs are not decided on here
	Events    event.Recorder
	Links     *link.Signer // nil: reports are not linked to
	Now       clock.Clock
}

// Service brings past data into noren.
type Service struct{ Parts }

// New makes the service.
func New(p Parts) *Service { return &Service{p} }

// Job is the background job that reads or takes a file.
type Job struct {
	RunID uuid.UUID `json:"runId"`
}

// Kind is the job's name in the queue.
func (Job) Kind() string { return "migrate_data" }

// permissions say who may bring what.
var permissions = map[Kind]access.Permission{Members: access.MemberWrite, Points: access.PointAdmin, Purchases: access.PurchaseWrite}

// may lets the head office's staff pass who may bring data of the kind.
func may(ctx context.Context, kind Kind) error {
	p, ok := permissions[kind]
	if !ok {
		return ErrKind.At("kind")
	}
	if access.From(ctx).Is(access.RolePartner) {
		return fault.ErrForbidden
	}
	return access.RequireEverywhere(ctx, p)
}

// reads lets staff of the head office pass who may bring anything.
func reads(ctx context.Context) error {
	for kind := range permissions {
		if may(ctx, kind) == nil {
			return nil
		}
	}
	return fault.ErrForbidden
}

// UploadInput is a file with its mapping, sent by a client.
type UploadInput struct {
	Kind     Kind
	FileName string
	File     io.Reader
	Mapping  string // YAML
}

const (
	chunkSize = 512 << 10
	maxUpload = 256 << 20
)

// newRun is a run of the context's actor.
func (s *Service) newRun(ctx context.Context, kind Kind, name, mapping string) Run {
	actor, ch := access.From(ctx), channel.From(ctx)
	r := Run{ID: id.New(), BrandID: ch.BrandID, ChannelID: ch.ID, Kind: kind, FileName: cut(name), Mapping: mapping, State: Queued, Conversions: Conversions{}, CreatedAt: s.Now()}
	if actor.ID != uuid.Nil {
		r.ActorID = &actor.ID
	}
	return r
}

func cut(name string) string {
	if runes := []rune(name); len(runes) > 200 {
		return string(runes[:200])
	}
	return name
}

// Upload keeps a file and queues its dry run.
func (s *Service) Upload(ctx context.Context, in UploadInput) (*Run, error) {
	if err := may(ctx, in.Kind); err != nil {
		return nil, err
	}
	m, err := ReadMapping([]byte(in.Mapping), in.Kind)
	if err != nil {
		return nil, err
	}
	if in.Kind == Points {
		if _, err := s.Points.Coded(ctx, m.Programme); err != nil {
			return nil, err
		}
	}
	run := s.newRun(ctx, in.Kind, in.FileName, in.Mapping)
	hash, number := hashOf(run), 0
	err = s.Store.InTx(ctx, func(ctx context.Context) error {
		run.FileHash = run.ID.String() // until the file is read
		if err := s.Store.Insert(ctx, run); err != nil {
			return err
		}
		file, left := io.TeeReader(in.File, hash), int64(maxUpload)
		for buffer := make([]byte, chunkSize); ; number++ {
			n, err := io.ReadFull(file, buffer)
			if left -= int64(n); left < 0 {
				return ErrTooLarge.With(maxUpload >> 20).At("file")
			}
			if n > 0 {
				if err := s.Store.AddChunk(ctx, run.ID, number, buffer[:n]); err != nil {
					return err
				}
			}
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				break
			}
			if err != nil {
				return err
			}
		}
		run.FileHash = hex.EncodeToString(hash.Sum(nil))
		return errors.Join(s.Store.Save(ctx, run), s.Store.Enqueue(ctx, run.ID),
			s.Events.Record(ctx, event.New(ctx, run.CreatedAt, "migration.uploaded", "Migration", run.ID, map[string]any{"kind": run.Kind, "file": run.FileName})))
	})
	if err != nil {
		return nil, err
	}
	return &run, nil
}

// hashOf begins the hash of a run's file: with the mapping, by which it is another.
func hashOf(r Run) hashing {
	h := sha256.New()
	h.Write([]byte(string(r.Kind) + "\x00" + r.Mapping + "\x00"))
	return h
}

type hashing interface {
	io.Writer
	Sum(b []byte) []byte
}

// RunInput names a run.
type RunInput struct{ ID uuid.UUID }

// Commit lets a job take what the dry run read. Committed again it does nothing.
func (s *Service) Commit(ctx context.Context, in RunInput) (*Run, error) {
	return s.change(ctx, in.ID, func(ctx context.Context, run *Run) error {
		switch run.State {
		case Committing, Committed:
			return nil
		case Previewed:
		default:
			return ErrState.At("id")
		}
		if actor := access.From(ctx); actor.ID != uuid.Nil {
			run.CommittedBy = &actor.ID
		}
		run.State = Committing
		run.again()
		return errors.Join(s.Store.Again(ctx, run.ID), s.Store.Enqueue(ctx, run.ID), s.record(ctx, "migration.committed", run))
	})
}

// Discard gives a file up that was not taken; its report stays.
func (s *Service) Discard(ctx context.Context, in RunInput) (*Run, error) {
	return s.change(ctx, in.ID, func(ctx context.Context, run *Run) error {
		switch run.State {
		case Discarded:
			return nil
		case Committing, Committed:
			return ErrState.At("id")
		}
		now := s.Now()
		run.State, run.FinishedAt = Discarded, &now
		return errors.Join(s.Store.Forget(ctx, run.ID), s.record(ctx, "migration.discarded", run))
	})
}

func (s *Service) record(ctx context.Context, kind string, run *Run) error {
	e := event.New(ctx, s.Now(), kind, "Migration", run.ID, map[string]any{
		"kind": run.Kind, "file": run.FileName, "rows": run.Rows, "accepted": run.Accepted, "rejected": run.Rejected, "repeated": run.Repeated, "proposals": run.Proposals,
	})
	e.BrandID = run.BrandID // of a job, which has no channel
	return s.Events.Record(ctx, e)
}

// change lets f act on a run of the brand and keeps it.
func (s *Service) change(ctx context.Context, runID uuid.UUID, f func(ctx context.Context, run *Run) error) (*Run, error) {
	if err := reads(ctx); err != nil {
		return nil, err
	}
	var run *Run
	err := s.Store.InTx(ctx, func(ctx context.Context) (err error) {
		if run, err = s.Store.Lock(ctx, channel.From(ctx).BrandID, runID); err != nil {
			return err
		}
		if run == nil {
			return fault.ErrNotFound.At("id")
		}
		if err := may(ctx, run.Kind); err != nil {
			return err
		}
		if err := f(ctx, run); err != nil {
			return err
		}
		return s.Store.Save(ctx, *run)
	})
	if err != nil {
		return nil, err
	}
	return run, nil
}

// ByID is a run of the channel's brand.
func (s *Service) ByID(ctx context.Context, runID uuid.UUID) (*Run, error) {
	if err := reads(ctx); err != nil {
		return nil, err
	}
	run, err := s.Store.Run(ctx, channel.From(ctx).BrandID, runID)
	if err == nil && run == nil {
		return nil, fault.ErrNotFound
	}
	return run, err
}

// List is one page of the brand's runs, the newest first.
func (s *Service) List(ctx context.Context, p page.Args) (page.Connection[Run], error) {
	if err := reads(ctx); err != nil {
		return page.Connection[Run]{}, err
	}
	return s.Store.Runs(ctx, channel.From(ctx).BrandID, p)
}

// Remarks is one page of what is said of the rows of a run of the brand.
func (s *Service) Remarks(ctx context.Context, runID uuid.UUID, p page.Args) (page.Connection[Remark], error) {
	if _, err := s.ByID(ctx, runID); err != nil {
		return page.Connection[Remark]{}, err
	}
	return s.Store.Remarks(ctx, runID, p)
}

// Work reads or takes an uploaded file, for the job. Called again after it broke off, it
// goes on.
func (s *Service) Work(ctx context.Context, runID uuid.UUID, channels func(context.Context, uuid.UUID) (channel.Channel, error)) error {
	run, err := s.Store.Run(ctx, uuid.Nil, runID)
	if err != nil || run == nil {
		return err
	}
	apply := run.State == Committing
	if !apply && run.State != Queued && run.State != Reading {
		return nil
	}
	ch, err := channels(ctx, run.ChannelID)
	if err != nil {
		return err
	}
	ctx = channel.With(ctx, ch)
	return s.run(acting(ctx, *run), run, func() (io.ReadCloser, error) {
		return io.NopCloser(&chunks{read: func(number int) ([]byte, error) { return s.Store.Chunk(ctx, runID, number) }}), nil
	}, apply, nil)
}

// acting lets the one who sent or committed a run act in the context.
func acting(ctx context.Context, r Run) context.Context {
	who := r.ActorID
	if r.CommittedBy != nil {
		who = r.CommittedBy
	}
	if who == nil {
		return access.With(ctx, access.System)
	}
	return access.With(ctx, access.Actor{Role: access.RoleStaff, ID: *who, Permissions: []access.Permission{permissions[r.Kind]}})
}

// chunks reads an uploaded file piece by piece.
type chunks struct {
	read   func(number int) ([]byte, error)
	number int
	rest   []byte
}

// Read reads on.
func (c *chunks) Read(p []byte) (int, error) {
	for len(c.rest) == 0 {
		chunk, err := c.read(c.number)
		if err != nil {
			return 0, err
		}
		if chunk == nil {
			return 0, io.EOF
		}
		c.rest, c.number = chunk, c.number+1
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// FileInput is a file of the machine that noren's command runs on.
type FileInput struct {
	Kind     Kind
	FileName string
	Mapping  string
	Open     func() (io.ReadCloser, error)
	DryRun   bool
	Resume   bool              // go on with an import of the same file that broke off
	Progress func(bytes int64) // nil: nobody looks
}

// Import reads a file, and takes it unless it is a dry run. A file that was taken before is
// answered with what became of it then; one that broke off is gone on with if that is asked
// for, else it is ErrUnfinished.
func (s *Service) Import(ctx context.Context, in FileInput) (*Run, error) {
	if err := may(ctx, in.Kind); err != nil {
		return nil, err
	}
	m, err := ReadMapping([]byte(in.Mapping), in.Kind)
	if err != nil {
		return nil, err
	}
	run := s.newRun(ctx, in.Kind, in.FileName, in.Mapping)
	// What the mapping names has to be here, or the import would be under way for nothing.
	if _, err := (&taking{Service: s, run: &run, mapping: m}).taker(ctx); err != nil {
		return nil, err
	}
	file, err := in.Open()
	if err != nil {
		return nil, err
	}
	hash := hashOf(run)
	_, err = io.Copy(hash, file)
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	run.FileHash = hex.EncodeToString(hash.Sum(nil))
	if !in.DryRun {
		earlier, err := s.Store.OfFile(ctx, run.BrandID, run.Kind, run.FileHash)
		switch {
		case err != nil:
			return nil, err
		case earlier != nil && earlier.State == Committed:
			return earlier, nil
		case earlier != nil && !in.Resume:
			return nil, ErrUnfinished
		case earlier != nil:
			return earlier, s.run(ctx, earlier, in.Open, true, in.Progress)
		}
		run.State = Committing
	}
	if err := s.Store.Insert(ctx, run); err != nil {
		return nil, err
	}
	return &run, s.run(ctx, &run, in.Open, !in.DryRun, in.Progress)
}
