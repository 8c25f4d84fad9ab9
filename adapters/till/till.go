// Package till is where staff take money themselves: in cash, or by a card terminal
// that noren does not talk to. Nothing is called; staff record what they took, and
// what they gave back.
package till

import "github.com/noren-commerce/noren/core/payment"

// Gateway is the payment.Gateway of a till.
type Gateway struct {
	payment.Recorded
	name   string
	method payment.Method
}

// Both are the till's drawer and its card terminal.
func Both() []payment.Gateway {
	return []payment.Gateway{named("cash", payment.MethodCash), named("card_terminal", payment.MethodCardTerminal)}
}

// Delivery is the carrier's hand at the customer's door: staff record what it collected.
func Delivery() payment.Gateway {
	return named(payment.OnDelivery, payment.MethodCashOnDelivery)
}

func named(name string, method payment.Method) *Gateway {
	return &Gateway{name: name, method: method}
}

// Name is "cash", "card_terminal" or "cash_on_delivery".
func (g *Gateway) Name() string { return g.name }

// Method is how customers pay at it.
func (g *Gateway) Method() payment.Method { return g.method }
