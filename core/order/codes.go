package order

import (
	"context"

	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/prepaid"
)

// Purse is the gift cards and vouchers that pay for orders.
type Purse interface {
	// Tried fails when a code cannot be one, and when the actor has tried too many.
	Tried(ctx context.Context, codes prepaid.Codes) error
	// Hold locks the codes until the transaction ends, and says which of them do not pay.
	Hold(ctx context.Context, codes prepaid.Codes, currency money.Currency) ([]prepaid.Held, error)
	// Spend takes what held codes pay off them.
	Spend(ctx context.Context, uses []prepaid.Use) error
}

// CodesTried fails when a code of a gift card or voucher cannot be one, and when the actor
// has tried too many. It is asked before the transaction, which a wrong code would undo.
func (s *Service) CodesTried(ctx context.Context, codes prepaid.Codes) error {
	if codes.NoCodes() {
		return nil
	}
	return s.purse.Tried(ctx, codes)
}

// byCodes is what the named gift cards and vouchers pay of the total, and what is left to
// be paid by the method.
func (s *Service) byCodes(ctx context.Context, in PlaceInput, total money.Money) (uses []prepaid.Use, rest int64, err error) {
	var held []prepaid.Held
	if kind := in.FirstKind(); kind != nil {
		if in.PaymentMethod == payment.MethodOnAccount {
			return nil, 0, kind.Combine.At(kind.Field)
		}
		if held, err = s.purse.Hold(ctx, in.Codes, total.Currency); err != nil {
			return nil, 0, err
		}
	}
	uses, rest = prepaid.Share(held, total.Minor)
	if rest == 0 && len(uses) > 0 && in.PaymentMethod == payment.MethodCashOnDelivery {
		return nil, 0, uses[len(uses)-1].Kind.Covers.At("paymentMethod") // nothing is left to collect, nor to charge for
	}
	if kind := prepaid.ByMethod(string(in.PaymentMethod)); kind != nil && rest > 0 {
		return nil, 0, kind.Short.With(money.Of(rest, total.Currency)).At(kind.Field)
	}
	return uses, rest, nil
}

// give adds the payments of points and codes to the draft, and answers what they do not
// pay.
func (s *Service) give(d *Draft) (rest int64) {
	o := d.Order
	rest = o.TotalMinor - s.pointed(d)
	for i := range d.Uses {
		u := &d.Uses[i]
		given := s.payments.Given(payment.OpenInput{
			OrderID: o.ID, BrandID: o.BrandID, OrderNumber: o.Number, Amount: u.Minor, Currency: o.Currency,
		}, u.Held)
		u.OrderID, u.PaymentID = o.ID, given.Payment.ID
		d.Payments = append(d.Payments, given)
		rest -= u.Minor
	}
	return rest
}
