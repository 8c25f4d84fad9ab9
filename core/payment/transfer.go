package payment

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/money"
)

// Transfer is money that arrived at the shop's bank account, as staff saw it on
// the statement (入金).
type Transfer struct {
	ID          uuid.UUID
	PaymentID   uuid.UUID
	AmountMinor int64 `db:"amount"` // minor units
	Currency    money.Currency
	PayerName   string
	ReceivedAt  time.Time
	Note        string
	ClientKey   string
	RecordedBy  uuid.UUID
	CreatedAt   time.Time
}

// Amount is what arrived.
func (t Transfer) Amount() money.Money { return money.Of(t.AmountMinor, t.Currency) }

// masked is the transfer without who paid; the note may be the bank's own line, which
// names them too.
func (t Transfer) masked() Transfer {
	t.PayerName = member.MaskName(t.PayerName)
	if t.Note != "" {
		t.Note = member.Hidden
	}
	return t
}

// GlobalID is the transfer's id in the schema.
func (t Transfer) GlobalID() string { return id.Global("BankTransfer", t.ID) }

// TransferOutcome compares what has arrived with what was asked.
type TransferOutcome string

// The outcomes of recording a transfer.
const (
	TransferExact TransferOutcome = "EXACT"
	TransferShort TransferOutcome = "SHORT" // the payment waits for the rest
	TransferOver  TransferOutcome = "OVER"  // the order is paid; the excess is to be given back
	TransferLate  TransferOutcome = "LATE"  // the order was given up; all of it is to be given back
)

// TransferInput records money that arrived by bank transfer.
type TransferInput struct {
	PaymentID      uuid.UUID
	Amount         decimal.Decimal // major units
	PayerName      string
	ReceivedAt     time.Time
	Note           string
	IdempotencyKey string
}

// Validate checks what can be known without asking anybody.
func (in TransferInput) Validate() error {
	var all []error
	if !in.Amount.IsPositive() {
		all = append(all, ErrAmount.At("amount"))
	}
	all = append(all, checkKey(in.IdempotencyKey))
	if in.ReceivedAt.IsZero() {
		all = append(all, fault.ErrRequired.At("receivedAt"))
	}
	for field, text := range map[string]string{"payerName": in.PayerName, "note": in.Note} {
		if utf8.RuneCountInString(text) > 200 {
			all = append(all, errTooLong.With(200).At(field))
		}
	}
	return errors.Join(all...)
}

// TransferResult is a recorded transfer and how the payment stands now.
type TransferResult struct {
	Transfer Transfer
	Payment  Payment
	Outcome  TransferOutcome
	Gap      int64 // received minus asked over all transfers, minor units; negative when short
}

// RecordTransfer records an incoming transfer (staff with ORDER_WRITE). Several
// may add up to one payment. The same key records it once.
func (s *Service) RecordTransfer(ctx context.Context, in TransferInput) (TransferResult, error) {
	if err := access.Require(ctx, access.OrderWrite); err != nil {
		return TransferResult{}, err
	}
	if err := in.Validate(); err != nil {
		return TransferResult{}, err
	}
	if in.ReceivedAt.After(s.Now()) {
		return TransferResult{}, fault.Invalid(fault.CodeInvalid, "入金日時が未来です", "The money cannot have come in yet").At("receivedAt")
	}
	found, err := s.Store.Payment(ctx, in.PaymentID)
	if err != nil || found == nil {
		return TransferResult{}, errors.Join(err, fault.ErrNotFound.At("paymentId"))
	}
	if found.Method != MethodBankTransfer {
		return TransferResult{}, ErrNotTransfer.At("paymentId")
	}
	amount, err := money.Parse(in.Amount, found.Currency)
	if err != nil {
		return TransferResult{}, at("amount", err)
	}
	var r TransferResult
	err = s.Tx.InTx(ctx, func(ctx context.Context) (err error) {
		r, err = s.receive(ctx, *found, in, amount.Minor)
		return err
	})
	return r, err
}

func (s *Service) receive(ctx context.Context, found Payment, in TransferInput, amount int64) (TransferResult, error) {
	due, all, err := s.hold(ctx, found.OrderID, true)
	if err != nil {
		return TransferResult{}, err
	}
	before, ok := among(all, found.ID)
	if !ok {
		return TransferResult{}, fault.ErrNotFound.At("paymentId")
	}
	earlier, err := s.Store.TransferByKey(ctx, before.ID, in.IdempotencyKey)
	if err != nil {
		return TransferResult{}, err
	}
	if earlier != nil {
		if earlier.AmountMinor != amount || earlier.PayerName != in.PayerName || !earlier.ReceivedAt.Equal(in.ReceivedAt) {
			return TransferResult{}, idempotency.ErrReused.At("idempotencyKey")
		}
		return resultOf(*earlier, before, due), nil
	}
	now := s.Now()
	t := Transfer{
		ID: id.New(), PaymentID: before.ID, AmountMinor: amount, Currency: before.Currency, PayerName: in.PayerName, ReceivedAt: in.ReceivedAt.UTC(),
		Note: in.Note, ClientKey: in.IdempotencyKey, RecordedBy: access.From(ctx).ID, CreatedAt: now,
	}
	if err := s.Store.InsertTransfer(ctx, t); err != nil {
		return TransferResult{}, err
	}
	after := before.Receive(amount, now)
	if err := s.saveAt(ctx, due, all, before, after, t.ReceivedAt); err != nil {
		return TransferResult{}, err
	}
	r := resultOf(t, after, due)
	return r, s.follow(ctx, due, all, r)
}

// Difference is what was received minus what was asked; negative when short.
func (r TransferResult) Difference() money.Money { return money.Of(r.Gap, r.Payment.Currency) }

func resultOf(t Transfer, p Payment, due Due) TransferResult {
	r := TransferResult{Transfer: t, Payment: p, Gap: p.CapturedMinor - p.AmountMinor, Outcome: TransferExact}
	switch {
	case due.Cancelled || p.Status == StatusCancelled:
		r.Outcome = TransferLate
	case r.Gap < 0:
		r.Outcome = TransferShort
	case r.Gap > 0:
		r.Outcome = TransferOver
	}
	return r
}

// follow does what an outcome asks for.
func (s *Service) follow(ctx context.Context, due Due, all []Payment, r TransferResult) error {
	switch {
	case due.Cancelled:
		return s.giveBack(ctx, r.Payment, r.Transfer.AmountMinor, "ORDER_CANCELLED")
	case r.Outcome == TransferOver:
		if err := s.giveBack(ctx, r.Payment, min(r.Gap, r.Transfer.AmountMinor), "OVERPAID"); err != nil {
			return err
		}
	case r.Outcome == TransferShort && due.Email != "":
		return s.mail(ctx, due, r.Transfer.ID.String(), messaging.PaymentReceived{
			Name: due.Name, OrderNumber: due.Number, Amount: r.Transfer.AmountMinor, Currency: r.Payment.Currency, Short: -r.Gap,
		})
	}
	return s.dropOthers(ctx, due, all, r.Payment)
}

// transfer is the mail that says how to pay an order by bank transfer.
func (i Instructions) transfer(name, number string) messaging.BankTransfer {
	return messaging.BankTransfer{
		Name: name, OrderNumber: number, Amount: i.Amount, Currency: i.Currency, BankName: i.BankName, BranchName: i.BranchName, AccountType: i.AccountType,
		AccountNumber: i.AccountNumber, AccountHolder: i.AccountHolder, Reference: i.Reference, DueAt: i.DueAt,
	}
}
