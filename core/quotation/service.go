package quotation

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/company"
	"github.com/noren-commerce/noren/core/display"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/limit"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/pricing"
)

// Store keeps quotations.
type Store interface {
	// Goods are those of the variants that the brand has, sold or not.
	Goods(ctx context.Context, q GoodsQuery) ([]Goods, error)
	// Asker is who asks, by account.
	Asker(ctx context.Context, memberID uuid.UUID) (messaging.Address, error)
	// Answerers are the staff who answer.
	Answerers(ctx context.Context) ([]messaging.Address, error)

	// Insert keeps a new quotation with the lines that are asked for.
	Insert(ctx context.Context, q Quotation, lines []Line) error
	// Lock reads a quotation and locks it; nil if there is none.
	Lock(ctx context.Context, quotationID uuid.UUID) (*Quotation, error)
	// Update writes what may change in a quotation.
	Update(ctx context.Context, q Quotation) error
	// Offer keeps an offer with its lines.
	Offer(ctx context.Context, o Offer, lines []Line) error
	// Basket is what the latest offer holds, as an order takes it.
	Basket(ctx context.Context, in cart.Lookup, q BasketQuery) (*cart.Basket, error)
	// Expire ends at most so many offers that are over, and answers them.
	Expire(ctx context.Context, at time.Time, most int) ([]Quotation, error)

	Quotations(ctx context.Context, ids []uuid.UUID) ([]Quotation, error)
	List(ctx context.Context, q Query) (page.Connection[Quotation], error)
	// Offers are all revisions, the latest first; Lines those of all revisions.
	Offers(ctx context.Context, quotationIDs []uuid.UUID) ([]Offer, error)
	Lines(ctx context.Context, quotationIDs []uuid.UUID) ([]Line, error)
	History(ctx context.Context, quotationIDs []uuid.UUID) ([]event.Event, error)
}

// GoodsQuery asks for variants as the channel lists them at the moment.
type GoodsQuery struct {
	BrandID    uuid.UUID
	ChannelID  uuid.UUID
	VariantIDs []uuid.UUID
	At         time.Time
}

// Goods are a variant as a quotation notes it.
type Goods struct {
	VariantID uuid.UUID
	SKU       string
	Name      i18n.Text
	Options   []string
	TaxClass  money.TaxClass
	Held      []uuid.UUID // in a set, always
	Chosen    bool        // a set that the customer fills
	OnSale    bool        // listed by the channel at the moment
	Rules     int64       // the version of the brand's rules at that moment
}

// BasketQuery asks for an offer's lines, to be shipped by the method.
type BasketQuery struct {
	QuotationID uuid.UUID
	MethodID    uuid.UUID
}

// Query asks for one page of quotations, newest first. Zero fields do not filter.
type Query struct {
	BrandID   uuid.UUID
	ChannelID uuid.UUID
	MemberID  uuid.UUID // only this buyer's
	Seat      uuid.UUID // with MemberID: the company whose quotations the buyer may see
	CompanyID *uuid.UUID
	States    []State
	Text      string // a part of the number, name, address, company or goods
	From      *time.Time
	To        *time.Time
	Page      page.Args
}

// Companies know who buys for whom, and what they may do.
type Companies interface {
	cart.Functions
	MySeat(ctx context.Context) (*company.Seat, error)
}

// Orders place what was agreed on.
type Orders interface {
	PlaceFrom(ctx context.Context, in order.PlaceInput, from order.Source) (*order.Order, error)
}

// Prices know what agreed prices come to, and how low they may be.
type Prices interface {
	pricing.Floors
	Agree(ctx context.Context, a pricing.Agreement) (pricing.Quote, error)
}

// Rules say how the actor of the context finds what is sold.
type Rules interface {
	Standings(ctx context.Context, version int64, variantIDs []uuid.UUID) (map[uuid.UUID]display.Standing, error)
}

// Carts know the actor's cart.
type Carts interface {
	Mine(ctx context.Context) (*cart.Priced, error)
}

// Parts are what the service is made of.
type Parts struct {
	Tx        idempotency.Tx
	Store     Store
	Keys      *idempotency.Keys
	Companies Companies
	Orders    Orders
	Prices    Prices
	Rules     Rules
	Carts     Carts
	Outbox    messaging.Outbox
	Limiter   limit.Limiter // nil: nothing is bounded
	Events    event.Recorder
	Now       clock.Clock
}

// Service keeps quotations. Each of its use cases is one transaction.
type Service struct{ Parts }

// New makes the service.
func New(p Parts) *Service { return &Service{p} }

// sees reports whether the actor, in the seat, may see the quotation: staff of its
// brand, who asked, and of a company's who sees all of it.
func sees(ctx context.Context, q Quotation, seat *company.Seat) bool {
	actor, ch := access.From(ctx), channel.From(ctx)
	switch {
	case actor.May(access.QuotationRead):
		return actor.Is(access.RoleSystem) || q.BrandID == ch.BrandID
	case !actor.Is(access.RoleMember, access.RoleCompanyBuyer) || q.ChannelID != ch.ID:
		return false
	case q.CompanyID == nil:
		return q.MemberID == actor.ID
	}
	return seat != nil && seat.CompanyID == *q.CompanyID && (seat.Role.SeesAll() || q.MemberID == actor.ID)
}

// acts fails unless the actor, in the seat, may speak for the buyer of a quotation
// that the actor sees: who asked, or who approves for the company.
func acts(ctx context.Context, q Quotation, seat *company.Seat) error {
	if q.MemberID == access.From(ctx).ID || seat != nil && seat.Role.Approves() {
		return nil
	}
	return fault.ErrForbidden
}

// seatFor is the actor's place in a company, asked for only where it matters.
func (s *Service) seatFor(ctx context.Context, quotations ...Quotation) (*company.Seat, error) {
	if access.From(ctx).May(access.QuotationRead) {
		return nil, nil
	}
	for _, q := range quotations {
		if q.CompanyID != nil {
			return s.Companies.MySeat(ctx)
		}
	}
	return nil, nil
}

// lock locks a quotation that the actor may see; staff reports that the actor speaks
// for the shop, not for the buyer.
func (s *Service) lock(ctx context.Context, quotationID uuid.UUID) (q *Quotation, staff bool, err error) {
	q, err = s.Store.Lock(ctx, quotationID)
	if err != nil {
		return nil, false, err
	}
	if q == nil {
		return nil, false, fault.ErrNotFound.At("quotationId")
	}
	seat, err := s.seatFor(ctx, *q)
	switch {
	case err != nil:
		return nil, false, err
	case !sees(ctx, *q, seat):
		return nil, false, fault.ErrNotFound.At("quotationId")
	case access.From(ctx).May(access.QuotationRead):
		return q, true, access.RequireEverywhere(ctx, access.QuotationWrite)
	}
	return q, false, acts(ctx, *q, seat)
}

// change lets f act on a quotation that the actor may change, and writes it down with
// an event, in one transaction.
func (s *Service) change(ctx context.Context, quotationID uuid.UUID, eventType string, f func(ctx context.Context, q *Quotation, staff bool, c *Change) error) (*Quotation, error) {
	var changed *Quotation
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		q, staff, err := s.lock(ctx, quotationID)
		if err != nil {
			return err
		}
		said := Change{Before: q.State}
		if err := f(ctx, q, staff, &said); err != nil {
			return err
		}
		changed = q
		e, err := s.record(ctx, q, eventType, said)
		if err != nil || words[eventType] == "" {
			return err
		}
		return s.sendWord(ctx, *q, staff, e, said.Message)
	})
	if err != nil {
		return nil, err
	}
	return changed, nil
}

// record writes a changed quotation down, with the event of its change.
func (s *Service) record(ctx context.Context, q *Quotation, eventType string, said Change) (event.Event, error) {
	q.UpdatedAt, said.After = s.Now(), q.State
	e := event.New(ctx, q.UpdatedAt, eventType, "Quotation", q.ID, said)
	e.BrandID = q.BrandID
	if err := s.Store.Update(ctx, *q); err != nil {
		return e, err
	}
	return e, s.Events.Record(ctx, e)
}
