// Package worklist tells staff how much waits for them, and tells again whenever it
// changes.
package worklist

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/holiday"
	"github.com/noren-commerce/noren/core/signal"
)

// Most is up to how many is counted.
const Most = 1000

// Counts are how much waits for staff, each up to Most; nil is what the actor may not read.
type Counts struct {
	ToShip          *int
	OnHold          *int
	LateOrders      *int // orders that should have left, or whose promise was taken back
	LateShipments   *int // shipments that were instructed, and should have left
	PendingApproval *int
	Payments        *int // those that staff should look at: paid short or too much, owed back, refused or unanswered by a gateway
	Returns         *int // that were asked for
	Recurring       *int // recurring orders whose next could not be placed
	PickUps         *int // orders that a shop has yet to prepare
	DeliveryIssues  *int // carriers' reports that people have to look into
	LateParcels     *int // those of them that are about parcels that are late
	StrayPayments   *int // money that no payment expects
	Deposits        *int // of bank statements, and nobody knows yet whose
	BackOrders      *int // what orders wait for: goods that are nowhere

	Shortfalls          *int // levels of which orders hold more than may leave
	StockAlerts         *int // levels that fell to their reorder point
	LateStockDeliveries *int // that were expected before today

	GatewayDifferences *int // on which reports and the payment journal disagree
	OverdueAccounts    *int // companies that are late to pay

	PrizeExchanges *int // prizes that are to be sent
	PointArrivals  *int // points that came for numbers nobody has

	PurchaseProblems *int // codes and card numbers in purchases that nobody knows
	DuplicateMembers *int // pairs who may be the same person
	MemberRequests   *int // to be forgotten, which wait for something
	PausedMailings   *int
}

// Query says whose work is counted, and which lists may be read.
type Query struct {
	BrandID uuid.UUID
	Stores  []uuid.UUID // of these shops only; nil: of all
	Orders  bool
	Stock   bool
	Books   bool
	Prizes  bool
	Points  bool

	Purchases bool // that their problems may be seen
	Pairs     bool // of members
	Requests  bool // of members
	Mailings  bool

	At    time.Time
	Today time.Time // the brand's day; midnight UTC
	Late  time.Time // the day before which what was due on account is late
}

// Store counts.
type Store interface {
	// Count counts what waits, in the lists that may be read.
	Count(ctx context.Context, q Query) (Counts, error)
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
	now       clock.Clock
}

// New makes the service.
func New(store Store, standings Standings, now clock.Clock) *Service {
	return &Service{store, standings, now}
}

// Counts are how much waits for the actor: in the brand, for staff of a shop in theirs.
func (s *Service) Counts(ctx context.Context) (Counts, error) {
	actor, err := s.standings.Stands(ctx)
	if err != nil {
		return Counts{}, err
	}
	q := s.query(ctx, actor)
	if !slices.Contains([]bool{q.Orders, q.Stock, q.Books, q.Prizes, q.Points, q.Purchases, q.Pairs, q.Requests, q.Mailings}, true) {
		return Counts{}, fault.ErrForbidden
	}
	return s.store.Count(ctx, q)
}

// query is what the actor may read: staff of a shop read of theirs, and neither books nor what
// is settled with other point systems nor what the head office does for all members.
func (s *Service) query(ctx context.Context, actor access.Actor) Query {
	ch, now, inShop := channel.From(ctx), s.now(), actor.Is(access.RoleStoreStaff)
	year, month, day := now.In(ch.Zone()).Date()
	today := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	q := Query{
		BrandID: ch.BrandID, At: now, Today: today, Late: holiday.BankDayBefore(today),
		Orders: actor.May(access.OrderRead), Stock: actor.May(access.InventoryRead), Books: actor.May(access.AccountingRead) && !inShop,
		Prizes: actor.May(access.PrizeRead), Points: actor.May(access.PointRead) && !inShop,
		Purchases: actor.May(access.PurchaseWrite) && !inShop, Pairs: actor.May(access.MemberWrite) && !inShop,
		Requests: actor.May(access.MemberRead) && !inShop, Mailings: actor.May(access.CampaignRead) && !inShop,
	}
	if inShop {
		q.Stores = append([]uuid.UUID{}, actor.Stores...) // of none, where there are none
	}
	return q
}

// topic is where changes of what waits in the brand are signalled.
func topic(brandID uuid.UUID) string { return "work:" + brandID.String() }

// subjects are what work lists are about.
var subjects = []string{
	"Order", "Payment", "StrayPayment", "RecurringOrder", "DeliveryIssue", "BankStatement", "BankLine",
	"Stock", "StockLot", "StockAlert", "StockDelivery", "StockTransfer", "Stocktake",
	"GatewayReconciliation", "GatewayDifference", "AccountStatement", "CompanyCredit", "JournalEntry",
	"PrizeExchange", "PointArrival",
	"PurchaseImport", "PurchaseProblem", "DuplicateMember", "Migration", "Mailing",
}

// erasures begins the types of events about members who ask to be forgotten: of members much
// else is told that no list is about.
const erasures = "member.eras"

// Signalled tells whoever watches the work lists that the events may have changed. It is
// called when the events are committed.
func Signalled(ctx context.Context, board signal.Board, events []event.Event) {
	var told []uuid.UUID
	for _, e := range events {
		if (slices.Contains(subjects, e.Subject) || strings.HasPrefix(e.Type, erasures)) && !slices.Contains(told, e.BrandID) {
			told = append(told, e.BrandID)
			board.Publish(ctx, topic(e.BrandID), nil)
		}
	}
}

// breath is how long changes that follow each other quickly are waited for, so that a
// busy hour costs each watcher a few counts a second at most.
const breath = 300 * time.Millisecond

// round is after how long a watcher looks again without being told: some things begin to
// wait since a day has passed, and nobody does anything.
const round = 10 * time.Minute

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
		for next(ctx, changed) {
			now, err := s.Counts(ctx)
			if err != nil {
				return // the client asks again, and hears why
			}
			if reflect.DeepEqual(now, last) {
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

// next waits until it is time to look again; false when the watch is over.
func next(ctx context.Context, changed <-chan []byte) bool {
	over := time.NewTimer(round)
	defer over.Stop()
	select {
	case _, open := <-changed:
		if open {
			rest(ctx, changed)
		}
		return open
	case <-over.C:
		return true
	case <-ctx.Done():
		return false
	}
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
