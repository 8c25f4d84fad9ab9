package payment

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/money"
)

// CaptureInput takes held money, all of it or a part; the gateway lets go of the rest.
type CaptureInput struct {
	PaymentID      uuid.UUID
	Amount         *decimal.Decimal // major units; nil: what is held, up to what the order still comes to
	Reason         string
	IdempotencyKey string
}

// VoidInput gives up what is held or expected.
type VoidInput struct {
	PaymentID      uuid.UUID
	Reason         string
	IdempotencyKey string
}

const maxReason = 200

// Capture takes held money now, rather than when the order ships (staff with
// ORDER_WRITE). The gateway is asked by a job. Money that is not held, or not any
// more, is ErrNotHeld; more than is held, or than the order comes to since it was edited,
// is ErrCaptureTooMuch.
func (s *Service) Capture(ctx context.Context, in CaptureInput) (*Payment, error) {
	if in.Amount != nil && !in.Amount.IsPositive() {
		return nil, ErrAmount.At("amount")
	}
	return s.byStaff(ctx, in.PaymentID, in.IdempotencyKey, in.Reason, OperationCapture, in, func(ctx context.Context, h held) (Payment, error) {
		left, err := s.untaken(ctx, h)
		if err != nil {
			return h.payment, err
		}
		amount := left
		if in.Amount != nil {
			asked, err := money.Parse(*in.Amount, h.payment.Currency)
			if err != nil {
				return h.payment, at("amount", err)
			}
			amount = asked.Minor
		}
		switch {
		case h.payment.Status != StatusAuthorised || h.due.Cancelled:
			return h.payment, ErrNotHeld.At("paymentId")
		case amount > left, left <= 0:
			return h.payment, ErrCaptureTooMuch.At("amount")
		}
		h.operation.AmountMinor = amount
		if err := s.Store.InsertOperation(ctx, h.operation); err != nil {
			return h.payment, err
		}
		return h.payment, s.Jobs.Operate(ctx, h.operation.ID)
	})
}

// untaken is how much of the held money the order still comes to, less what is being
// taken of its other payments.
func (s *Service) untaken(ctx context.Context, h held) (int64, error) {
	left := h.due.Amount
	for _, p := range h.all {
		outstanding, err := s.Store.Outstanding(ctx, p.ID)
		if err != nil {
			return 0, err
		}
		left -= p.CapturedMinor
		for _, o := range outstanding {
			if o.Kind == OperationCapture {
				left -= o.AmountMinor
			}
		}
	}
	return min(left, h.payment.AuthorisedMinor), nil
}

// Void gives up what is held or expected of a payment (staff with ORDER_WRITE): here
// at once, at the gateway soon. What has been taken is refunded, not voided.
func (s *Service) Void(ctx context.Context, in VoidInput) (*Payment, error) {
	return s.byStaff(ctx, in.PaymentID, in.IdempotencyKey, in.Reason, OperationVoid, in, func(ctx context.Context, h held) (Payment, error) {
		switch {
		case h.payment.CapturedMinor > 0:
			return h.payment, ErrAlreadyCaptured.At("paymentId")
		case h.payment.Status == StatusCancelled, h.payment.Method == MethodCashOnDelivery: // which the order is given up with
			return h.payment, ErrNotHeld.At("paymentId")
		}
		g, err := s.byName(h.payment.Gateway)
		if err != nil {
			return h.payment, err
		}
		after := h.payment
		after.Status, after.UpdatedAt = StatusCancelled, s.Now()
		after.settleStatus()
		_, offline := g.(Offline)
		if offline || h.payment.Reference == "" {
			now := s.Now()
			h.operation.Status, h.operation.AnsweredAt = OperationDone, &now
		}
		if err := s.Store.InsertOperation(ctx, h.operation); err != nil {
			return h.payment, err
		}
		if err := s.save(ctx, h.due, h.all, h.payment, after); err != nil {
			return after, err
		}
		after, _ = among(h.all, after.ID) // its order may wait anew
		if h.operation.Status == OperationDone {
			return after, nil
		}
		return after, s.Jobs.Operate(ctx, h.operation.ID)
	})
}

// held is a payment that is locked with its order, and what staff ask of it.
type held struct {
	due       Due
	all       []Payment
	payment   Payment
	operation Operation // not yet written down
}

// byStaff runs f on a payment that is locked, once for the key: what the key asked for
// before is answered by the payment as it stands.
func (s *Service) byStaff(ctx context.Context, paymentID uuid.UUID, key, reason string, kind OperationKind, intent any, f func(context.Context, held) (Payment, error)) (*Payment, error) {
	if err := access.Require(ctx, access.OrderWrite); err != nil {
		return nil, err
	}
	if err := errors.Join(checkKey(key), i18n.CheckString("reason", reason, maxReason)); err != nil {
		return nil, err
	}
	found, err := s.Store.Payment(ctx, paymentID)
	if err != nil || found == nil {
		return nil, errors.Join(err, fault.ErrNotFound.At("paymentId"))
	}
	hash := hashOf(intent)
	var p Payment
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		h, replayed, err := s.holdFor(ctx, *found, key, hash)
		if p = h.payment; err != nil || replayed {
			return err
		}
		h.operation = Operation{
			ID: id.New(), PaymentID: p.ID, Kind: kind, Status: OperationOutstanding, ClientKey: key, InputHash: hash, Reason: reason, CreatedAt: s.Now(),
		}
		p, err = f(ctx, h)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &p, nil
}

// holdFor locks a payment for something new: nothing of it is under way.
func (s *Service) holdFor(ctx context.Context, found Payment, key string, hash []byte) (h held, replayed bool, err error) {
	if h.due, h.all, err = s.hold(ctx, found.OrderID, true); err != nil {
		return h, false, err
	}
	var ok bool
	if h.payment, ok = among(h.all, found.ID); !ok {
		return h, false, fault.ErrNotFound.At("paymentId")
	}
	earlier, err := s.Store.OperationByClientKey(ctx, found.OrderID, key)
	switch {
	case err != nil:
		return h, false, err
	case earlier != nil && !bytes.Equal(earlier.InputHash, hash):
		return h, false, idempotency.ErrReused.At("idempotencyKey")
	case earlier != nil:
		return h, true, nil
	}
	outstanding, err := s.Store.Outstanding(ctx, h.payment.ID)
	if err == nil && len(outstanding) > 0 {
		err = ErrInProgress
	}
	return h, false, err
}

// hashOf tells one intent from another under the same key.
func hashOf(intent any) []byte {
	raw, err := json.Marshal(intent)
	if err != nil {
		return nil
	}
	sum := sha256.Sum256(raw)
	return sum[:]
}
