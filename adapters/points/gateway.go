// Package points lets members' points be one tender among others: what they pay is taken
// when the order is placed, and what goes back is with the member at once.
package points

import (
	"context"

	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/points"
)

// Gateway is the payment.Own of points.
type Gateway struct{ points *points.Service }

// New makes the gateway.
func New(service *points.Service) *Gateway { return &Gateway{service} }

// Name is "points".
func (g *Gateway) Name() string { return payment.PointsGateway }

// Method is payment by points.
func (g *Gateway) Method() payment.Method { return payment.MethodPoints }

// GiveBack gives the member back what paid.
func (g *Gateway) GiveBack(ctx context.Context, p payment.Payment, amount int64, reason string) error {
	return g.points.GiveBack(ctx, points.Refund{OrderID: p.OrderID, PaymentID: p.ID, Paid: p.CapturedMinor, Before: p.RefundedMinor, Minor: amount, Reason: reason})
}

// Instruct has nothing to say: it is paid.
func (g *Gateway) Instruct(r payment.StartRequest) payment.Instructions {
	return payment.Instructions{Amount: r.Amount, Currency: r.Currency, DueAt: r.DueAt}
}

// Start cannot be asked for: an order names its points when it is placed.
func (g *Gateway) Start(context.Context, payment.StartRequest) (payment.Answer, error) {
	return payment.Answer{}, payment.ErrUnsupported
}

// Capture cannot be asked for: what points pay is taken.
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
