package payment

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/ledger"
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
// collect with it, and now does not, is not asked for, and what is owed for goods that came
// back is set off against the rest; what it collects with another parcel goes back when it
// is there. While money is being taken it is ErrInProgress.
func (s *Service) Refused(ctx context.Context, in RefusedInput) (a Adjusted, _ error) {
	due, all, err := s.hold(ctx, in.OrderID, false)
	if err != nil {
		return a, err
	}
	left := in.Minor
	for i := range all {
		p := &all[i]
		if !p.byCarrier() {
			continue
		}
		less := max(min(left, p.AmountMinor-p.CapturedMinor), 0)
		if err := s.uncollected(ctx, due, p, in, less); err != nil {
			return a, err
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
		a.Covered += all[i].covered()
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

// uncollected lets a carrier's payment ask for so much less, if the refused parcel was the one
// to collect it with or nobody was to any more, and sets off what is owed against the rest.
func (s *Service) uncollected(ctx context.Context, due Due, p *Payment, in RefusedInput, less int64) error {
	if !in.Uncollected && !p.Uncollected {
		return nil
	}
	var deposited int64 // in the books: they knew of no collection
	if !in.Uncollected {
		deposited = less
	}
	p.Uncollected = true
	owed := min(p.OwedBackMinor, max(p.AmountMinor-p.CapturedMinor-less, 0))
	p.OwedBackMinor, p.SetOffMinor = p.OwedBackMinor-owed, p.SetOffMinor+owed
	if less+owed == 0 {
		return s.Store.Update(ctx, *p)
	}
	return errors.Join(s.bookSetOff(ctx, due, in.CauseID, owed+deposited), s.reask(ctx, p, -less-owed))
}

// setOffAll sets what is owed for goods that came back off against what nobody brings, and
// tells the order, which may be paid by that.
func (s *Service) setOffAll(ctx context.Context, due Due, all []Payment, in GiveBackInput) error {
	var sum int64
	for i := range all {
		p := &all[i]
		if !p.byCarrier() || !p.Uncollected || p.OwedBackMinor == 0 {
			continue
		}
		owed := p.OwedBackMinor
		p.OwedBackMinor, p.SetOffMinor, sum = 0, p.SetOffMinor+owed, sum+owed
		if err := s.reask(ctx, p, -owed); err != nil {
			return err
		}
	}
	if sum == 0 {
		return nil
	}
	if err := s.bookSetOff(ctx, due, in.CauseID, sum); err != nil {
		return err
	}
	_, err := s.orders.PaymentChanged(access.With(ctx, access.System), due.OrderID, TotalsOf(all))
	return err
}

// bookSetOff writes down that so much of what the order's customer is owed is not asked for.
func (s *Service) bookSetOff(ctx context.Context, due Due, causeID uuid.UUID, minor int64) error {
	return s.Books.SetOff(ctx, ledger.Returned{
		OrderID: due.OrderID, BrandID: due.BrandID, CauseID: causeID, Currency: due.Currency, Minor: minor, Reference: due.Number,
	})
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
