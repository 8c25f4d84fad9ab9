// Package prepaid lets codes that money lies on, gift cards and vouchers, be tenders among
// others: what they pay is taken when the order is placed, and what goes back is on them
// at once.
package prepaid

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/prepaid"
)

// Gateway is the payment.Own of one kind of codes.
type Gateway struct {
	payment.Recorded
	keeper prepaid.Keeper
}

// New makes the gateway.
func New(keeper prepaid.Keeper) *Gateway { return &Gateway{keeper: keeper} }

// Name is "gift_card" or "voucher".
func (g *Gateway) Name() string { return g.keeper.Kind().Gateway }

// Method is payment by what is on the codes.
func (g *Gateway) Method() payment.Method { return payment.Method(g.keeper.Kind().Method) }

// GiveBack puts back on the code what it paid.
func (g *Gateway) GiveBack(ctx context.Context, p payment.Payment, amount int64, reason string) error {
	key, err := uuid.Parse(p.Reference)
	if err != nil {
		return err
	}
	return g.keeper.GiveBack(ctx, p.BrandID, prepaid.Use{
		Held: prepaid.Held{Kind: g.keeper.Kind(), ID: key}, OrderID: p.OrderID, PaymentID: p.ID, Minor: amount,
	}, reason)
}
