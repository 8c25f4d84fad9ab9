package payment

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/ledger"
)

// GiveBackInput is what an order's customer gets for goods that came back.
type GiveBackInput struct {
	OrderID   uuid.UUID
	CauseID   uuid.UUID // what came back: it gives money back once
	Minor     int64
	Reference string
}

// GiveBack gives the money for goods that came back, the newest payment first, in the
// transaction that receives them. It never gives more than is left of what was received,
// and answers how much it gave. A bank transfer is written down as sent back; that staff
// have to send it is an event.
func (s *Service) GiveBack(ctx context.Context, in GiveBackInput) (given int64, err error) {
	due, all, err := s.hold(ctx, in.OrderID, false)
	if err != nil {
		return 0, err
	}
	parts := make([]int64, len(all))
	for i := len(all) - 1; i >= 0; i-- {
		under, err := s.refunding(ctx, all[i].ID)
		if err != nil {
			return 0, err
		}
		parts[i] = max(0, min(all[i].CapturedMinor-all[i].RefundedMinor-under, in.Minor-given))
		given += parts[i]
	}
	if given == 0 {
		return 0, nil
	}
	if err := s.Books.GoodsReturned(ctx, ledger.Returned{
		OrderID: in.OrderID, BrandID: due.BrandID, CauseID: in.CauseID, Currency: due.Currency, Minor: given, Reference: in.Reference,
	}); err != nil {
		return 0, err
	}
	for i, amount := range parts {
		if amount == 0 {
			continue
		}
		if err := s.giveBackPart(ctx, due, all, all[i], in, amount); err != nil {
			return 0, err
		}
	}
	return given, nil
}

func (s *Service) giveBackPart(ctx context.Context, due Due, all []Payment, p Payment, in GiveBackInput, amount int64) error {
	g, err := s.byName(p.Gateway)
	if err != nil {
		return err
	}
	reason := "RETURN " + in.Reference
	if _, own := g.(Own); byHand(g) && !own { // staff have to send it
		if err := s.giveBack(ctx, p, amount, reason); err != nil {
			return err
		}
	}
	_, err = s.refundNow(ctx, due, all, p, RefundInput{PaymentID: p.ID, Reason: reason, IdempotencyKey: "return:" + in.CauseID.String()}, amount)
	return err
}
