package statistics

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/link"
)

// Transactor runs what must happen together.
type Transactor interface {
	InTx(ctx context.Context, f func(ctx context.Context) error) error
}

// Store keeps the figures; everything joins the transaction of the context.
type Store interface {
	// CountDays takes the marks of the earliest marked month, and counts the marked days of
	// it anew. It answers how many days there were; 0 if nothing is marked.
	CountDays(ctx context.Context) (int, error)
	// CountPoints counts the points' days since the last count, and those that are marked.
	CountPoints(ctx context.Context, at time.Time) error
	// Finished notes when all was counted.
	Finished(ctx context.Context, at time.Time) error

	// Figures are the brand's, of the stores alone if there are any, most at a time, behind
	// the key if there is one. So are Points and Liabilities of the brand's programmes, and
	// StorePoints by home store.
	Figures(ctx context.Context, brandID uuid.UUID, stores []uuid.UUID, q Query, after *FiguresKey, most int) ([]Figures, error)
	Points(ctx context.Context, brandID uuid.UUID, from, to time.Time, after *PointsKey, most int) ([]Points, error)
	StorePoints(ctx context.Context, brandID uuid.UUID, stores []uuid.UUID, q Query, after *StorePointsKey, most int) ([]StorePoints, error)
	Liabilities(ctx context.Context, brandID uuid.UUID, from, to time.Time, after *LiabilityKey, most int) ([]Liability, error)
	State(ctx context.Context, brandID uuid.UUID, at time.Time) (State, error)
	// Mark lets the brand's days be counted anew.
	Mark(ctx context.Context, brandID uuid.UUID, from, to time.Time) error

	InsertExport(ctx context.Context, e Export) error
	// ExportByID is nil if there is none.
	ExportByID(ctx context.Context, exportID uuid.UUID) (*Export, error)
}

// Queue takes the job in the transaction of the context.
type Queue interface {
	CountStatistics(ctx context.Context) error
}

// Parts are what the service works with.
type Parts struct {
	Tx     Transactor
	Store  Store
	Events event.Recorder
	Jobs   Queue
	Links  *link.Signer
	Now    clock.Clock
}

// Service keeps figures and answers them.
type Service struct{ Parts }

// New makes the service.
func New(p Parts) *Service { return &Service{p} }

// CountJob counts anew what changed since it last ran.
type CountJob struct{}

// Kind names the job in the queue.
func (CountJob) Kind() string { return "count_statistics" }

// Count brings the figures up to date, a month of marked days in a transaction: what
// breaks it off loses nothing, and the next run goes on. It takes only what was marked.
func (s *Service) Count(ctx context.Context) error {
	if err := access.Require(ctx, access.OrderRead); err != nil {
		return err
	}
	for days := 1; days > 0; {
		err := s.Tx.InTx(ctx, func(ctx context.Context) (err error) {
			days, err = s.Store.CountDays(ctx)
			return err
		})
		if err != nil {
			return err
		}
	}
	return s.Tx.InTx(ctx, func(ctx context.Context) error {
		now := s.Now()
		if err := s.Store.CountPoints(ctx, now); err != nil {
			return err
		}
		return s.Store.Finished(ctx, now)
	})
}

// Recount lets days of the channel's brand be counted anew from what happened, for the head
// office with ORDER_WRITE. The job takes them up at once.
func (s *Service) Recount(ctx context.Context, in RecountInput) (*State, error) {
	if err := access.RequireEverywhere(ctx, access.OrderWrite); err != nil {
		return nil, err
	}
	if err := (Query{From: in.From, To: in.To, By: ByDay}).Validate(); err != nil {
		return nil, err
	}
	brand, now := channel.From(ctx).BrandID, s.Now()
	var state State
	err := s.Tx.InTx(ctx, func(ctx context.Context) (err error) {
		err = errors.Join(
			s.Store.Mark(ctx, brand, in.From, in.To),
			s.Jobs.CountStatistics(ctx),
			s.Events.Record(ctx, event.New(ctx, now, "statistics.recount_requested", "Brand", brand, map[string]any{"from": in.From.Format(time.DateOnly), "to": in.To.Format(time.DateOnly)})),
		)
		if err == nil {
			state, err = s.Store.State(ctx, brand, now)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &state, nil
}

// State is how far the figures of the channel's brand are.
func (s *Service) State(ctx context.Context) (State, error) {
	if err := access.Require(ctx, access.OrderRead); err != nil {
		return State{}, err
	}
	return s.Store.State(ctx, channel.From(ctx).BrandID, s.Now())
}
