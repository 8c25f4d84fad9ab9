package payment

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

// Given is what a gift card pays of a new order: it is received at once.
func (s *Service) Given(in OpenInput, cardID uuid.UUID, ending string) Draft {
	now := s.Now()
	return Draft{Number: in.OrderNumber, Payment: Payment{
		ID: id.New(), BrandID: in.BrandID, OrderID: in.OrderID, Method: MethodGiftCard, Gateway: GiftCardGateway, Status: StatusCaptured,
		Currency: in.Currency, AmountMinor: in.Amount, CapturedMinor: in.Amount, Reference: cardID.String(),
		Instructions: &Instructions{Reference: ending, Amount: in.Amount, Currency: in.Currency, DueAt: now}, CreatedAt: now, UpdatedAt: now,
	}}
}

// putBack gives back what noren keeps itself, in the transaction of the context.
func (s *Service) putBack(ctx context.Context, own Own, p Payment, amount int64, reason string) error {
	due, err := s.orders.PaymentDue(access.With(ctx, access.System), p.OrderID)
	if err != nil {
		return err
	}
	if err := own.GiveBack(ctx, p, amount, reason); err != nil {
		return err
	}
	now := s.Now()
	op := Operation{
		ID: id.New(), PaymentID: p.ID, Kind: OperationRefund, Status: OperationDone, AmountMinor: amount, Reason: reason, CreatedAt: now, AnsweredAt: &now,
	}
	if err := s.Store.InsertOperation(ctx, op); err != nil {
		return err
	}
	after := p.backBy(amount, now)
	if err := s.Store.Update(ctx, after); err != nil {
		return err
	}
	if err := s.record(ctx, p, after); err != nil {
		return err
	}
	return s.book(ctx, due, p, after, now)
}

// besidesCards is what the shop has or can take of an order, but for what gift cards and
// points pay: that alone does not keep an order waiting for the rest.
func besidesCards(all []Payment) int64 {
	var others []Payment
	for _, p := range all {
		if p.Method != MethodGiftCard && p.Method != MethodPoints {
			others = append(others, p)
		}
	}
	return TotalsOf(others).Secured()
}
