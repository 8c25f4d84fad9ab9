package payment

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/money"
)

// TillInput is money that staff took at a till, for an order or a part of it.
type TillInput struct {
	OrderID        uuid.UUID
	Method         Method           // CASH or CARD_TERMINAL
	Amount         *decimal.Decimal // major units; nil: all that is still to be paid
	ShopID         *uuid.UUID       // at whose till; nil: that of the actor's only shop, or none
	Reference      string           // the slip's number
	IdempotencyKey string
}

// RecordTill records money taken at a till (staff with ORDER_WRITE). It is ours at
// once; an order that it pays is confirmed.
func (s *Service) RecordTill(ctx context.Context, in TillInput) (*Payment, error) {
	if err := access.Require(ctx, access.OrderWrite); err != nil {
		return nil, err
	}
	if err := errors.Join(checkKey(in.IdempotencyKey), i18n.CheckString("reference", in.Reference, maxReason)); err != nil {
		return nil, err
	}
	g, err := s.till(in.Method)
	if err != nil {
		return nil, err
	}
	var p Payment
	err = s.Tx.InTx(ctx, func(ctx context.Context) (err error) {
		p, err = s.takeAtTill(ctx, g, in)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &p, nil
}

func (s *Service) till(m Method) (Gateway, error) {
	for _, g := range s.Tills {
		if g.Method() == m {
			return g, nil
		}
	}
	return nil, ErrMethodUnavailable.At("method")
}

func (s *Service) takeAtTill(ctx context.Context, g Gateway, in TillInput) (Payment, error) {
	due, all, err := s.hold(ctx, in.OrderID, true)
	if err != nil {
		return Payment{}, at("orderId", err)
	}
	hash := hashOf(in)
	earlier, err := s.Store.OperationByClientKey(ctx, in.OrderID, in.IdempotencyKey)
	if err != nil {
		return Payment{}, err
	}
	if earlier != nil {
		if !bytes.Equal(earlier.InputHash, hash) {
			return Payment{}, idempotency.ErrReused.At("idempotencyKey")
		}
		p, _ := among(all, earlier.PaymentID)
		return p, nil
	}
	if err := payable(due, all); err != nil {
		return Payment{}, err
	}
	minor, err := part(due, all, in.Amount)
	if err != nil {
		return Payment{}, err
	}
	till, err := s.tillAt(ctx, due.BrandID, in.ShopID)
	if err != nil {
		return Payment{}, err
	}
	now := s.Now()
	open := Payment{
		ID: id.New(), BrandID: due.BrandID, OrderID: due.OrderID, Method: g.Method(), Gateway: g.Name(), Status: StatusPending,
		Currency: due.Currency, AmountMinor: minor, Reference: in.Reference, Till: till, CreatedAt: now, UpdatedAt: now,
	}
	if err := s.Store.Insert(ctx, open); err != nil {
		return open, err
	}
	op := Operation{
		ID: id.New(), PaymentID: open.ID, Kind: OperationStart, Status: OperationDone, AmountMinor: minor,
		ClientKey: in.IdempotencyKey, InputHash: hash, CreatedAt: now, AnsweredAt: &now,
	}
	if err := s.Store.InsertOperation(ctx, op); err != nil {
		return open, err
	}
	all = append(all, open)
	taken := open.Receive(minor, now)
	if err := s.save(ctx, due, all, open, taken); err != nil {
		return taken, err
	}
	return taken, s.dropOthers(ctx, due, all, taken)
}

// tillAt is the code of the shop at whose till money is taken: those of a shop take it at
// theirs.
func (s *Service) tillAt(ctx context.Context, brandID uuid.UUID, shopID *uuid.UUID) (string, error) {
	if actor := access.From(ctx); actor.Is(access.RoleStoreStaff) {
		switch {
		case shopID == nil && len(actor.Stores) == 1:
			shopID = &actor.Stores[0]
		case shopID == nil:
			return "", fault.ErrRequired.At("shopId")
		case !slices.Contains(actor.Stores, *shopID):
			return "", fault.ErrForbidden
		}
	}
	if shopID == nil {
		return "", nil
	}
	code, err := s.Store.TillCode(ctx, brandID, *shopID)
	if err == nil && code == "" {
		err = fault.ErrNotFound.At("shopId")
	}
	return code, err
}

// part is how much of an order is paid now, in minor units: what is asked for, or all
// that is still to be paid.
func part(due Due, all []Payment, asked *decimal.Decimal) (int64, error) {
	rest := due.Amount - max(TotalsOf(all).Secured(), 0)
	if asked == nil {
		return rest, nil
	}
	amount, err := money.Parse(*asked, due.Currency)
	switch {
	case err != nil:
		return 0, at("amount", err)
	case amount.Minor <= 0:
		return 0, ErrAmount.At("amount")
	case amount.Minor > rest:
		return 0, ErrAboveDue.With(money.Of(rest, due.Currency)).At("amount")
	}
	return amount.Minor, nil
}
