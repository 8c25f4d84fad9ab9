package payment

import (
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/money"
)

// OperationKind is what is asked of a gateway.
type OperationKind string

// The kinds of operation.
const (
	OperationStart   OperationKind = "START"
	OperationCapture OperationKind = "CAPTURE"
	OperationVoid    OperationKind = "VOID"
	OperationRefund  OperationKind = "REFUND"
)

// OperationStatus is what became of an operation.
type OperationStatus string

// The outcomes. OUTSTANDING means: meant to be done, answer not known.
const (
	OperationOutstanding OperationStatus = "OUTSTANDING"
	OperationDone        OperationStatus = "DONE"
	OperationDeclined    OperationStatus = "DECLINED"
	OperationRefused     OperationStatus = "REFUSED" // the gateway called it wrong
	OperationAbandoned   OperationStatus = "ABANDONED"
)

// Operation is one thing asked of a gateway, written down before it is asked. Its
// id is the idempotency key of the call.
type Operation struct {
	ID          uuid.UUID
	PaymentID   uuid.UUID
	Kind        OperationKind
	Status      OperationStatus
	AmountMinor int64 `db:"amount"` // minor units; zero for a void
	Points      int64 // given in the place of the amount; zero for what moves as money
	Currency    money.Currency
	ClientKey   string // the client's idempotencyKey; empty if noren itself asked
	InputHash   []byte // of the client's input, to tell a replay from a misused key
	Reason      string
	Attempts    int
	Detail      string // the gateway's own words on a refusal; for staff and logs
	CreatedAt   time.Time
	LastCallAt  *time.Time
	AnsweredAt  *time.Time
	Lookups     int        // how often its answer was looked up
	LookAt      *time.Time // when it is looked up again; nil: as soon as it counts as lost
}

// Amount is what is to be collected, taken or given back.
func (o Operation) Amount() money.Money { return money.Of(o.AmountMinor, o.Currency) }
