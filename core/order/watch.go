package order

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/signal"
)

// topic is where changes of the order are signalled.
func topic(orderID uuid.UUID) string { return "order:" + orderID.String() }

// Signalled tells whoever watches the orders that the events are about, or whose payments
// they are about. It is
// called when the events are committed.
func Signalled(ctx context.Context, board signal.Board, events []event.Event) {
	for _, e := range events {
		switch e.Subject {
		case "Order":
			board.Publish(ctx, topic(e.SubjectID), nil)
		case "Payment": // whose slip has come, or whose card was declined
			var about struct{ OrderID uuid.UUID }
			if err := json.Unmarshal(e.Data, &about); err == nil && about.OrderID != uuid.Nil {
				board.Publish(ctx, topic(about.OrderID), nil)
			}
		}
	}
}

// Standings know what an account may do now.
type Standings interface {
	// Stands is the actor of the context as the account stands now.
	Stands(ctx context.Context) (access.Actor, error)
}

// WatchBy says who knows whether a watcher may still see what is watched; without it,
// whoever might when the watch began.
func (s *Service) WatchBy(standings Standings) { s.standings = standings }

// again is the order for a watcher, if the watcher may still see it.
func (s *Service) again(ctx context.Context, orderID uuid.UUID) (*Order, error) {
	if s.standings != nil {
		actor, err := s.standings.Stands(ctx)
		if err != nil {
			return nil, err
		}
		ctx = access.With(ctx, actor)
	}
	return s.ByID(ctx, orderID)
}

// Watch is the order as it is now, and again after each change until ctx ends. It
// listens before it reads, so nothing is missed between; changes that follow each
// other quickly may come as one. An order that the actor may not see, or no longer,
// is fault.CodeNotFound or ends the watch.
func (s *Service) Watch(ctx context.Context, board signal.Board, orderID uuid.UUID) (<-chan Order, error) {
	changed := board.Listen(ctx, topic(orderID))
	now, err := s.ByID(ctx, orderID)
	if err != nil {
		return nil, err
	}
	states := make(chan Order, 1)
	states <- *now
	go func() {
		defer close(states)
		for range changed {
			o, err := s.again(ctx, orderID)
			if err != nil {
				return // the client asks again, and hears why
			}
			select {
			case states <- *o:
			case <-ctx.Done():
				return
			}
		}
	}()
	return states, nil
}
