package order

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/company"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/shipping"
)

// Store keeps orders.
type Store interface {
	// LockCart reads the owner's open cart for placing; a second placer waits.
	LockCart(ctx context.Context, in cart.Lookup) (*cart.Basket, error)
	// Insert writes the order, its lines, reservations and payment, and closes the
	// cart. It need not have happened before the next call that answers something.
	Insert(ctx context.Context, d Draft) error
	// Take takes the stock, and a place for what is waited for. If a location has less
	// than is asked of it, no more may wait, or a limit is passed, ErrStockMoved
	// is returned and the transaction must end. Answered are the variants whose
	// availability to shoppers changed.
	Take(ctx context.Context, t Taking) (flipped []uuid.UUID, err error)
	// Goods are variants of the brand with their stock: at the shop, or if it is zero
	// where orders ship from.
	Goods(ctx context.Context, brandID, shopID uuid.UUID, customer string, variantIDs []uuid.UUID) (Goods, error)
	// Waiting locks and reads what orders wait for of the variants, the longest
	// waiting first, and what is free of them at shipping locations. If nobody waits
	// it locks nothing.
	Waiting(ctx context.Context, variantIDs []uuid.UUID) ([]Waiter, []cart.Level, error)
	// WaitingFor are orders that wait for some of the variants, by their keys behind the one
	// named.
	WaitingFor(ctx context.Context, brandID uuid.UUID, variantIDs []uuid.UUID, after uuid.UUID, most int) ([]uuid.UUID, error)
	// SaveCarried writes what was carried over to an order.
	SaveCarried(ctx context.Context, orderID uuid.UUID, minor int64) error
	// Stranded is what given-up orders behind one still hold or wait for; StrandedOf, what one does.
	Stranded(ctx context.Context, after uuid.UUID, most int) ([]Stranded, error)
	StrandedOf(ctx context.Context, orderID uuid.UUID) ([]Stranded, error)
	// Allocate turns what orders wait for into stock that they hold.
	Allocate(ctx context.Context, found []Allocation, at time.Time) error
	BackOrders(ctx context.Context, q BackOrderQuery) (page.Connection[BackOrder], error)
	// Lock reads an order and locks it; nil if there is none.
	Lock(ctx context.Context, orderID uuid.UUID) (*Order, error)
	// LeavesFrom reports whether goods of the order leave from one of the locations, or left.
	LeavesFrom(ctx context.Context, orderID uuid.UUID, locationIDs []uuid.UUID) (bool, error)
	Update(ctx context.Context, o Order) error
	// SaveDelivery writes what the customer is told of the delivery, for the order and its
	// shipments that have not left.
	SaveDelivery(ctx context.Context, o Order) error
	// SaveTags writes by which tags the order is listed.
	SaveTags(ctx context.Context, o Order) error
	// Reserve notes what a locked order holds besides, when it is taken. Unreserve
	// returns some of what it holds, or waits for, and of what it counts against limits.
	Reserve(ctx context.Context, orderID uuid.UUID, more []Reservation) error
	Unreserve(ctx context.Context, orderID uuid.UUID, less, limited []Reservation, at time.Time) (flipped []uuid.UUID, err error)
	// Basket is the variants as the order's channel sells them now, with what pricing the
	// order again asks; of the cart, only the brand's terms of paying at the door.
	Basket(ctx context.Context, in cart.Lookup, o Order, variantIDs []uuid.UUID) (*cart.Basket, error)
	// SaveEdit writes the amounts of an edited order, the lines that are new or not as
	// before, and takes those away that are gone.
	SaveEdit(ctx context.Context, o Order, lines []Line, removed []uuid.UUID) error
	// Release returns the stock that the order holds, once, and answers the variants
	// whose availability changed.
	Release(ctx context.Context, orderID uuid.UUID, at time.Time) (flipped []uuid.UUID, err error)

	// Held is what a locked order holds and waits for, by the brand's order of locations.
	Held(ctx context.Context, orderID uuid.UUID, at time.Time) ([]Held, error)
	// ShipStock takes what is packed, and held for it, off the shelves. Answered are the
	// variants of which somebody must say which lots left.
	ShipStock(ctx context.Context, h Shipment, at time.Time) (tracked []uuid.UUID, err error)
	InsertShipments(ctx context.Context, all []Shipment) error
	// SaveShipment writes what may change in a shipment.
	SaveShipment(ctx context.Context, h Shipment) error
	// CancelShipments calls those of the order off that have not left.
	CancelShipments(ctx context.Context, orderID uuid.UUID, at time.Time) error
	// Shipments are those of the orders, called-off ones included, in their order.
	Shipments(ctx context.Context, orderIDs []uuid.UUID) ([]Shipment, error)
	Shipment(ctx context.Context, shipmentID uuid.UUID) (*Shipment, error)
	ShipmentsByID(ctx context.Context, shipmentIDs []uuid.UUID) ([]Shipment, error)
	ListShipments(ctx context.Context, q ShipmentQuery) (page.Connection[Shipment], error)
	// TrackedElsewhere reports whether a shipment of another order has the tracking
	// number with the same carrier.
	TrackedElsewhere(ctx context.Context, h Shipment) (bool, error)
	// AddParcel notes the tracking number as one more of the shipment's, once.
	AddParcel(ctx context.Context, h Shipment, at time.Time) error
	// Parcels are those of the shipments, in the order in which they were noted.
	Parcels(ctx context.Context, shipmentIDs []uuid.UUID) ([]Parcel, error)

	// Unship puts what a shipment took on a location's shelves, and reports whether the
	// brand has that location.
	Unship(ctx context.Context, h Shipment, locationID uuid.UUID, at time.Time) (bool, error)
	// CameBack is how many pieces of the order's lines were received by returns, by line.
	CameBack(ctx context.Context, orderID uuid.UUID) (map[uuid.UUID]int, error)
	// RefuseShipments notes that what has left of an order was not accepted.
	RefuseShipments(ctx context.Context, orderID uuid.UUID, at time.Time) error
	// SaveRefused writes what of the order is not owed any more, and takes the shipment
	// off the work list of those that come back.
	SaveRefused(ctx context.Context, o Order, shipmentID uuid.UUID, reason string, at time.Time, actorID uuid.UUID) error

	LateStore
	ApprovalStore
	PickUpStore
	SaleStore
	ReallocationStore

	// Replaces reports whether the order's goods replace returned ones.
	Replaces(ctx context.Context, orderID uuid.UUID) (bool, error)

	Orders(ctx context.Context, orderIDs []uuid.UUID) ([]Order, error)
	// OfStores are those of the orders that the shops have to do with: bought or picked up
	// there, sent from there, brought back there, or of members who are theirs.
	OfStores(ctx context.Context, orderIDs, storeIDs []uuid.UUID) ([]uuid.UUID, error)
	List(ctx context.Context, q Query) (page.Connection[Order], error)
	// FirstOfCompanies are the first pages of companies' orders, in one statement.
	FirstOfCompanies(ctx context.Context, q Query, wanted []page.First) (map[page.First]page.Connection[Order], error)
	CountOfCompanies(ctx context.Context, q Query, wanted []page.First) (map[page.First]int, error)
	Lines(ctx context.Context, orderIDs []uuid.UUID) ([]Line, error)
	History(ctx context.Context, orderIDs []uuid.UUID) ([]event.Event, error)
	Timeline(ctx context.Context, q TimelineQuery) (page.Connection[Moment], error)
}

// ErrStockMoved says that stock went between planning an order and taking it.
var ErrStockMoved = errStockMoved

// Query asks for one page of orders, newest first. Zero fields do not filter.
type Query struct {
	BrandID   uuid.UUID
	Owner     *cart.Owner // only this customer's
	Seat      uuid.UUID   // with Owner: the company whose orders the customer may see; zero for none
	CompanyID *uuid.UUID  // only this company's
	Statuses  []Status
	Number    string
	Email     string
	Today     time.Time   // by which it is told what is late; midnight UTC
	Stores    []uuid.UUID // only what was bought or is picked up at these shops; none: any
	Narrowed
	Oldest bool // the oldest first
	Page   page.Args
}

// Narrowed is by what staff narrow their list down. Zero fields do not filter.
type Narrowed struct {
	Tag           string
	Held          bool // only those that are held
	Late          bool // only those that should have left before today, or whose promise was taken back
	PaymentMethod payment.Method
	ShopID        *uuid.UUID
	MemberID      *uuid.UUID
	PlacedFrom    *time.Time
	PlacedBefore  *time.Time
}

// Flips is told of variants whose availability to shoppers changed, in the
// transaction that changed it.
type Flips interface {
	Flipped(ctx context.Context, variantIDs []uuid.UUID) error
}

// Service places and advances orders.
type Service struct {
	tx        idempotency.Tx
	store     Store
	carts     *cart.Service
	keys      *idempotency.Keys
	payments  payment.Opener
	outbox    messaging.Outbox
	events    event.Recorder
	flips     Flips
	trade     Trade
	campaigns Campaigns
	books     Books
	carriers  Carriers
	routes    Routes
	lots      Lots
	channels  func(ctx context.Context) ([]channel.Channel, error)
	offers    Offers
	exchanges Exchanges
	documents Documents
	purse     Purse
	tills     Tills
	codes     Codes
	members   Members
	points    Points
	anew      Repromises
	standings Standings
	now       clock.Clock
}

// Parts are what the order service stands on.
type Parts struct {
	Tx        idempotency.Tx
	Store     Store
	Carts     *cart.Service
	Keys      *idempotency.Keys
	Outbox    messaging.Outbox
	Events    event.Recorder
	Flips     Flips
	Trade     Trade
	Campaigns Campaigns // nil: there are none
	Books     Books
	Carriers  Carriers
	Routes    Routes
	Lots      Lots
	Purse     Purse // nil: nothing but points pays beforehand
	Points    Points
	Channels  func(ctx context.Context) ([]channel.Channel, error)
	Codes     Codes      // of orders that are picked up
	Anew      Repromises // nil: promises stay as they were made
	Members   Members
	Now       clock.Clock
}

// New makes the order service. Orders and payments know each other; PayBy closes
// the circle.
func New(p Parts) *Service {
	return &Service{
		tx: p.Tx, store: p.Store, carts: p.Carts, keys: p.Keys,
		outbox: p.Outbox, events: p.Events, flips: p.Flips, trade: p.Trade, campaigns: p.Campaigns, books: p.Books, carriers: p.Carriers, routes: p.Routes, lots: p.Lots, purse: p.Purse, points: p.Points, channels: p.Channels, codes: p.Codes, anew: p.Anew, members: p.Members, now: p.Now,
	}
}

// Offers are the quotations at which orders are placed.
type Offers interface {
	// Reopen lets a quotation be ordered again whose order is given up.
	Reopen(ctx context.Context, quotationID uuid.UUID) error
}

// QuoteBy says who is told when an order of a quotation is given up: quotations place
// orders, so they are made after them.
func (s *Service) QuoteBy(offers Offers) { s.offers = offers }

// PayBy says who opens and releases the payments of orders.
func (s *Service) PayBy(payments interface {
	payment.Opener
	Tills
}) {
	s.payments, s.tills = payments, payments
}

// mine reports whether the actor, in the seat, may see the order: its customer, or
// staff of its brand. A company's order is for its buyers.
func mine(ctx context.Context, o Order, seat *company.Seat) bool {
	actor := access.From(ctx)
	if actor.May(access.OrderRead) {
		return actor.Is(access.RoleSystem) || o.BrandID == channel.From(ctx).BrandID
	}
	owner := cart.OwnerOf(actor)
	switch {
	case o.CompanyID != nil:
		return seat != nil && seat.CompanyID == *o.CompanyID && (seat.Role.SeesAll() || (o.MemberID != nil && *o.MemberID == seat.AccountID))
	case owner.MemberID != nil:
		return o.MemberID != nil && *o.MemberID == *owner.MemberID
	case owner.TokenHash != nil:
		return o.MemberID == nil && string(o.TokenHash) == string(owner.TokenHash)
	}
	return false
}

// ByID is the order, if the actor may see it; else fault.CodeNotFound.
func (s *Service) ByID(ctx context.Context, orderID uuid.UUID) (*Order, error) {
	orders, err := s.ByIDs(ctx, []uuid.UUID{orderID})
	if err != nil {
		return nil, err
	}
	if len(orders) == 0 {
		return nil, fault.ErrNotFound
	}
	return &orders[0], nil
}

// ByIDs are those of the orders that the actor may see, as the actor may see them.
func (s *Service) ByIDs(ctx context.Context, orderIDs []uuid.UUID) ([]Order, error) {
	orders, err := s.Whole(ctx, orderIDs)
	if err != nil {
		return nil, err
	}
	return s.masked(ctx, orders)
}

// Whole are those of the orders that the actor may see, with all personal data: for papers
// that are made out to the customer, not to be shown as they are.
func (s *Service) Whole(ctx context.Context, orderIDs []uuid.UUID) ([]Order, error) {
	orders, err := s.store.Orders(ctx, orderIDs)
	if err != nil {
		return nil, err
	}
	seat, err := s.seatFor(ctx, orders...)
	var visible []Order
	for _, o := range orders {
		if mine(ctx, o, seat) {
			visible = append(visible, o)
		}
	}
	return visible, err
}

// ListInput filters a list of orders. Zero fields do not filter.
type ListInput struct {
	Statuses  []Status
	Number    string     // as a person typed it
	Email     string     // as a person typed it
	CompanyID *uuid.UUID // a company's
	Narrowed             // for staff only
	Oldest    bool       // the oldest first
	Page      page.Args
}

// List is one page of the actor's own orders, or of the brand's for staff; of a
// company's, all that the actor may see. Staff of a shop see what was bought or is
// picked up at theirs, and any order whose number they were told: goods come back
// anywhere. What theirs sends stands in ListShipments.
func (s *Service) List(ctx context.Context, in ListInput) (page.Connection[Order], error) {
	q := Query{BrandID: channel.From(ctx).BrandID, CompanyID: in.CompanyID, Statuses: in.Statuses, Number: in.Number, Email: in.Email, Oldest: in.Oldest, Page: in.Page}
	if number, ok := ParseNumber(in.Number); ok {
		q.Number = number
	}
	if email, err := identity.NormaliseEmail(in.Email); err == nil {
		q.Email = email
	}
	actor := access.From(ctx)
	if actor.May(access.OrderRead) {
		q.Narrowed, q.Today = in.Narrowed, shipping.DayOf(s.today(ctx))
		if actor.Is(access.RoleStoreStaff) && q.Number == "" {
			if q.Stores = actor.Stores; len(q.Stores) == 0 {
				return page.Connection[Order]{}, nil
			}
		}
		return s.listed(ctx, q)
	}
	owner := cart.OwnerOf(actor)
	if owner.Nobody() {
		return page.Connection[Order]{}, nil
	}
	seat, err := s.trade.MySeat(ctx)
	if err != nil {
		return page.Connection[Order]{}, err
	}
	if seat != nil {
		q.Seat = seat.CompanyID
	}
	if in.CompanyID != nil && q.Seat != *in.CompanyID {
		return page.Connection[Order]{}, nil
	}
	if in.CompanyID == nil || !seat.Role.SeesAll() {
		q.Owner = &owner
	}
	return s.store.List(ctx, q)
}

// listed is a page of the brand's orders, as the actor may see them.
func (s *Service) listed(ctx context.Context, q Query) (page.Connection[Order], error) {
	c, err := s.store.List(ctx, q)
	if err != nil {
		return c, err
	}
	seen, err := s.masked(ctx, c.Nodes())
	for i := range seen {
		c.Edges[i].Node = seen[i]
	}
	return c, err
}

// Lines are the lines of orders that were read through this service.
func (s *Service) Lines(ctx context.Context, orderIDs []uuid.UUID) ([]Line, error) {
	return s.store.Lines(ctx, orderIDs)
}

// change locks an order that the actor may see and, working in a shop, that is the shop's,
// lets f act on it, and writes it down with an event, in one transaction.
func (s *Service) change(ctx context.Context, orderID uuid.UUID, eventType string, f func(ctx context.Context, o *Order, c *Change) error) (*Order, error) {
	var changed *Order
	err := s.tx.InTx(ctx, func(ctx context.Context) error {
		o, err := s.store.Lock(ctx, orderID)
		if err != nil {
			return err
		}
		if err := s.known(ctx, o); err != nil {
			return err
		}
		if err := s.ours(ctx, *o); err != nil {
			return err
		}
		ctx = inBrand(ctx, o.BrandID)
		said := Change{Before: o.Status}
		if err := f(ctx, o, &said); err != nil {
			return err
		}
		said.After = o.Status
		o.UpdatedAt = s.now()
		changed = o
		return errors.Join(s.store.Update(ctx, *o), s.events.Record(ctx, event.New(ctx, o.UpdatedAt, eventType, "Order", o.ID, said)))
	})
	return changed, err
}

// once is change, once for each key of the operation.
func (s *Service) once(ctx context.Context, operation, key string, in any, orderID uuid.UUID, eventType string, f func(ctx context.Context, o *Order, c *Change) error) (*Order, error) {
	return idempotency.OnceRead(ctx, s.keys, operation, key, in,
		func(ctx context.Context) (*Order, error) { return s.change(ctx, orderID, eventType, f) },
		func(ctx context.Context) (*Order, error) { return s.ByID(ctx, orderID) })
}

func (s *Service) stockFlipped(ctx context.Context, variants []uuid.UUID) error {
	if len(variants) == 0 || s.flips == nil {
		return nil
	}
	return s.flips.Flipped(ctx, variants)
}
