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
type Gateway struct {
	payment.Recorded
	cards *giftcard.Service
}

// New makes the gateway.
func New(cards *giftcard.Service) *Gateway { return &Gateway{cards: cards} }

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
