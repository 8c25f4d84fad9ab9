package order

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/page"
)

// BackOrder is pieces of a variant that an order waits for (取り寄せ).
type BackOrder struct {
	OrderID   uuid.UUID
	VariantID uuid.UUID
	Quantity  int
	PlacedAt  time.Time
	DueOn     *time.Time // the day by which all of it comes, by what is announced; nil if nobody knows
}

// BackOrderQuery asks for one page of the brand's back-orders, the longest waiting
// first.
type BackOrderQuery struct {
	BrandID   uuid.UUID
	VariantID *uuid.UUID  // of one variant only
	Stores    []uuid.UUID // of orders of these shops only; empty: of all
	Page      page.Args
}

// Allocation is stock found for pieces that an order waited for.
type Allocation struct {
	OrderID uuid.UUID
	Reservation
}

// BackOrders are what orders of the brand wait for, for staff; for those of a shop, what
// orders of theirs wait for.
func (s *Service) BackOrders(ctx context.Context, variantID *uuid.UUID, args page.Args) (page.Connection[BackOrder], error) {
	if err := access.Require(ctx, access.OrderRead); err != nil {
		return page.Connection[BackOrder]{}, err
	}
	q := BackOrderQuery{BrandID: channel.From(ctx).BrandID, VariantID: variantID, Page: args}
	var narrowed bool
	if q.Stores, narrowed = access.StoresOf(ctx); narrowed && len(q.Stores) == 0 {
		return page.Connection[BackOrder]{}, nil
	}
	return s.store.BackOrders(ctx, q)
}

// Allocate gives what is free of the variants to the orders that wait for them, who
// waits longest first. It is called in the transaction that brought the stock.
func (s *Service) Allocate(ctx context.Context, variantIDs []uuid.UUID) error {
	if len(variantIDs) == 0 {
		return nil
	}
	waiting, levels, err := s.store.Waiting(ctx, variantIDs)
	if err != nil || len(waiting) == 0 {
		return err
	}
	found := allocate(waiting, levels)
	if len(found) == 0 {
		return nil
	}
	events := make([]event.Event, 0, len(found))
	for _, a := range found {
		events = append(events, event.New(ctx, s.now(), "order.allocated", "Order", a.OrderID, map[string]any{
			"variantId": a.VariantID, "locationId": a.LocationID, "quantity": a.Quantity,
		}))
	}
	return errors.Join(s.store.Allocate(ctx, found, s.now()), s.events.Record(ctx, events...))
}

// allocate shares free stock out among those who wait, in their order, and piece by
// piece where not all of it is there.
func allocate(waiting []BackOrder, levels []cart.Level) []Allocation {
	var found []Allocation
	for _, w := range waiting {
		for i := range levels {
			level := &levels[i]
			if level.VariantID != w.VariantID {
				continue
			}
			if take := min(level.Free, w.Quantity); take > 0 {
				found = append(found, Allocation{w.OrderID, Reservation{w.VariantID, level.LocationID, take}})
				level.Free -= take
				w.Quantity -= take
			}
		}
	}
	return found
}
