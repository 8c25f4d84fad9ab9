package payment

import (
	"context"
	"errors"
	"slices"

	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/money"
)

// slip makes the draft one of a slip that is yet to be issued (払込票).
func (d *Draft) slip(g Issuer, in OpenInput) error {
	switch {
	case !slices.Contains(g.Chains(), in.Chain):
		return ErrChain.At("convenienceStore")
	case in.Amount > g.Most():
		return ErrLimit.With(money.Of(g.Most(), in.Currency)).At("paymentMethod")
	}
	p := &d.Payment
	p.Instructions = &Instructions{Chain: &in.Chain, Amount: in.Amount, Currency: in.Currency, DueAt: *p.DueAt}
	d.Start = &Operation{
		ID: id.New(), PaymentID: p.ID, Kind: OperationStart, Status: OperationOutstanding, AmountMinor: in.Amount, CreatedAt: p.CreatedAt,
	}
	return nil
}

// Opened goes on with a draft that was written down: the start that a job has to ask for
// is queued, and what was received is written into the books.
func (s *Service) Opened(ctx context.Context, d Draft) error {
	if d.Payment.CapturedMinor > 0 {
		before := d.Payment
		before.Status, before.CapturedMinor = StatusPending, 0
		return errors.Join(s.record(ctx, before, d.Payment), s.book(ctx, Due{Number: d.Number}, before, d.Payment, d.Payment.CreatedAt))
	}
	if d.Start == nil {
		return nil
	}
	if err := s.Store.InsertOperation(ctx, *d.Start); err != nil {
		return err
	}
	return s.Jobs.Operate(ctx, d.Start.ID)
}

// chain is where a slip is to be paid; empty for other payments.
func (p Payment) chain() Chain {
	if p.Instructions == nil || p.Instructions.Chain == nil {
		return ""
	}
	return *p.Instructions.Chain
}

// issued reports whether the customer can be told how to pay.
func (p Payment) issued() bool {
	return p.Instructions != nil && (p.Instructions.Chain == nil || p.Instructions.SlipNumber != "")
}

// issue asks for a slip, or charges a kept card, until there is an answer. What nobody
// needs any more is not asked for.
func (s *Service) issue(ctx context.Context, g Gateway, p Payment, op *Operation) error {
	switch {
	case !p.Open() && op.Attempts == 0:
		return s.abandon(ctx, op.ID)
	case !p.Open():
		return s.lookUp(ctx, g, p, *op)
	}
	due, gone, err := s.claim(ctx, p, op)
	if err != nil || gone {
		return err
	}
	r, gone, err := s.charging(ctx, p, due, *op)
	switch {
	case err != nil:
		return err
	case gone:
		return s.answered(ctx, p, *op, Answer{Status: StatusFailed, Decline: &Decline{Code: "card_removed"}}, nil)
	}
	answer, callErr := s.perform(ctx, g, p, op, func(ctx context.Context) (Answer, error) { return g.Start(ctx, r) })
	return s.answered(ctx, p, *op, answer, callErr)
}

// claim notes, with the order locked, that the gateway is being asked: from now on it is
// not changed. Gone: an edit has taken the question back.
func (s *Service) claim(ctx context.Context, p Payment, op *Operation) (due Due, gone bool, _ error) {
	err := s.Tx.InTx(ctx, func(ctx context.Context) (err error) {
		if due, err = s.orders.PaymentDue(ctx, p.OrderID); err != nil || op.LastCallAt != nil {
			return err
		}
		now, err := s.Store.Operation(ctx, op.ID)
		if gone = err == nil && (now == nil || now.Status != OperationOutstanding); err != nil || gone {
			return err
		}
		at := s.Now()
		op.LastCallAt = &at
		return s.Store.UpdateOperation(ctx, *op)
	})
	return due, gone, err
}

// tellSlip tells how to pay once the slip is there: who watches the order, and the
// customer by mail.
func (s *Service) tellSlip(ctx context.Context, due Due, before, after Payment) error {
	if after.Method != MethodConvenienceStore || before.issued() || !after.issued() || !after.Open() || due.Cancelled {
		return nil
	}
	how := after.Instructions
	e := event.New(ctx, s.Now(), "payment.slip_issued", "Payment", after.ID, map[string]any{"orderId": after.OrderID, "chain": after.chain(), "dueAt": how.DueAt})
	e.BrandID = after.BrandID
	if err := s.Events.Record(ctx, e); err != nil || due.Email == "" {
		return err
	}
	return s.mail(ctx, due, after.ID.String(), messaging.StoreSlip{
		Name: due.Name, OrderNumber: due.Number, Amount: how.Amount, Currency: how.Currency, Chain: after.chain().Name().In(due.Language),
		SlipNumber: how.SlipNumber, Confirmation: how.Confirmation, DueAt: how.DueAt,
	})
}
