package payment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/noren-commerce/noren/core/access"
)

// Expire gives up the orders that were not paid in time. Before that, the gateway
// is asked once more: a webhook may have been lost. What cannot be settled now, such as an
// order that was paid in part, holds up no other.
func (s *Service) Expire(ctx context.Context) error {
	ctx = access.With(ctx, access.System)
	var all []error
	var after Payment
	for now := s.Now(); ; {
		overdue, err := s.Store.Overdue(ctx, now, after, batch)
		if err != nil {
			return errors.Join(append(all, err)...)
		}
		for _, p := range overdue {
			if err := s.expire(ctx, p); err != nil {
				all = append(all, fmt.Errorf("payment %s: %w", p.ID, err))
			}
		}
		if len(overdue) < batch {
			return errors.Join(all...)
		}
		after = overdue[len(overdue)-1]
	}
}

func (s *Service) expire(ctx context.Context, p Payment) error {
	if err := s.refresh(ctx, p); err != nil {
		return err
	}
	return s.Tx.InTx(ctx, func(ctx context.Context) error {
		due, all, err := s.hold(ctx, p.OrderID, false)
		if err != nil || !lapsed(all, p, s.Now()) {
			return err
		}
		if due.Cancelled || TotalsOf(all).Secured() >= due.Amount { // nobody waits for it
			return s.close(ctx, all, p)
		}
		if besidesOwn(all) > 0 {
			return nil
		}
		if waits, err := s.unanswered(ctx, p); err != nil || waits {
			return err
		}
		if err := s.orders.PaymentExpired(ctx, p.OrderID); err != nil {
			return err
		}
		if all, err = s.Store.LockedOf(ctx, p.OrderID); err != nil {
			return err
		}
		return s.close(ctx, all, p) // of an order that stands: it may be paid by another
	})
}

// lapsed reports whether the time is over in which the payment's order could be paid: by
// none that is open, and by the last that was not.
func lapsed(all []Payment, p Payment, at time.Time) bool {
	now, ok := among(all, p.ID)
	waits := slices.ContainsFunc(all, func(o Payment) bool { return o.Open() && (o.DueAt == nil || o.DueAt.After(at)) })
	return ok && !waits && now.CapturedMinor == 0 && now.DueAt != nil && !now.DueAt.After(at) && (now.Open() || now.Status == StatusCancelled)
}

// close gives up a payment, if it is open, for which its order does not wait any more.
func (s *Service) close(ctx context.Context, all []Payment, p Payment) error {
	if now, _ := among(all, p.ID); now.Open() {
		return s.giveUp(ctx, now, "EXPIRED")
	}
	return nil
}

// unanswered reports whether an attempt whose answer is missing may yet have paid: that is
// waited for, as long as there is somebody to ask.
func (s *Service) unanswered(ctx context.Context, p Payment) (bool, error) {
	if _, err := s.byName(p.Gateway); err != nil {
		return false, nil
	}
	outstanding, err := s.Store.Outstanding(ctx, p.ID)
	return len(outstanding) > 0, err
}

// refresh takes over the gateway's present word on a payment it knows.
func (s *Service) refresh(ctx context.Context, p Payment) error {
	g, err := s.byName(p.Gateway)
	if errors.Is(err, errGatewayOff) { // nobody can be asked any more
		return nil
	}
	if err != nil {
		return err
	}
	if _, offline := g.(Offline); offline || p.Reference == "" || !p.Open() {
		return nil
	}
	found, err := s.find(ctx, g, p, Operation{})
	if errors.Is(err, ErrNeverArrived) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.Tx.InTx(ctx, func(ctx context.Context) error {
		due, all, err := s.hold(ctx, p.OrderID, false)
		if err != nil {
			return err
		}
		if now, ok := among(all, p.ID); ok {
			_, err = s.advance(ctx, due, all, now, found)
		}
		return err
	})
}
