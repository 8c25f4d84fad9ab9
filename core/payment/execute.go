package payment

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
)

// Execute carries out an operation that was written down, or finds out what
// became of it. It fails as long as there is no answer: run it again later.
func (s *Service) Execute(ctx context.Context, operationID uuid.UUID) error {
	ctx = access.With(ctx, access.System)
	op, err := s.Store.Operation(ctx, operationID)
	if err != nil {
		return err
	}
	if op == nil || op.Status != OperationOutstanding {
		return nil
	}
	p, err := s.Store.Payment(ctx, op.PaymentID)
	if err != nil || p == nil {
		return errors.Join(err, fault.ErrNotFound)
	}
	g, err := s.byName(p.Gateway)
	if err != nil {
		return err
	}
	if _, issues := g.(Issuer); op.Kind == OperationStart && (issues || p.charged(*op)) {
		return s.issue(ctx, g, *p, op)
	}
	if op.Kind == OperationStart {
		return s.lookUp(ctx, g, *p, *op)
	}
	answer, callErr := s.perform(ctx, g, *p, op, s.asking(g, *p, *op))
	return s.answered(ctx, *p, *op, answer, callErr)
}

// answered writes down what a gateway said to a job's question.
func (s *Service) answered(ctx context.Context, p Payment, op Operation, answer Answer, callErr error) error {
	if callErr != nil && errors.Is(callErr, errStore) {
		return callErr
	}
	_, err := s.settle(ctx, p.OrderID, op.ID, answer, callErr)
	if errors.Is(err, ErrPaymentRefused) { // written down for staff; another try would be refused too
		s.Log.ErrorContext(ctx, "a gateway refuses an operation", "operation", op.ID, "kind", op.Kind, "payment", p.ID, "error", err)
		return nil
	}
	if errors.Is(err, ErrCardDeclined) {
		return nil
	}
	return err
}

// errStore marks a failure of ours in between, not of the gateway.
var errStore = errors.New("write down the call")

// perform asks the gateway, after looking whether an earlier call has arrived.
func (s *Service) perform(ctx context.Context, g Gateway, p Payment, op *Operation, ask func(context.Context) (Answer, error)) (Answer, error) {
	if op.Attempts > 0 {
		found, err := s.find(ctx, g, p, *op)
		if !errors.Is(err, ErrNeverArrived) {
			return found, err
		}
	}
	now := s.Now()
	op.Attempts, op.LastCallAt = op.Attempts+1, &now
	if err := s.Store.UpdateOperation(ctx, *op); err != nil {
		return Answer{}, fmt.Errorf("%w: %w", errStore, err)
	}
	return s.call(ctx, g, strings.ToLower(string(op.Kind)), ask)
}

// asking is the call to the gateway that an operation stands for.
func (*Service) asking(g Gateway, p Payment, op Operation) func(context.Context) (Answer, error) {
	amount := AmountRequest{Key: op.ID, PaymentID: p.ID, Reference: p.Reference, Amount: op.AmountMinor, Currency: p.Currency}
	return func(ctx context.Context) (Answer, error) {
		switch op.Kind {
		case OperationCapture:
			return g.Capture(ctx, amount)
		case OperationRefund:
			return g.Refund(ctx, amount)
		case OperationVoid:
			return g.Void(ctx, VoidRequest{Key: op.ID, PaymentID: p.ID, Reference: p.Reference})
		}
		return Answer{}, fmt.Errorf("%w: %s", ErrUnsupported, op.Kind)
	}
}

// find asks a gateway what became of a payment, and of an operation on it.
func (s *Service) find(ctx context.Context, g Gateway, p Payment, op Operation) (Answer, error) {
	return s.call(ctx, g, "find", func(ctx context.Context) (Answer, error) {
		return g.Find(ctx, FindRequest{PaymentID: p.ID, Reference: p.Reference, Operation: op, Since: p.CreatedAt})
	})
}

// lookUp finds out what became of a start whose answer was lost. A start that
// never arrived is not made up for: the customer may have gone elsewhere.
func (s *Service) lookUp(ctx context.Context, g Gateway, p Payment, op Operation) error {
	if op.LastCallAt != nil && s.Now().Sub(*op.LastCallAt) < lostAfter {
		return fmt.Errorf("%w: it may still be under way", ErrUnanswered)
	}
	found, err := s.find(ctx, g, p, op)
	if errors.Is(err, ErrNeverArrived) {
		return s.abandon(ctx, op.ID)
	}
	_, err = s.settle(ctx, p.OrderID, op.ID, found, err)
	if errors.Is(err, ErrCardDeclined) {
		return nil
	}
	return err
}

func (s *Service) abandon(ctx context.Context, operationID uuid.UUID) error {
	return s.Tx.InTx(ctx, func(ctx context.Context) error {
		op, err := s.Store.Operation(ctx, operationID)
		if err != nil || op == nil || op.Status != OperationOutstanding {
			return err
		}
		now := s.Now()
		op.Status, op.AnsweredAt, op.Detail = OperationAbandoned, &now, "the call never arrived"
		return s.Store.UpdateOperation(ctx, *op)
	})
}

// batch bounds how many payments, or operations, one page of Reconcile and Expire has.
const batch = 100

// Reconcile looks up every operation whose answer is missing, and those of them that were
// looked up before less and less often. What stays unanswered holds up no other; where a round
// breaks off, the next begins with those that it did not come to.
func (s *Service) Reconcile(ctx context.Context) error {
	var all []error
	var after Operation
	for now := s.Now(); ; {
		lost, err := s.Store.Unanswered(ctx, now, now.Add(-lostAfter), after, batch)
		if err != nil || len(lost) == 0 {
			return errors.Join(append(all, err)...)
		}
		for i := range lost {
			lost[i].lookedUp(now)
		}
		if err := s.Store.LookAgain(ctx, lost); err != nil {
			return errors.Join(append(all, err)...)
		}
		for _, op := range lost {
			if ctx.Err() != nil {
				return errors.Join(append(all, ctx.Err())...)
			}
			if err := s.Execute(ctx, op.ID); err != nil {
				all = append(all, fmt.Errorf("operation %s: %w", op.ID, err))
			}
		}
		if len(lost) < batch {
			return errors.Join(all...)
		}
		after = lost[len(lost)-1]
	}
}

// longestWait is how long an operation without an answer is left alone at most.
const longestWait = time.Hour

// lookedUp counts a lookup, and puts the next off twice as long as it was put off before.
func (o *Operation) lookedUp(now time.Time) {
	wait := longestWait
	if o.Lookups < 5 {
		wait = min(wait, lostAfter<<o.Lookups)
	}
	next := now.Add(wait)
	o.Lookups, o.LookAt = o.Lookups+1, &next
}

// remembered is how long a webhook's event is known again. Gateways send an event
// for some days, and sign it anew each time.
const remembered = 90 * 24 * time.Hour

// Forget drops what is known of webhooks that no gateway sends any more.
func (s *Service) Forget(ctx context.Context) error {
	return s.Store.ForgetNotices(ctx, s.Now().Add(-remembered))
}
