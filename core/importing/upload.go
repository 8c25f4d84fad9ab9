package importing

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
)

// chunkSize is how much of an uploaded file is kept in one row.
const chunkSize = 1 << 20

// Uploads keeps uploaded files where every worker finds them, and queues their
// import.
type Uploads interface {
	InTx(ctx context.Context, f func(ctx context.Context) error) error
	Queue(ctx context.Context, r Run, o Options) error
	AddChunk(ctx context.Context, runID uuid.UUID, number int, bytes []byte) error
	Hash(ctx context.Context, runID uuid.UUID, hash string) error
	Enqueue(ctx context.Context, job Job) error
	// Queued is the run with its options; nil if there is none.
	Queued(ctx context.Context, runID uuid.UUID) (*Run, Options, error)
	Chunk(ctx context.Context, runID uuid.UUID, number int) ([]byte, error)
	Forget(ctx context.Context, runID uuid.UUID) error
}

// Job is the background job that imports an uploaded file.
type Job struct {
	RunID uuid.UUID `json:"runId"`
}

// Kind is the job's name in the queue.
func (Job) Kind() string { return "import_products" }

// ErrUnfinished says that the same file is being imported, or broke off before.
var ErrUnfinished = fault.Conflict(fault.CodeConflict, "同じファイルの取り込みが進行中です", "The same file is being imported")

// UploadInput is a file sent by a client.
type UploadInput struct {
	FileName string
	File     io.Reader
	Options  Options
}

// Upload keeps the file and queues its import into the channel of the context.
func (s *Service) Upload(ctx context.Context, in UploadInput) (*Run, error) {
	if err := access.RequireEverywhere(ctx, access.CatalogWrite); err != nil {
		return nil, err
	}
	ch, actor := channel.From(ctx), access.From(ctx)
	in.Options.Currency = money.Currency(ch.Currency)
	run := Run{ID: id.New(), BrandID: ch.BrandID, ChannelID: ch.ID, FileName: in.FileName, Status: Queued, StartedAt: s.now()}
	run.FileHash = run.ID.String() // until the file is read
	if actor.ID != uuid.Nil {
		run.ActorID = &actor.ID
	}
	err := s.uploads.InTx(ctx, func(ctx context.Context) error {
		if err := s.uploads.Queue(ctx, run, in.Options); err != nil {
			return err
		}
		var err error
		if run.FileHash, err = keep(in.File, func(number int, bytes []byte) error {
			return s.uploads.AddChunk(ctx, run.ID, number, bytes)
		}); err != nil {
			return err
		}
		if err := s.uploads.Hash(ctx, run.ID, run.FileHash); err != nil {
			return err
		}
		return s.uploads.Enqueue(ctx, Job{RunID: run.ID})
	})
	return &run, err
}

// keep cuts a file into pieces and answers its hash.
func keep(file io.Reader, add func(number int, bytes []byte) error) (string, error) {
	hash := sha256.New()
	buffer := make([]byte, chunkSize)
	for number := 0; ; number++ {
		n, err := io.ReadFull(file, buffer)
		if n > 0 {
			hash.Write(buffer[:n])
			if err := add(number, buffer[:n]); err != nil {
				return "", err
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return hex.EncodeToString(hash.Sum(nil)), nil
		}
		if err != nil {
			return "", fmt.Errorf("read the upload: %w", err)
		}
	}
}

// Work imports an uploaded file, for the job. Called again after it broke off, it
// goes on. A file that cannot be read fails the run, not the job.
func (s *Service) Work(ctx context.Context, runID uuid.UUID, channels func(context.Context, uuid.UUID) (channel.Channel, error)) error {
	run, options, err := s.uploads.Queued(ctx, runID)
	if err != nil || run == nil || run.Status == Done {
		return err
	}
	ch, err := channels(ctx, run.ChannelID)
	if err != nil {
		return err
	}
	ctx = channel.With(ctx, ch)
	_, err = s.Import(ctx, Input{FileName: run.FileName, Options: options, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(&chunks{read: func(number int) ([]byte, error) { return s.uploads.Chunk(ctx, runID, number) }}), nil
	}})
	if err != nil && !errors.Is(err, ErrFile) {
		return err
	}
	return s.uploads.Forget(ctx, runID)
}

// chunks reads an uploaded file piece by piece.
type chunks struct {
	read    func(number int) ([]byte, error)
	number  int
	current bytes.Reader
}

func (c *chunks) Read(p []byte) (int, error) {
	for c.current.Len() == 0 {
		chunk, err := c.read(c.number)
		if err != nil {
			return 0, err
		}
		if chunk == nil {
			return 0, io.EOF
		}
		c.current.Reset(chunk)
		c.number++
	}
	return c.current.Read(p)
}
