package payment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
)

// settle writes down what a gateway said to an operation.
func (s *Service) settle(ctx context.Context, orderID, operationID uuid.UUID, a Answer, callErr error) (Payment, error) {
	var p Payment
	var outcome error
	err := s.Tx.InTx(ctx, func(ctx context.Context) (err error) {
		p, outcome, err = s.settleIn(ctx, orderID, operationID, a, callErr)
		return err
	})
	if err != nil {
		return p, err
	}
	return p, outcome
}

// settleIn is settle in a transaction: outcome is what the caller is told, err
// rolls back.
func (s *Service) settleIn(ctx context.Context, orderID, operationID uuid.UUID, a Answer, callErr error) (p Payment, outcome, err error) {
	due, all, err := s.hold(ctx, orderID, false)
	if err != nil {
		return p, nil, err
	}
	op, err := s.Store.Operation(ctx, operationID)
	if err != nil || op == nil {
		return p, nil, errors.Join(err, fault.ErrNotFound)
	}
	p, ok := among(all, op.PaymentID)
	if !ok {
		return p, nil, fault.ErrNotFound
	}
	if op.Status != OperationOutstanding { // a webhook or the other worker was quicker
		return p, nil, nil
	}
	outcome = op.answered(a, callErr, s.Now())
	if err := s.Store.UpdateOperation(ctx, *op); err != nil {
		return p, nil, err
	}
	charged := p.charged(*op)
	if callErr != nil {
		if op.Status != OperationRefused || op.Kind != OperationStart || !charged && p.Method != MethodConvenienceStore {
			return p, outcome, nil
		}
		a = Answer{Decline: &Decline{Code: "refused"}}
	}
	after, err := s.advance(ctx, due, all, p, a)
	if err == nil && charged && op.Status != OperationDone {
		err = s.tellDeclined(ctx, due, after)
	}
	return after, outcome, err
}

// answered puts the answer to an operation down and says what to tell the caller.
func (o *Operation) answered(a Answer, callErr error, now time.Time) error {
	switch {
	case errors.Is(callErr, ErrUnanswered), errors.Is(callErr, context.DeadlineExceeded), errors.Is(callErr, context.Canceled):
		o.Detail = callErr.Error()
		return errors.Join(ErrUnconfirmed, callErr)
	case callErr != nil:
		o.Status, o.Detail, o.AnsweredAt = OperationRefused, callErr.Error(), &now
		return errors.Join(ErrPaymentRefused, callErr)
	case a.Decline != nil && o.Kind == OperationStart:
		o.Status, o.Detail, o.AnsweredAt = OperationDeclined, a.Decline.Code, &now
		return ErrCardDeclined
	}
	o.Status, o.AnsweredAt = OperationDone, &now
	return nil
}

// advance moves a payment on by an answer, and gives back what came in for an
// order that is no more.
func (s *Service) advance(ctx context.Context, due Due, all []Payment, p Payment, a Answer) (Payment, error) {
	if cause := p.unlike(a); cause != "" {
		return p, s.stray(ctx, p.Gateway, &p, a, cause)
	}
	after := p.Advance(a, s.Now())
	if err := s.save(ctx, due, all, p, after); err != nil {
		return p, err
	}
	if err := errors.Join(s.dropOthers(ctx, due, all, after), s.tellSlip(ctx, due, p, after), s.repaid(ctx, all, p, after)); err != nil {
		return p, err
	}
	switch {
	case due.Cancelled && after.CapturedMinor > after.RefundedMinor:
		return after, s.giveBack(ctx, after, after.CapturedMinor-after.RefundedMinor, "ORDER_CANCELLED")
	case after.Status == StatusCancelled && after.CapturedMinor == 0 && a.Status != StatusCancelled && a.Reference != "":
		return after, s.ask(ctx, after, OperationVoid, 0, "CANCELLED_MEANWHILE")
	}
	return after, nil
}

// dropOthers gives up the other open payments of an order that this one pays.
func (s *Service) dropOthers(ctx context.Context, due Due, all []Payment, paid Payment) error {
	if paid.Open() || TotalsOf(all).Secured() < due.Amount {
		return nil
	}
	for _, p := range all {
		if p.ID != paid.ID && p.Open() && p.CapturedMinor == 0 {
			if err := s.giveUp(ctx, p, "PAID_OTHERWISE"); err != nil {
				return err
			}
		}
	}
	return nil
}

func among(all []Payment, key uuid.UUID) (Payment, bool) {
	for _, p := range all {
		if p.ID == key {
			return p, true
		}
	}
	return Payment{}, false
}

// ask writes down an operation and queues it.
func (s *Service) ask(ctx context.Context, p Payment, kind OperationKind, amount int64, reason string) error {
	outstanding, err := s.Store.Outstanding(ctx, p.ID)
	if err != nil {
		return err
	}
	for _, o := range outstanding {
		switch {
		case o.Kind != kind:
		case kind == OperationCapture && o.AmountMinor < amount: // once it is taken the gateway lets go of the rest
			return ErrInProgress
		default: // asked already
			return nil
		}
	}
	op := Operation{
		ID: id.New(), PaymentID: p.ID, Kind: kind, Status: OperationOutstanding, AmountMinor: amount, Reason: reason, CreatedAt: s.Now(),
	}
	if err := s.Store.InsertOperation(ctx, op); err != nil {
		return err
	}
	return s.Jobs.Operate(ctx, op.ID)
}

// giveBack refunds through the gateway. Money that came in by bank transfer or at a
// convenience store is sent back by staff: the operation stays open until they have recorded it.
func (s *Service) giveBack(ctx context.Context, p Payment, amount int64, reason string) error {
	g, err := s.byName(p.Gateway)
	if errors.Is(err, errGatewayOff) {
		return s.leave(ctx, p, OperationRefund, amount, reason)
	}
	if err != nil {
		return err
	}
	if own, ok := g.(Own); ok {
		return s.putBack(ctx, own, p, amount, reason)
	}
	if !byHand(g) {
		return s.ask(ctx, p, OperationRefund, amount, reason)
	}
	e := event.New(ctx, s.Now(), "payment.refund_due", "Payment", p.ID, map[string]any{
		"orderId": p.OrderID, "amount": amount, "currency": p.Currency, "reason": reason,
	})
	e.BrandID = p.BrandID
	return s.Events.Record(ctx, e)
}

// leave writes down, on the list of what staff see to, what a gateway cannot be asked that
// was switched off.
func (s *Service) leave(ctx context.Context, p Payment, kind OperationKind, amount int64, reason string) error {
	now := s.Now()
	return s.Store.InsertOperation(ctx, Operation{
		ID: id.New(), PaymentID: p.ID, Kind: kind, Status: OperationRefused, AmountMinor: amount, Reason: reason, Detail: "the gateway is switched off",
		CreatedAt: now, AnsweredAt: &now,
	})
}

// giveUp cancels a payment that has not been paid, here at once and at the
// gateway soon.
func (s *Service) giveUp(ctx context.Context, p Payment, reason string) error {
	after := p
	after.Status, after.UpdatedAt = StatusCancelled, s.Now()
	after.settleStatus()
	if err := s.Store.Update(ctx, after); err != nil {
		return err
	}
	if err := s.record(ctx, p, after); err != nil {
		return err
	}
	g, err := s.byName(p.Gateway)
	off := errors.Is(err, errGatewayOff)
	if err != nil && !off {
		return err
	}
	if _, offline := g.(Offline); offline {
		return nil
	}
	if p.Reference != "" && !off {
		return s.ask(ctx, after, OperationVoid, 0, reason)
	}
	// A start may be under way whose answer nobody has yet: whatever it turns out
	// to have done is undone when it is known.
	outstanding, err := s.Store.Outstanding(ctx, p.ID)
	if err != nil {
		return err
	}
	if off && (p.Reference != "" || len(outstanding) > 0) {
		return s.leave(ctx, after, OperationVoid, 0, reason)
	}
	for _, o := range outstanding {
		if err := s.Jobs.Operate(ctx, o.ID); err != nil {
			return err
		}
	}
	return nil
}

// Release gives up or gives back all money of an order that was cancelled, in
// the order's transaction, which has the order's row locked. It answers what goes
// back to the customer.
func (s *Service) Release(ctx context.Context, orderID uuid.UUID, reason string) (refund int64, err error) {
	all, err := s.Store.LockedOf(ctx, orderID)
	if err != nil {
		return 0, err
	}
	if err := s.lockOwn(ctx, all); err != nil {
		return 0, err
	}
	for _, p := range all {
		switch back := p.CapturedMinor - p.RefundedMinor; {
		case back > 0:
			refund += back
			err = s.giveBack(ctx, p, back, reason)
		case p.Open() || p.Status == StatusAuthorised:
			err = s.giveUp(ctx, p, reason)
		}
		if err != nil {
			return 0, fmt.Errorf("release payment %s: %w", p.ID, err)
		}
	}
	return refund, nil
}

// Take captures what is held for an order that ships, up to its total, in its
// transaction; the gateway lets go of the rest. While less than that is being taken, it is
// ErrInProgress.
func (s *Service) Take(ctx context.Context, orderID uuid.UUID, total int64) error {
	all, err := s.Store.LockedOf(ctx, orderID)
	if err != nil {
		return err
	}
	rest := total
	for _, p := range all {
		rest -= p.CapturedMinor - p.RefundedMinor
	}
	for _, p := range all {
		if p.Status != StatusAuthorised {
			continue
		}
		amount := min(p.AuthorisedMinor, rest)
		if amount <= 0 {
			err = s.giveUp(ctx, p, edited)
		} else {
			err = s.ask(ctx, p, OperationCapture, amount, "SHIPPED")
		}
		if err != nil {
			return err
		}
		rest -= amount
	}
	return nil
}

// Adjusted is how the payments of an order stand after it was edited.
type Adjusted struct {
	Covered int64 // what is there or held, less what goes back
	Refund  int64 // what goes back now
}

// Adjust gives back what an order that came to so much, and now comes to the total, has
// paid too much, the last payment first, in the order's transaction. Held money stays
// held: Take leaves what is too much. While an earlier refund is under way, or the money
// is being taken, it is ErrInProgress. What was too much before the edit and is sent back by staff is due
// already: only the difference is added to it.
func (s *Service) Adjust(ctx context.Context, orderID uuid.UUID, before, total int64) (a Adjusted, _ error) {
	all, err := s.Store.LockedOf(ctx, orderID)
	if err != nil {
		return a, err
	}
	var there int64
	under := make([]int64, len(all))
	for i, p := range all {
		if under[i], err = s.moving(ctx, p.ID); err != nil {
			return a, err
		}
		there += p.CapturedMinor - p.RefundedMinor - under[i]
		a.Covered += p.AuthorisedMinor
	}
	a.Covered += there
	due := max(there-max(before, total), 0) // staff know of it
	if there > total {
		if err := s.lockOwn(ctx, all); err != nil {
			return a, err
		}
	}
	for i := len(all) - 1; i >= 0 && there > total; i-- {
		back := min(there-total, all[i].CapturedMinor-all[i].RefundedMinor-under[i])
		switch {
		case back <= 0:
			continue
		case under[i] > 0:
			return a, ErrInProgress
		}
		there, a.Covered = there-back, a.Covered-back
		if hand, err := s.sentByStaff(all[i]); err != nil {
			return a, err
		} else if hand {
			known := min(back, due)
			due, back = due-known, back-known
		}
		if back == 0 {
			continue
		}
		if err := s.giveBack(ctx, all[i], back, edited); err != nil {
			return a, err
		}
		a.Refund += back
	}
	return a, nil
}

// sentByStaff reports whether what goes back of a payment stays owed until staff have sent
// it: by hand, or as its gateway was switched off.
func (s *Service) sentByStaff(p Payment) (bool, error) {
	g, err := s.byName(p.Gateway)
	if errors.Is(err, errGatewayOff) {
		return true, nil
	}
	_, own := g.(Own)
	return byHand(g) && !own, err
}
