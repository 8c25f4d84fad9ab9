// Package company is whom noren trades with on terms (取引条件): companies, who buys
// for them, the groups that customers are put into, and credit.
package company

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/scope"
)

// Store keeps companies, groups and credit. Whatever changes who belongs to what
// moves the number of the brand's rules in the same transaction.
type Store interface {
	BuyerStore
	ReadStore
	CreditStore
	GroupStore
	PageStore

	// Insert keeps a new company with its credit; a code that is taken is ErrCodeTaken.
	Insert(ctx context.Context, c Company) error
	Save(ctx context.Context, c Company) error
	// Lock reads a company of the brand and locks it; nil if there is none.
	Lock(ctx context.Context, brandID, companyID uuid.UUID) (*Company, error)

	// Seat is the account's place in an open company of the brand; nil without one.
	Seat(ctx context.Context, brandID, accountID uuid.UUID) (*Seat, error)
	// Approvers are the company's buyers who approve orders.
	Approvers(ctx context.Context, companyID uuid.UUID) ([]Seat, error)
	// SaveSeat keeps a seat; one in another company is ErrBuyerElsewhere.
	SaveSeat(ctx context.Context, brandID uuid.UUID, seat Seat) error
	CloseSeat(ctx context.Context, brandID, companyID, accountID uuid.UUID, at time.Time) error

	CompanyOfAddress(ctx context.Context, brandID, addressID uuid.UUID) (uuid.UUID, error)
	// SaveAddresses keeps addresses in the given order, new or changed.
	SaveAddresses(ctx context.Context, addresses ...Address) error
}

// ReadStore reads what companies own, as far as the viewer sees them.
type ReadStore interface {
	List(ctx context.Context, brandID uuid.UUID, f Filter, args page.Args) (page.Connection[Company], error)
	Company(ctx context.Context, v Viewer, companyID uuid.UUID) (*Company, error)
	Companies(ctx context.Context, v Viewer, companyIDs []uuid.UUID) ([]Company, error)
	Employers(ctx context.Context, v Viewer, accountIDs []uuid.UUID) ([]Employer, error)
	Addresses(ctx context.Context, v Viewer, companyIDs []uuid.UUID) ([]Address, error)
	Buyers(ctx context.Context, v Viewer, companyIDs []uuid.UUID) ([]Seat, error)
	History(ctx context.Context, brandID, companyID uuid.UUID, args page.Args) (page.Connection[Happened], error)
}

// CreditStore keeps what companies owe.
type CreditStore interface {
	SetCredit(ctx context.Context, companyID uuid.UUID, limit int64, policy Policy) error
	Credit(ctx context.Context, companyID uuid.UUID) (Credit, error)
	// Charge adds the entry if the limit reaches, sets what is owed after it, and reports
	// whether it did.
	Charge(ctx context.Context, e *Entry) (bool, error)
	// Return adds the entry with the amount that its order took, unless that was none
	// or has been given back.
	Return(ctx context.Context, e *Entry) (bool, error)
	// LockOwed locks the company's orders that are not paid.
	LockOwed(ctx context.Context, companyID uuid.UUID) error
	// Lessen adds an entry that lessens what is owed.
	Lessen(ctx context.Context, e Entry) error
	// OwedAfter is what the company's open orders come to that took credit after this one.
	OwedAfter(ctx context.Context, companyID, orderID uuid.UUID) (int64, error)
	// Cover marks those of the company's open orders paid that what it owes does not reach,
	// besides one, and answers them. One that somebody else works on is left for next time.
	Cover(ctx context.Context, companyID, besides uuid.UUID, now time.Time) (paid []uuid.UUID, err error)
	Entry(ctx context.Context, entryID uuid.UUID) (*Entry, error)
	Entries(ctx context.Context, v Viewer, companyID uuid.UUID, args page.Args) (page.Connection[Entry], error)
}

// GroupStore keeps groups and what they may do.
type GroupStore interface {
	Group(ctx context.Context, brandID, groupID uuid.UUID) (*Group, error)
	LockGroup(ctx context.Context, brandID, groupID uuid.UUID) (*Group, error)
	// SaveGroup keeps a group, new or changed; a code that is taken is ErrCodeTaken.
	SaveGroup(ctx context.Context, g Group) error
	ListGroups(ctx context.Context, brandID uuid.UUID, kind GroupKind, args page.Args) (page.Connection[Group], error)
	GroupsOf(ctx context.Context, brandID uuid.UUID, companyIDs []uuid.UUID) ([]Placement, error)
	Sizes(ctx context.Context, brandID uuid.UUID, groupIDs []uuid.UUID) ([]Size, error)
	Members(ctx context.Context, brandID, groupID uuid.UUID, args page.Args) (page.Connection[identity.Account], error)
	// Known are those of the ids that are open accounts of customers, and open
	// companies of the brand.
	Known(ctx context.Context, brandID uuid.UUID, memberIDs, companyIDs []uuid.UUID) (members, companies []uuid.UUID, err error)
	Join(ctx context.Context, groupID uuid.UUID, memberIDs, companyIDs []uuid.UUID, at time.Time) error
	Leave(ctx context.Context, groupID uuid.UUID, memberIDs, companyIDs []uuid.UUID) error

	// Desks are what placing an order asks about members, in one statement.
	Desks(ctx context.Context, brandID uuid.UUID, memberIDs []uuid.UUID) ([]Desk, error)
	// SetFunction keeps a rule, or takes it away for nil, and answers what it said
	// before. found is false when the brand has no such customer or group.
	SetFunction(ctx context.Context, brandID uuid.UUID, a scope.Audience, f Function, allowed *bool) (before *bool, found bool, err error)
	Functions(ctx context.Context, brandID uuid.UUID, audienceIDs []uuid.UUID) ([]FunctionRule, error)
}

// Tx runs f in one transaction, which the context carries.
type Tx interface {
	InTx(ctx context.Context, f func(context.Context) error) error
}

// Parts are what the service is made of.
type Parts struct {
	Tx     Tx
	Store  Store
	Keys   *idempotency.Keys
	Events event.Recorder
	Books  Books
	Now    clock.Clock
}

// Books are where it is written down what companies paid, and will not pay.
type Books interface {
	ReceivedOnAccount(ctx context.Context, c ledger.Company) error
	WrittenOff(ctx context.Context, c ledger.Company) error
	GoodsReturned(ctx context.Context, r ledger.Returned) error
}

// Service keeps companies, their buyers and customer groups.
type Service struct {
	Parts
	accounts Accounts
}

// New makes the service. Prices ask it who buys, carts ask for prices, and accounts
// for carts: RecruitBy closes the circle.
func New(p Parts) *Service { return &Service{Parts: p} }

// RecruitBy says who makes accounts into buyers and back.
func (s *Service) RecruitBy(accounts Accounts) { s.accounts = accounts }

// refusedForNow reports a refusal that an approver may lift.
func refusedForNow(err error) bool {
	return errors.Is(err, ErrCredit) || errors.Is(err, ErrApprovalLimit)
}

func itoa(n int) string { return strconv.Itoa(n) }
