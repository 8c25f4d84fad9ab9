package banking

import (
	"context"
	"io"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/company"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/payment"
)

// Statement is a file of the bank (入出金明細) that was uploaded.
type Statement struct {
	ID         uuid.UUID
	BrandID    uuid.UUID
	FileName   string
	Digest     string // of its bytes: the same file is taken once
	Profile    string
	Deposits   int // rows with money that came in
	Known      int // of these, how many another file had brought
	Others     int // rows without
	Errors     []ledger.BadRow
	UploadedBy *uuid.UUID
	CreatedAt  time.Time
}

// GlobalID is the statement's id in the schema.
func (s Statement) GlobalID() string { return id.Global("BankStatement", s.ID) }

// State is how far a deposit has been dealt with.
type State string

// The states. OPEN is the work list.
const (
	StateOpen     State = "OPEN"
	StateMatched  State = "MATCHED"  // all of it pays something
	StateReturned State = "RETURNED" // sent back to the payer
	StateIgnored  State = "IGNORED"  // none of the shop's sales
)

// Line is one deposit of a statement.
type Line struct {
	ID           uuid.UUID
	BrandID      uuid.UUID
	StatementID  uuid.UUID
	Row          int // of the file
	On           time.Time
	AmountMinor  int64 `db:"amount"`
	MatchedMinor int64 `db:"matched"`
	Currency     money.Currency
	Payer        string
	PayerKey     string
	Text         string
	Account      string // of the shop, that it came to; empty where nobody said
	Mark         string // tells it from lines that look alike; empty if nothing does
	State        State
	Reason       string
	UpdatedAt    time.Time
}

// GlobalID is the line's id in the schema.
func (l Line) GlobalID() string { return id.Global("BankLine", l.ID) }

// Amount is what came in.
func (l Line) Amount() money.Money { return money.Of(l.AmountMinor, l.Currency) }

// Matched is how much of it pays something.
func (l Line) Matched() money.Money { return money.Of(l.MatchedMinor, l.Currency) }

// OpenMinor is how much of it pays nothing yet.
func (l Line) OpenMinor() int64 { return l.AmountMinor - l.MatchedMinor }

// Allocation is what a part of a deposit pays. It never changes.
type Allocation struct {
	ID          uuid.UUID
	LineID      uuid.UUID
	PaymentID   *uuid.UUID
	CompanyID   *uuid.UUID
	AmountMinor int64 `db:"amount"`
	Currency    money.Currency
	How         How
	ActorID     *uuid.UUID
	CreatedAt   time.Time
}

// Amount is how much of the deposit it is.
func (a Allocation) Amount() money.Money { return money.Of(a.AmountMinor, a.Currency) }

// OfPayment is the payment's id in the schema; nil for a company's.
func (a Allocation) OfPayment() *string { return id.GlobalOrNone("Payment", a.PaymentID) }

// OfCompany is the company's id in the schema; nil for an order's payment.
func (a Allocation) OfCompany() *string { return id.GlobalOrNone("Company", a.CompanyID) }

// OfPayment is the payment's id in the schema; nil for a company's.
func (c Candidate) OfPayment() *string { return id.GlobalOrNone("Payment", c.PaymentID) }

// OfCompany is the company's id in the schema; nil for an order's payment.
func (c Candidate) OfCompany() *string { return id.GlobalOrNone("Company", c.CompanyID) }

// Store keeps statements and their lines.
type Store interface {
	Profile(ctx context.Context, brandID uuid.UUID, code string) (*Profile, error)
	Profiles(ctx context.Context, brandID uuid.UUID) ([]Profile, error)
	SaveProfile(ctx context.Context, brandID uuid.UUID, p Profile) error

	// Insert keeps the statement. A file that is there already is answered instead.
	Insert(ctx context.Context, s Statement) (Statement, error)
	// Alike are the brand's lines of the same days and amounts. Until the transaction is
	// over, nobody else adds any.
	Alike(ctx context.Context, brandID uuid.UUID, lines []Line) ([]Known, error)
	// AddLines adds lines to the statement, of which so many more were known, and writes
	// down by what known ones can be told.
	AddLines(ctx context.Context, s Statement, lines []Line, told []Told) error
	Statements(ctx context.Context, brandID uuid.UUID, args page.Args) (page.Connection[Statement], error)
	Lines(ctx context.Context, q LineQuery) (page.Connection[Line], error)
	// OpenOf are the lines of a statement that nobody has dealt with; of all
	// statements of the brand for none.
	OpenOf(ctx context.Context, brandID uuid.UUID, statementID *uuid.UUID) ([]uuid.UUID, error)
	// Line is a line of the brand, locked in a transaction; nil if there is none.
	Line(ctx context.Context, brandID, lineID uuid.UUID) (*Line, error)
	SaveLine(ctx context.Context, l Line) error
	Allocate(ctx context.Context, a Allocation) error
	AllocationsOf(ctx context.Context, lineIDs []uuid.UUID) ([]Allocation, error)
	// Candidates are what the line may pay: what its references name, bank transfers
	// that wait for just so much, and companies that owe something.
	Candidates(ctx context.Context, l Line, references []string) ([]Candidate, error)
}

// LineQuery asks for one page of deposits, those that came last first.
type LineQuery struct {
	BrandID     uuid.UUID
	States      []State
	StatementID *uuid.UUID
	Page        page.Args
}

// Payments records what pays an order.
type Payments interface {
	RecordTransfer(ctx context.Context, in payment.TransferInput) (payment.TransferResult, error)
	// Collect registers what a carrier collected at the door.
	Collect(ctx context.Context, c payment.Collected) (payment.CollectOutcome, error)
}

// Companies records what pays a company's debt.
type Companies interface {
	Receive(ctx context.Context, in company.ReceiveInput) (*company.Received, error)
}

// Jobs queues work in the transaction of the context.
type Jobs interface {
	MatchBank(ctx context.Context, j MatchJob) error
}

// MatchJob matches the lines of a statement.
type MatchJob struct {
	BrandID     uuid.UUID  `json:"brandId"`
	StatementID *uuid.UUID `json:"statementId"`
}

// Kind is the job's name in the queue.
func (MatchJob) Kind() string { return "bank_match" }

// Parts are what the service stands on.
type Parts struct {
	Tx        idempotency.Tx
	Store     Store
	Keys      *idempotency.Keys
	Payments  Payments
	Companies Companies
	Jobs      Jobs
	Events    event.Recorder
	Now       clock.Clock
}

// Service matches what came in at the bank.
type Service struct{ Parts }

// New makes the service.
func New(p Parts) *Service { return &Service{p} }

// UploadInput is a statement of the bank.
type UploadInput struct {
	FileName string
	File     io.Reader
	Profile  string // its code; empty: headings as banks usually have them
	Account  string // of the shop, that it is of; empty: not told. 全銀 files say it themselves
}

// AllocateInput says what a deposit, or parts of it, pays.
type AllocateInput struct {
	IdempotencyKey string
	LineID         uuid.UUID
	Parts          []PartInput
}

// PartInput is a part of a deposit and what it pays: an order's payment or a company.
type PartInput struct {
	PaymentID *uuid.UUID
	CompanyID *uuid.UUID
	Amount    decimal.Decimal // major units
}

// SettleInput closes a line without a match, or opens it again.
type SettleInput struct {
	IdempotencyKey string
	LineID         uuid.UUID
	State          State
	Reason         string
}
