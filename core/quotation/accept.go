package quotation

import (
	"context"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/payment"
)

// AcceptInput is a buyer's word: this offer, at this total, shipped and paid this way.
type AcceptInput struct {
	IdempotencyKey   string
	QuotationID      uuid.UUID
	Revision         int             // that the buyer has seen
	ExpectedTotal    decimal.Decimal // in major units
	PaymentMethod    payment.Method
	Store            payment.Chain // of convenience stores, if it is paid there
	ShippingMethodID uuid.UUID
	ShippingAddress  customer.Address
	BillingAddress   *customer.Address // nil: where the parcel goes
}

// Accept orders at the offer: the stock, the credit and an approver are asked as for
// any order, in one transaction, once for the quotation and for each key. Members of
// the quotation's company who approve may accept it for who asked, whose order it is.
func (s *Service) Accept(ctx context.Context, in AcceptInput) (*order.Order, error) {
	in.ShippingAddress = in.ShippingAddress.Normalised()
	if err := in.ShippingAddress.Validate("shippingAddress"); err != nil {
		return nil, err
	}
	if in.BillingAddress != nil {
		billing := in.BillingAddress.Normalised()
		if err := billing.Validate("billingAddress"); err != nil {
			return nil, err
		}
		in.BillingAddress = &billing
	}
	var q *Quotation
	return s.Orders.PlaceFrom(ctx, order.PlaceInput{IdempotencyKey: in.IdempotencyKey, ExpectedTotal: in.ExpectedTotal, PaymentMethod: in.PaymentMethod, Store: in.Store}, order.Source{
		Operation: "acceptQuotation", Intent: in,
		Lock: func(ctx context.Context, lookup cart.Lookup) (basket *cart.Basket, err error) {
			if q, err = s.acceptable(ctx, in); err != nil {
				return nil, err
			}
			return s.basket(ctx, lookup, *q, in)
		},
		Ordered: func(ctx context.Context, orderID uuid.UUID) error {
			said := Change{Before: q.State, Revision: q.Revision}
			q.State, q.OrderID = Accepted, &orderID
			_, err := s.record(ctx, q, "quotation.accepted", said)
			return err
		},
	})
}

// Reopen lets a buyer order at an offer again whose order was given up, as long as it
// is valid, in the transaction that gives the order up.
func (s *Service) Reopen(ctx context.Context, quotationID uuid.UUID) error {
	q, err := s.Store.Lock(ctx, quotationID)
	if err != nil || q == nil || q.State != Accepted {
		return err
	}
	said := Change{Before: q.State, Revision: q.Revision}
	q.State, q.OrderID = Expired, nil
	if q.ValidUntil.After(s.Now()) {
		q.State = Answered
	}
	_, err = s.record(ctx, q, "quotation.reopened", said)
	return err
}

// acceptable locks the quotation, if the buyer can order at its offer now.
func (s *Service) acceptable(ctx context.Context, in AcceptInput) (*Quotation, error) {
	q, staff, err := s.lock(ctx, in.QuotationID)
	switch {
	case err != nil:
		return nil, err
	case staff:
		return nil, ErrState.With(q.State) // the shop does not order of itself
	case q.State == Withdrawn:
		return nil, ErrWithdrawn
	case q.State == Expired, q.State == Answered && !q.ValidUntil.After(s.Now()):
		return nil, ErrExpired
	case q.State != Answered:
		return nil, ErrState.With(q.State)
	case q.Revision != in.Revision:
		return nil, ErrSuperseded.With(q.Revision).At("revision")
	}
	return q, nil
}

// basket is the offer as an order takes it.
func (s *Service) basket(ctx context.Context, lookup cart.Lookup, q Quotation, in AcceptInput) (*cart.Basket, error) {
	b, err := s.Store.Basket(ctx, lookup, BasketQuery{QuotationID: q.ID, MethodID: in.ShippingMethodID})
	if err != nil {
		return nil, err
	}
	if b.Method == nil {
		return nil, cart.ErrUnknownMethod.At("shippingMethodId")
	}
	b.Cart = cart.Cart{
		BrandID: q.BrandID, ChannelID: q.ChannelID, MemberID: &q.MemberID, Email: q.Email, ShippingAddress: &in.ShippingAddress, BillingAddress: in.BillingAddress,
		ShippingMethodID: &in.ShippingMethodID, ShippingMode: q.ShippingMode, QuotationID: &q.ID,
	}
	return b, nil
}
