package statistics

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/fault"
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

	// Figures are the brand's, of the stores alone if there are any.
	Figures(ctx context.Context, brandID uuid.UUID, stores []uuid.UUID, q Query) ([]Figures, error)
	Points(ctx context.Context, brandID uuid.UUID, from, to time.Time) ([]Points, error)
	State(ctx context.Context, brandID uuid.UUID) (State, error)
}

// Service keeps figures and answers them.
type Service struct {
	tx    Transactor
	store Store
	now   clock.Clock
}

// New makes the service.
func New(tx Transactor, store Store, now clock.Clock) *Service { return &Service{tx, store, now} }

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
		err := s.tx.InTx(ctx, func(ctx context.Context) (err error) {
			days, err = s.store.CountDays(ctx)
			return err
		})
		if err != nil {
			return err
		}
	}
	return s.tx.InTx(ctx, func(ctx context.Context) error {
		now := s.now()
		if err := s.store.CountPoints(ctx, now); err != nil {
			return err
		}
		return s.store.Finished(ctx, now)
	})
}

// Figures are those of the channel's brand, for staff with ORDER_READ; staff of stores
// see their stores', and nothing online.
func (s *Service) Figures(ctx context.Context, q Query) ([]Figures, error) {
	if err := access.Require(ctx, access.OrderRead); err != nil {
		return nil, err
	}
	if err := q.Validate(); err != nil {
		return nil, err
	}
	var stores []uuid.UUID
	if q.StoreID != nil {
		stores = []uuid.UUID{*q.StoreID}
	}
	if actor := access.From(ctx); actor.Is(access.RoleStoreStaff) {
		switch {
		case q.StoreID != nil && !slices.Contains(actor.Stores, *q.StoreID):
			return nil, fault.ErrForbidden.At("storeId")
		case len(actor.Stores) == 0:
			return nil, nil
		case q.StoreID == nil:
			stores = actor.Stores
		}
	}
	return s.store.Figures(ctx, channel.From(ctx).BrandID, stores, q)
}

// Points are those of the brand's programmes, for staff with POINT_READ. Points belong
// to no store: staff of stores do not see them.
func (s *Service) Points(ctx context.Context, from, to time.Time) ([]Points, error) {
	if err := access.Require(ctx, access.PointRead); err != nil {
		return nil, err
	}
	if access.From(ctx).Is(access.RoleStoreStaff) {
		return nil, fault.ErrForbidden
	}
	if err := (Query{From: from, To: to, By: ByDay}).Validate(); err != nil {
		return nil, err
	}
	return s.store.Points(ctx, channel.From(ctx).BrandID, from, to)
}

// State is how far the figures of the channel's brand are.
func (s *Service) State(ctx context.Context) (State, error) {
	if err := access.Require(ctx, access.OrderRead); err != nil {
		return State{}, err
	}
	return s.store.State(ctx, channel.From(ctx).BrandID)
}
