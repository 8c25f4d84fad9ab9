package payment

import (
	"cmp"
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/points"
)

// GiveBackInput is what an order's customer gets for goods that came back.
type GiveBackInput struct {
	OrderID   uuid.UUID
	CauseID   uuid.UUID // what came back: it gives money back once
	At        uuid.UUID // the location that took it in, out of whose till cash goes; zero: as it came
	Minor     int64
	AsPoints  *InPoints // nil: all of it goes back the way it was paid
	Reference string
}

// GivenBack is what a customer got for goods that came back, in minor units.
type GivenBack struct {
	Minor    int64
	AsPoints int64 // of it, as points
	Points   int64 // how many these were
}

// GiveBack gives the money for goods that came back, the newest payment first, in the
// transaction that receives them. It never gives more than is left of what was received,
// and answers how much it gave. A bank transfer is written down as sent back; that staff
// have to send it is an event. What is given as points is there at once. What a carrier has
// yet to bring is owed until it does, or set off against what nobody brings. While money is
// being taken it is ErrInProgress.
func (s *Service) GiveBack(ctx context.Context, in GiveBackInput) (given GivenBack, err error) {
	due, all, err := s.hold(ctx, in.OrderID, false)
	if err != nil {
		return given, err
	}
	parts := make([]int64, len(all))
	for i := len(all) - 1; i >= 0; i-- {
		under, err := s.moving(ctx, all[i].ID)
		if err != nil {
			return given, err
		}
		parts[i] = max(0, min(all[i].CapturedMinor-all[i].RefundedMinor-under, in.Minor-given.Minor))
		given.Minor += parts[i]
	}
	later, err := s.oweBack(ctx, all, in.Minor-given.Minor)
	if err != nil {
		return given, err
	}
	given.Minor += later
	if err := s.lockOwn(ctx, all); err != nil {
		return given, err
	}
	shares, inPlace, err := s.pointed(ctx, due, all, parts, in)
	if err != nil || given.Minor == 0 {
		return given, err
	}
	given.AsPoints, given.Points = inPlace.Minor, inPlace.Points
	if err := s.Books.GoodsReturned(ctx, ledger.Returned{
		OrderID: in.OrderID, BrandID: due.BrandID, CauseID: in.CauseID, Currency: due.Currency, Minor: given.Minor, Reference: in.Reference,
	}); err != nil {
		return given, err
	}
	if err := s.setOffAll(ctx, due, all, in); err != nil {
		return given, err
	}
	for i, amount := range parts {
		if err := s.giveBackShare(ctx, due, all, i, in, amount, shares[i], inPlace); err != nil {
			return given, err
		}
	}
	return given, nil
}

// oweBack notes how much of an amount goes back once a carrier has brought the money, and
// answers it: no more than it is still to bring.
func (s *Service) oweBack(ctx context.Context, all []Payment, minor int64) (owed int64, err error) {
	for i := range all {
		p := &all[i]
		if !p.byCarrier() {
			continue
		}
		part := max(0, min(p.AmountMinor-p.CapturedMinor-p.OwedBackMinor, minor-owed))
		if part == 0 {
			continue
		}
		p.OwedBackMinor, p.UpdatedAt = p.OwedBackMinor+part, s.Now()
		if err := s.Store.Update(ctx, *p); err != nil {
			return 0, err
		}
		owed += part
	}
	return owed, nil
}

// payBack gives back what was owed of a payment until its money came; some of that may be
// kept for another cause.
func (s *Service) payBack(ctx context.Context, due Due, all []Payment, p Payment, kept int64) (Payment, error) {
	back := min(p.OwedBackMinor, p.CapturedMinor-p.RefundedMinor-kept)
	if back <= 0 {
		return p, nil
	}
	before := p
	p.OwedBackMinor -= back
	op := s.refundOperation(p, back, RefundInput{Reason: "RETURNED"})
	now := op.CreatedAt
	op.Status, op.AnsweredAt = OperationDone, &now
	if err := errors.Join(s.giveBack(ctx, p, back, op.Reason), s.Store.InsertOperation(ctx, op)); err != nil {
		return before, err
	}
	after := p.backBy(back, now)
	return after, s.save(ctx, due, all, before, after)
}

// giveBackShare gives an amount of one payment back, some of it as points.
func (s *Service) giveBackShare(ctx context.Context, due Due, all []Payment, i int, in GiveBackInput, amount, share int64, inPlace points.InPlace) error {
	if share > 0 {
		op := s.refundOperation(all[i], share, RefundInput{Reason: "RETURN " + in.Reference, IdempotencyKey: "return:" + in.CauseID.String() + ":points"})
		of := inPlace
		of.Points = inPlace.Of(share)
		if _, err := s.takeAsPoints(ctx, due, all, all[i], op, of); err != nil {
			return err
		}
	}
	if amount == share {
		return nil
	}
	return s.giveBackPart(ctx, due, all, all[i], in, amount-share)
}

func (s *Service) giveBackPart(ctx context.Context, due Due, all []Payment, p Payment, in GiveBackInput, amount int64) error {
	reason := "RETURN " + in.Reference
	g, err := s.byName(p.Gateway)
	if errors.Is(err, errGatewayOff) {
		return s.leave(ctx, p, OperationRefund, amount, reason)
	}
	if err != nil {
		return err
	}
	if _, own := g.(Own); byHand(g) && !own { // staff have to send it
		if err := s.giveBack(ctx, p, amount, reason); err != nil {
			return err
		}
	}
	giver, err := s.giverAt(ctx, p, in.At)
	if err != nil {
		return err
	}
	_, err = s.refundNow(ctx, due, all, p, RefundInput{PaymentID: p.ID, Reason: reason, IdempotencyKey: "return:" + in.CauseID.String()}, amount, giver)
	return err
}

// giverAt is the account that money goes back from at a location: cash out of its till.
func (s *Service) giverAt(ctx context.Context, p Payment, locationID uuid.UUID) (ledger.Place, error) {
	place := p.giver()
	if place.Account != ledger.Cash || locationID == uuid.Nil {
		return place, nil
	}
	code, err := s.Store.TillCode(ctx, p.BrandID, locationID)
	place.Sub = cmp.Or(code, place.Sub)
	return place, err
}
