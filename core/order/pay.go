package order

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/payment"
)

// PaymentDue is what the order asks of its customer, for who may see the order; of staff
// of a shop, only those to whose shop it belongs.
func (s *Service) PaymentDue(ctx context.Context, orderID uuid.UUID) (payment.Due, error) {
	o, err := s.store.Lock(ctx, orderID)
	if err != nil {
		return payment.Due{}, err
	}
	if err := s.known(ctx, o); err != nil {
		return payment.Due{}, err
	}
	if err := s.ours(ctx, *o); err != nil {
		return payment.Due{}, err
	}
	return payment.Due{
		MemberID: o.owner(),
		OrderID:  o.ID, BrandID: o.BrandID, Number: o.Number, Amount: o.Owed(), Currency: o.Currency,
		Payable: o.Status == PendingPayment || o.lapsed(), Cancelled: o.Status == Cancelled,
		Name: o.ShippingAddress.Name, Email: o.Email, Language: o.Language, Method: o.PaymentMethod,
		Excluded: o.ShippingMethod.Excluded,
	}, nil
}

// owner is the member who has bought it; nil for guests and companies.
func (o Order) owner() *uuid.UUID {
	if o.CompanyID != nil {
		return nil
	}
	return o.MemberID
}

// lapsed reports whether an order that stands has lost its money: a hold that was
// given up, taken in part only, or over when all had left. It may be paid again.
func (o Order) lapsed() bool {
	return slices.Contains([]Status{Confirmed, Picking, PartiallyShipped, Shipped, Delivered}, o.Status) && !o.Paid && !o.ShipsUnpaid()
}

// gone reports whether nothing of the order is to leave any more.
func (o Order) gone() bool { return o.Status == Shipped || o.Status == Delivered }

// MaySee reports whether the actor may see the order.
func (s *Service) MaySee(ctx context.Context, orderID uuid.UUID) (bool, error) {
	orders, err := s.ByIDs(ctx, []uuid.UUID{orderID})
	return len(orders) == 1, err
}

// PaymentChanged notes what has come in; an order that waited for its money and
// now has it is confirmed, and answers what its customer is told of the delivery. One that
// has lost it before anything was packed waits again. Of one that has left, what is held
// is taken: no shipment will.
func (s *Service) PaymentChanged(ctx context.Context, orderID uuid.UUID, t payment.Totals) (told payment.Told, _ error) {
	o, err := s.store.Lock(ctx, orderID)
	if err != nil || o == nil {
		return told, err
	}
	ctx = inBrand(ctx, o.BrandID)
	paid, before, waited := t.Covered() >= o.Owed(), o.Status, o.waits()
	if paid == o.Paid {
		return payment.Told{Waits: o.Status == PendingPayment}, nil
	}
	o.Paid = paid
	if err := s.standsPaid(ctx, o, t); err != nil {
		return told, err
	}
	if waited && !o.waits() {
		if err := s.released(ctx, o); err != nil {
			return told, err
		}
		told = o.told()
	}
	told.Waits = o.Status == PendingPayment
	o.UpdatedAt = s.now()
	if err := s.store.Update(ctx, *o); err != nil {
		return told, err
	}
	return told, s.events.Record(ctx, event.New(ctx, o.UpdatedAt, "order.payment_changed", "Order", o.ID, map[string]any{
		"before": before, "after": o.Status, "paid": paid,
	}))
}

// standsPaid lets the order stand as its money says.
func (s *Service) standsPaid(ctx context.Context, o *Order, t payment.Totals) error {
	switch {
	case o.Paid && o.Status == PendingPayment:
		o.Status = Confirmed
	case o.Paid && o.gone() && t.Authorised > 0:
		return s.payments.Take(ctx, o.ID, o.Owed())
	case !o.Paid && o.Status == Confirmed && !o.ShipsUnpaid() && !o.paidOnReceipt():
		o.Status = PendingPayment
	}
	return nil
}

// errStands says that an order is not waiting for money any more.
var errStands = errors.New("the order stands")

// expired is what the customer reads in the mail.
func expired(language string) string {
	return i18n.Text{"ja": "お支払い期限までにご入金を確認できなかったため", "en": "The payment did not arrive in time"}.In(language)
}

// PaymentExpired gives up an order whose money did not come in time.
func (s *Service) PaymentExpired(ctx context.Context, orderID uuid.UUID) error {
	_, err := s.change(access.With(ctx, access.System), orderID, "order.cancelled", func(ctx context.Context, o *Order, c *Change) error {
		if o.Status != PendingPayment {
			return errStands
		}
		c.Reason = expired(o.Language)
		return s.cancel(ctx, o, c.Reason)
	})
	if errors.Is(err, errStands) {
		return nil
	}
	return err
}
