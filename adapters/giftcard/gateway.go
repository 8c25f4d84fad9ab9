// Package giftcard lets gift cards be one tender among others: what they pay is taken
// when the order is placed, and what goes back is on the card at once.
package giftcard

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/giftcard"
	"github.com/noren-commerce/noren/core/payment"
)

// Gateway is the payment.Own of gift cards.
type Gateway struct{ cards *giftcard.Service }

// New makes the gateway.
func New(cards *giftcard.Service) *Gateway { return &Gateway{cards} }

// Name is "gift_card".
func (g *Gateway) Name() string { return payment.GiftCardGateway }

// Method is payment by gift card.
func (g *Gateway) Method() payment.Method { return payment.MethodGiftCard }

// GiveBack puts back on the card what it paid.
func (g *Gateway) GiveBack(ctx context.Context, p payment.Payment, amount int64, reason string) error {
	cardID, err := uuid.Parse(p.Reference)
	if err != nil {
		return err
	}
	return g.cards.GiveBack(ctx, p.BrandID, cardID, giftcard.Use{OrderID: p.OrderID, PaymentID: p.ID, Minor: amount}, reason)
}

// Instruct has nothing to say: it is paid.
func (g *Gateway) Instruct(r payment.StartRequest) payment.Instructions {
	return payment.Instructions{Amount: r.Amount, Currency: r.Currency, DueAt: r.DueAt}
}

// Start cannot be asked for: an order names its cards when it is placed.
func (g *Gateway) Start(context.Context, payment.StartRequest) (payment.Answer, error) {
	return payment.Answer{}, payment.ErrUnsupported
}

// Capture cannot be asked for: what a card pays is taken.
func (g *Gateway) Capture(context.Context, payment.AmountRequest) (payment.Answer, error) {
	return payment.Answer{}, payment.ErrUnsupported
}

// Void has nothing to undo.
func (g *Gateway) Void(_ context.Context, r payment.VoidRequest) (payment.Answer, error) {
	return payment.Answer{Reference: r.Reference, Status: payment.StatusCancelled}, nil
}

// Refund cannot be asked for: see GiveBack.
func (g *Gateway) Refund(context.Context, payment.AmountRequest) (payment.Answer, error) {
	return payment.Answer{}, payment.ErrUnsupported
}

// Find cannot know.
func (g *Gateway) Find(context.Context, payment.FindRequest) (payment.Answer, error) {
	return payment.Answer{}, payment.ErrNeverArrived
}
