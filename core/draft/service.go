package draft

import (
	"context"
	"errors"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/prepaid"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/promotion"
)

// Store keeps drafts.
type Store interface {
	// Member is the brand's open member with the id; nil if there is none.
	Member(ctx context.Context, brandID, memberID uuid.UUID) (*Member, error)
	// Known are those of the variants that the brand has.
	Known(ctx context.Context, brandID uuid.UUID, variantIDs []uuid.UUID) ([]uuid.UUID, error)
	// Offered reports whether the brand has the active shipping method and the shop; nil
	// asks for nothing.
	Offered(ctx context.Context, brandID uuid.UUID, method, shop *uuid.UUID) (hasMethod, hasShop bool, err error)
	// Insert keeps a new draft; Save what may change in one.
	Insert(ctx context.Context, d Draft) error
	Save(ctx context.Context, d Draft) error
	// SetLines and SetCoupons replace those of the draft.
	SetLines(ctx context.Context, draftID uuid.UUID, lines []Line) error
	SetCoupons(ctx context.Context, draftID uuid.UUID, couponIDs []uuid.UUID) error
	// Lock reads a draft and locks it; nil if there is none.
	Lock(ctx context.Context, draftID uuid.UUID) (*Draft, error)
	// Basket is what the draft holds, as an order takes it.
	Basket(ctx context.Context, in cart.Lookup, d Draft) (*cart.Basket, error)
	// Expire ends at most so many drafts whose time is over, and answers them.
	Expire(ctx context.Context, at time.Time, most int) ([]Draft, error)

	Drafts(ctx context.Context, ids []uuid.UUID) ([]Draft, error)
	// OfOrders are the drafts that the orders were placed from.
	OfOrders(ctx context.Context, orderIDs []uuid.UUID) ([]Draft, error)
	List(ctx context.Context, q Query) (page.Connection[Draft], error)
	Lines(ctx context.Context, draftIDs []uuid.UUID) ([]Line, error)
}

// Member is for whom a draft can be made.
type Member struct {
	Name     string
	Email    string
	Role     access.Role
	Language string
	Address  *customer.Address // that the member ships to, unless another is named
	Stores   []uuid.UUID       // where the member registered, and the home store
}

// readable reports whether the actor may take over the member's personal data: staff, and of
// a shop's those whose member it is.
func (m Member) readable(actor access.Actor) bool {
	return !actor.Is(access.RolePartner) && (!actor.Is(access.RoleStoreStaff) || slices.ContainsFunc(m.Stores, func(s uuid.UUID) bool { return slices.Contains(actor.Stores, s) }))
}

// Query asks for one page of drafts, newest first. Zero fields do not filter.
type Query struct {
	BrandID   uuid.UUID
	ChannelID uuid.UUID
	Stores    []uuid.UUID // only those of these shops; none: any
	MemberID  *uuid.UUID
	States    []State
	Text      string // a part of the number, name, phone or address
	Page      page.Args
}

// Carts price what a buyer is about to buy.
type Carts interface {
	Lookup(ctx context.Context) (cart.Lookup, error)
	Price(ctx context.Context, in cart.Lookup, b cart.Basket) (*cart.Priced, error)
}

// Orders place what was agreed on, and know what was ordered before.
type Orders interface {
	PlaceFrom(ctx context.Context, in order.PlaceInput, from order.Source) (*order.Order, error)
	ByID(ctx context.Context, orderID uuid.UUID) (*order.Order, error)
	Lines(ctx context.Context, orderIDs []uuid.UUID) ([]order.Line, error)
	// CodesTried fails when a code cannot be one, or the actor has tried too many.
	CodesTried(ctx context.Context, codes prepaid.Codes) error
}

// Coupons know coupons by their codes.
type Coupons interface {
	Find(ctx context.Context, typed string, member uuid.UUID) (*promotion.Coupon, error)
}

// Parts are what the service is made of.
type Parts struct {
	Tx      idempotency.Tx
	Store   Store
	Carts   Carts
	Orders  Orders
	Coupons Coupons
	Prices  pricing.Floors
	Outbox  messaging.Outbox
	Events  event.Recorder
	ShopURL string // where mailed links lead
	Now     clock.Clock
}

// Service keeps drafts. Each of its use cases is one transaction.
type Service struct{ Parts }

// New makes the service.
func New(p Parts) *Service { return &Service{p} }

// sees reports whether the actor may see the draft: staff of its brand, of a shop those
// of theirs, and the buyer once it was sent.
func sees(ctx context.Context, d Draft) bool {
	actor, ch := access.From(ctx), channel.From(ctx)
	switch {
	case actor.Is(access.RoleSystem):
		return true
	case actor.May(access.OrderRead):
		return d.BrandID == ch.BrandID && d.ChannelID == ch.ID && atTheirs(actor, d.ShopID)
	case d.ChannelID != ch.ID || d.State == Open:
		return false
	case d.MemberID != nil:
		return actor.Is(access.RoleMember, access.RoleCompanyBuyer) && actor.ID == *d.MemberID
	}
	hash := cart.OwnerOf(actor).TokenHash
	return hash != nil && d.TokenHash != nil && string(hash) == string(d.TokenHash)
}

// atTheirs reports whether staff of a shop work at this one; others work at all.
func atTheirs(actor access.Actor, shop *uuid.UUID) bool {
	return !actor.Is(access.RoleStoreStaff) || shop != nil && slices.Contains(actor.Stores, *shop)
}

// ByIDs are those of the drafts that the actor may see.
func (s *Service) ByIDs(ctx context.Context, ids []uuid.UUID) ([]Draft, error) {
	all, err := s.Store.Drafts(ctx, ids)
	return slices.DeleteFunc(all, func(d Draft) bool { return !sees(ctx, d) }), err
}

// ByID is the draft, if the actor may see it; else fault.CodeNotFound.
func (s *Service) ByID(ctx context.Context, draftID uuid.UUID) (*Draft, error) {
	found, err := s.ByIDs(ctx, []uuid.UUID{draftID})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fault.ErrNotFound.At("draftOrderId")
	}
	return &found[0], nil
}

// OfOrders are the drafts that orders were placed from, for staff.
func (s *Service) OfOrders(ctx context.Context, orderIDs []uuid.UUID) ([]Draft, error) {
	if !access.From(ctx).May(access.OrderRead) {
		return nil, nil
	}
	return s.Store.OfOrders(ctx, orderIDs)
}

// Lines are those of drafts that were read through this service.
func (s *Service) Lines(ctx context.Context, draftIDs []uuid.UUID) ([]Line, error) {
	return s.Store.Lines(ctx, draftIDs)
}

// ListInput filters a list of drafts. Zero fields do not filter.
type ListInput struct {
	States   []State
	MemberID *uuid.UUID
	Text     string
	Page     page.Args
}

// List is one page of the channel's drafts for staff, of a shop those of theirs; for
// members their own that were sent.
func (s *Service) List(ctx context.Context, in ListInput) (page.Connection[Draft], error) {
	if err := short("text", in.Text, 100); err != nil {
		return page.Connection[Draft]{}, err
	}
	actor, ch := access.From(ctx), channel.From(ctx)
	q := Query{BrandID: ch.BrandID, ChannelID: ch.ID, States: in.States, Text: in.Text, Page: in.Page}
	switch {
	case actor.May(access.OrderRead):
		q.MemberID = in.MemberID
		if actor.Is(access.RoleStoreStaff) {
			if q.Stores = actor.Stores; len(q.Stores) == 0 {
				return page.Connection[Draft]{}, nil
			}
		}
	case actor.Is(access.RoleMember, access.RoleCompanyBuyer):
		q.MemberID, q.Text = &actor.ID, ""
		shown := []State{Sent, Placed, Cancelled, Expired}
		q.States = slices.DeleteFunc(shown, func(st State) bool { return len(in.States) > 0 && !slices.Contains(in.States, st) })
		if len(q.States) == 0 {
			return page.Connection[Draft]{}, nil
		}
	default:
		return page.Connection[Draft]{}, nil
	}
	return s.Store.List(ctx, q)
}

// Priced is the draft as a cart of its buyer would be at this moment.
func (s *Service) Priced(ctx context.Context, draftID uuid.UUID) (*cart.Priced, error) {
	d, err := s.ByID(ctx, draftID)
	if err != nil {
		return nil, err
	}
	return s.price(ctx, *d)
}

func (s *Service) price(ctx context.Context, d Draft) (*cart.Priced, error) {
	ctx = d.Buyer().In(ctx)
	lookup, err := s.Carts.Lookup(ctx)
	if err != nil {
		return nil, err
	}
	basket, err := s.Store.Basket(ctx, lookup, d)
	if err != nil || basket == nil {
		return nil, err
	}
	return s.Carts.Price(ctx, lookup, *basket)
}

// lock locks a draft that the actor may see.
func (s *Service) lock(ctx context.Context, draftID uuid.UUID) (*Draft, error) {
	d, err := s.Store.Lock(ctx, draftID)
	if err != nil {
		return nil, err
	}
	if d == nil || !sees(ctx, *d) {
		return nil, fault.ErrNotFound.At("draftOrderId")
	}
	return d, nil
}

// change lets f act on a draft that the actor may see, and writes it down with an event,
// in one transaction.
func (s *Service) change(ctx context.Context, draftID uuid.UUID, eventType string, f func(ctx context.Context, d *Draft, c *Change) error) (*Draft, error) {
	var changed *Draft
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		d, err := s.lock(ctx, draftID)
		if err != nil {
			return err
		}
		said := Change{Before: d.State}
		if err := f(ctx, d, &said); err != nil {
			return err
		}
		changed = d
		return s.record(ctx, d, eventType, said)
	})
	if err != nil {
		return nil, err
	}
	return changed, nil
}

// record writes a changed draft down, with the event of its change and what else happened.
func (s *Service) record(ctx context.Context, d *Draft, eventType string, said Change, also ...event.Event) error {
	d.UpdatedAt, said.After, said.Total = s.Now(), d.State, d.TotalMinor
	e := event.New(ctx, d.UpdatedAt, eventType, "DraftOrder", d.ID, said)
	e.BrandID = d.BrandID
	return errors.Join(s.Store.Save(ctx, *d), s.Events.Record(ctx, append(also, e)...))
}

// open fails unless the draft can still be ordered.
func (d Draft) open(at time.Time) error {
	switch {
	case d.State == Expired, (d.State == Open || d.State == Sent) && !d.ExpiresAt.After(at):
		return ErrExpired
	case d.State != Open && d.State != Sent:
		return ErrState.With(d.State)
	}
	return nil
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
