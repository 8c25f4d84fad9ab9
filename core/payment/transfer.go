package payment

import (
	"time"

	"github.com/google/uuid"
)

// Transfer is money that arrived at the shop's bank account, as staff saw it on
// the statement (入金).
type Transfer struct {
	ID         uuid.UUID
	PaymentID  uuid.UUID
	Amount     int64 // minor units
	PayerName  string
	ReceivedAt time.Time
	Note       string
	ClientKey  string
	RecordedBy uuid.UUID
	CreatedAt  time.Time
}

// TransferOutcome compares what has arrived with what was asked.
type TransferOutcome string

// The outcomes of recording a transfer.
const (
	TransferExact TransferOutcome = "EXACT"
	TransferShort TransferOutcome = "SHORT" // the payment waits for the rest
	TransferOver  TransferOutcome = "OVER"  // the order is paid; the excess is to be given back
	TransferLate  TransferOutcome = "LATE"  // the order was given up; all of it is to be given back
)
