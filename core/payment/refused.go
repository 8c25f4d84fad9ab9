package payment

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/fault"
)

// RefusedInput is a shipment that its customer did not accept.
type RefusedInput struct {
	OrderID     uuid.UUID
	CauseID     uuid.UUID // the shipment: it gives money back once
	Minor       int64     // its share of the order
	Uncollected bool      // the carrier was to collect the money with it
	Reference   string
}

// ErrCollectorTold says that whoever collects an order's money has been told how much.
var ErrCollectorTold = fault.Conflict("COLLECTOR_TOLD", "請求額を運送会社・コンビニに伝えた後のため変更できません（代金引換は出荷指示を取り消すと変更できます）", "Whoever collects the money has been told how much; of cash on delivery, call the shipments off first")

// Refused gives back what was paid for a shipment that its customer did not accept, the
// newest payment first, in the transaction that takes it back. What a carrier was to
// collect with it, and now does not, is not asked for; what it collects with another
// parcel goes back when it is there. While money is being taken it is ErrInProgress.
func (s *Service) Refused(ctx context.Context, in RefusedInput) (a Adjusted, _ error) {
	due, all, err := s.hold(ctx, in.OrderID, false)
	if err != nil {
		return a, err
	}
	left := in.Minor
	for i := range all {
		p := &all[i]
		if p.Method != MethodCashOnDelivery || !p.Open() {
			continue
		}
		less := max(min(left, p.AmountMinor-p.CapturedMinor), 0)
		if in.Uncollected {
			if err := s.reask(ctx, p, -less); err != nil {
				return a, err
			}
		}
		left -= less
	}
	parts := make([]int64, len(all))
	for i := len(all) - 1; i >= 0; i-- {
		under, err := s.moving(ctx, all[i].ID)
		if err != nil {
			return a, err
		}
		parts[i] = max(0, min(all[i].CapturedMinor-all[i].RefundedMinor-under, left))
		left, a.Refund = left-parts[i], a.Refund+parts[i]
		a.Covered += all[i].AuthorisedMinor + all[i].CapturedMinor
	}
	if err := s.lockOwn(ctx, all); err != nil {
		return a, err
	}
	for i, amount := range parts {
		if amount == 0 {
			continue
		}
		if err := s.giveBackPart(ctx, due, all, all[i], GiveBackInput{OrderID: in.OrderID, CauseID: in.CauseID, Reference: in.Reference}, amount); err != nil {
			return a, err
		}
	}
	return a, nil
}

// reask asks for so much more, or less; nothing any more if that is all.
func (s *Service) reask(ctx context.Context, p *Payment, difference int64) error {
	if difference == 0 {
		return nil
	}
	if p.AmountMinor+difference <= 0 {
		return s.giveUp(ctx, *p, edited)
	}
	p.AmountMinor, p.UpdatedAt = p.AmountMinor+difference, s.Now()
	p.OwedBackMinor = min(p.OwedBackMinor, p.AmountMinor)
	if how := p.Instructions; how != nil {
		told := *how
		told.Amount = p.AmountMinor
		p.Instructions = &told
	}
	return s.Store.Update(ctx, *p)
}
