package order

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/customer"
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
	rules, err := s.preferences(ctx, waiting)
	if err != nil {
		return err
	}
	found := allocate(waiting, levels, rules)
	if len(found) == 0 {
		return nil
	}
	events := make([]event.Event, 0, len(found))
	for _, a := range found {
		events = append(events, event.New(ctx, s.now(), "order.allocated", "Order", a.OrderID, map[string]any{
			"variantId": a.VariantID, "locationId": a.LocationID, "quantity": a.Quantity,
		}))
	}
	return errors.Join(s.store.Allocate(ctx, found, s.now()), s.events.Record(ctx, events...), s.goodsCame(ctx, found))
}

// preferences are what counts when goods are looked for in the channels of those who wait;
// none where nobody says.
func (s *Service) preferences(ctx context.Context, waiting []Waiter) (map[uuid.UUID][]channel.Preference, error) {
	here := channel.From(ctx)
	rules := map[uuid.UUID][]channel.Preference{here.ID: here.Allocation}
	elsewhere := slices.ContainsFunc(waiting, func(w Waiter) bool { return w.ChannelID != here.ID })
	if !elsewhere || s.channels == nil {
		return rules, nil
	}
	all, err := s.channels(ctx)
	for _, c := range all {
		rules[c.ID] = c.Allocation
	}
	return rules, err
}

// Waiter is pieces that an order waits for, with what says where they rather come from.
type Waiter struct {
	BackOrder
	ChannelID  uuid.UUID
	Prefecture customer.Prefecture // where they go; empty: not known
	Held       []Reservation       // what the order holds already
}

// allocate shares free stock out among those who wait, in their order, and piece by piece
// where not all of it is there: from where the channel of each prefers.
func allocate(waiting []Waiter, levels []cart.Level, rules map[uuid.UUID][]channel.Preference) []Allocation {
	lie := map[uuid.UUID][]*cart.Level{} // the levels of each variant, in the brand's order
	for i := range levels {
		lie[levels[i].VariantID] = append(lie[levels[i].VariantID], &levels[i])
	}
	var found []Allocation
	for len(waiting) > 0 {
		n := 1
		for n < len(waiting) && waiting[n].OrderID == waiting[0].OrderID {
			n++
		}
		found, waiting = append(found, shared(waiting[:n], lie, rules[waiting[0].ChannelID])...), waiting[n:]
	}
	return found
}

// shared gives an order what it waits for, as far as it lies anywhere.
func shared(waits []Waiter, lie map[uuid.UUID][]*cart.Level, preferences []channel.Preference) (found []Allocation) {
	first := sooner(waits, lie, preferences)
	for _, w := range waits {
		there := slices.Clone(lie[w.VariantID])
		slices.SortStableFunc(there, func(a, b *cart.Level) int { return first[a.LocationID] - first[b.LocationID] })
		for _, level := range there {
			if take := min(level.Free, w.Quantity); take > 0 {
				found = append(found, Allocation{w.OrderID, Reservation{w.VariantID, level.LocationID, take}})
				level.Free -= take
				w.Quantity -= take
			}
		}
	}
	return found
}

// sooner says at which locations an order's goods are looked for first. What it holds
// somewhere already counts as lying there for it: one parcel may do for all.
func sooner(waits []Waiter, lie map[uuid.UUID][]*cart.Level, preferences []channel.Preference) map[uuid.UUID]int {
	if len(preferences) == 0 {
		return nil
	}
	job, held := Job{To: waits[0].Prefecture}, waits[0].Held
	var levels []cart.Level
	for _, w := range waits {
		job.Wants = append(job.Wants, cart.Want{Goods: cart.Goods{VariantID: w.VariantID}, Quantity: w.Quantity})
		for _, level := range lie[w.VariantID] {
			levels = append(levels, *level)
		}
	}
	for _, h := range held {
		job.Wants = append(job.Wants, cart.Want{Goods: cart.Goods{VariantID: h.VariantID}, Quantity: h.Quantity})
		if i := slices.IndexFunc(levels, func(l cart.Level) bool { return l.LocationID == h.LocationID }); i >= 0 {
			there := levels[i]
			there.VariantID, there.Free = h.VariantID, h.Quantity
			levels = append(levels, there)
		}
	}
	first := map[uuid.UUID]int{}
	for _, level := range ranked(levels, job, preferences) {
		if _, seen := first[level.LocationID]; !seen {
			first[level.LocationID] = len(first)
		}
	}
	return first
}
