package payment

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/symbols"
)

// Collected is money that a carrier says it collected at a customer's door.
type Collected struct {
	BrandID   uuid.UUID
	Carrier   string
	Reference string // the order's number, or the parcel's tracking number
	Minor     int64
	Currency  money.Currency
	On        time.Time
	Finger    string // tells it from whatever else the carrier reports
}

// CollectOutcome is what became of it.
type CollectOutcome string

// The outcomes.
const (
	CollectMatched CollectOutcome = "MATCHED"
	CollectKnown   CollectOutcome = "KNOWN" // reported before; nothing was done
	CollectStray   CollectOutcome = "STRAY" // unknown, doubled or of another amount: on the work list
)

// orderSymbols is how many symbols an order's number has before its check symbol.
const orderSymbols = 9

// Collect registers what a carrier collected (staff with ORDER_WRITE), once for each
// finger: it pays the order that waits for just so much, else it is work for staff.
func (s *Service) Collect(ctx context.Context, c Collected) (outcome CollectOutcome, err error) {
	if err := access.RequireEverywhere(ctx, access.OrderWrite); err != nil {
		return "", err
	}
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		outcome = CollectKnown
		fresh, err := s.Store.InsertCollection(ctx, c, s.Now(), access.From(ctx).ID)
		if err != nil || !fresh {
			return err
		}
		outcome, err = s.collect(ctx, c)
		return err
	})
	return outcome, err
}

func (s *Service) collect(ctx context.Context, c Collected) (CollectOutcome, error) {
	number := ""
	if read, ok := symbols.Read(c.Reference, orderSymbols); ok {
		number = read[:5] + "-" + read[5:]
	}
	found, err := s.Store.ToCollect(ctx, c.BrandID, number, c.Reference)
	if err != nil {
		return "", err
	}
	if found == nil {
		return CollectStray, s.notCollected(ctx, c, nil, StrayUnknown)
	}
	due, all, err := s.hold(ctx, found.OrderID, false)
	if err != nil {
		return "", err
	}
	before, _ := among(all, found.ID)
	switch {
	case before.CapturedMinor > 0:
		return CollectStray, s.notCollected(ctx, c, &before.ID, StrayDoubled)
	case before.AmountMinor != c.Minor:
		return CollectStray, s.notCollected(ctx, c, &before.ID, StrayAmount)
	}
	after := before.Receive(c.Minor, s.Now())
	if err := s.saveAt(ctx, due, all, before, after, c.On); err != nil {
		return CollectMatched, err
	}
	if due.Cancelled {
		return CollectMatched, s.giveBack(ctx, after, c.Minor, "ORDER_CANCELLED")
	}
	over := max(0, min(c.Minor, TotalsOf(all).Captured+TotalsOf(all).SetOff-TotalsOf(all).Refunded-due.Amount))
	if over > 0 { // a later parcel was refused
		if err := s.giveBack(ctx, after, over, "PARCEL_REFUSED"); err != nil {
			return CollectMatched, err
		}
	}
	_, err = s.payBack(ctx, due, all, after, over)
	return CollectMatched, err
}

// byCarrier reports whether a carrier has yet to bring the payment's money.
func (p Payment) byCarrier() bool { return p.Method == MethodCashOnDelivery && p.Open() }

// notCollected puts what a carrier reports, and nobody expects, on the work list.
func (s *Service) notCollected(ctx context.Context, c Collected, paymentID *uuid.UUID, cause StrayCause) error {
	t := Stray{
		ID: id.New(), BrandID: &c.BrandID, Gateway: OnDelivery, Reference: c.Reference, PaymentID: paymentID, AmountMinor: c.Minor,
		Currency: c.Currency, Cause: cause, State: StrayOpen, ReportedAt: s.Now(),
	}
	e := event.New(ctx, t.ReportedAt, "payment.stray", "StrayPayment", t.ID, map[string]any{
		"gateway": t.Gateway, "carrier": c.Carrier, "reference": c.Reference, "captured": c.Minor, "currency": c.Currency, "cause": cause,
	})
	e.BrandID = c.BrandID
	return errors.Join(s.Store.InsertStray(ctx, t), s.Events.Record(ctx, e))
}

// Tracked notes by which tracking number the carrier knows what it collects for an order
// that ships, in its transaction: that of the first parcel that stands.
func (s *Service) Tracked(ctx context.Context, orderID uuid.UUID, tracking string) error {
	all, err := s.Store.LockedOf(ctx, orderID)
	if err != nil {
		return err
	}
	for _, p := range all {
		if !p.byCarrier() || tracking == "" && !p.Uncollected {
			continue
		}
		p.Reference, p.Uncollected, p.UpdatedAt = cmp.Or(tracking, p.Reference), false, s.Now()
		if err := s.Store.Update(ctx, p); err != nil {
			return err
		}
	}
	return nil
}
