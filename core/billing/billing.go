// Package billing closes companies' accounts by the month (締め): a statement says what
// was owed, bought and paid, and when the rest is due; what is overdue is asked for,
// more firmly each time (督促).
package billing

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/company"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/page"
)

// Statement is what a company owes by one closing day (請求締め). It never changes; what
// is left of it falls as the company pays.
type Statement struct {
	ID             uuid.UUID
	BrandID        uuid.UUID
	CompanyID      uuid.UUID
	ClosesOn       time.Time // the last day of its period; midnight UTC
	DueOn          time.Time
	Currency       money.Currency
	OpeningMinor   int64 `db:"opening"`
	SalesMinor     int64 `db:"sales"`
	PaymentsMinor  int64 `db:"payments"`
	OtherMinor     int64 `db:"other"` // what was written off, below zero
	ClosingMinor   int64 `db:"closing"`
	RemainingMinor int64 `db:"remaining"` // of the closing balance, not yet paid
	IssuedAt       time.Time
}

// GlobalID is the statement's id in the schema.
func (s Statement) GlobalID() string { return id.Global("AccountStatement", s.ID) }

// Opening is what was owed before the period.
func (s Statement) Opening() money.Money { return money.Of(s.OpeningMinor, s.Currency) }

// Sales is what shipped on account in the period.
func (s Statement) Sales() money.Money { return money.Of(s.SalesMinor, s.Currency) }

// Payments is what was paid in the period.
func (s Statement) Payments() money.Money { return money.Of(s.PaymentsMinor, s.Currency) }

// Other is what else changed it, such as what was written off.
func (s Statement) Other() money.Money { return money.Of(s.OtherMinor, s.Currency) }

// Closing is what is owed at the end of the period.
func (s Statement) Closing() money.Money { return money.Of(s.ClosingMinor, s.Currency) }

// Remaining is what is not paid yet of what is owed.
func (s Statement) Remaining() money.Money {
	return money.Of(max(s.RemainingMinor, 0), s.Currency)
}

// Line is one entry of the journal on a statement.
type Line struct {
	StatementID uuid.UUID
	EntryID     uuid.UUID
	At          time.Time
	Kind        ledger.Kind
	Reference   string
	OrderID     *uuid.UUID
	AmountMinor int64 `db:"amount"` // more owed is positive
	Currency    money.Currency
}

// Amount is by how much what is owed changed.
func (l Line) Amount() money.Money { return money.Of(l.AmountMinor, l.Currency) }

// OfOrder is the order's id in the schema; nil for a payment.
func (l Line) OfOrder() *string { return id.GlobalOrNone("Order", l.OrderID) }

// Account is a company whose account is kept, and where its closing stands.
type Account struct {
	CompanyID uuid.UUID
	BrandID   uuid.UUID
	company.PaymentTerms
	Closed *time.Time // the day of its last statement
	First  *time.Time // when the first entry that is on no statement was written
}

// Overdue is a company that is late.
type Overdue struct {
	CompanyID   uuid.UUID
	BrandID     uuid.UUID
	Code        string
	Name        string
	Currency    money.Currency
	AmountMinor int64      `db:"amount"` // of all statements that are due
	DueOn       time.Time  // of the oldest that is not paid
	Level       int        // of the last reminder of it; 0 for none
	SentAt      *time.Time // of it
	HeldUntil   *time.Time // no reminders before that day
	HeldNote    string
}

// Amount is what is overdue.
func (o Overdue) Amount() money.Money { return money.Of(o.AmountMinor, o.Currency) }

// OfCompany is the company's id in the schema.
func (o Overdue) OfCompany() string { return id.Global("Company", o.CompanyID) }

// Recipient is who is written to of a company's account.
type Recipient struct {
	Name  string
	Email string
}

// Store keeps statements and reminders.
type Store interface {
	// Accounts are the companies of the brand with entries on no statement, or that owe
	// something; of all brands for none.
	Accounts(ctx context.Context, brandID, companyID *uuid.UUID) ([]Account, error)
	// Close makes the statement of the closing day, of what was written before the
	// moment and is on no other. One that is there already stays, and one that would
	// say nothing is not made: then nil is answered.
	Close(ctx context.Context, s Statement, before time.Time) (*Statement, error)
	Statements(ctx context.Context, q Query) (page.Connection[Statement], error)
	Statement(ctx context.Context, brandID, statementID uuid.UUID) (*Statement, error)
	LinesOf(ctx context.Context, statementIDs []uuid.UUID) ([]Line, error)
	// Settle notes of which statements nothing is left.
	Settle(ctx context.Context) error
	// Overdue are companies that have not paid what was due before the day, those that are
	// late the longest first.
	Overdue(ctx context.Context, brandID *uuid.UUID, before time.Time) ([]Overdue, error)
	// Remind notes a reminder, and reports whether it is the first of its level.
	Remind(ctx context.Context, o Overdue, level int, at time.Time) (bool, error)
	Hold(ctx context.Context, companyID uuid.UUID, until *time.Time, note string, at time.Time) error
	Recipients(ctx context.Context, companyID uuid.UUID) ([]Recipient, error)
}

// Query asks for one page of statements, those that closed last first.
type Query struct {
	BrandID   uuid.UUID
	CompanyID *uuid.UUID
	Unpaid    bool       // only those with something left
	DueBefore *time.Time // only those due before that day
	Page      page.Args
}

// Tx runs f in one transaction, which the context carries.
type Tx interface {
	InTx(ctx context.Context, f func(context.Context) error) error
}

// Companies says for whom the actor buys.
type Companies interface {
	MySeat(ctx context.Context) (*company.Seat, error)
	ByID(ctx context.Context, companyID uuid.UUID) (*company.Company, error)
	// Cover marks what the company's payments reach of its orders, in the transaction.
	Cover(ctx context.Context, companyID uuid.UUID) error
}

// Documents are what companies are sent.
type Documents interface {
	// Closed issues the document of a statement, in the transaction that makes it.
	Closed(ctx context.Context, t Statement) error
}

// Parts are what the service stands on.
type Parts struct {
	Tx        Tx
	Store     Store
	Companies Companies
	Documents Documents // nil: none are issued
	Outbox    messaging.Outbox
	Events    event.Recorder
	Now       clock.Clock
}

// Service closes accounts and reminds of what is overdue.
type Service struct{ Parts }

// New makes the service.
func New(p Parts) *Service { return &Service{p} }

// CloseJob is the regular job that closes accounts and reminds of what is overdue.
type CloseJob struct{}

// Kind is the job's name in the queue.
func (CloseJob) Kind() string { return "accounts_close" }

// zone is where accounts are closed: the brand's, or Japan's for noren itself.
func zone(ctx context.Context) *time.Location {
	if ch := channel.From(ctx); ch.BrandID != uuid.Nil {
		return ch.Zone()
	}
	return japan
}

var japan = time.FixedZone("JST", 9*60*60)

// today is the day of the zone; midnight UTC.
func (s *Service) today(ctx context.Context) time.Time {
	year, month, day := s.Now().In(zone(ctx)).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}
