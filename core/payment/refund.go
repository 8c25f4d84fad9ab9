package payment

import (
	"context"
	"errors"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/money"
)

// RefundInput gives back a part or all of a received payment.
type RefundInput struct {
	PaymentID      uuid.UUID
	Amount         decimal.Decimal // major units
	Reason         string
	AsPoints       bool       // the order's member gets points instead
	ProgrammeID    *uuid.UUID // of which programme; nil: the brand's own
	IdempotencyKey string
}

// Validate checks what can be known without asking anybody.
func (in RefundInput) Validate() error {
	var all []error
	if !in.Amount.IsPositive() {
		all = append(all, ErrAmount.At("amount"))
	}
	if utf8.RuneCountInString(in.Reason) > 200 {
		all = append(all, errTooLong.With(200).At("reason"))
	}
	return errors.Join(append(all, checkKey(in.IdempotencyKey))...)
}

// Refund gives money back (staff with ORDER_WRITE). The gateway is asked by a job;
// what came in by bank transfer or at a convenience store has been sent back by the
// caller and is only recorded. As points it is given at once, to the order's member.
func (s *Service) Refund(ctx context.Context, in RefundInput) (*Payment, error) {
	if err := access.Require(ctx, access.OrderWrite); err != nil {
		return nil, err
	}
	if err := in.Validate(); err != nil {
		return nil, err
	}
	found, err := s.Store.Payment(ctx, in.PaymentID)
	if err != nil || found == nil {
		return nil, errors.Join(err, fault.ErrNotFound.At("paymentId"))
	}
	amount, err := money.Parse(in.Amount, found.Currency)
	if err != nil {
		return nil, at("amount", err)
	}
	var p Payment
	err = s.Tx.InTx(ctx, func(ctx context.Context) (err error) {
		p, err = s.refundIn(ctx, found.OrderID, in, amount.Minor)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &p, nil
}

func (s *Service) refundIn(ctx context.Context, orderID uuid.UUID, in RefundInput, amount int64) (Payment, error) {
	due, all, err := s.hold(ctx, orderID, true)
	if err != nil {
		return Payment{}, err
	}
	p, ok := among(all, in.PaymentID)
	if !ok {
		return p, fault.ErrNotFound.At("paymentId")
	}
	earlier, err := s.Store.OperationByClientKey(ctx, orderID, in.IdempotencyKey)
	if err != nil {
		return p, err
	}
	if earlier != nil {
		if earlier.Kind != OperationRefund || earlier.AmountMinor != amount || earlier.PaymentID != in.PaymentID || (earlier.Points > 0) != in.AsPoints {
			return p, idempotency.ErrReused.At("idempotencyKey")
		}
		return p, nil
	}
	under, err := s.refunding(ctx, p.ID)
	if err != nil {
		return p, err
	}
	if amount > p.CapturedMinor-p.RefundedMinor-under {
		return p, ErrRefundTooMuch.At("amount")
	}
	var after Payment
	if in.AsPoints {
		after, err = s.asPoints(ctx, due, all, p, in, amount)
	} else {
		after, err = s.refundNow(ctx, due, all, p, in, amount, p.giver())
	}
	if err != nil {
		return after, err
	}
	return after, s.repaid(ctx, all, p, after)
}

// refundNow gives an amount of a payment back from the place.
func (s *Service) refundNow(ctx context.Context, due Due, all []Payment, p Payment, in RefundInput, amount int64, giver ledger.Place) (Payment, error) {
	g, err := s.byName(p.Gateway)
	if err != nil {
		return p, err
	}
	now, op := s.Now(), s.refundOperation(p, amount, in)
	if own, ok := g.(Own); ok {
		if err := own.GiveBack(ctx, p, amount, in.Reason); err != nil {
			return p, err
		}
	}
	hand := byHand(g)
	if hand {
		op.Status, op.AnsweredAt = OperationDone, &now
	}
	if err := s.Store.InsertOperation(ctx, op); err != nil {
		return p, err
	}
	if !hand {
		return p, s.Jobs.Operate(ctx, op.ID)
	}
	after := p.backBy(amount, now)
	return after, s.saveFrom(ctx, due, all, p, after, now, giver)
}

// refunding is what is being given back and not yet confirmed.
func (s *Service) refunding(ctx context.Context, paymentID uuid.UUID) (int64, error) {
	outstanding, err := s.Store.Outstanding(ctx, paymentID)
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, o := range outstanding {
		if o.Kind == OperationRefund {
			sum += o.AmountMinor
		}
	}
	return sum, nil
}
