package order

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/payment"
)

// OnDelivery reports whether the carrier collects the order's money (代金引換).
func (o Order) OnDelivery() bool { return o.PaymentMethod == payment.MethodCashOnDelivery }

// ShipsUnpaid reports whether the order may ship before its money is there.
func (o Order) ShipsUnpaid() bool { return o.OnAccount() || o.OnDelivery() }

// RefuseInput names an order whose parcel the customer did not take, and says why.
type RefuseInput struct {
	IdempotencyKey string
	OrderID        uuid.UUID
	Reason         string
}

// Refuse gives up an order that was shipped to be paid on delivery and came back
// (受取拒否), for staff, once for each key: the sale is taken back in the books. The goods
// are received into stock as any others.
func (s *Service) Refuse(ctx context.Context, in RefuseInput) (*Order, error) {
	if err := access.Require(ctx, access.OrderWrite); err != nil {
		return nil, err
	}
	if err := short("reason", in.Reason, maxReason); err != nil {
		return nil, err
	}
	return s.once(ctx, "recordRefusedDelivery", in.IdempotencyKey, in, in.OrderID, "order.refused", func(ctx context.Context, o *Order, c *Change) error {
		if err := s.refusable(ctx, *o); err != nil {
			return err
		}
		c.Reason = in.Reason
		if err := errors.Join(s.cancel(ctx, o, in.Reason), s.store.RefuseShipments(ctx, o.ID, s.now())); err != nil {
			return err
		}
		return s.books.Refused(ctx, ledger.Movement{OrderID: o.ID, BrandID: o.BrandID, Number: o.Number, Currency: o.Currency})
	})
}

// refusable fails unless the order was to be paid at the door, and its one shipment is out.
func (s *Service) refusable(ctx context.Context, o Order) error {
	if o.Status != Shipped || !o.OnDelivery() || o.Paid {
		return payment.ErrNotRefused.At("orderId")
	}
	shipments, err := s.store.Shipments(ctx, []uuid.UUID{o.ID})
	if err != nil {
		return err
	}
	out := 0
	for _, h := range shipments {
		if h.Status.Left() {
			out++
		}
	}
	if out > 1 {
		return ErrSeveralShipments.At("orderId")
	}
	back, err := s.store.CameBack(ctx, o.ID)
	if err == nil && len(back) > 0 {
		err = errCameBack.At("orderId")
	}
	return err
}

// Refusable locks an order and reports whether Refuse would give it up, for noren itself:
// whoever has more to do in the transaction may not let Refuse fail in it.
func (s *Service) Refusable(ctx context.Context, orderID uuid.UUID) (bool, error) {
	if !access.From(ctx).Is(access.RoleSystem) {
		return false, fault.ErrForbidden
	}
	o, err := s.store.Lock(ctx, orderID)
	if err != nil || o == nil {
		return false, err
	}
	err = s.refusable(ctx, *o)
	if errors.Is(err, payment.ErrNotRefused) || errors.Is(err, ErrSeveralShipments) || errors.Is(err, errCameBack) {
		return false, nil
	}
	return err == nil, err
}
