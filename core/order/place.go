package order

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/company"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/prepaid"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/scope"
)

// PlaceInput is a customer's word: this cart, at this price, paid this way.
type PlaceInput struct {
	IdempotencyKey string
	ExpectedTotal  decimal.Decimal // what the customer was shown, in major units
	PaymentMethod  payment.Method
	CardID         *uuid.UUID        // a kept card of the buyer's that noren charges, for what it places by itself
	Store          payment.Chain     // of convenience stores, if it is paid there
	prepaid.Codes                    // that pay first
	Points         []points.UseInput // that pay before the codes
}

// errStockMoved says that stock went between planning and taking; planning anew helps.
var errStockMoved = errors.New("stock moved")

// maxPlans bounds how often an order is planned anew because stock moved.
const maxPlans = 4

// Place turns the actor's cart into an order, once for each idempotency key: the
// lines priced now must come to the expected total, the stock is taken, the
// payment opened, the confirmation queued, all in one transaction or not at all.
func (s *Service) Place(ctx context.Context, in PlaceInput) (*Order, error) {
	if err := s.CodesTried(ctx, in.Codes); err != nil {
		return nil, err
	}
	return s.PlaceFrom(ctx, in, Source{Operation: "placeOrder", Intent: in, Lock: s.store.LockCart})
}

// Source is what an order is made of.
type Source struct {
	Operation string // what the idempotency key is chosen for
	Intent    any    // what the key stands for
	// Lock reads what is ordered, and locks it.
	Lock func(ctx context.Context, in cart.Lookup) (*cart.Basket, error)
	// By is who places it for the buyer; nil: the buyer does. The context's actor is the
	// buyer, as whom the order is priced and judged.
	By *access.Actor
	// PayWithin is how long the order waits for its money; 0: as the method says.
	PayWithin time.Duration
	// Ordered is told of the order in its transaction; may be nil.
	Ordered func(ctx context.Context, orderID uuid.UUID) error
	// Drafted is told how the order will stand, before it is written down; may be nil.
	Drafted func(ctx context.Context, o Order) error
}

// PlaceFrom orders what the source holds, as Place orders a cart.
func (s *Service) PlaceFrom(ctx context.Context, in PlaceInput, from Source) (*Order, error) {
	for range maxPlans {
		placed, err := s.placeOnce(ctx, in, from)
		if errors.Is(err, errStockMoved) {
			continue
		}
		if again, err := s.refused(ctx, err); !again || err != nil {
			return placed, err
		}
	}
	return nil, fault.ErrUnavailable
}

func (s *Service) placeOnce(ctx context.Context, in PlaceInput, from Source) (*Order, error) {
	mine := id.New()
	var (
		lookup cart.Lookup
		fresh  Order
	)
	placed, err := idempotency.OnceAs(ctx, s.keys, from.Operation, in.IdempotencyKey, from.Intent, mine,
		func(ctx context.Context) (basket *cart.Basket, err error) {
			if lookup, err = s.carts.Lookup(ctx); err != nil {
				return nil, err
			}
			return from.Lock(ctx, lookup)
		},
		func(ctx context.Context, basket *cart.Basket) (err error) {
			if from.Ordered != nil {
				if err := from.Ordered(ctx, mine); err != nil {
					return err
				}
			}
			fresh, err = s.place(ctx, mine, lookup, basket, in, from)
			return err
		})
	switch {
	case err != nil:
		return nil, err
	case placed == mine:
		return &fresh, nil
	}
	return s.ByID(ctx, placed)
}

// place orders a basket that is read and locked: it is priced, judged, drafted and
// written down.
func (s *Service) place(ctx context.Context, orderID uuid.UUID, lookup cart.Lookup, basket *cart.Basket, in PlaceInput, from Source) (Order, error) {
	if basket == nil {
		return Order{}, cart.ErrNoCart
	}
	basket.Cart.PaymentMethod = &in.PaymentMethod
	priced, err := s.carts.Price(ctx, lookup, *basket)
	if err != nil {
		return Order{}, err
	}
	if err := orderable(priced, in); err != nil {
		return Order{}, err
	}
	draft, err := s.draft(ctx, orderID, priced, in)
	if err != nil {
		return Order{}, err
	}
	basket.Levels = ranked(basket.Levels, Job{cart.Wanted(basket.Items), draft.Order.ShippingAddress.Prefecture}, channel.From(ctx).Allocation)
	if by := from.By; by != nil {
		draft.Event.ActorRole, draft.Event.ActorID, draft.by = by.Role, by.ID, by
	}
	if from.Drafted != nil {
		if err := from.Drafted(ctx, draft.Order); err != nil {
			return Order{}, err
		}
	}
	draft.payWithin = from.PayWithin
	draft.Reservations, draft.Limited = plan(*basket), limited(*basket)
	draft.Buyer, draft.Applied = lookup.Buyer(), slices.Clone(priced.Quote.Applied)
	if err := s.gifts(ctx, &draft, basket.Levels); err != nil {
		return Order{}, err
	}
	if err := s.billed(ctx, &draft, in); err != nil {
		return Order{}, err
	}
	return draft.Order, s.write(ctx, draft)
}

// write sends down what the draft holds, in one round trip: nobody waits for an
// answer but to Take, which comes last so that the stock's rows, the ones that other
// orders want too, are locked for the shortest time. What another domain writes of a
// new order belongs between Insert and Take.
func (s *Service) write(ctx context.Context, d Draft) error {
	if err := s.store.Insert(ctx, d); err != nil {
		return err
	}
	if err := s.events.Record(ctx, d.Event); err != nil {
		return err
	}
	if err := s.outbox.Enqueue(ctx, d.Messages...); err != nil {
		return err
	}
	if len(d.Tenders) > 0 {
		if err := s.points.Spend(d.spentBy(ctx), d.Tenders); err != nil {
			return at("points", err)
		}
	}
	if len(d.Uses) > 0 {
		if err := s.purse.Spend(d.spentBy(ctx), d.Uses); err != nil {
			return err
		}
	}
	for _, p := range d.Payments {
		if err := s.payments.Opened(ctx, p); err != nil {
			return err
		}
	}
	if s.campaigns != nil && len(d.Applied) > 0 {
		if err := s.campaigns.Redeem(ctx, d.Order.ID, d.Buyer, d.Applied); err != nil {
			return err
		}
	}
	flipped, err := s.store.Take(ctx, Taking{d.Order.ID, d.Order.PlacedAt, d.Reservations, d.Limited, d.Order.Customer()})
	if err != nil {
		return err
	}
	if err := s.stockFlipped(ctx, flipped); err != nil {
		return err
	}
	// Goods may have arrived between planning and taking.
	return s.Allocate(ctx, waitedFor(d.Reservations))
}

// orderable says what stands against ordering the cart as it is, at the expected total.
func orderable(p *cart.Priced, in PlaceInput) error {
	if err := Orderable(p); err != nil {
		return err
	}
	if !p.Quote.Total.Amount().Equal(in.ExpectedTotal) {
		return ErrPriceChanged.With(p.Quote.Total.String()).At("expectedTotal")
	}
	return nil
}

// Orderable says what stands against ordering what is priced as it is.
func Orderable(p *cart.Priced) error {
	if len(p.Lines) == 0 {
		return ErrEmptyCart
	}
	var all []error
	for i, line := range p.Lines {
		if line.Problem != nil {
			all = append(all, line.Problem.At(fmt.Sprintf("lines.%d", i)))
		}
	}
	if p.Email == "" {
		all = append(all, fault.ErrRequired.At("email"))
	}
	if p.ShippingAddress == nil && !p.PickedUp() {
		all = append(all, fault.ErrRequired.At("shippingAddress"))
	}
	all = append(all, shippable(p), deliverable(p))
	if p.Unpayable != nil {
		all = append(all, p.Unpayable.At("paymentMethod"))
	}
	return errors.Join(present(all)...)
}

func present(all []error) []error {
	return slices.DeleteFunc(all, func(err error) bool { return err == nil })
}

// shippable is what stands against shipping what the cart holds as it says; nil if
// nothing does.
func shippable(p *cart.Priced) error {
	switch {
	case p.PickedUp() && p.PickUp == nil:
		return cart.ErrPickUpShop.At("shopId")
	case p.PickedUp() && p.Recipient == "":
		return fault.ErrRequired.At("recipient")
	case p.PickedUp():
		return nil
	case p.Method == nil:
		return fault.ErrRequired.At("shippingMethod")
	case p.ShippingAddress == nil: // which is told already
		return nil
	case p.Verdict.Problem != nil:
		return p.Verdict.Problem.At("shippingMethod")
	}
	return nil
}

// Draft is an order about to be written down.
type Draft struct {
	Order        Order
	Lines        []Line
	Reservations []Reservation
	Limited      []Reservation
	CartID       uuid.UUID
	Buyer        scope.Buyer
	Applied      []pricing.Applied // what campaigns give, less the gifts that are gone
	Uses         []prepaid.Use     // what gift cards and vouchers pay
	Tenders      []points.Tender   // what points pay
	Payments     []payment.Draft   // none if the order costs nothing, is invoiced, or is paid at the shop
	PickUp       *PickUp           // nil unless it is picked up
	Messages     []messaging.Message
	Event        event.Event
	approvers    []company.Seat // of an order that waits for one
	payWithin    time.Duration
	by           *access.Actor // who places it for the buyer; nil: the buyer does
}

// spentBy is the context of whoever acts on points and codes.
func (d Draft) spentBy(ctx context.Context) context.Context {
	if d.by == nil {
		return ctx
	}
	return access.With(ctx, *d.by)
}

func (s *Service) draft(ctx context.Context, orderID uuid.UUID, p *cart.Priced, in PlaceInput) (Draft, error) {
	number, err := NewNumber()
	if err != nil {
		return Draft{}, err
	}
	tenders, left, err := s.byPoints(ctx, in, p.Quote.Total)
	if err != nil {
		return Draft{}, err
	}
	uses, rest, err := s.byCodes(ctx, in, left)
	if err != nil {
		return Draft{}, err
	}
	if err := s.holdPoints(ctx, tenders); err != nil {
		return Draft{}, err
	}
	now, actor, ch, q, status := s.now(), access.From(ctx), channel.From(ctx), p.Quote, PendingPayment
	if in.PaymentMethod == payment.MethodCashOnDelivery || in.PaymentMethod == payment.MethodAtShop {
		status = Confirmed // the carrier collects the money, or the shop
	}
	if rest == 0 {
		status = Confirmed // there is no money to wait for
		switch {
		case len(uses) > 0:
			in.PaymentMethod = payment.Method(uses[len(uses)-1].Kind.Method)
		case len(tenders) > 0:
			in.PaymentMethod = payment.MethodPoints
		}
	}
	d := Draft{CartID: p.ID, Uses: uses, Tenders: tenders, Order: Order{
		ID: orderID, Number: number, BrandID: ch.BrandID, ChannelID: ch.ID, ShopID: p.ShopID, MemberID: p.MemberID, Origin: FromOnline,
		TokenHash: cart.OwnerOf(actor).TokenHash, Email: p.Email, Language: i18n.Language(ctx), Status: status,
		Currency: q.Total.Currency, TaxInclusive: ch.TaxInclusive,
		SubtotalMinor: q.Subtotal.Minor, DiscountMinor: q.Discount.Minor, ShippingMinor: q.Shipping.Minor, ChargeMinor: q.Charge.Minor, TaxMinor: q.Tax.Minor, TotalMinor: q.Total.Minor,
		Taxes: q.Taxes, Breakdown: q.Breakdown, ShippingAddress: *p.ShippingAddress,
		BillingAddress: p.BillingAddress,
		ShippingMethod: shippedBy(p), ShippingMode: p.ShippingMode, QuotationID: p.QuotationID, PaymentMethod: in.PaymentMethod, PlacedAt: now, UpdatedAt: now,
	}}
	for i, l := range p.Lines {
		d.Lines = append(d.Lines, Line{
			ID: id.New(), OrderID: d.Order.ID, Position: i, VariantID: l.VariantID, ProductID: l.ProductID,
			SKU: l.SKU, Name: l.Name, Options: l.Options, Quantity: l.Quantity,
			UnitMinor: l.Price.Unit.Minor, TotalMinor: l.Price.Total.Minor, TaxClass: l.TaxClass,
			Breakdown: l.Price.Breakdown, Currency: q.Total.Currency, Promise: l.Promised().OrNone(), SoldAs: value(l.SoldAs), Parts: partsOf(l.Item, l.Price.Shares, l.Secret),
		})
	}
	d.PickUp = pickUpOf(p, d.Order)
	if err := s.admit(ctx, &d); err != nil {
		return Draft{}, err
	}
	status = d.Order.Status
	d.Order.Delivery = told(p, d.Order)
	d.Event = event.New(ctx, now, "order.placed", "Order", d.Order.ID, map[string]any{
		"number": number, "total": q.Total, "status": status, "after": status,
	})
	return d, nil
}

// partsOf are the parts of a set, with what each bears of the line's total.
func partsOf(item cart.Item, shares []money.Money, secret bool) []Part {
	all := make([]Part, len(item.Parts))
	for i, p := range item.Parts {
		all[i] = Part{p.VariantID, p.ProductID, p.SKU, p.Name, p.Options, p.Quantity * item.Quantity, p.TaxClass, shares[i], value(p.SoldAs), secret}
	}
	return all
}

// billed adds the payment, and the mails that say what was ordered and how to pay.
// An order that costs nothing is paid.
func (s *Service) billed(ctx context.Context, d *Draft, in PlaceInput) error {
	o := &d.Order
	if o.Status == PendingApproval {
		return s.askApprovers(ctx, d) // it is confirmed when it is approved
	}
	rest := s.give(d)
	confirmation, err := s.message(ctx, *o, o.ID.String(), confirmationOf(*d))
	if err != nil {
		return err
	}
	d.Messages = []messaging.Message{confirmation}
	if rest == 0 {
		o.Paid = true
		return nil
	}
	if o.OnAccount() || o.PaymentMethod == payment.MethodAtShop {
		return nil // it is invoiced by the company's terms, or paid when it is handed over
	}
	bill, err := s.payments.Draft(i18n.WithLanguage(ctx, o.Language), payment.OpenInput{
		OrderID: o.ID, BrandID: o.BrandID, OrderNumber: o.Number, Method: o.PaymentMethod,
		Amount: rest, Currency: o.Currency, Name: o.ShippingAddress.Name, Email: o.Email, Chain: in.Store, Within: d.payWithin, CardID: in.CardID,
	})
	switch {
	case errors.Is(err, payment.ErrChain):
		return err
	case err != nil:
		return at("paymentMethod", err)
	}
	d.Payments, d.Messages = append(d.Payments, bill), append(d.Messages, bill.Messages...)
	return nil
}

// at names the field that a business failure is about.
func at(field string, err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.At(field)
	}
	return err
}

func confirmationOf(d Draft) messaging.OrderConfirmation {
	o := d.Order
	content := messaging.OrderConfirmation{
		Name: o.ShippingAddress.Name, OrderNumber: o.Number, PlacedAt: o.PlacedAt, Currency: o.Currency,
		Subtotal: o.SubtotalMinor, Shipping: o.ShippingMinor, Charge: o.ChargeMinor, Tax: o.TaxMinor, Total: o.TotalMinor,
		Address: o.ShippingAddress.Lines(), PaymentMethod: o.PaymentMethod.Name().In(o.Language),
	}
	o.tell(&content)
	if o.BillingAddress != nil {
		content.Billing = o.BillingAddress.Lines()
	}
	for _, u := range d.Uses {
		if u.Kind == prepaid.Vouchers {
			content.Vouchers += u.Minor
		} else {
			content.GiftCards += u.Minor
		}
	}
	for _, t := range d.Tenders {
		content.Points += t.Minor
	}
	content.Rest = o.TotalMinor - content.Vouchers - content.GiftCards - content.Points
	content.Lines = mailed(d)
	return content
}

// mailed is the lines of an order as its mails have them.
func mailed(d Draft) (lines []messaging.OrderLine) {
	for _, l := range d.Lines {
		line := messaging.OrderLine{Name: l.Name.In(d.Order.Language), Option: strings.Join(l.Options, " / "), Quantity: l.Quantity, Total: l.TotalMinor}
		for _, p := range l.Parts {
			line.Parts = append(line.Parts, messaging.OrderPart{Name: p.Name.In(d.Order.Language), Option: strings.Join(p.Options, " / "), Quantity: p.Quantity})
		}
		lines = append(lines, line)
	}
	return lines
}

// message is a mail to the order's customer, in the order's language.
func (s *Service) message(ctx context.Context, o Order, occasion string, content messaging.Content) (messaging.Message, error) {
	ctx = i18n.WithLanguage(ctx, o.Language)
	m, err := messaging.New(ctx, messaging.Address{Name: o.ShippingAddress.Name, Email: o.Email}, occasion, content)
	m.BrandID = o.BrandID
	return m, err
}

func (s *Service) mail(ctx context.Context, o Order, occasion string, content messaging.Content) error {
	m, err := s.message(ctx, o, occasion, content)
	if err != nil {
		return err
	}
	return s.outbox.Enqueue(ctx, m)
}
