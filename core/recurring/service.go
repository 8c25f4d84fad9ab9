package recurring

import (
	"context"
	"errors"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/cardfile"
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/draft"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/page"
)

// Store keeps recurring orders.
type Store interface {
	// Insert keeps a new one; Save what may change in one.
	Insert(ctx context.Context, o Order) error
	Save(ctx context.Context, o Order) error
	// SetLines and SetCoupons replace those of the order.
	SetLines(ctx context.Context, id uuid.UUID, lines []Line) error
	SetCoupons(ctx context.Context, id uuid.UUID, couponIDs []uuid.UUID) error
	// Lock reads one and locks it; nil if there is none.
	Lock(ctx context.Context, id uuid.UUID) (*Order, error)
	// Basket is what it holds, as an order takes it.
	Basket(ctx context.Context, in cart.Lookup, o Order) (*cart.Basket, error)
	// Note keeps what became of a due day, in place of what is noted of it.
	Note(ctx context.Context, o Occurrence) error
	// Due are active ones of the channel to be placed by the day, or tried again by the
	// moment, the first due first; Ahead those due after the first day and by the last of
	// which the member was not told. Both are read on from a place in their order.
	Due(ctx context.Context, channelID uuid.UUID, day, at time.Time, from Place, most int) ([]Order, error)
	Ahead(ctx context.Context, channelID uuid.UUID, after, by time.Time, from Place, most int) ([]Order, error)
	// Attendants are the staff who see to what could not be placed.
	Attendants(ctx context.Context) ([]messaging.Address, error)

	Orders(ctx context.Context, ids []uuid.UUID) ([]Order, error)
	List(ctx context.Context, q Query) (page.Connection[Order], error)
	Lines(ctx context.Context, ids []uuid.UUID) ([]Line, error)
	// Occurrences are the latest of each, the latest first, at most so many.
	Occurrences(ctx context.Context, ids []uuid.UUID, most int) ([]Occurrence, error)
}

// Place is one in the order in which they fall due.
type Place struct {
	On time.Time
	ID uuid.UUID
}

// Members know for whom goods can be ordered, and which goods and methods there are.
type Members interface {
	Member(ctx context.Context, brandID, memberID uuid.UUID) (*draft.Member, error)
	Known(ctx context.Context, brandID uuid.UUID, variantIDs []uuid.UUID) ([]uuid.UUID, error)
	Offered(ctx context.Context, brandID uuid.UUID, method, shop *uuid.UUID) (hasMethod, hasShop bool, err error)
}

// Cards finds saved cards.
type Cards interface {
	// Hold is the card, locked until the transaction is over; nil if there is none.
	Hold(ctx context.Context, cardID uuid.UUID) (*cardfile.Card, error)
}

// Query asks for one page of recurring orders, newest first. Zero fields do not filter.
type Query struct {
	BrandID  uuid.UUID
	MemberID *uuid.UUID
	States   []State
	Problem  bool // only those whose next order could not be placed
	Page     page.Args
}

// Parts are what the service is made of.
type Parts struct {
	Tx      idempotency.Tx
	Store   Store
	Members Members
	Keys    *idempotency.Keys
	Cards   Cards
	Carts   draft.Carts
	Orders  draft.Orders
	Coupons draft.Coupons
	Outbox  messaging.Outbox
	Events  event.Recorder
	ShopURL string // where mailed links lead
	Now     clock.Clock
}

// Service keeps recurring orders. Each of its use cases is one transaction.
type Service struct{ Parts }

// New makes the service.
func New(p Parts) *Service { return &Service{p} }

// sees reports whether the actor may see the recurring order: its member, and staff of
// its brand who work in more than one shop.
func sees(ctx context.Context, o Order) bool {
	actor, ch := access.From(ctx), channel.From(ctx)
	switch {
	case actor.Is(access.RoleSystem):
		return true
	case actor.May(access.OrderRead):
		return o.BrandID == ch.BrandID && !actor.Is(access.RoleStoreStaff)
	}
	return actor.Is(access.RoleMember, access.RoleCompanyBuyer) && actor.ID == o.MemberID && o.ChannelID == ch.ID
}

// ByIDs are those of the recurring orders that the actor may see.
func (s *Service) ByIDs(ctx context.Context, ids []uuid.UUID) ([]Order, error) {
	all, err := s.Store.Orders(ctx, ids)
	return slices.DeleteFunc(all, func(o Order) bool { return !sees(ctx, o) }), err
}

// ByID is the recurring order, if the actor may see it; else fault.CodeNotFound.
func (s *Service) ByID(ctx context.Context, key uuid.UUID) (*Order, error) {
	found, err := s.ByIDs(ctx, []uuid.UUID{key})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fault.ErrNotFound.At("recurringOrderId")
	}
	return &found[0], nil
}

// ListInput filters a list of recurring orders. Zero fields do not filter.
type ListInput struct {
	States   []State
	MemberID *uuid.UUID
	Problem  bool
	Page     page.Args
}

// List is one page of the member's own, or of the brand's for staff.
func (s *Service) List(ctx context.Context, in ListInput) (page.Connection[Order], error) {
	actor := access.From(ctx)
	q := Query{BrandID: channel.From(ctx).BrandID, States: in.States, Problem: in.Problem, MemberID: in.MemberID, Page: in.Page}
	switch {
	case actor.May(access.OrderRead) && !actor.Is(access.RoleStoreStaff):
	case actor.Is(access.RoleMember, access.RoleCompanyBuyer):
		q.MemberID = &actor.ID
	default:
		return page.Connection[Order]{}, nil
	}
	return s.Store.List(ctx, q)
}

// Lines are those of recurring orders that were read through this service.
func (s *Service) Lines(ctx context.Context, ids []uuid.UUID) ([]Line, error) {
	return s.Store.Lines(ctx, ids)
}

// told is how many due days are looked back at.
const told = 12

// Occurrences are what became of the latest due days, the latest first.
func (s *Service) Occurrences(ctx context.Context, ids []uuid.UUID) ([]Occurrence, error) {
	return s.Store.Occurrences(ctx, ids, told)
}

// Priced is what the next order would be at this moment.
func (s *Service) Priced(ctx context.Context, key uuid.UUID) (*cart.Priced, error) {
	o, err := s.ByID(ctx, key)
	if err != nil {
		return nil, err
	}
	return s.price(ctx, *o)
}

func (s *Service) price(ctx context.Context, o Order) (*cart.Priced, error) {
	ctx = o.Buyer().In(ctx)
	lookup, err := s.Carts.Lookup(ctx)
	if err != nil {
		return nil, err
	}
	basket, err := s.Store.Basket(ctx, lookup, o)
	if err == nil && basket == nil {
		err = fault.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return s.Carts.Price(ctx, lookup, *basket)
}

// change lets f act on a recurring order that the actor may change, and writes it down
// with an event, in one transaction.
func (s *Service) change(ctx context.Context, key uuid.UUID, eventType string, f func(ctx context.Context, o *Order, c *Change) error) (*Order, error) {
	if actor := access.From(ctx); actor.May(access.OrderRead) && !actor.May(access.OrderWrite) {
		return nil, fault.ErrForbidden
	}
	var changed *Order
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		o, err := s.Store.Lock(ctx, key)
		if err != nil {
			return err
		}
		if o == nil || !sees(ctx, *o) {
			return fault.ErrNotFound.At("recurringOrderId")
		}
		said := Change{Before: o.State}
		if err := f(ctx, o, &said); err != nil {
			return err
		}
		changed = o
		return s.record(ctx, o, eventType, said)
	})
	if err != nil {
		return nil, err
	}
	return changed, nil
}

// record writes a changed one down, with the event of its change.
func (s *Service) record(ctx context.Context, o *Order, eventType string, said Change) error {
	o.UpdatedAt, o.Revision = s.Now(), o.Revision+1
	said.After, said.NextOn = o.State, o.NextOn.Format(time.DateOnly)
	e := event.New(ctx, o.UpdatedAt, eventType, "RecurringOrder", o.ID, said)
	e.BrandID = o.BrandID
	return errors.Join(s.Store.Save(ctx, *o), s.Events.Record(ctx, e))
}

// short fails if the text of the input's field is longer than that.
func short(field, text string, longest int) error {
	if utf8.RuneCountInString(text) <= longest {
		return nil
	}
	return fault.Invalid(fault.CodeTooLong, "%d文字以内で入力してください", "This has at most %d characters").With(longest).At(field)
}

// at names the field that a business failure is about.
func at(field string, err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.At(field)
	}
	return err
}
