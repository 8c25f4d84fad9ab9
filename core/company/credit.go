package company

import (
	"context"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/money"
)

// Policy is what happens to an order that the credit, or the buyer's own limit, does
// not cover.
type Policy string

// The policies.
const (
	PolicyBlock    Policy = "BLOCK"
	PolicyApproval Policy = "APPROVAL"
)

// Credit is what a company may owe and owes (与信). Amounts are minor units.
type Credit struct {
	Currency   money.Currency
	LimitMinor int64  `db:"credit_limit"`
	UsedMinor  int64  `db:"used"` // the sum of its entries; below zero it has paid ahead
	Policy     Policy `db:"policy"`
}

// Limit is what the company may owe at most.
func (c Credit) Limit() money.Money { return money.Of(c.LimitMinor, c.Currency) }

// Used is what it owes.
func (c Credit) Used() money.Money { return money.Of(c.UsedMinor, c.Currency) }

// Left is what it may still order on account.
func (c Credit) Left() money.Money { return money.Of(max(0, c.LimitMinor-c.UsedMinor), c.Currency) }

// EntryKind is why what a company owes has changed.
type EntryKind string

// The kinds of entry.
const (
	EntryOrder        EntryKind = "ORDER"
	EntryCancellation EntryKind = "CANCELLATION"
	EntryPayment      EntryKind = "PAYMENT"
	EntryWriteOff     EntryKind = "WRITE_OFF"  // 貸倒れ
	EntryReturn       EntryKind = "RETURN"     // 返品
	EntryAdjustment   EntryKind = "ADJUSTMENT" // an order was edited
)

// Entry is one change of what a company owes. It never changes.
type Entry struct {
	ID           uuid.UUID
	CompanyID    uuid.UUID
	At           time.Time
	Kind         EntryKind
	AmountMinor  int64 `db:"amount"`  // more owed is positive
	BalanceMinor int64 `db:"balance"` // owed after it
	OrderID      *uuid.UUID
	Reference    string
	ActorID      *uuid.UUID
	Currency     money.Currency
}

// GlobalID is the entry's id in the schema.
func (e Entry) GlobalID() string { return id.Global("CreditEntry", e.ID) }

// Amount is by how much what is owed changed.
func (e Entry) Amount() money.Money { return money.Of(e.AmountMinor, e.Currency) }

// Balance is what was owed after it.
func (e Entry) Balance() money.Money { return money.Of(e.BalanceMinor, e.Currency) }

// OrderGlobalID is the id of the order that it is about; nil for a payment.
func (e Entry) OrderGlobalID() *string { return id.GlobalOrNone("Order", e.OrderID) }

// Failures of credit.
var (
	ErrCredit        = fault.Conflict("CREDIT_EXCEEDED", "与信限度額を超えるため掛けでご注文いただけません（利用可能額 %s）", "The order exceeds the company's credit (%s left)")
	ErrApprovalLimit = fault.Conflict("APPROVAL_LIMIT_EXCEEDED", "ご注文はお客様の決裁限度額（%s）を超えています", "The order exceeds your own limit (%s)")
	errAmount        = fault.Invalid("AMOUNT_INVALID", "金額は0より大きく指定してください", "The amount must be above 0")
)

// SetCreditInput is how much a company may owe.
type SetCreditInput struct {
	CompanyID uuid.UUID
	Limit     decimal.Decimal
	Policy    Policy
}

// SetCredit sets what a company may owe, and what happens above that. What it owes
// already is not touched.
func (s *Service) SetCredit(ctx context.Context, in SetCreditInput) (*Company, error) {
	return s.change(ctx, in.CompanyID, "company.credit_set", func(ctx context.Context, c *Company) error {
		limit, err := checkLimit(in.Limit, c.Currency)
		if err != nil {
			return at("limit", err)
		}
		c.LimitMinor, c.Policy = limit, in.Policy
		return s.Store.SetCredit(ctx, c.ID, limit, in.Policy)
	})
}

// charge takes an order's amount from the company's credit, in the transaction that
// confirms the order, and reports whether the company has paid for it ahead. When the limit
// does not reach, nothing is taken, and ErrCredit says what is left.
func (s *Service) charge(ctx context.Context, companyID, orderID uuid.UUID, minor int64) (bool, error) {
	balance, err := s.chargeAs(ctx, EntryOrder, companyID, orderID, minor)
	return balance <= 0, err
}

// Adjust takes more of the company's credit for an order that was edited, or gives some
// back, in the transaction that edits the order. It reports whether the order is paid now.
func (s *Service) Adjust(ctx context.Context, companyID, orderID uuid.UUID, difference int64) (bool, error) {
	balance, err := s.chargeAs(ctx, EntryAdjustment, companyID, orderID, difference)
	if err != nil {
		return false, err
	}
	if difference < 0 {
		if err := s.cover(ctx, companyID, orderID); err != nil {
			return false, err
		}
	}
	return s.covered(ctx, companyID, orderID, balance)
}

// chargeAs answers what is owed then.
func (s *Service) chargeAs(ctx context.Context, kind EntryKind, companyID, orderID uuid.UUID, minor int64) (int64, error) {
	if minor == 0 {
		credit, err := s.Store.Credit(ctx, companyID)
		return credit.UsedMinor, err
	}
	entry := s.entry(ctx, companyID, kind, minor)
	entry.OrderID = &orderID
	kept, err := s.Store.Charge(ctx, &entry)
	if err != nil {
		return 0, err
	}
	if kept {
		return entry.BalanceMinor, s.recordEntry(ctx, entry)
	}
	credit, err := s.Store.Credit(ctx, companyID)
	if err != nil {
		return 0, err
	}
	return 0, ErrCredit.With(credit.Left())
}

// Return gives back what an order took of its company's credit, once, in the
// transaction that gives the order up.
func (s *Service) Return(ctx context.Context, companyID, orderID uuid.UUID) error {
	entry := s.entry(ctx, companyID, EntryCancellation, 0)
	entry.OrderID = &orderID
	kept, err := s.Store.Return(ctx, &entry)
	if err != nil || !kept {
		return err
	}
	if err := s.cover(ctx, companyID, orderID); err != nil {
		return err
	}
	return s.recordEntry(ctx, entry)
}

func (s *Service) entry(ctx context.Context, companyID uuid.UUID, kind EntryKind, minor int64) Entry {
	e := Entry{ID: id.New(), CompanyID: companyID, At: s.Now(), Kind: kind, AmountMinor: minor}
	if actor := access.From(ctx).ID; actor != uuid.Nil {
		e.ActorID = &actor
	}
	return e
}

// recordEntry is an event of its own subject: what a company owes changes no price.
func (s *Service) recordEntry(ctx context.Context, e Entry) error {
	return s.Events.Record(ctx, event.New(ctx, e.At, "company.credit_changed", "CompanyCredit", e.CompanyID, map[string]any{
		"entryId": e.ID, "kind": e.Kind, "amount": e.AmountMinor, "orderId": e.OrderID,
	}))
}

// ReceiveInput is money that a company has paid on account.
type ReceiveInput struct {
	IdempotencyKey string
	CompanyID      uuid.UUID
	Amount         decimal.Decimal
	Reference      string
	ReceivedAt     time.Time
}

const maxReference = 200

// Received is a payment on account that was recorded.
type Received struct {
	Entry   Entry
	Company Company
}

// Receive records money that a company has paid on account (売掛入金), once for each
// key. It pays the oldest orders first; what exceeds them is paid ahead. A closed
// company still pays what it owes.
func (s *Service) Receive(ctx context.Context, in ReceiveInput) (*Received, error) {
	if err := mayWrite(ctx); err != nil {
		return nil, err
	}
	switch {
	case !in.Amount.IsPositive():
		return nil, errAmount.At("amount")
	case utf8.RuneCountInString(in.Reference) > maxReference:
		return nil, customer.ErrTooLong.With(maxReference).At("reference")
	case in.ReceivedAt.After(s.Now()):
		return nil, fault.Invalid(fault.CodeInvalid, "入金日時が未来です", "The money cannot have come in yet").At("receivedAt")
	}
	brandID := channel.From(ctx).BrandID
	entryID, err := idempotency.Once(ctx, s.Keys, "recordAccountPayment", in.IdempotencyKey, in, func(ctx context.Context) (uuid.UUID, error) {
		return s.receive(ctx, brandID, in)
	})
	if err != nil {
		return nil, err
	}
	return s.received(ctx, entryID, in.CompanyID)
}

// received is an entry that was recorded, and its company after it.
func (s *Service) received(ctx context.Context, entryID, companyID uuid.UUID) (*Received, error) {
	entry, err := s.Store.Entry(ctx, entryID)
	if err != nil {
		return nil, err
	}
	c, err := s.Store.Company(ctx, viewer(access.With(ctx, access.System)), companyID)
	if err != nil || c == nil || entry == nil {
		return nil, err
	}
	return &Received{*entry, *c}, nil
}

func (s *Service) receive(ctx context.Context, brandID uuid.UUID, in ReceiveInput) (uuid.UUID, error) {
	c, amount, err := s.owing(ctx, brandID, in.CompanyID, in.Amount)
	if err != nil {
		return uuid.Nil, err
	}
	entry := s.entry(ctx, c.ID, EntryPayment, -amount)
	entry.Reference, entry.At = tidy(in.Reference), in.ReceivedAt.UTC().Truncate(time.Microsecond)
	return s.settle(ctx, *c, entry, s.Books.ReceivedOnAccount)
}

// owing locks a company and what it owes, and reads the amount in its currency.
func (s *Service) owing(ctx context.Context, brandID, companyID uuid.UUID, typed decimal.Decimal) (*Company, int64, error) {
	// The orders are locked before the credit, as by whoever gives an order up.
	if err := s.Store.LockOwed(ctx, companyID); err != nil {
		return nil, 0, err
	}
	c, err := s.Store.Lock(ctx, brandID, companyID)
	if err != nil {
		return nil, 0, err
	}
	if c == nil {
		return nil, 0, fault.ErrNotFound.At("companyId")
	}
	amount, err := money.Parse(typed, c.Currency)
	return c, amount.Minor, at("amount", err)
}

// settle adds an entry that lessens what a company owes, here and in the books. Its
// oldest orders count as paid first.
func (s *Service) settle(ctx context.Context, c Company, entry Entry, book func(context.Context, ledger.Company) error) (uuid.UUID, error) {
	if err := s.Store.Lessen(ctx, entry); err != nil {
		return uuid.Nil, err
	}
	if err := s.Cover(ctx, c.ID); err != nil {
		return uuid.Nil, err
	}
	if err := book(ctx, ledger.Company{
		CompanyID: c.ID, BrandID: c.BrandID, CauseID: entry.ID, Currency: c.Currency, At: entry.At, Minor: -entry.AmountMinor, Reference: c.Code + " " + entry.Reference,
	}); err != nil {
		return uuid.Nil, err
	}
	return entry.ID, s.recordEntry(ctx, entry)
}
