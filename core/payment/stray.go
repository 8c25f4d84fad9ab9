package payment

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/page"
)

// Stray is money that was reported to noren and that no payment expects (不明入金).
// Staff find out what it is for.
type Stray struct {
	ID          uuid.UUID
	BrandID     *uuid.UUID // nil: nobody knows whose customer paid
	Gateway     string     // who reported it
	Reference   string     // by which the reporter knows it
	PaymentID   *uuid.UUID // that it was reported for; once applied, that it pays
	AmountMinor int64      `db:"amount"`
	Currency    money.Currency
	Cause       StrayCause
	State       StrayState
	Reason      string // what staff wrote when they settled it
	ReportedAt  time.Time
	SettledAt   *time.Time
	SettledBy   *uuid.UUID
}

// GlobalID is the stray's id in the schema.
func (t Stray) GlobalID() string { return id.Global("StrayPayment", t.ID) }

// Amount is what came in.
func (t Stray) Amount() money.Money { return money.Of(t.AmountMinor, t.Currency) }

// StrayCause is why no payment expects the money.
type StrayCause string

// The causes.
const (
	StrayUnknown  StrayCause = "UNKNOWN"  // no payment has the reference
	StrayOther    StrayCause = "OTHER"    // the payment has another reference
	StrayCurrency StrayCause = "CURRENCY" // the payment is in another currency
	StrayAmount   StrayCause = "AMOUNT"   // the payment asks for another amount
	StrayDoubled  StrayCause = "DOUBLED"  // the payment has been received
)

// StrayState is how far a stray has been dealt with.
type StrayState string

// The states. OPEN is the work list.
const (
	StrayOpen     StrayState = "OPEN"
	StrayApplied  StrayState = "APPLIED"  // it pays something
	StrayReturned StrayState = "RETURNED" // sent back to the payer
	StrayIgnored  StrayState = "IGNORED"  // none of the shop's sales
)

// StrayStore keeps strays.
type StrayStore interface {
	// InsertStray adds a stray unless it was reported before.
	InsertStray(ctx context.Context, t Stray) error
	Strays(ctx context.Context, q StrayQuery) (page.Connection[Stray], error)
	// Stray is one of the brand's or of no brand, locked in a transaction; nil if there
	// is none.
	Stray(ctx context.Context, brandID, strayID uuid.UUID) (*Stray, error)
	UpdateStray(ctx context.Context, t Stray) error
}

// StrayQuery asks for one page of strays, newest first.
type StrayQuery struct {
	BrandID uuid.UUID
	States  []StrayState
	Page    page.Args
}

// Failures of settling a stray.
var (
	ErrStraySettled = fault.Conflict("STRAY_SETTLED", "この入金は処理済みです", "This money has been dealt with")
	ErrStrayGateway = fault.Conflict("STRAY_OTHER_GATEWAY", "別の決済手段のお支払いには充当できません", "This payment is collected by another gateway")
	errStrayState   = fault.Invalid(fault.CodeInvalid, "充当・返金・対象外のいずれかを指定してください。充当にはお支払いが必要です", "It is APPLIED to a payment, RETURNED or IGNORED")
)

// unlike is why money that a gateway reports for the payment is not its own; empty if
// it is.
func (p Payment) unlike(a Answer) StrayCause {
	switch {
	case a.Reference != "" && p.Reference != "" && a.Reference != p.Reference:
		return StrayOther
	case a.Currency != "" && a.Currency != p.Currency:
		return StrayCurrency
	case p.Method == MethodConvenienceStore && a.Captured > 0 && a.Captured != p.AmountMinor:
		return StrayAmount
	}
	return ""
}

// stray puts money that no payment expects on the work list.
func (s *Service) stray(ctx context.Context, gateway string, p *Payment, a Answer, cause StrayCause) error {
	s.Log.ErrorContext(ctx, "a gateway reports money that no payment expects",
		"gateway", gateway, "cause", cause, "reported", a.Reference, "captured", a.Captured, "currency", a.Currency)
	t := Stray{
		ID: id.New(), Gateway: gateway, Reference: a.Reference, AmountMinor: a.Captured, Currency: a.Currency, Cause: cause,
		State: StrayOpen, ReportedAt: s.Now(),
	}
	data := map[string]any{"gateway": gateway, "reference": a.Reference, "captured": a.Captured, "currency": a.Currency, "cause": cause}
	brand, subject, key := uuid.Nil, "StrayPayment", t.ID
	if p != nil {
		t.BrandID, t.PaymentID = &p.BrandID, &p.ID
		brand, subject, key = p.BrandID, "Payment", p.ID
		data["orderId"] = p.OrderID
	}
	if a.Captured > 0 {
		if err := s.Store.InsertStray(ctx, t); err != nil {
			return err
		}
	}
	e := event.New(ctx, s.Now(), "payment.stray", subject, key, data)
	e.BrandID = brand
	return s.Events.Record(ctx, e)
}

// Strays are one page of the work list: the brand's strays, and those of which nobody
// knows whose they are, for staff.
func (s *Service) Strays(ctx context.Context, q StrayQuery) (page.Connection[Stray], error) {
	if err := access.RequireEverywhere(ctx, access.OrderRead); err != nil {
		return page.Connection[Stray]{}, err
	}
	q.BrandID = channel.From(ctx).BrandID
	return s.Store.Strays(ctx, q)
}

// SettleStrayInput says what became of a stray.
type SettleStrayInput struct {
	IdempotencyKey string
	StrayID        uuid.UUID
	State          StrayState // APPLIED, RETURNED or IGNORED
	PaymentID      *uuid.UUID // that it pays, if it is APPLIED
	Reason         string
}

// Validate checks what can be known without asking anybody.
func (in SettleStrayInput) Validate() error {
	all := []error{i18n.CheckString("reason", in.Reason, maxReason)}
	known := in.State == StrayApplied || in.State == StrayReturned || in.State == StrayIgnored
	if !known || (in.State == StrayApplied) != (in.PaymentID != nil) {
		all = append(all, errStrayState.At("state"))
	}
	if in.State != StrayApplied && in.Reason == "" {
		all = append(all, fault.ErrRequired.At("reason"))
	}
	return errors.Join(all...)
}

// SettleStray lets a stray pay what it was meant for, or closes it (staff with
// ORDER_WRITE). It is settled once, and once for each key.
func (s *Service) SettleStray(ctx context.Context, in SettleStrayInput) (*Stray, error) {
	if err := access.RequireEverywhere(ctx, access.OrderWrite); err != nil {
		return nil, err
	}
	if err := in.Validate(); err != nil {
		return nil, err
	}
	return idempotency.OnceRead(ctx, s.Keys, "settleStrayPayment", in.IdempotencyKey, in,
		func(ctx context.Context) (*Stray, error) { return s.settleStray(ctx, in) },
		func(ctx context.Context) (*Stray, error) {
			return s.Store.Stray(ctx, channel.From(ctx).BrandID, in.StrayID)
		})
}

func (s *Service) settleStray(ctx context.Context, in SettleStrayInput) (*Stray, error) {
	t, err := s.Store.Stray(ctx, channel.From(ctx).BrandID, in.StrayID)
	switch {
	case err != nil:
		return nil, err
	case t == nil:
		return nil, fault.ErrNotFound.At("id")
	case t.State != StrayOpen:
		return nil, ErrStraySettled.At("id")
	}
	if in.PaymentID != nil {
		if err := s.apply(ctx, t, *in.PaymentID); err != nil {
			return nil, err
		}
	}
	now, actor := s.Now(), access.From(ctx).ID
	t.State, t.Reason, t.SettledAt, t.SettledBy = in.State, in.Reason, &now, &actor
	if err := s.Store.UpdateStray(ctx, *t); err != nil {
		return nil, err
	}
	return t, s.Events.Record(ctx, event.New(ctx, now, "payment.stray_settled", "StrayPayment", t.ID, map[string]any{
		"state": t.State, "reason": t.Reason, "paymentId": t.PaymentID, "amount": t.AmountMinor,
	}))
}

// apply lets a stray pay a payment, as money that came in for it.
func (s *Service) apply(ctx context.Context, t *Stray, paymentID uuid.UUID) error {
	found, err := s.Store.Payment(ctx, paymentID)
	switch {
	case err != nil:
		return err
	case found == nil:
		return fault.ErrNotFound.At("paymentId")
	case found.Gateway != t.Gateway:
		return ErrStrayGateway.At("paymentId")
	case found.Currency != t.Currency:
		return fault.ErrNotFound.At("paymentId")
	}
	due, all, err := s.hold(ctx, found.OrderID, true)
	if err != nil {
		return at("paymentId", err)
	}
	before, ok := among(all, paymentID)
	if !ok {
		return fault.ErrNotFound.At("paymentId")
	}
	t.PaymentID, t.BrandID = &before.ID, &before.BrandID
	after := before.Receive(t.AmountMinor, s.Now())
	if err := s.save(ctx, due, all, before, after); err != nil {
		return err
	}
	switch over := after.CapturedMinor - after.AmountMinor; {
	case due.Cancelled:
		err = s.giveBack(ctx, after, t.AmountMinor, "ORDER_CANCELLED")
	case over > 0:
		err = s.giveBack(ctx, after, min(over, t.AmountMinor), "OVERPAID")
	}
	if err == nil && !due.Cancelled {
		after, err = s.payBack(ctx, due, all, after, max(0, after.CapturedMinor-after.AmountMinor))
	}
	return errors.Join(err, s.dropOthers(ctx, due, all, after))
}
