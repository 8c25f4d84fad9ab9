package order

import (
	"cmp"
	"context"
	"slices"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/pricing"
)

// reduces reports whether the edit only takes pieces away.
func (in EditInput) reduces() bool {
	return len(in.Add) == 0 && in.ShippingFee == nil && in.ShippingAddress == nil && !slices.ContainsFunc(in.Lines, func(l EditedLine) bool { return l.Unit != nil })
}

// fits reports whether an order that stands so can be edited like this: once some of it
// has left, pieces are only taken away.
func (in EditInput) fits(s Status) bool {
	return slices.Contains([]Status{PendingPayment, Confirmed, Picking}, s) || (s == PartiallyShipped && in.reduces())
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
	case in.ShippingAddress != nil && (standing || o.PickedUp()):
		return ErrEditAddress.At("shippingAddress")
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
	if !o.Paid && o.TotalMinor != a.before.TotalMinor {
		if err := s.payments.Reask(ctx, o.ID, a.before.Owed(), o.Owed()); err != nil {
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

// lessen takes pieces away of an order of which some has left: those that stay cost what
// they cost, as they were sold and invoiced.
func (a *amendment) lessen(in EditInput, rounding money.Rounding) error {
	a.after = slices.Clone(a.lines)
	for _, l := range in.Lines {
		if err := a.lessenLine(l); err != nil {
			return err
		}
	}
	if len(a.after) == 0 {
		return ErrEditEmpties.At("lines")
	}
	a.total(rounding)
	return nil
}

func (a *amendment) lessenLine(in EditedLine) error {
	i := slices.IndexFunc(a.after, func(l Line) bool { return l.ID == in.LineID })
	if i < 0 {
		return ErrUnknownLine.At("lines")
	}
	l := a.after[i]
	if packed := a.packedOf(l); in.Quantity < packed {
		return ErrLinePacked.With(packed).At("lines")
	}
	if in.Quantity > l.Quantity {
		return ErrTransition.With(a.before.Status)
	}
	a.said = append(a.said, l.SKU)
	if in.Quantity == 0 {
		a.after, a.removed = slices.Delete(a.after, i, i+1), append(a.removed, l.ID)
		return nil
	}
	was := l.TotalMinor
	total, err := money.RoundDown.Portion(was, int64(in.Quantity), int64(l.Quantity), 1)
	if err != nil {
		return at("lines", err)
	}
	l.TotalMinor = total
	l.resize(in.Quantity)
	l.Breakdown = append(slices.Clone(l.Breakdown), pricing.Step{
		Rule: pricing.RuleEdit, Label: labelEdit, Change: money.Of(l.TotalMinor-was, l.Currency), Running: money.Of(l.TotalMinor, l.Currency),
	})
	a.after[i], a.changed = l, append(a.changed, l.ID)
	return nil
}

var labelEdit = i18n.Text{"ja": "注文変更", "en": "Order edited"}

// resize makes the line so many pieces, and shares its total out among the parts.
func (l *Line) resize(quantity int) {
	parts := slices.Clone(l.Parts)
	weights, shares := l.worth(), make([]int64, len(parts))
	for i := range parts {
		parts[i].Quantity = parts[i].Quantity / l.Quantity * quantity
	}
	pricing.Apportion(weights, l.TotalMinor, shares, cmp.Compare)
	for i := range parts {
		parts[i].Amount.Minor = shares[i]
	}
	l.Parts, l.Quantity = parts, quantity
}

// total adds up what is left of the order.
func (a *amendment) total(rounding money.Rounding) {
	a.order.total(a.after, rounding)
	a.order.Breakdown = append(slices.Clone(a.order.Breakdown), pricing.Step{Rule: pricing.RuleEdit, Label: labelEdit, Change: a.difference(), Running: a.order.Total()})
}

// total adds up what the order holds: tax is rounded once for each rate.
func (o *Order) total(held []Line, rounding money.Rounding) {
	sums := map[money.TaxClass]int64{}
	var subtotal, lines int64
	for _, l := range held {
		subtotal, lines = subtotal+l.UnitMinor*int64(l.Quantity), lines+l.TotalMinor
		for _, p := range l.Parts {
			sums[p.TaxClass] += p.Amount.Minor
		}
		if len(l.Parts) == 0 {
			sums[l.TaxClass] += l.TotalMinor
		}
	}
	sums[o.ShippingClass()] += o.ShippingMinor
	o.SubtotalMinor, o.DiscountMinor, o.TaxMinor, o.Taxes = subtotal, subtotal-lines, 0, []money.Taxed{}
	sums[o.ChargeClass()] += o.ChargeMinor
	o.TotalMinor = lines + o.ShippingMinor + o.ChargeMinor
	for _, class := range money.TaxClasses {
		if sums[class] == 0 {
			continue
		}
		taxed := money.TaxOf(class, money.Of(sums[class], o.Currency), o.TaxInclusive, rounding)
		o.Taxes, o.TaxMinor = append(o.Taxes, taxed), o.TaxMinor+taxed.Tax.Minor
	}
	if !o.TaxInclusive {
		o.TotalMinor += o.TaxMinor
	}
}

// begun reports whether some of the order had left before the edit, if only to come back.
func (a *amendment) begun() bool {
	return a.before.Status == PartiallyShipped || anyRefused(a.shipments)
}

func anyRefused(shipments []Shipment) bool {
	return slices.ContainsFunc(shipments, func(h Shipment) bool { return h.Status == ShipmentRefused })
}

// redocument sees to the documents of the edited order, and to what was sold of it: of one
// that was paid before, and of which nothing has left, there may be a receipt.
func (s *Service) redocument(ctx context.Context, a *amendment, reason string) error {
	switch {
	case a.begun():
		return s.reduced(ctx, a, reason)
	case s.documents == nil || !a.before.Paid:
		return nil
	}
	return s.documents.Edited(ctx, *a.order, reason)
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
		Shipping: rest.ShippingMinor, ShippingClass: o.ShippingClass(), Charge: rest.ChargeMinor, ChargeClass: o.ChargeClass(), Inclusive: o.TaxInclusive, Taxes: rest.Taxes, Rest: true,
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
