package inventory

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/event"
)

// Shelves keep the copies of availability that lists are filtered by.
type Shelves interface {
	// Restate reads the stock of the variants' products again, and of the sets that hold
	// the variants, and writes down whether anything of each can be ordered. It gives the sets.
	Restate(ctx context.Context, variantIDs []uuid.UUID) (sets []uuid.UUID, err error)
}

// Shown keeps what shoppers see of stock in step with the stock.
type Shown struct {
	shelves Shelves
	events  event.Recorder
	now     clock.Clock
	first   []func(ctx context.Context, variantIDs []uuid.UUID) error
	then    []func(ctx context.Context, variantIDs []uuid.UUID) error
}

// NewShown makes it.
func NewShown(shelves Shelves, events event.Recorder, now clock.Clock) *Shown {
	return &Shown{shelves: shelves, events: events, now: now}
}

// First lets f act before shoppers see the change, in the same transaction. It is
// called while noren is put together.
func (s *Shown) First(f func(ctx context.Context, variantIDs []uuid.UUID) error) {
	s.first = append(s.first, f)
}

// Then tells f of the variants in the same transaction, from now on. It is called
// while noren is put together.
func (s *Shown) Then(f func(ctx context.Context, variantIDs []uuid.UUID) error) {
	s.then = append(s.then, f)
}

// Flipped takes in that the variants' availability may have changed, and with it that of
// the sets that hold them, in the transaction that changed it.
func (s *Shown) Flipped(ctx context.Context, variantIDs []uuid.UUID) error {
	for _, f := range s.first {
		if err := f(ctx, variantIDs); err != nil {
			return err
		}
	}
	sets, err := s.shelves.Restate(ctx, variantIDs)
	if err != nil {
		return err
	}
	variantIDs = slices.Concat(variantIDs, sets)
	changes := make([]event.Event, len(variantIDs))
	for i, variant := range variantIDs {
		changes[i] = event.New(ctx, s.now(), "stock.availability_changed", "Availability", variant, nil)
	}
	if err := s.events.Record(ctx, changes...); err != nil {
		return err
	}
	for _, f := range s.then {
		if err := f(ctx, variantIDs); err != nil {
			return err
		}
	}
	return nil
}
