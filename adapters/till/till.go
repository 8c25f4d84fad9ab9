// Package till is where staff take money themselves: in cash, or by a card terminal
// that noren does not talk to. Nothing is called; staff record what they took, and
// what they gave back.
package till

import (
	"context"

	"github.com/noren-commerce/noren/core/payment"
)

// Gateway is the payment.Gateway of a till.
type Gateway struct {
	name   string
	method payment.Method
}

// Both are the till's drawer and its card terminal.
func Both() []payment.Gateway {
	return []payment.Gateway{&Gateway{"cash", payment.MethodCash}, &Gateway{"card_terminal", payment.MethodCardTerminal}}
}

// Delivery is the carrier's hand at the customer's door: staff record what it collected.
func Delivery() payment.Gateway {
	return &Gateway{payment.OnDelivery, payment.MethodCashOnDelivery}
}

// Name is "cash", "card_terminal" or "cash_on_delivery".
func (g *Gateway) Name() string { return g.name }

// Method is how customers pay at it.
func (g *Gateway) Method() payment.Method { return g.method }

// Instruct has nothing to say: the customer stands at the till.
func (g *Gateway) Instruct(r payment.StartRequest) payment.Instructions {
	return payment.Instructions{Amount: r.Amount, Currency: r.Currency, DueAt: r.DueAt}
}

// Start cannot be asked for: staff take the money.
func (g *Gateway) Start(context.Context, payment.StartRequest) (payment.Answer, error) {
	return payment.Answer{}, payment.ErrUnsupported
}

// Capture cannot be asked for: what is recorded is taken.
func (g *Gateway) Capture(context.Context, payment.AmountRequest) (payment.Answer, error) {
	return payment.Answer{}, payment.ErrUnsupported
}

// Void has nothing to undo.
func (g *Gateway) Void(_ context.Context, r payment.VoidRequest) (payment.Answer, error) {
	return payment.Answer{Reference: r.Reference, Status: payment.StatusCancelled}, nil
}

// Refund cannot be asked for: staff give the money back and record it.
func (g *Gateway) Refund(context.Context, payment.AmountRequest) (payment.Answer, error) {
	return payment.Answer{}, payment.ErrUnsupported
}

// Find cannot know.
func (g *Gateway) Find(context.Context, payment.FindRequest) (payment.Answer, error) {
	return payment.Answer{}, payment.ErrNeverArrived
}
