package cart

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/company"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/shipping"
)

// UpdateInput is what the customer says about the order to come.
type UpdateInput struct {
	Email            *string
	ShippingAddress  *customer.Address
	BillingAddress   *customer.Address
	BillToShipping   bool // forget the billing address: the bill goes with the parcel
	ShippingMethodID *uuid.UUID
	ShopID           *uuid.UUID
	NoShop           bool                  // forget the shop
	ShippingMode     *pricing.ShippingMode // DIRECT only for those who may
	PaymentMethod    *payment.Method       // how it is to be paid, so that its charge is in the total
	DeliverOn        *time.Time            // the day that is wished for
	DeliveryBand     *string               // the part of the day that is wished for, by its code
	AnyDelivery      bool                  // forget the day and the part of the day
	Recipient        *string               // who picks it up at a shop
}

// chooses reports whether the input says what is wished of the delivery.
func (in UpdateInput) chooses() bool { return in.DeliverOn != nil || in.DeliveryBand != nil }

// change is what the input says, in normal form.
func (in UpdateInput) change() (Change, error) {
	change := Change(in)
	if in.Email != nil {
		email, err := identity.NormaliseEmail(*in.Email)
		if err != nil {
			return Change{}, ErrEmail.At("email")
		}
		change.Email = &email
	}
	if in.ShippingAddress != nil {
		normalised := in.ShippingAddress.Normalised()
		if err := normalised.Validate("shippingAddress"); err != nil {
			return Change{}, err
		}
		change.ShippingAddress = &normalised
	}
	if in.BillingAddress != nil {
		normalised := in.BillingAddress.Normalised()
		if err := errors.Join(normalised.Validate("billingAddress"), oneOf(!in.BillToShipping)); err != nil {
			return Change{}, err
		}
		change.BillingAddress = &normalised
	}
	if in.Recipient != nil {
		name := strings.Join(strings.Fields(*in.Recipient), " ")
		if err := i18n.CheckString("recipient", name, maxRecipient); err != nil {
			return Change{}, err
		}
		change.Recipient = &name
	}
	if in.ShopID != nil && in.NoShop {
		return Change{}, ErrOneShop.At("noShop")
	}
	if in.chooses() && in.AnyDelivery {
		return Change{}, ErrAnyDelivery.At("anyDelivery")
	}
	return change, nil
}

// Update notes e-mail address, addresses, shipping method, mode and shop.
func (s *Service) Update(ctx context.Context, in UpdateInput) (*Priced, error) {
	change, err := in.change()
	if err == nil {
		err = s.mayShip(ctx, in.ShippingMode)
	}
	if err != nil {
		return nil, err
	}
	lookup, err := s.Lookup(ctx)
	if err != nil {
		return nil, err
	}
	if in.ShippingMethodID == nil && !in.chooses() {
		return s.update(ctx, lookup, change)
	}
	// A method that does not take the goods is not noted, nor a delivery that cannot be
	// met, nor what came with it.
	var priced *Priced
	err = s.store.InTx(ctx, func(ctx context.Context) error {
		if priced, err = s.update(ctx, lookup, change); err != nil {
			return err
		}
		return in.refused(priced)
	})
	if err != nil {
		return nil, err
	}
	return priced, nil
}

// refused is why the cart cannot be as the input wants it; nil if it can. What only waits
// for the address is noted.
func (in UpdateInput) refused(p *Priced) error {
	if p.PickedUp() { // method and day are for another time
		return nil
	}
	if in.ShippingMethodID != nil {
		if f := p.Verdict.Problem; f != nil && !errors.Is(f, shipping.ErrAddressNeeded) {
			return f.At("shippingMethodId")
		}
	}
	switch {
	case !in.chooses():
		return nil
	case p.Arrival == nil:
		return fault.ErrRequired.At("shippingMethodId")
	case p.Arrival.Problem != nil && !errors.Is(p.Arrival.Problem, shipping.ErrAddressNeeded):
		return p.Arrival.Problem
	}
	return nil
}

func (s *Service) update(ctx context.Context, lookup Lookup, in Change) (*Priced, error) {
	basket, err := s.store.Update(ctx, lookup, in)
	switch {
	case err != nil:
		return nil, err
	case basket == nil:
		return nil, ErrNoCart
	case in.ShippingMethodID != nil && (basket.Method == nil || basket.Method.ID != *in.ShippingMethodID):
		return nil, ErrUnknownMethod.At("shippingMethodId")
	case in.ShopID != nil && (basket.Cart.ShopID == nil || *basket.Cart.ShopID != *in.ShopID):
		return nil, ErrUnknownShop.At("shopId")
	}
	return s.Price(ctx, lookup, *basket)
}

// mayShip fails unless the actor may have goods shipped in the mode.
func (s *Service) mayShip(ctx context.Context, mode *pricing.ShippingMode) error {
	if mode == nil || *mode != pricing.ShipDirect {
		return nil
	}
	err := s.functions.May(ctx, company.FunctionDirectShipping)
	var f *fault.Error
	if errors.As(err, &f) {
		return f.At("shippingMode")
	}
	return err
}

// oneOf fails unless a billing address stands alone.
func oneOf(alone bool) error {
	if alone {
		return nil
	}
	return ErrBilling.At("billToShipping")
}
