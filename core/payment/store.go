package payment

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/page"
)

// Tx runs f in one transaction, which the context carries.
type Tx interface {
	InTx(ctx context.Context, f func(ctx context.Context) error) error
}

// Orders is what payments need of the orders they pay. But for MaySee and Unmasked, every
// method runs in the payment's transaction and locks the order's row: the order is locked before its
// payments, always, so that nothing deadlocks.
type Orders interface {
	// PaymentDue is what an order asks of its customer. It fails as for an unknown
	// order when the context's actor is neither its customer nor staff (nor system).
	PaymentDue(ctx context.Context, orderID uuid.UUID) (Due, error)
	// MaySee reports whether the context's actor may see the order. It locks nothing.
	MaySee(ctx context.Context, orderID uuid.UUID) (bool, error)
	// Unmasked are those of the orders whose personal data the actor may read. It locks nothing.
	Unmasked(ctx context.Context, orderIDs []uuid.UUID) ([]uuid.UUID, error)
	// PaymentChanged tells that the sums of the order's payments have changed, and
	// the order moves on (paid → to be shipped) if that pays it. It answers what its
	// customer may be told since.
	PaymentChanged(ctx context.Context, orderID uuid.UUID, t Totals) (Told, error)
	// PaymentExpired gives up an order that was not paid in time: it is cancelled
	// and its stock returned. An order that is not waiting for money stays as it is.
	PaymentExpired(ctx context.Context, orderID uuid.UUID) error
}

// Due is what an order asks of its customer.
type Due struct {
	OrderID   uuid.UUID
	BrandID   uuid.UUID
	Number    string // the order number
	Amount    int64  // of the whole order, minor units
	Currency  money.Currency
	Payable   bool       // waits for money: placed, and neither cancelled nor closed
	Cancelled bool       // what comes in goes back
	MemberID  *uuid.UUID // whose order it is; nil for guests and companies
	Name      string
	Email     string
	Language  string
	Method    Method   // by which it was to be paid when it was placed
	Excluded  []Method // that do not go with how it is shipped
}

// Told is what the customer of an order is told of its delivery when its money is there;
// zero if it was told before, or there is nothing to tell.
type Told struct {
	PromisedOn *time.Time // the day on which it is there
	DeliverOn  *time.Time // the day that was wished for
	Band       string     // the part of the day that was wished for
	Waits      bool       // the order waits for money
}

// Totals are the sums over all payments of an order, minor units.
type Totals struct {
	Currency   money.Currency
	Asked      int64 // by payments that are not cancelled
	Authorised int64
	Captured   int64
	Refunded   int64
	SetOff     int64 // against what was owed for goods that came back
}

// Covered is what was received, is held or was set off, whatever has been given back
// since: an order is paid when this reaches its total.
func (t Totals) Covered() int64 { return t.Authorised + t.Captured + t.SetOff }

// Secured is what the shop has or can take now.
func (t Totals) Secured() int64 { return t.Authorised + t.Captured - t.Refunded }

// Store keeps payments, their operations and what came in.
type Store interface {
	Insert(ctx context.Context, p Payment) error
	Update(ctx context.Context, p Payment) error
	// Payment is nil when there is none, and so are the other single things.
	Payment(ctx context.Context, id uuid.UUID) (*Payment, error)
	Payments(ctx context.Context, ids []uuid.UUID) ([]Payment, error)
	ByReference(ctx context.Context, gateway, reference string) (*Payment, error)
	// LockedOf are the payments of one order, locked, oldest first.
	LockedOf(ctx context.Context, orderID uuid.UUID) ([]Payment, error)
	// OfOrders are the payments of many orders, oldest first within an order.
	OfOrders(ctx context.Context, orderIDs []uuid.UUID) ([]Payment, error)
	// Overdue are open payments whose DueAt has passed and for which nothing has
	// come in, and the last of orders that wait for money by none that is open, most overdue
	// first: those behind one of them, from the first behind none.
	Overdue(ctx context.Context, at time.Time, behind Payment, limit int) ([]Payment, error)

	// TillCode is the code of the brand's location that is open; empty if there is none.
	TillCode(ctx context.Context, brandID, locationID uuid.UUID) (string, error)

	// KeptCard is the kept card, while it is kept; nil otherwise.
	KeptCard(ctx context.Context, cardID uuid.UUID) (*KeptCard, error)

	InsertOperation(ctx context.Context, o Operation) error
	UpdateOperation(ctx context.Context, o Operation) error
	Operation(ctx context.Context, id uuid.UUID) (*Operation, error)
	OperationByClientKey(ctx context.Context, orderID uuid.UUID, key string) (*Operation, error)
	// Outstanding are the unanswered operations of one payment, oldest first.
	Outstanding(ctx context.Context, paymentID uuid.UUID) ([]Operation, error)
	// Unanswered are operations that have had no answer since before and are to be looked up
	// now, oldest first: those behind one of them, from the first behind none.
	Unanswered(ctx context.Context, now, before time.Time, behind Operation, limit int) ([]Operation, error)
	// LookAgain writes down how often the operations were looked up, and when they are next.
	LookAgain(ctx context.Context, all []Operation) error

	// InsertNotice reports whether the event is new.
	InsertNotice(ctx context.Context, gateway string, n Notice, at time.Time) (bool, error)
	ForgetNotices(ctx context.Context, before time.Time) error

	InsertTransfer(ctx context.Context, t Transfer) error
	TransferByKey(ctx context.Context, paymentID uuid.UUID, key string) (*Transfer, error)
	TransfersOf(ctx context.Context, paymentIDs []uuid.UUID) ([]Transfer, error)
	OperationsOf(ctx context.Context, paymentIDs []uuid.UUID) ([]Operation, error)
	List(ctx context.Context, q Query) (page.Connection[Payment], error)
	StrayStore
	DeliveryStore
}

// Jobs enqueues work in the context's transaction.
type Jobs interface {
	// Operate runs Service.Execute for the operation, soon and until it is answered.
	Operate(ctx context.Context, operationID uuid.UUID) error
}
