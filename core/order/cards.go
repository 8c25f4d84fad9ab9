package order

import (
	"context"

	"github.com/noren-commerce/noren/core/giftcard"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/payment"
)

// Cards are the gift cards that pay for orders.
type Cards interface {
	// Tried fails when the actor has tried too many codes.
	Tried(ctx context.Context) error
	// Hold locks the cards with the codes until the transaction ends, and says which of
	// them do not pay.
	Hold(ctx context.Context, codes []string) ([]giftcard.Card, error)
	// Spend takes what held cards pay off them.
	Spend(ctx context.Context, uses []giftcard.Use) error
}

// CardsTried fails when the actor has tried too many codes of gift cards.
func (s *Service) CardsTried(ctx context.Context) error { return at("giftCards", s.cards.Tried(ctx)) }

// byCards is what the named gift cards pay of the total, and what is left to be paid by
// the method.
func (s *Service) byCards(ctx context.Context, in PlaceInput, total money.Money) (uses []giftcard.Use, rest int64, err error) {
	var held []giftcard.Card
	if len(in.GiftCards) > 0 {
		if in.PaymentMethod == payment.MethodOnAccount {
			return nil, 0, giftcard.ErrOnAccount.At("giftCards")
		}
		if held, err = s.cards.Hold(ctx, in.GiftCards); err != nil {
			return nil, 0, err
		}
	}
	uses, rest = giftcard.Share(held, total.Minor)
	if rest == 0 && len(uses) > 0 && in.PaymentMethod == payment.MethodCashOnDelivery {
		return nil, 0, giftcard.ErrCover.At("paymentMethod") // nothing is left to collect, nor to charge for
	}
	if rest > 0 && in.PaymentMethod == payment.MethodGiftCard {
		return nil, 0, giftcard.ErrShort.With(money.Of(rest, total.Currency)).At("giftCards")
	}
	return uses, rest, nil
}

// give adds the payments of gift cards to the draft, and answers what they do not pay.
func (s *Service) give(d *Draft) (rest int64) {
	o := d.Order
	rest = o.TotalMinor - s.pointed(d)
	for i := range d.Uses {
		u := &d.Uses[i]
		given := s.payments.Given(payment.OpenInput{
			OrderID: o.ID, BrandID: o.BrandID, OrderNumber: o.Number, Amount: u.Minor, Currency: o.Currency,
		}, u.Card.ID, u.Card.Ending)
		u.OrderID, u.PaymentID = o.ID, given.Payment.ID
		d.Payments = append(d.Payments, given)
		rest -= u.Minor
	}
	return rest
}
