package points

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/money"
)

// InPlace is points in the place of money that goes back.
type InPlace struct {
	Programme Programme
	Points    int64
	Minor     int64 // what they are worth: whole points only
}

// Of is how many points a part of the amount is, which need not be whole ones.
func (p InPlace) Of(minor int64) int64 {
	if p.Minor == 0 {
		return 0
	}
	return money.RoundDown.Divide(p.Points*minor, p.Minor)
}

// inPlace is how many points an amount is at what they pay. It is pure.
func (p Programme) inPlace(minor int64) InPlace {
	points, worth := p.UnitPoints, p.UnitMinor // so many are worth so much, and neither has a smaller step
	for a, b := points, worth; ; a, b = b, a%b {
		if b == 0 {
			points, worth = points/a, worth/a
			break
		}
	}
	steps := minor / worth
	return InPlace{p, steps * points, steps * worth}
}

// InPlace is how many points of the programme, or of the brand's own if none is named, an
// amount is: as much of it as makes whole points.
func (s *Service) InPlace(ctx context.Context, programmeID *uuid.UUID, amount money.Money) (InPlace, error) {
	p, err := s.ownOr(ctx, programmeID)
	if err != nil {
		return InPlace{}, err
	}
	if p.Currency != amount.Currency {
		return InPlace{}, ErrCurrency
	}
	in := p.inPlace(amount.Minor)
	if in.Points > MaxPoints {
		return InPlace{}, ErrAmount.With(MaxPoints)
	}
	return in, nil
}

// ownOr is the programme that is named, or the one of the context's brand alone.
func (s *Service) ownOr(ctx context.Context, programmeID *uuid.UUID) (Programme, error) {
	if programmeID != nil {
		return s.programme(ctx, *programmeID)
	}
	all, err := s.inBrand(ctx)
	if err == nil && len(all) == 0 {
		err = ErrProgramme
	}
	if err != nil {
		return Programme{}, err
	}
	return all[0], nil
}

// Reimbursement is points that a member gets in the place of money of an order.
type Reimbursement struct {
	InPlace
	MemberID uuid.UUID
	OrderID  uuid.UUID
	Key      string
	Reason   string
}

// Reimburse gives them, in the transaction of the context, once for the key. What they
// are worth is in the journal with the money that they replace.
func (s *Service) Reimburse(ctx context.Context, r Reimbursement) error {
	_, err := s.Post(ctx, Posting{
		Holder: Holder{r.Programme.ID, r.MemberID}, Key: r.Key, Kind: Repay, Points: r.Points, OrderID: &r.OrderID, Reason: r.Reason, ActorID: actorID(ctx), At: s.Now(),
	})
	return err
}
