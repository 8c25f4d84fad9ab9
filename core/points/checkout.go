package points

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/money"
)

// UseInput is points that shall pay for an order.
type UseInput struct {
	ProgrammeID uuid.UUID
	Points      int64
}

// Tender is what points pay of an order.
type Tender struct {
	Programme Programme
	MemberID  uuid.UUID
	OrderID   uuid.UUID
	PaymentID uuid.UUID
	Points    int64
	Minor     int64
}

// Price is what the points pay of a total, if the actor may use them. Whether there are
// so many is found out by Spend.
func (s *Service) Price(ctx context.Context, uses []UseInput, total money.Money) (all []Tender, rest int64, err error) {
	rest = total.Minor
	if len(uses) == 0 {
		return nil, rest, nil
	}
	memberID, err := member(ctx)
	if err != nil {
		return nil, 0, ErrGuest.At("points")
	}
	for i, u := range uses {
		field := fmt.Sprintf("points.%d", i)
		p, err := s.programme(ctx, u.ProgrammeID)
		switch {
		case err != nil:
			return nil, 0, ErrProgramme.At(field + ".programmeId")
		case p.Currency != total.Currency:
			return nil, 0, ErrProgramme.At(field + ".programmeId")
		case amount(u.Points) != nil:
			return nil, 0, ErrAmount.With(MaxPoints).At(field + ".points")
		case u.Points%p.UnitPoints != 0:
			return nil, 0, ErrUnit.With(p.UnitPoints).At(field + ".points")
		}
		for _, before := range all {
			if before.Programme.ID == p.ID {
				return nil, 0, ErrProgramme.At(field + ".programmeId")
			}
		}
		pays := p.Worth(u.Points).Minor
		if pays > rest {
			return nil, 0, ErrAboveTotal.At(field + ".points")
		}
		all, rest = append(all, Tender{Programme: p, MemberID: memberID, Points: u.Points, Minor: pays}), rest-pays
	}
	return all, rest, nil
}

// Spend takes what points pay off the member's accounts, in the order's transaction: all
// of it, or ErrShort and the transaction must end.
func (s *Service) Spend(ctx context.Context, tenders []Tender) error {
	if len(tenders) == 0 {
		return nil
	}
	all := make([]Posting, len(tenders))
	for i, t := range tenders {
		all[i] = Posting{
			Holder: Holder{t.Programme.ID, t.MemberID}, Key: useKey(t.PaymentID), Kind: Use, Points: t.Points, OrderID: &t.OrderID, ActorID: actorID(ctx), At: s.Now(),
		}
	}
	_, err := s.Post(ctx, all...)
	return err
}

// Hold locks the accounts that the tenders take from until the transaction of the context
// ends: whoever waits for them does not hold what others wait for.
func (s *Service) Hold(ctx context.Context, tenders []Tender) error {
	if len(tenders) == 0 {
		return nil
	}
	wants := make([]Want, len(tenders))
	for i, t := range tenders {
		wants[i] = Want{Holder: Holder{t.Programme.ID, t.MemberID}}
	}
	_, err := s.Store.Lock(ctx, wants)
	return err
}

func useKey(paymentID uuid.UUID) string { return "use:" + paymentID.String() }

// Refund is money of an order that points paid and that goes back.
type Refund struct {
	OrderID   uuid.UUID
	PaymentID uuid.UUID
	Paid      int64 // by the payment
	Before    int64 // of it that went back before
	Minor     int64 // that goes back now
	Reason    string
}

// GiveBack gives back the points of a refund, in its transaction: as many as make the
// same part of the points as of the money, so that all come back when all of it does.
func (s *Service) GiveBack(ctx context.Context, r Refund) error {
	holder, used, err := s.Store.Used(ctx, r.OrderID, useKey(r.PaymentID))
	if err != nil {
		return err
	}
	if used == 0 {
		return ErrNotUsed
	}
	after, err := money.RoundDown.Portion(used, r.Before+r.Minor, r.Paid, 1)
	if err != nil {
		return err
	}
	before, err := money.RoundDown.Portion(used, r.Before, r.Paid, 1)
	if err != nil || after == before {
		return err
	}
	_, err = s.Post(ctx, Posting{
		Holder: holder, Key: fmt.Sprintf("return:%s:%d", r.PaymentID, r.Before), Kind: Return, Points: after - before, Undoes: useKey(r.PaymentID),
		OrderID: &r.OrderID, Reason: r.Reason, ActorID: actorID(ctx), At: s.Now(),
	})
	return err
}

// Offer is what a member could use of a programme for an amount.
type Offer struct {
	Balance
	Most      int64       // points that can be used for the amount
	MostWorth money.Money // what they pay
}

// Offers are what the actor could use for a total, one for each programme of the brand;
// none for guests.
func (s *Service) Offers(ctx context.Context, total money.Money) ([]Offer, error) {
	if !access.From(ctx).Is(access.RoleMember, access.RoleCompanyBuyer) {
		return nil, nil
	}
	all, err := s.Mine(ctx)
	if err != nil {
		return nil, err
	}
	var offers []Offer
	for _, b := range all {
		if b.Programme.Currency == total.Currency {
			most, pays := b.Programme.pay(total.Minor, b.Usable)
			offers = append(offers, Offer{b, most, money.Of(pays, total.Currency)})
		}
	}
	return offers, nil
}
