package payment

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/prepaid"
)

// Given is what a code pays of a new order: it is received at once.
func (s *Service) Given(in OpenInput, h prepaid.Held) Draft {
	in.Method = Method(h.Kind.Method)
	return s.received(in, h.Kind.Gateway, h.ID, h.Ending)
}

// received is what something that noren keeps itself pays of a new order, and by what
// name whoever paid knows it.
func (s *Service) received(in OpenInput, gateway string, paidBy uuid.UUID, name string) Draft {
	now := s.Now()
	return Draft{Number: in.OrderNumber, Payment: Payment{
		ID: id.New(), BrandID: in.BrandID, OrderID: in.OrderID, Method: in.Method, Gateway: gateway, Status: StatusCaptured,
		Currency: in.Currency, AmountMinor: in.Amount, CapturedMinor: in.Amount, Reference: paidBy.String(),
		Instructions: &Instructions{Reference: name, Amount: in.Amount, Currency: in.Currency, DueAt: now}, CreatedAt: now, UpdatedAt: now,
	}}
}

// own reports whether noren keeps itself what pays by the method.
func (m Method) own() bool { return m == MethodPoints || prepaid.ByMethod(string(m)) != nil }

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

// besidesOwn is what the shop has or can take of an order, but for what codes and points
// pay: that alone does not keep an order waiting for the rest.
func besidesOwn(all []Payment) int64 {
	var others []Payment
	for _, p := range all {
		if !p.Method.own() {
			others = append(others, p)
		}
	}
	return TotalsOf(others).Secured()
}

// lockOwn locks the codes that have paid an order, before any of its money goes back, to
// them or to points: the payments are in the order in which they were made, locks are not.
func (s *Service) lockOwn(ctx context.Context, all []Payment) error {
	var used []prepaid.Held
	for _, p := range all {
		kind := prepaid.ByMethod(string(p.Method))
		if kind == nil || p.CapturedMinor == p.RefundedMinor {
			continue
		}
		key, err := uuid.Parse(p.Reference)
		if err != nil {
			return err
		}
		used = append(used, prepaid.Held{Kind: kind, ID: key})
	}
	if len(used) == 0 {
		return nil
	}
	return s.Purse.Lock(ctx, all[0].BrandID, used)
}
