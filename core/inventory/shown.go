package inventory

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/event"
)

// Shelves keep the copies of availability that lists are filtered by.
type Shelves interface {
	// Restate reads the stock of the variants' products again and writes down
	// whether anything of each can be ordered.
	Restate(ctx context.Context, variantIDs []uuid.UUID) error
}

// Shown keeps what shoppers see of stock in step with the stock.
type Shown struct {
	shelves Shelves
	events  event.Recorder
	now     clock.Clock
}

// NewShown makes it.
func NewShown(shelves Shelves, events event.Recorder, now clock.Clock) *Shown {
	return &Shown{shelves, events, now}
}

// Flipped takes in that the variants' availability may have changed, in the
// transaction that changed it.
func (s *Shown) Flipped(ctx context.Context, variantIDs []uuid.UUID) error {
	changes := make([]event.Event, len(variantIDs))
	for i, variant := range variantIDs {
		changes[i] = event.New(ctx, s.now(), "stock.availability_changed", "Availability", variant, nil)
	}
	return errors.Join(s.shelves.Restate(ctx, variantIDs), s.events.Record(ctx, changes...))
}
