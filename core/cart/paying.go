package cart

import (
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/shipping"
)

// chargeLabel names the charge in a total.
var chargeLabel = i18n.Text{"ja": "代引手数料", "en": "Cash on delivery charge"}

// onDelivery reports whether the goods are to be paid at the door.
func (c Cart) onDelivery() bool {
	return c.PaymentMethod != nil && *c.PaymentMethod == payment.MethodCashOnDelivery
}

// charged quotes the items again, with the charge of the chosen way to pay. The charge
// depends on the total without it, so that it never depends on itself.
func (l Lookup) charged(b Basket, items []pricing.Item, q pricing.Quote, v *shipping.Verdict) (pricing.Quote, error) {
	if !b.Cart.onDelivery() || q.Total.Minor == 0 {
		return q, nil
	}
	charge := b.Charge
	if charge == nil && b.Cart.Delivery != nil {
		charge = &pricing.Fee{Label: chargeLabel, Amount: b.Cart.Delivery.Charge(q.Total.Minor), TaxClass: b.Cart.Delivery.TaxClass}
	}
	if charge == nil || charge.Amount == 0 {
		return q, nil
	}
	return l.desk.Charged(b.Sheets, items, b.fee(v), *charge)
}

// payable is what stands against paying the total the chosen way; nil if nothing does,
// or none is chosen.
func (c Cart) payable(total money.Money, v *shipping.Verdict) *fault.Error {
	switch {
	case c.PaymentMethod == nil || total.Minor == 0:
		return nil
	case *c.PaymentMethod == payment.MethodAtShop && !c.PayableAtShop(), c.onDelivery() && c.PickedUp():
		return payment.ErrMethodUnavailable
	case v != nil && v.Excludes(*c.PaymentMethod) != nil:
		return v.Excludes(*c.PaymentMethod)
	case !c.onDelivery():
		return nil
	case c.Delivery == nil:
		return payment.ErrMethodUnavailable
	case total.Minor > c.Delivery.MostMinor:
		return payment.ErrLimit.With(money.Of(c.Delivery.MostMinor, total.Currency))
	}
	return nil
}
