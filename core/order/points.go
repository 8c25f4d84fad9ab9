package order

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/points"
)

// Points are members' points that pay for orders.
type Points interface {
	// Price is what the points pay of a total, and what is left of it.
	Price(ctx context.Context, uses []points.UseInput, total money.Money) ([]points.Tender, int64, error)
	// ToEarn is what an order earns by the rules as it stands, in each programme.
	ToEarn(ctx context.Context, orderID uuid.UUID) ([]points.Earned, error)
	// Hold locks the accounts that they are on until the transaction ends.
	Hold(ctx context.Context, tenders []points.Tender) error
	// Spend takes them off the member's accounts, or fails with points.ErrShort.
	Spend(ctx context.Context, tenders []points.Tender) error
}

// byPoints is what the named points pay of the total, and what is left to be paid.
func (s *Service) byPoints(ctx context.Context, in PlaceInput, total money.Money) (tenders []points.Tender, rest money.Money, err error) {
	if len(in.Points) == 0 {
		if in.PaymentMethod == payment.MethodPoints && total.Minor > 0 {
			return nil, total, points.ErrCoverShort.With(total).At("points")
		}
		return nil, total, nil
	}
	if in.PaymentMethod == payment.MethodOnAccount {
		return nil, total, points.ErrCombine.At("points")
	}
	tenders, left, err := s.points.Price(ctx, in.Points, total)
	rest = money.Of(left, total.Currency)
	switch {
	case err != nil:
		return nil, total, err
	case left == 0 && in.PaymentMethod == payment.MethodCashOnDelivery:
		return nil, total, points.ErrCombine.At("paymentMethod") // nothing is left to collect, nor to charge for
	case left > 0 && in.PaymentMethod == payment.MethodPoints:
		return nil, total, points.ErrCoverShort.With(rest).At("points")
	}
	return tenders, rest, nil
}

// holdPoints locks the accounts that points come out of, if any do.
func (s *Service) holdPoints(ctx context.Context, tenders []points.Tender) error {
	if len(tenders) == 0 {
		return nil
	}
	return at("points", s.points.Hold(ctx, tenders))
}

// pointed adds the payments of points to the draft, and answers what they pay.
func (s *Service) pointed(d *Draft) (pays int64) {
	o := d.Order
	for i := range d.Tenders {
		t := &d.Tenders[i]
		given := s.payments.GivenPoints(payment.OpenInput{
			OrderID: o.ID, BrandID: o.BrandID, OrderNumber: o.Number, Amount: t.Minor, Currency: o.Currency,
		}, t.Programme.ID, t.Programme.Code)
		t.OrderID, t.PaymentID = o.ID, given.Payment.ID
		d.Payments = append(d.Payments, given)
		pays += t.Minor
	}
	return pays
}
