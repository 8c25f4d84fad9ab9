// Package worklist tells staff how much waits for them, and tells again whenever it
// changes.
package worklist

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/signal"
)

// Most is up to how many is counted.
const Most = 1000

// Counts are how much waits for staff, each up to Most.
type Counts struct {
	ToShip          int
	OnHold          int
	PendingApproval int
	Payments        int // operations that a gateway has refused or not answered
	Returns         int // that were asked for
	Recurring       int // recurring orders whose next could not be placed
	PickUps         int // orders that a shop has yet to prepare
	DeliveryIssues  int // carriers' reports that people have to look into
	StrayPayments   int // money that no payment expects
	Deposits        int // of bank statements, and nobody knows yet whose
}

// Store counts.
type Store interface {
	// Count counts what waits in the brand, with stores only that of these.
	Count(ctx context.Context, brandID uuid.UUID, stores []uuid.UUID) (Counts, error)
}

// Standings know what an account may do now.
type Standings interface {
	// Stands is the actor of the context as the account stands now.
	Stands(ctx context.Context) (access.Actor, error)
}

// Service counts, and watches.
type Service struct {
	store     Store
	standings Standings
}

// New makes the service.
func New(store Store, standings Standings) *Service { return &Service{store, standings} }

// Counts are how much waits for the actor: in the brand, for staff of a shop in theirs.
func (s *Service) Counts(ctx context.Context) (Counts, error) {
	actor, err := s.standing(ctx)
	if err != nil {
		return Counts{}, err
	}
	var stores []uuid.UUID
	if actor.Is(access.RoleStoreStaff) {
		if stores = actor.Stores; len(stores) == 0 {
			return Counts{}, nil
		}
	}
	return s.store.Count(ctx, channel.From(ctx).BrandID, stores)
}

// standing is the actor as the account stands now, if it may read orders.
func (s *Service) standing(ctx context.Context) (access.Actor, error) {
	actor, err := s.standings.Stands(ctx)
	if err == nil && !actor.May(access.OrderRead) {
		err = fault.ErrForbidden
	}
	return actor, err
}

// topic is where changes of what waits in the brand are signalled.
func topic(brandID uuid.UUID) string { return "work:" + brandID.String() }

// subjects are what work lists are about.
var subjects = []string{"Order", "Payment", "StrayPayment", "RecurringOrder", "DeliveryIssue", "BankStatement", "BankLine"}

// Signalled tells whoever watches the work lists that the events may have changed. It is
// called when the events are committed.
func Signalled(ctx context.Context, board signal.Board, events []event.Event) {
	var told []uuid.UUID
	for _, e := range events {
		if slices.Contains(subjects, e.Subject) && !slices.Contains(told, e.BrandID) {
			told = append(told, e.BrandID)
			board.Publish(ctx, topic(e.BrandID), nil)
		}
	}
}

// breath is how long changes that follow each other quickly are waited for, so that a
// busy hour costs each watcher a few counts a second at most.
const breath = 300 * time.Millisecond

// Watch is how much waits for the actor now, and again after each change of it until ctx
// ends. Whether the actor may still see it is asked each time: once not, the watch ends.
func (s *Service) Watch(ctx context.Context, board signal.Board) (<-chan Counts, error) {
	changed := board.Listen(ctx, topic(channel.From(ctx).BrandID))
	last, err := s.Counts(ctx)
	if err != nil {
		return nil, err
	}
	counts := make(chan Counts, 1)
	counts <- last
	go func() {
		defer close(counts)
		for range changed {
			rest(ctx, changed)
			now, err := s.Counts(ctx)
			if err != nil {
				return // the client asks again, and hears why
			}
			if now == last {
				continue
			}
			last = now
			select {
			case counts <- now:
			case <-ctx.Done():
				return
			}
		}
	}()
	return counts, nil
}

// rest waits a breath, and takes what is signalled meanwhile.
func rest(ctx context.Context, changed <-chan []byte) {
	over := time.NewTimer(breath)
	defer over.Stop()
	for {
		select {
		case _, open := <-changed:
			if !open {
				return
			}
		case <-over.C:
			return
		case <-ctx.Done():
			return
		}
	}
}
