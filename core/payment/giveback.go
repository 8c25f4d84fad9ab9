package payment

import (
	"context"

	"github.com/google/uuid"
)

// GiveBack gives so much back of what an order has paid, the newest payment first, in
// the order's transaction. It never gives more than is left of what was received, and
// answers how much it gave. The same key gives once. A bank transfer is written down as
// sent back; that staff have to send it is an event.
func (s *Service) GiveBack(ctx context.Context, orderID uuid.UUID, key string, minor int64, reason string) (given int64, err error) {
	due, all, err := s.hold(ctx, orderID, false)
	if err != nil {
		return 0, err
	}
	for i := len(all) - 1; i >= 0 && given < minor; i-- {
		p := all[i]
		in := RefundInput{PaymentID: p.ID, Reason: reason, IdempotencyKey: key + ":" + p.ID.String()}
		earlier, err := s.Store.OperationByClientKey(ctx, orderID, in.IdempotencyKey)
		if err != nil {
			return given, err
		}
		if earlier != nil {
			given += earlier.AmountMinor
			continue
		}
		under, err := s.refunding(ctx, p.ID)
		if err != nil {
			return given, err
		}
		amount := min(p.CapturedMinor-p.RefundedMinor-under, minor-given)
		if amount <= 0 {
			continue
		}
		if err := s.giveBackPart(ctx, due, all, p, in, amount); err != nil {
			return given, err
		}
		given += amount
	}
	return given, nil
}

func (s *Service) giveBackPart(ctx context.Context, due Due, all []Payment, p Payment, in RefundInput, amount int64) error {
	g, err := s.byName(p.Gateway)
	if err != nil {
		return err
	}
	if _, offline := g.(Offline); offline {
		if err := s.giveBack(ctx, p, amount, in.Reason); err != nil {
			return err
		}
	}
	_, err = s.refundNow(ctx, due, all, p, in, amount)
	return err
}
