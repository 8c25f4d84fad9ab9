package returns

import (
	"context"
	"errors"
	"slices"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/company"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/inventory"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/photo"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/scope"
)

// Store keeps returns.
type Store interface {
	// Rule is what the brand has set; nil if nothing.
	Rule(ctx context.Context, brandID uuid.UUID) (*Rule, error)
	// RulesOfOrders are the rules that hold for the orders, standard ones too.
	RulesOfOrders(ctx context.Context, orderIDs []uuid.UUID) ([]OfOrder, error)
	SaveRule(ctx context.Context, r Rule) error
	// Goods are what rules ask of the variants; categories with all above them.
	Goods(ctx context.Context, variantIDs []uuid.UUID) ([]scope.Goods, error)

	Insert(ctx context.Context, r Return) error
	// Save writes what may change in a return, and how many pieces are approved.
	Save(ctx context.Context, r Return) error
	// Receive writes down what came back, and puts what is to be sold again on the
	// location's shelves, each variant a movement.
	Receive(ctx context.Context, r Return, c Receipt, restocked Pieces, actorID uuid.UUID) error
	// SaveReceipt writes what is carried over of a receipt, and what was given back.
	SaveReceipt(ctx context.Context, c Receipt) error
	// TaxClass is that of the variant.
	TaxClass(ctx context.Context, variantID uuid.UUID) (money.TaxClass, error)
	// LocationOf is the brand of an open location; uuid.Nil if there is none.
	LocationOf(ctx context.Context, locationID uuid.UUID) (brandID uuid.UUID, err error)

	// Return is nil if there is none.
	Return(ctx context.Context, returnID uuid.UUID) (*Return, error)
	ByIDs(ctx context.Context, returnIDs []uuid.UUID) ([]Return, error)
	// OfOrders are the returns of the orders, in their order.
	OfOrders(ctx context.Context, orderIDs []uuid.UUID) ([]Return, error)
	// Exchanges are the returns that the orders replace goods of.
	Exchanges(ctx context.Context, orderIDs []uuid.UUID) ([]Replaced, error)
	// Numbered is the nth return of the brand's order; nil if there is none.
	Numbered(ctx context.Context, brandID uuid.UUID, orderNumber string, nth int) (*Return, error)
	List(ctx context.Context, q Query) (page.Connection[Return], error)
}

// Replaced is an order whose goods replace those of a return.
type Replaced struct {
	OrderID  uuid.UUID
	ReturnID uuid.UUID
}

// Orders are what returns are of.
type Orders interface {
	// LockStanding locks an order that the actor may see and give up goods of.
	LockStanding(ctx context.Context, orderID uuid.UUID) (order.Standing, error)
	ByIDs(ctx context.Context, orderIDs []uuid.UUID) ([]order.Order, error)
	Whole(ctx context.Context, orderIDs []uuid.UUID) ([]order.Order, error)
	// Unmasked are those of the orders whose personal data the actor may read.
	Unmasked(ctx context.Context, orderIDs []uuid.UUID) ([]uuid.UUID, error)
	Lines(ctx context.Context, orderIDs []uuid.UUID) ([]order.Line, error)
	Shipments(ctx context.Context, orderIDs []uuid.UUID) ([]order.Shipment, error)
	// Exchange places an order of goods that replace others.
	Exchange(ctx context.Context, in order.ExchangeInput) (*order.Order, error)
	// CarryOver notes how much was paid before for goods of an order that cost nothing.
	CarryOver(ctx context.Context, orderID uuid.UUID, minor int64) error
}

// Payments give money back.
type Payments interface {
	// GiveBack gives so much back of what an order has paid, or what is left of it, in the
	// order's transaction; it answers how much.
	GiveBack(ctx context.Context, in payment.GiveBackInput) (payment.GivenBack, error)
}

// Companies owe less when goods come back.
type Companies interface {
	GoodsReturned(ctx context.Context, g company.Goods) error
}

// Campaigns take back what they gave to an order that came back whole.
type Campaigns interface {
	CameBack(ctx context.Context, orderID uuid.UUID) error
}

// Prices price for the actor.
type Prices interface {
	Desk(ctx context.Context, ask pricing.Ask) (*pricing.Desk, error)
}

// Flips is told of variants whose stock came back, in its transaction.
type Flips interface {
	Flipped(ctx context.Context, variantIDs []uuid.UUID) error
}

// Lots say of which lots pieces are that are on the shelves again, in the transaction that
// put them there.
type Lots interface {
	Return(ctx context.Context, r inventory.CameBack) error
}

// Parts are what the service is made of.
type Parts struct {
	Tx        idempotency.Tx
	Store     Store
	Keys      *idempotency.Keys
	Orders    Orders
	Payments  Payments
	Companies Companies
	Campaigns Campaigns // nil: there are none
	Documents Documents // nil: none are issued
	Prices    Prices
	Flips     Flips
	Lots      Lots // nil: nobody tells lots apart
	Photos    PhotoStore
	Pictures  *photo.Reader
	Links     Links // to slips, labels and photos
	Outbox    messaging.Outbox
	Events    event.Recorder
	Now       clock.Clock
}

// Service keeps returns. Each of its use cases is one transaction, which locks the
// order first.
type Service struct{ Parts }

// New makes the service.
func New(p Parts) *Service { return &Service{p} }

// rule is the brand's rule, the standard one if it has set none.
func (s *Service) rule(ctx context.Context, brandID uuid.UUID) (Rule, error) {
	set, err := s.Store.Rule(ctx, brandID)
	if err != nil || set == nil {
		return Standard(brandID), err
	}
	return *set, nil
}

// Goods are what rules ask of variants.
func (s *Service) Goods(ctx context.Context, variantIDs []uuid.UUID) ([]scope.Goods, error) {
	return s.Store.Goods(ctx, variantIDs)
}

// changing is a return that is about to change, with its locked order.
type changing struct {
	order.Standing
	all []Return // of the order
	r   *Return  // one of them

	fates  map[uuid.UUID]fate  // of the orders that replaced goods of it, where that is asked
	behind map[uuid.UUID]int64 // what was paid for what the order's goods, by variant, replaced for nothing
}

// hold locks the order of a return, and reads both anew.
func (s *Service) hold(ctx context.Context, found Return) (changing, error) {
	standing, err := s.Orders.LockStanding(ctx, found.OrderID)
	if err != nil {
		return changing{}, err
	}
	all, err := s.Store.OfOrders(ctx, []uuid.UUID{found.OrderID})
	if err != nil {
		return changing{}, err
	}
	i := slices.IndexFunc(all, func(r Return) bool { return r.ID == found.ID })
	return changing{Standing: standing, all: all, r: &all[i]}, nil
}

// change lets f act on a return that the actor may see, in one transaction, and records
// what happened with the order.
func (s *Service) change(ctx context.Context, returnID uuid.UUID, eventType string, f func(ctx context.Context, c changing) error) (*Return, error) {
	found, err := s.ByID(ctx, returnID)
	if err != nil {
		return nil, err
	}
	var after Return
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		c, err := s.hold(ctx, *found)
		if err != nil {
			return err
		}
		if err := f(ctx, c); err != nil {
			return err
		}
		c.r.UpdatedAt = s.Now()
		after = *c.r
		return errors.Join(s.Store.Save(ctx, after), s.record(ctx, eventType, after))
	})
	return &after, err
}

// record writes down what happened to the return, in the history of its order.
func (s *Service) record(ctx context.Context, eventType string, r Return) error {
	e := event.New(ctx, r.UpdatedAt, eventType, "Order", r.OrderID, map[string]any{
		"returnId": r.ID, "return": r.Number(), "status": r.Status, "lines": r.Lines, "refund": r.Refund(), "refundAs": r.RefundAs, "reason": r.Note,
	})
	e.BrandID = r.BrandID
	return s.Events.Record(ctx, e)
}

// ByID is the return, if the actor may see its order; else ErrUnknown.
func (s *Service) ByID(ctx context.Context, returnID uuid.UUID) (*Return, error) {
	found, err := s.Store.Return(ctx, returnID)
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, ErrUnknown.At("returnId")
	}
	orders, err := s.Orders.ByIDs(ctx, []uuid.UUID{found.OrderID})
	if err == nil && len(orders) == 0 {
		err = ErrUnknown.At("returnId")
	}
	return found, err
}

// ByIDs are the returns of orders that the actor may see, as their exchange orders name
// them.
func (s *Service) ByIDs(ctx context.Context, returnIDs []uuid.UUID) ([]Return, error) {
	return s.Store.ByIDs(ctx, returnIDs)
}

// OfOrders are the returns of orders that were read through their service.
func (s *Service) OfOrders(ctx context.Context, orderIDs []uuid.UUID) ([]Return, error) {
	return s.Store.OfOrders(ctx, orderIDs)
}

// Exchanges say which returns the orders replace goods of.
func (s *Service) Exchanges(ctx context.Context, orderIDs []uuid.UUID) ([]Replaced, error) {
	return s.Store.Exchanges(ctx, orderIDs)
}

// How long texts about a return may be, in characters.
const (
	maxText = 2000
	maxNote = 500
)

func short(field, text string, longest int) error {
	if utf8.RuneCountInString(text) <= longest {
		return nil
	}
	return fault.Invalid(fault.CodeTooLong, "%d文字以内で入力してください", "This has at most %d characters").With(longest).At(field)
}

// staffOnly fails unless the actor works on orders.
func staffOnly(ctx context.Context) error { return access.Require(ctx, access.OrderWrite) }
