package order

import (
	"context"
	"slices"

	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/payment"
)

// reduces reports whether the edit only takes pieces away.
func (in EditInput) reduces() bool {
	return len(in.Add) == 0 && in.ShippingFee == nil && !slices.ContainsFunc(in.Lines, func(l EditedLine) bool { return l.Unit != nil })
}

// fits reports whether an order that stands so can be edited like this: once some of it
// has left, pieces are only taken away.
func (in EditInput) fits(s Status) bool {
	return slices.Contains([]Status{PendingPayment, Confirmed, Picking}, s) || (s == PartiallyShipped && in.reduces())
}

// collected reports whether somebody outside asks the customer for the order's money, and
// has not brought it yet.
func (o Order) collected() bool {
	return o.OnDelivery() || (o.PaymentMethod == payment.MethodConvenienceStore && !o.Paid)
}

// fitsPacked fails where what was packed stands against the edit: a carrier that collects
// the money knows how much, and goods that came back leave the others as they are.
func (in EditInput) fitsPacked(o Order, p packing) error {
	standing := slices.ContainsFunc(p.shipments, func(h Shipment) bool { return h.Status != ShipmentCancelled })
	switch {
	case o.OnDelivery() && standing:
		return payment.ErrCollectorTold.At("orderId")
	case anyRefused(p.shipments) && !in.reduces():
		return ErrTransition.With(o.Status)
	}
	return nil
}

// repay gives back what the edited order has paid too much, and says whether it is paid.
// What is on account has no payments.
func (s *Service) repay(ctx context.Context, a *amendment, done *Edited) error {
	o := a.order
	if o.OnAccount() {
		return nil
	}
	if o.collected() {
		if err := s.payments.Lessen(ctx, o.ID, a.before.TotalMinor-o.TotalMinor); err != nil {
			return err
		}
	}
	adjust := s.payments.Adjust
	if a.begun() {
		adjust = s.payments.Reduce
	}
	money, err := adjust(ctx, o.ID, a.before.TotalMinor, o.TotalMinor)
	if err != nil {
		return err
	}
	done.Refund.Minor, o.Paid = money.Refund, money.Covered >= o.Owed()
	if o.Paid && o.Status == PendingPayment {
		o.Status = Confirmed
	}
	return nil
}

// begun reports whether some of the order had left before the edit, if only to come back.
func (a *amendment) begun() bool {
	return a.before.Status == PartiallyShipped || anyRefused(a.shipments)
}

func anyRefused(shipments []Shipment) bool {
	return slices.ContainsFunc(shipments, func(h Shipment) bool { return h.Status == ShipmentRefused })
}

// reduced sees to what was sold and invoiced of an order of which some has left, and of
// which pieces do not leave any more. Goods that stay bear what they bore; the fee of
// the shipping is the whole order's, and stays.
func (s *Service) reduced(ctx context.Context, a *amendment, reason string) error {
	if err := s.sellRest(ctx, a); err != nil {
		return err
	}
	if s.campaigns != nil && len(a.held) == 0 {
		if err := s.campaigns.Shipped(ctx, a.order.BrandID, a.order.ID); err != nil {
			return err
		}
	}
	if s.documents == nil {
		return nil
	}
	return s.documents.Reduced(ctx, a.before, *a.order, reason) // late: whoever draws a number holds up others who do
}

// sellRest writes down what of the order's amounts no shipment was worth, such as the
// rest of its shipping fee, once nothing more leaves: the last that left is worth it.
func (s *Service) sellRest(ctx context.Context, a *amendment) error {
	if len(a.held) > 0 {
		return nil // what leaves last is worth it
	}
	o := a.order
	rest := Shipment{TotalMinor: o.TotalMinor, ShippingMinor: o.ShippingMinor, ChargeMinor: o.ChargeMinor, Taxes: slices.Clone(o.Taxes)}
	var last *Shipment
	left := false
	for i := range a.shipments {
		if a.shipments[i].Status.sold() {
			last, left = &a.shipments[i], left || a.shipments[i].Status.Left()
			rest.less(*last)
		}
	}
	if !left { // all that has left came back
		return ErrEditEmpties.At("lines")
	}
	sale := ledger.Sale{
		ShipmentID: last.ID, OrderID: o.ID, BrandID: o.BrandID, Number: o.Number, Currency: o.Currency, Total: rest.TotalMinor,
		Shipping: rest.ShippingMinor, Charge: rest.ChargeMinor, Inclusive: o.TaxInclusive, Taxes: rest.Taxes, Rest: true,
	}
	if o.OnAccount() {
		sale.CompanyID = o.CompanyID
	}
	if err := s.books.Sold(ctx, sale); err != nil {
		return err
	}
	for i := range rest.Taxes { // less what is to be added is adding it
		t := &rest.Taxes[i]
		t.Net.Minor, t.Tax.Minor, t.Gross.Minor = -t.Net.Minor, -t.Tax.Minor, -t.Gross.Minor
	}
	last.less(Shipment{TotalMinor: -rest.TotalMinor, ShippingMinor: -rest.ShippingMinor, ChargeMinor: -rest.ChargeMinor, Taxes: rest.Taxes})
	last.UpdatedAt = s.now()
	return s.store.SaveShipment(ctx, *last)
}
