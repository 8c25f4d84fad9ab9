// Package points lets members' points be one tender among others: what they pay is taken
// when the order is placed, and what goes back is with the member at once.
package points

import (
	"context"

	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/points"
)

// Gateway is the payment.Own of points.
type Gateway struct {
	payment.Recorded
	points *points.Service
}

// New makes the gateway.
func New(service *points.Service) *Gateway { return &Gateway{points: service} }

// Name is "points".
func (g *Gateway) Name() string { return payment.PointsGateway }

// Method is payment by points.
func (g *Gateway) Method() payment.Method { return payment.MethodPoints }

// GiveBack gives the member back what paid.
func (g *Gateway) GiveBack(ctx context.Context, p payment.Payment, amount int64, reason string) error {
	return g.points.GiveBack(ctx, points.Refund{OrderID: p.OrderID, PaymentID: p.ID, Paid: p.CapturedMinor, Before: p.RefundedMinor, Minor: amount, Reason: reason})
}
