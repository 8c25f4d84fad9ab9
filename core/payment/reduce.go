package payment

import (
	"context"

	"github.com/google/uuid"
)

// Reduce gives back what was paid for pieces of an order that do not leave any more,
// while others have: the difference, as far as it was received, the last payment first.
// What went back before was for something else, such as goods that came back. While a
// refund is under way, or the money is being taken, it is ErrInProgress.
func (s *Service) Reduce(ctx context.Context, orderID uuid.UUID, before, total int64) (a Adjusted, _ error) {
	all, err := s.Store.LockedOf(ctx, orderID)
	if err != nil {
		return a, err
	}
	var captured int64
	under := make([]int64, len(all))
	for i, p := range all {
		if under[i], err = s.moving(ctx, p.ID); err != nil {
			return a, err
		}
		captured += p.CapturedMinor
		a.Covered += p.covered()
	}
	due := min(before-total, captured-total)
	if due > 0 {
		if err := s.lockOwn(ctx, all); err != nil {
			return a, err
		}
	}
	for i := len(all) - 1; i >= 0 && due > 0; i-- {
		back := min(due, all[i].CapturedMinor-all[i].RefundedMinor-under[i])
		switch {
		case back <= 0:
			continue
		case under[i] > 0:
			return a, ErrInProgress
		}
		if err := s.giveBack(ctx, all[i], back, edited); err != nil {
			return a, err
		}
		due, a.Refund = due-back, a.Refund+back
	}
	return a, nil
}

// moving is what is being given back of a payment and not yet confirmed. While its money
// is being taken, nobody knows what there is to give back: that is ErrInProgress.
func (s *Service) moving(ctx context.Context, paymentID uuid.UUID) (back int64, err error) {
	outstanding, err := s.Store.Outstanding(ctx, paymentID)
	for _, o := range outstanding {
		switch o.Kind {
		case OperationCapture:
			return 0, ErrInProgress
		case OperationRefund:
			back += o.AmountMinor
		}
	}
	return back, err
}
