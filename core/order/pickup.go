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
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/pricing"
)

// PickUpState is where the picking up of an order stands.
type PickUpState string

// The life of a pick-up.
const (
	PickUpRequested PickUpState = "REQUESTED"   // the shop has yet to prepare it
	PickUpReady     PickUpState = "READY"       // it lies at the shop's counter, and its customer was told
	PickUpHanded    PickUpState = "HANDED_OVER" // its customer has it
	PickUpExpired   PickUpState = "EXPIRED"     // nobody came: the order is given up
	PickUpCancelled PickUpState = "CANCELLED"   // the order was given up
)

// PickUp is an order that its customer fetches at a shop (店舗受取).
type PickUp struct {
	OrderID      uuid.UUID
	BrandID      uuid.UUID
	ShopID       uuid.UUID
	State        PickUpState
	Days         int    // for how many days it is kept once it is ready
	Nonce        []byte // what its code follows from, with noren's secret
	Tries        int    // wrong codes since the last lock
	LockedUntil  *time.Time
	RequestedAt  time.Time
	ReadyAt      *time.Time
	ExpiresAt    *time.Time // the end of the last day on which it is kept
	RemindedAt   *time.Time
	HandedOverAt *time.Time
	UpdatedAt    time.Time
}

// AtShop is the shop's id in the schema.
func (p PickUp) AtShop() string { return id.Global("Location", p.ShopID) }

// expired reports whether its time is over at the moment.
func (p PickUp) expired(at time.Time) bool {
	return p.State == PickUpExpired || (p.State == PickUpReady && !at.Before(*p.ExpiresAt))
}

// PickUpStore keeps pick-ups.
type PickUpStore interface {
	// PickUps are those of the orders.
	PickUps(ctx context.Context, orderIDs []uuid.UUID) ([]PickUp, error)
	// LockPickUp reads an order's pick-up and locks it, or fails with ErrPickUpUnknown.
	LockPickUp(ctx context.Context, orderID uuid.UUID) (*PickUp, error)
	SavePickUp(ctx context.Context, p PickUp) error
	// ListPickUps is one page of them, who waits longest first. Those of orders that are
	// not paid, and should be, are left out while they are only requested.
	ListPickUps(ctx context.Context, q PickUpQuery) (page.Connection[PickUp], error)
	// DuePickUps are ready ones whose time is over by now, less those that replace returned
	// goods and cost nothing more; with remind, those whose time will be over so soon and
	// whose customers have not been reminded.
	DuePickUps(ctx context.Context, now time.Time, remind time.Duration, most int) ([]uuid.UUID, error)
	// ShopName is what the shop is called.
	ShopName(ctx context.Context, shopID uuid.UUID) (i18n.Text, error)
}

// PickUpQuery asks for one page of the brand's pick-ups. Zero fields do not filter.
type PickUpQuery struct {
	BrandID uuid.UUID
	ShopIDs []uuid.UUID
	States  []PickUpState
	Page    page.Args
}

// PickUpList filters a list of pick-ups.
type PickUpList struct {
	ShopID *uuid.UUID
	States []PickUpState
	Page   page.Args
}

// Failures of a pick-up.
var (
	ErrPickUp        = fault.Conflict("ORDER_PICKED_UP", "店舗受取の注文です。受取の操作で処理してください", "The order is picked up at a shop: prepare it and hand it over there")
	ErrPickUpUnknown = fault.NotFound("PICK_UP_UNKNOWN", "この店舗で受け取る注文ではありません", "No such order is picked up at this shop")
	ErrPickUpStatus  = fault.Conflict("PICK_UP_STATUS_CONFLICT", "受取の状態が%sのため、この操作はできません", "The pick-up is %s; this cannot be done now")
	ErrPickUpCode    = fault.Invalid("PICK_UP_CODE_WRONG", "受取コードが正しくありません", "This is not the pick-up code")
	ErrPickUpLocked  = fault.Conflict("PICK_UP_LOCKED", "受取コードの誤りが続いたため、しばらく受け付けできません", "Too many wrong codes were tried; please wait")
	ErrPickUpExpired = fault.Conflict("PICK_UP_EXPIRED", "受取期限が過ぎています", "The order was not picked up in time")
)

// exchangeDays is for how many days goods are kept that replace returned ones.
const exchangeDays = 7

// PickedUp reports whether the order is handed over at a shop (店舗受取).
func (o Order) PickedUp() bool { return o.ShippingMode == pricing.ShipPickUp }

// PickedUpAt is the shop whose stock the order takes; zero if it ships.
func (o Order) PickedUpAt() uuid.UUID {
	if !o.PickedUp() {
		return uuid.Nil
	}
	return value(o.ShopID)
}

// pickUpName is what stands in the place of a shipping method's name.
var pickUpName = i18n.Text{"ja": "店舗受取", "en": "Pick-up at a shop"}

// shippedBy is how the cart's goods get to the customer.
func shippedBy(p *cart.Priced) Shipping {
	if p.PickedUp() {
		return Shipping{Name: pickUpName}
	}
	return Shipping{p.Method.ID, p.Method.Name, p.Verdict.Excluded, p.Method.TaxClass}
}

func pickUpOf(p *cart.Priced, o Order) *PickUp {
	if !p.PickedUp() {
		return nil
	}
	return newPickUp(o, p.PickUp.Days)
}

func newPickUp(o Order, days int) *PickUp {
	return &PickUp{OrderID: o.ID, BrandID: o.BrandID, ShopID: value(o.ShopID), State: PickUpRequested, Days: days, RequestedAt: o.PlacedAt, UpdatedAt: o.PlacedAt}
}

// PickUps are those of orders that were read through this service.
func (s *Service) PickUps(ctx context.Context, orderIDs []uuid.UUID) ([]PickUp, error) {
	return s.store.PickUps(ctx, orderIDs)
}

// ListPickUps is the work list of those who prepare and hand over, for staff; for those
// of a shop, of theirs.
func (s *Service) ListPickUps(ctx context.Context, in PickUpList) (page.Connection[PickUp], error) {
	if err := access.Require(ctx, access.OrderRead); err != nil {
		return page.Connection[PickUp]{}, err
	}
	q := PickUpQuery{BrandID: channel.From(ctx).BrandID, States: in.States, Page: in.Page}
	actor := access.From(ctx)
	if in.ShopID != nil {
		q.ShopIDs = []uuid.UUID{*in.ShopID}
	} else if actor.Is(access.RoleStoreStaff) {
		q.ShopIDs = actor.Stores
	}
	if actor.Is(access.RoleStoreStaff) && (len(q.ShopIDs) == 0 || !within(actor.Stores, q.ShopIDs)) {
		return page.Connection[PickUp]{}, nil
	}
	return s.store.ListPickUps(ctx, q)
}

// ReadyInput names an order that lies ready at its shop.
type ReadyInput struct{ OrderID uuid.UUID }

// Fetched is an order with its pick-up, after a change.
type Fetched struct {
	Order  *Order
	PickUp *PickUp
}

// Ready notes that an order lies ready at its shop, for staff of the shop: it is packed,
// and its customer is mailed the code. What is ready stays as it is.
func (s *Service) Ready(ctx context.Context, in ReadyInput) (Fetched, error) {
	if err := s.pickUpHere(ctx, in.OrderID); err != nil {
		return Fetched{}, at("orderId", err)
	}
	var ready PickUp
	o, err := s.change(ctx, in.OrderID, "order.ready", func(ctx context.Context, o *Order, c *Change) error {
		p, err := s.store.LockPickUp(ctx, o.ID)
		if err != nil {
			return err
		}
		if ready = *p; p.State == PickUpReady {
			return errReady
		}
		if err := s.prepare(ctx, o, p, c); err != nil {
			return err
		}
		ready = *p
		return s.tellReady(ctx, *o, *p, false)
	})
	if errors.Is(err, errReady) {
		o, err = s.ByID(ctx, in.OrderID)
	}
	return Fetched{o, &ready}, err
}

// errReady says that an order was ready before.
var errReady = errors.New("the order is ready")

// prepare packs all of the order at its shop, and makes its code.
func (s *Service) prepare(ctx context.Context, o *Order, p *PickUp, c *Change) error {
	switch {
	case p.State != PickUpRequested:
		return ErrPickUpStatus.With(p.State)
	case !slices.Contains([]Status{Confirmed, Picking}, o.Status), o.Held != "", !o.Paid && !o.paidOnReceipt():
		if err := o.shippable(); err != nil {
			return err
		}
		return ErrTransition.With(o.Status)
	}
	nth, err := s.packAt(ctx, o, p.ShopID)
	if err != nil {
		return err
	}
	c.Shipments = []int{nth}
	if err := s.codes.give(p); err != nil {
		return err
	}
	now := s.now()
	expires := lastMoment(now.In(channel.From(ctx).Zone()), p.Days)
	p.State, p.ReadyAt, p.ExpiresAt, p.UpdatedAt = PickUpReady, &now, &expires, now
	return s.store.SavePickUp(ctx, *p)
}

// packAt packs all of an order at one shop, and answers which of its shipments that is.
func (s *Service) packAt(ctx context.Context, o *Order, shopID uuid.UUID) (nth int, err error) {
	g, err := s.packing(ctx, o.ID)
	if err != nil {
		return 0, err
	}
	g.only = shopID
	packed, _, short := g.pack(nil)
	if short != nil {
		return 0, short
	}
	now := s.now()
	made := Shipment{
		ID: id.New(), OrderID: o.ID, BrandID: o.BrandID, LocationID: shopID, Nth: len(g.shipments) + 1, Status: ShipmentInstructed,
		Currency: o.Currency, Lines: packed[shopID], InstructedAt: now, UpdatedAt: now,
	}
	if len(made.Lines) == 0 {
		return 0, ErrNothingToShip
	}
	if here := made.pieces(); here < g.pieces() { // the rest lies elsewhere, and nobody would ever send it
		return 0, ErrNotAllocated.With(here)
	}
	o.Status = standing(append(g.shipments, made), g.held)
	return made.Nth, s.store.InsertShipments(ctx, []Shipment{made})
}

// lastMoment is the end of the day that is so many days later.
func lastMoment(now time.Time, days int) time.Time {
	return time.Date(now.Year(), now.Month(), now.Day()+days+1, 0, 0, 0, 0, now.Location()).UTC()
}

// paidOnReceipt reports whether the order is prepared before its money is there.
func (o Order) paidOnReceipt() bool { return o.OnAccount() || o.PaymentMethod == payment.MethodAtShop }

// pickUpHere fails unless the actor may work on orders, and on those of the shop at which
// the order is picked up.
func (s *Service) pickUpHere(ctx context.Context, orderID uuid.UUID) error {
	if err := access.Require(ctx, access.OrderWrite); err != nil {
		return err
	}
	found, err := s.store.PickUps(ctx, []uuid.UUID{orderID})
	if err != nil {
		return err
	}
	if len(found) == 0 || found[0].BrandID != channel.From(ctx).BrandID || !access.WorksAt(ctx, found[0].ShopID) {
		return ErrPickUpUnknown
	}
	return nil
}
