package payment

import (
	"context"
	"errors"
	"strconv"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

// edited is why a payment is given up, or money goes back, of an order that was edited.
const edited = "ORDER_EDITED"

// Reask lets the open payments of an order that came to so much, and now comes to the
// total, ask for what is left of that, in the order's transaction. A carrier learns the
// amount with the parcel; a convenience store is asked anew as long as its slip was not, else
// it is ErrCollectorTold. The customer is mailed what to transfer. A card that waits to be
// confirmed at the old amount is given up, and another payment waits in its place; while the
// gateway is asked, it is ErrInProgress.
func (s *Service) Reask(ctx context.Context, orderID uuid.UUID, before, total int64) error {
	all, err := s.Store.LockedOf(ctx, orderID)
	if err != nil {
		return err
	}
	secured := TotalsOf(all).Secured()
	for _, p := range all {
		if !p.Open() {
			continue
		}
		others := secured - (p.CapturedMinor - p.RefundedMinor)
		asks := p.reasked(before-others, total-others)
		if err := s.change(ctx, p, asks-p.AmountMinor); err != nil {
			return err
		}
		before, total = before-(p.AmountMinor-p.CapturedMinor), total-(asks-p.CapturedMinor) // another asks for the rest only
	}
	return nil
}

// reasked is what the payment asks for when its order came to so much besides its other
// payments, and now comes to the total: all of that if it asked for all, else its part, as
// far as there is so much. It is never less than what has come in.
func (p Payment) reasked(before, total int64) int64 {
	amount := max(total, 0)
	if p.AmountMinor < before {
		amount = min(amount, p.AmountMinor)
	}
	return max(amount, p.CapturedMinor)
}

// change lets an open payment ask for so much more, or less, by the way that it is paid.
func (s *Service) change(ctx context.Context, p Payment, difference int64) error {
	switch {
	case difference == 0:
		return nil
	case p.Method == MethodConvenienceStore:
		if err := s.askAnew(ctx, &p, difference); err != nil {
			return err
		}
	case p.Method == MethodCard:
		return s.chargeAnew(ctx, p, difference)
	}
	nothing := p.AmountMinor+difference <= 0
	if err := s.reask(ctx, &p, difference); err != nil || nothing || p.Method != MethodBankTransfer {
		return err
	}
	return s.instruct(ctx, p)
}

// instruct mails what is to be transferred now, unless it is there.
func (s *Service) instruct(ctx context.Context, p Payment) error {
	if p.Received() {
		before := p
		p.settleStatus()
		return errors.Join(s.Store.Update(ctx, p), s.record(ctx, before, p))
	}
	due, err := s.orders.PaymentDue(access.With(ctx, access.System), p.OrderID)
	if err != nil || due.Email == "" || p.Instructions == nil {
		return err
	}
	how := *p.Instructions
	how.Amount -= p.CapturedMinor
	return s.mail(ctx, due, p.ID.String()+":"+strconv.FormatInt(p.UpdatedAt.UnixMicro(), 10), how.transfer(due.Name, due.Number))
}

// chargeAnew lets a card be charged another amount. Of what is being asked, nobody knows
// what becomes.
func (s *Service) chargeAnew(ctx context.Context, p Payment, difference int64) error {
	outstanding, err := s.Store.Outstanding(ctx, p.ID)
	switch {
	case err != nil:
		return err
	case len(outstanding) > 0:
		return ErrInProgress
	case p.Reference == "" || p.AmountMinor+difference <= 0: // no customer can confirm it yet, or any more
		return s.reask(ctx, &p, difference)
	}
	if err := s.giveUp(ctx, p, edited); err != nil {
		return err
	}
	now := s.Now()
	return s.Store.Insert(ctx, Payment{
		ID: id.New(), BrandID: p.BrandID, OrderID: p.OrderID, Method: p.Method, Gateway: p.Gateway, Status: StatusPending,
		Currency: p.Currency, AmountMinor: p.AmountMinor + difference, CardID: p.CardID, DueAt: p.DueAt, CreatedAt: now, UpdatedAt: now,
	})
}

// askAnew forgets the slip that was to be asked for, and asks for one of so much more. Of
// what is being asked, nobody knows what becomes.
func (s *Service) askAnew(ctx context.Context, p *Payment, difference int64) error {
	if p.issued() {
		return ErrCollectorTold
	}
	outstanding, err := s.Store.Outstanding(ctx, p.ID)
	if err != nil {
		return err
	}
	for _, o := range outstanding {
		if o.Kind != OperationStart {
			continue
		}
		if o.LastCallAt != nil {
			return ErrCollectorTold
		}
		now := s.Now()
		o.Status, o.AnsweredAt, o.Detail = OperationAbandoned, &now, "the order was changed before the call"
		if err := s.Store.UpdateOperation(ctx, o); err != nil {
			return err
		}
		if p.AmountMinor+difference > 0 {
			anew := Operation{ID: id.New(), PaymentID: p.ID, Kind: OperationStart, Status: OperationOutstanding, AmountMinor: p.AmountMinor + difference, CreatedAt: now}
			if err := s.Opened(ctx, Draft{Payment: *p, Start: &anew}); err != nil {
				return err
			}
		}
	}
	return nil
}
