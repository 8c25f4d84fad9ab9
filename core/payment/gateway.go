package payment

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/money"
)

// Gateway collects money outside noren. Every call carries the key of the
// Operation that asks for it: the same key twice moves money once.
//
// An Answer with a Decline is a clear no. ErrUnanswered means that nobody knows
// whether the call arrived; Find tells later. Any other error means that the call
// was refused as wrong and did nothing.
type Gateway interface {
	// Name identifies the gateway in payments, for good: "stripe".
	Name() string
	// Method is how customers pay through it.
	Method() Method
	// Start begins to collect, or tries again with another card. It holds or takes
	// the money at once where it can, else the Answer says what the customer must do.
	Start(ctx context.Context, r StartRequest) (Answer, error)
	// Capture takes held money, all of it or a part.
	Capture(ctx context.Context, r AmountRequest) (Answer, error)
	// Void gives up what is held or expected. What is already taken stays taken:
	// the Answer then says so.
	Void(ctx context.Context, r VoidRequest) (Answer, error)
	// Refund gives back taken money, all of it or a part.
	Refund(ctx context.Context, r AmountRequest) (Answer, error)
	// Find tells what became of a payment, and of the operation where there is one
	// (r.Operation may be zero). ErrNeverArrived when the gateway knows nothing of it.
	Find(ctx context.Context, r FindRequest) (Answer, error)
}

// Offline is a Gateway whose Start only computes (a bank account to pay into, a
// bill), so that a payment can be opened and started in the order's transaction.
type Offline interface {
	Gateway
	// Instruct says how the customer pays the amount.
	Instruct(r StartRequest) Instructions
}

// Own is a Gateway whose money noren keeps itself: what goes back is there at once, in
// the transaction of whoever gives it back.
type Own interface {
	Offline
	GiveBack(ctx context.Context, p Payment, amount int64, reason string) error
}

// Issuer is a Gateway that charges nobody at its Start: it issues a slip that the
// customer pays at a convenience store. A start is therefore asked for until there is an
// answer. Slips are paid whole or not at all, and what is paid never goes back the same
// way: staff send it to the customer by bank transfer and record that.
type Issuer interface {
	Gateway
	// Chains are those at whose stores its slips are paid.
	Chains() []Chain
	// Most is the largest amount of one slip, in minor units.
	Most() int64
}

// Chain is a chain of convenience stores.
type Chain string

// The chains.
const (
	ChainSevenEleven   Chain = "SEVEN_ELEVEN"
	ChainLawson        Chain = "LAWSON"
	ChainFamilyMart    Chain = "FAMILY_MART"
	ChainMinistop      Chain = "MINISTOP"
	ChainSeicomart     Chain = "SEICOMART"
	ChainDailyYamazaki Chain = "DAILY_YAMAZAKI"
)

// Name is what the customer reads over the store's door.
func (c Chain) Name() i18n.Text {
	return map[Chain]i18n.Text{
		ChainSevenEleven:   {"ja": "セブン-イレブン", "en": "7-Eleven"},
		ChainLawson:        {"ja": "ローソン", "en": "Lawson"},
		ChainFamilyMart:    {"ja": "ファミリーマート", "en": "FamilyMart"},
		ChainMinistop:      {"ja": "ミニストップ", "en": "Ministop"},
		ChainSeicomart:     {"ja": "セイコーマート", "en": "Seicomart"},
		ChainDailyYamazaki: {"ja": "デイリーヤマザキ", "en": "Daily Yamazaki"},
	}[c]
}

// byHand reports whether staff give back what came in by the gateway.
func byHand(g Gateway) bool {
	_, offline := g.(Offline)
	_, issues := g.(Issuer)
	return offline || issues
}

// Listener is a Gateway that reports by webhook.
type Listener interface {
	Gateway
	// Interpret checks the signature of a webhook's body and reads it. A wrong or
	// missing signature, or one too old, is ErrUnsigned.
	Interpret(body []byte, signature string) (Notice, error)
}

// Failures of a gateway.
var (
	// ErrUnanswered says that the outcome of a call is not known.
	ErrUnanswered = errors.New("payment gateway did not answer")
	// ErrNeverArrived says that the gateway has not heard of the payment or operation.
	ErrNeverArrived = errors.New("payment gateway has never received the call")
	// ErrUnsigned says that a webhook does not prove where it comes from.
	ErrUnsigned = errors.New("webhook signature is missing, wrong or too old")
	// ErrUnreadable says that a webhook is signed but not understood.
	ErrUnreadable = errors.New("webhook cannot be read")
	// ErrNoGateway says that a gateway is not set up here.
	ErrNoGateway = errors.New("payment gateway is not set up")
	// ErrUnsupported says that the gateway cannot do this.
	ErrUnsupported = errors.New("payment gateway does not support this")
)

// StartRequest asks a gateway to collect an amount.
type StartRequest struct {
	Key         uuid.UUID // the operation's id
	PaymentID   uuid.UUID
	Reference   string // of an earlier attempt, empty at the first
	OrderNumber string // shown to the customer
	Amount      int64  // minor units
	Currency    money.Currency
	Token       string    // the gateway's token of a card; empty if the client confirms by itself
	Kept        *KeptCard // charged instead of what a token names; nil: none is
	ReturnURL   string    // where the customer comes back to after 3-D Secure
	Email       string
	DueAt       time.Time // for what is paid outside
	Chain       Chain     // at which the customer wants to pay
	Name        string    // of the customer, as the slip shows it
}

// AmountRequest asks to take or give back an amount of an existing payment.
type AmountRequest struct {
	Key       uuid.UUID
	PaymentID uuid.UUID
	Reference string
	Amount    int64 // minor units
	Currency  money.Currency
}

// VoidRequest asks to give up a payment.
type VoidRequest struct {
	Key       uuid.UUID
	PaymentID uuid.UUID
	Reference string
}

// FindRequest asks what became of a payment and of one operation on it.
type FindRequest struct {
	PaymentID uuid.UUID
	Reference string // empty if the gateway never told it
	Operation Operation
	Since     time.Time // the payment is not older
}

// Answer is a gateway's word on the state of a payment. Amounts are minor units
// and totals since the payment began, not steps.
type Answer struct {
	Reference    string // the gateway's id of the payment
	Status       Status // PENDING, FAILED, CANCELLED, AUTHORISED or CAPTURED
	Authorised   int64
	Captured     int64
	Refunded     int64
	RefundsKnown bool // Refunded was counted; otherwise it is not said
	Currency     money.Currency
	Decline      *Decline
	ClientSecret string // lets the customer's own client confirm the payment; never stored
	NeedsAction  bool   // the customer has to confirm (3-D Secure) with the secret
	Instructions *Instructions
}

// Decline is a clear no from the customer's bank.
type Decline struct {
	Code string // the gateway's word: "insufficient_funds"
}

// Notice is one webhook, understood.
type Notice struct {
	EventID   string // the gateway's id of the event, for deduplication
	Type      string
	At        time.Time
	PaymentID uuid.UUID // ours, where the gateway carries it along; else zero
	Answer    Answer    // zero Reference: the event says nothing of a payment
	Exclusive bool      // the gateway serves nobody else: money for no payment of ours is a stray
}
