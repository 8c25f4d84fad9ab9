package order

import (
	"cmp"
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/pricing"
)

// Exchanges know what was carried over to orders whose goods replace others, and what came
// back of orders.
type Exchanges interface {
	// GivenUp gives back what was carried over to the order, in the transaction that gives
	// it up, and answers how much goes back to the customer.
	GivenUp(ctx context.Context, orderID uuid.UUID) (int64, error)
	// Refused gives back what is due when all of an order is back, if it is with a shipment
	// that was refused, in the transaction that takes it back, and answers how much. The
	// credit note is issued by what it answers: late, as whoever draws a number holds up
	// others who do.
	Refused(ctx context.Context, orderID, shipmentID uuid.UUID) (int64, func(context.Context) error, error)
}

// ExchangeBy says who knows of exchanges: returns place orders, so they are made after them.
func (s *Service) ExchangeBy(e Exchanges) { s.exchanges = e }

// CarryOver notes how much was paid before for goods of an order that cost nothing, since
// they are exchanged in their turn; in the transaction that has the order locked.
func (s *Service) CarryOver(ctx context.Context, orderID uuid.UUID, minor int64) error {
	return s.store.SaveCarried(ctx, orderID, minor)
}

// Carried is what was paid for goods that came back, and that the order's replace; nil if
// nothing was carried over.
func (o Order) Carried() *money.Money {
	if o.CarriedMinor == 0 {
		return nil
	}
	carried := money.Of(o.CarriedMinor, o.Currency)
	return &carried
}

var (
	labelExchange = i18n.Text{"ja": "交換する商品", "en": "Goods wanted instead"}
	labelCarried  = i18n.Text{"ja": "返品された商品のお支払い済み分", "en": "Paid with the goods that came back"}
)

// owe makes the line cost what its goods cost more than those that they replace.
func (l *Line) owe(w Wanted, inclusive bool) {
	l.UnitMinor, l.TotalMinor = w.UnitMinor, w.OwedMinor
	if !inclusive {
		l.TotalMinor = money.TaxOf(l.TaxClass, money.Of(w.OwedMinor, l.Currency), true, money.RoundDown).Net.Minor
	}
	all := money.Of(w.UnitMinor*int64(w.Quantity), l.Currency)
	l.Breakdown = []pricing.Step{
		{Rule: pricing.RuleExchange, Label: labelExchange, Change: all, Running: all},
		{Rule: pricing.RuleExchange, Label: labelCarried, Change: money.Of(l.TotalMinor-all.Minor, l.Currency), Running: money.Of(l.TotalMinor, l.Currency)},
	}
}

// dearer makes an order of dearer goods ask for the difference: it waits for its money, but
// where it is owed on account, or paid at the shop's till.
func (s *Service) dearer(ctx context.Context, d *Draft, in ExchangeInput) error {
	o := &d.Order
	for _, w := range in.Wanted {
		o.CarriedMinor += w.CarriedMinor
	}
	if !slices.ContainsFunc(d.Lines, func(l Line) bool { return l.TotalMinor > 0 }) {
		return nil
	}
	lookup, err := s.carts.Reopen(ctx, cart.Reopened{MemberID: o.MemberID, CompanyID: o.CompanyID})
	if err != nil {
		return err
	}
	o.total(d.Lines, cmp.Or(lookup.Buyer().TaxRounding, money.RoundDown))
	o.Breakdown = []pricing.Step{
		{Rule: pricing.RuleSubtotal, Label: labelExchange, Change: money.Of(o.SubtotalMinor, o.Currency), Running: money.Of(o.SubtotalMinor, o.Currency)},
		{Rule: pricing.RuleExchange, Label: labelCarried, Change: money.Of(-o.DiscountMinor, o.Currency), Running: money.Of(o.SubtotalMinor-o.DiscountMinor, o.Currency)},
	}
	o.Paid = false
	if in.overCounter() {
		return s.dearerOver(ctx, d, in)
	}
	switch {
	case o.OnAccount() && o.CompanyID != nil:
		o.Paid, err = s.trade.Adjust(ctx, *o.CompanyID, o.ID, o.TotalMinor)
	case o.PaymentMethod != payment.MethodAtShop:
		o.Status = PendingPayment
		if o.PaymentMethod != payment.MethodCard {
			o.PaymentMethod = payment.MethodBankTransfer // until its customer says otherwise
		}
	}
	if err != nil {
		return err
	}
	return s.billed(ctx, d, PlaceInput{})
}

// atTill is what is taken at the till for the goods: nothing but over the counter.
func (d Draft) atTill(in ExchangeInput) money.Money {
	if !in.overCounter() {
		return money.Of(0, d.Order.Currency)
	}
	return d.Order.Total()
}

// dearerOver lets an order of dearer goods be paid at the till, before they are handed over.
func (s *Service) dearerOver(ctx context.Context, d *Draft, in ExchangeInput) error {
	o := &d.Order
	o.Status, o.PaymentMethod = PendingPayment, payment.MethodCash
	if len(in.Tenders) > 0 {
		o.PaymentMethod = in.Tenders[0].Method
	}
	if o.Email == "" {
		return nil
	}
	confirmation, err := s.message(ctx, *o, o.ID.String(), confirmationOf(*d))
	d.Messages = []messaging.Message{confirmation}
	return err
}
