package order

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/inventory"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/prepaid"
	"github.com/noren-commerce/noren/core/pricing"
)

// SellInput is a sale over the counter of a shop, or at an event's stand or van.
type SellInput struct {
	IdempotencyKey string
	ShopID         uuid.UUID
	MemberCode     string // that the customer shows; empty: none
	CardNumber     string `json:",omitempty"` // of the customer's card, instead; empty: none
	Email          string // of somebody who is no member; may be empty
	Lines          []SoldLine
	ExpectedTotal  *decimal.Decimal  // what the customer was told, in major units
	Points         []points.UseInput // of the member whose code or card is shown, that pay first
	prepaid.Codes                    // that pay next
	Tenders        []ShopTender
	DryRun         bool
}

// SoldLine is goods that are sold over the counter.
type SoldLine struct {
	VariantID uuid.UUID
	Quantity  int
	Lots      []HandedLot
}

// chosen are the lots that are handed over, by the lines of the order.
func (in SellInput) chosen(lines []Line) (all []inventory.ChosenLot) {
	for _, l := range in.Lines {
		for _, h := range l.Lots {
			all = append(all, h.of(lines, l.VariantID))
		}
	}
	return all
}

// ShopTender is money that is taken at a till.
type ShopTender struct {
	Method    payment.Method   // CASH or CARD_TERMINAL
	Amount    *decimal.Decimal // major units; nil: all that is still to be paid
	Reference string
}

// SoldOver is a sale over the counter, or what it would cost.
type SoldOver struct {
	Order    *Order
	Quote    *cart.Priced // nil if it was sold before
	MemberID *uuid.UUID   // who showed a code or a card; nil for anybody
}

// Members know who shows a member's code.
type Members interface {
	// Read is the member whose code it is. With use, it is used up in the transaction.
	Read(ctx context.Context, text string, use bool) (access.Actor, error)
	// Card is the member whose card has the number.
	Card(ctx context.Context, number string, shopID *uuid.UUID) (access.Actor, error)
}

// SaleStore reads what is sold over the counter.
type SaleStore interface {
	// SaleBasket is the goods as the shop has them, for the buyer of the lookup; nil if
	// the brand has no such shop.
	SaleBasket(ctx context.Context, by cart.Lookup, in SellInput) (*cart.Basket, error)
}

// ErrTenders says that what is taken is not what the sale comes to.
var ErrTenders = fault.Invalid("TENDERS_MISMATCH", "お預かりの金額が合計（%s）と一致しません", "The tenders do not come to the total of %s")

var errTwice = fault.Invalid(fault.CodeInvalid, "会員コードと会員カードは、どちらか一方を指定してください", "Name the member's code or the card, not both")

// how says by what the member was known; empty for anybody.
func (in SellInput) how() string {
	switch {
	case in.CardNumber != "":
		return "CARD"
	case in.MemberCode != "":
		return "CODE"
	}
	return ""
}

// soldLines are what is wrong with the lines of a sale.
func soldLines(lines []SoldLine) (all []error) {
	if len(lines) == 0 || len(lines) > cart.MaxLines {
		all = append(all, cart.ErrTooManyLines.With(cart.MaxLines).At("lines"))
	}
	for i, l := range lines {
		if l.Quantity < 1 || l.Quantity > pricing.MaxQuantity ||
			slices.ContainsFunc(lines[:i], func(m SoldLine) bool { return m.VariantID == l.VariantID }) {
			all = append(all, errEditLine.At(fmt.Sprintf("lines.%d", i)))
		}
	}
	return all
}

// Validate checks the sale by itself.
func (in SellInput) Validate() error {
	all := soldLines(in.Lines)
	if in.CardNumber != "" && in.MemberCode != "" {
		all = append(all, errTwice.At("cardNumber"))
	}
	if in.Email != "" {
		if _, err := identity.NormaliseEmail(in.Email); err != nil {
			all = append(all, cart.ErrEmail.At("email"))
		}
	}
	if in.ExpectedTotal == nil && !in.DryRun {
		all = append(all, fault.ErrRequired.At("expectedTotal"))
	}
	for i, t := range in.Tenders {
		if err := t.Validate(); err != nil {
			all = append(all, at(fmt.Sprintf("tenders.%d.method", i), err))
		}
	}
	return errors.Join(all...)
}

// Validate checks that it is money that tills take.
func (t ShopTender) Validate() error {
	if t.Method != payment.MethodCash && t.Method != payment.MethodCardTerminal {
		return payment.ErrMethodUnavailable.At("method")
	}
	return nil
}

// Sell records a sale over the counter of a shop, for its staff: an order that is placed,
// paid at the till and delivered at once, once for each idempotency key. It is priced as
// the buyer's cart would be.
func (s *Service) Sell(ctx context.Context, in SellInput) (SoldOver, error) {
	if err := access.Require(ctx, access.OrderWrite); err != nil {
		return SoldOver{}, err
	}
	if err := in.Validate(); err != nil {
		return SoldOver{}, err
	}
	if !access.WorksAt(ctx, in.ShopID) {
		return SoldOver{}, fault.ErrForbidden.At("shopId")
	}
	if in.DryRun {
		r, err := s.ring(ctx, in, false)
		quote := r.quote()
		if quote != nil && r.buyer.Is(access.RoleMember) {
			quote.Tried = r.member()
		}
		return SoldOver{Quote: quote, MemberID: r.member()}, err
	}
	if err := s.CodesTried(ctx, in.Codes); err != nil {
		return SoldOver{}, err
	}
	for range maxPlans {
		sold, err := s.sellOnce(ctx, in)
		if errors.Is(err, errStockMoved) {
			continue
		}
		if again, err := s.refused(ctx, err); !again || err != nil {
			return sold, err
		}
	}
	return SoldOver{}, fault.ErrUnavailable
}

func (s *Service) sellOnce(ctx context.Context, in SellInput) (SoldOver, error) {
	var sold SoldOver
	orderID, err := idempotency.Once(ctx, s.keys, "recordShopSale", in.IdempotencyKey, in, func(ctx context.Context) (uuid.UUID, error) {
		r, err := s.ring(ctx, in, true)
		if err != nil {
			return uuid.Nil, err
		}
		sold.Quote = r.quote()
		return s.sell(ctx, in, r)
	})
	if err != nil {
		return SoldOver{Quote: sold.Quote}, err
	}
	sold.Order, err = s.ByID(ctx, orderID)
	if err == nil && in.how() != "" {
		sold.MemberID = sold.Order.MemberID
	}
	return sold, err
}

// rung is goods at a counter, priced for who buys them.
type rung struct {
	buyer  access.Actor
	lookup cart.Lookup
	basket *cart.Basket
	priced *cart.Priced
}

// quote is what it costs, without what the member's account tells: a card says no more to a
// till than that it is good.
func (r rung) quote() *cart.Priced {
	if r.priced == nil {
		return nil
	}
	q := *r.priced
	q.Email, q.Recipient = "", ""
	return &q
}

// member is who showed a code or a card; nil for anybody.
func (r rung) member() *uuid.UUID {
	if r.buyer.ID == uuid.Nil {
		return nil
	}
	return &r.buyer.ID
}

// origin is where it is sold.
func (r rung) origin() Origin {
	if r.basket.AtEvent {
		return FromEvent
	}
	return FromShop
}

// shopper is the member who shows the code or the card, or anybody.
func (s *Service) shopper(ctx context.Context, in SellInput, use bool) (access.Actor, error) {
	switch in.how() {
	case "CODE":
		buyer, err := s.members.Read(ctx, in.MemberCode, use)
		return buyer, at("memberCode", err)
	case "CARD":
		number, err := member.ReadNumber(in.CardNumber)
		if err != nil {
			return access.Guest, member.ErrCardNumber.At("cardNumber")
		}
		buyer, err := s.members.Card(ctx, number, &in.ShopID)
		return buyer, at("cardNumber", err)
	}
	return access.Guest, nil
}

// ring prices what lies on the counter for the member who shows the code or the card, or
// for anybody.
func (s *Service) ring(ctx context.Context, in SellInput, use bool) (r rung, err error) {
	if r.buyer, err = s.shopper(ctx, in, use); err != nil {
		return r, err
	}
	asBuyer := access.With(ctx, r.buyer)
	if r.lookup, err = s.carts.Lookup(asBuyer); err != nil {
		return r, err
	}
	if r.basket, err = s.store.SaleBasket(ctx, r.lookup, in); err != nil {
		return r, err
	}
	if r.basket == nil {
		return r, cart.ErrUnknownShop.At("shopId")
	}
	if len(r.basket.Items) != len(in.Lines) {
		return r, ErrEditGoods.At("lines")
	}
	if r.basket.Cart.Email == "" {
		r.basket.Cart.Email, _ = identity.NormaliseEmail(in.Email)
	}
	if r.priced, err = s.carts.Price(asBuyer, r.lookup, *r.basket); err != nil {
		return r, err
	}
	var all []error
	for i, line := range r.priced.Lines {
		if line.Problem != nil {
			all = append(all, line.Problem.At(fmt.Sprintf("lines.%d", i)))
		}
	}
	if want := in.ExpectedTotal; want != nil && len(all) == 0 && !r.priced.Quote.Total.Amount().Equal(*want) {
		all = append(all, ErrPriceChanged.With(r.priced.Quote.Total.String()).At("expectedTotal"))
	}
	return r, errors.Join(all...)
}

// sell writes the order down, takes its money and gives the goods out.
func (s *Service) sell(ctx context.Context, in SellInput, r rung) (uuid.UUID, error) {
	d, err := s.rungUp(ctx, in, r)
	if err != nil {
		return uuid.Nil, err
	}
	o := &d.Order
	if o.Email != "" {
		confirmation, err := s.message(ctx, *o, o.ID.String(), confirmationOf(d))
		if err != nil {
			return uuid.Nil, err
		}
		d.Messages = []messaging.Message{confirmation}
	}
	said := map[string]any{"number": o.Number, "total": o.Total(), "status": o.Status, "after": o.Status, "origin": o.Origin, "shopId": o.ShopID}
	if how := in.how(); how != "" {
		said["memberBy"] = how
	}
	d.Event = event.New(ctx, o.PlacedAt, "order.placed", "Order", o.ID, said)
	if err := s.write(ctx, d); err != nil {
		return uuid.Nil, err
	}
	if err := s.take(ctx, *o, in.Tenders); err != nil {
		return uuid.Nil, err
	}
	return o.ID, s.deliverOver(ctx, o.ID, in.ShopID, in.chosen(d.Lines))
}

// take takes the tenders at the till of the order's shop.
func (s *Service) take(ctx context.Context, o Order, tenders []ShopTender) error {
	for i, t := range tenders {
		if _, err := s.tills.RecordTill(ctx, payment.TillInput{
			OrderID: o.ID, Method: t.Method, Amount: t.Amount, ShopID: o.ShopID, Reference: t.Reference, IdempotencyKey: fmt.Sprintf("%s/%d", o.ID, i),
		}); err != nil {
			return at(fmt.Sprintf("tenders.%d", i), err)
		}
	}
	return nil
}

// rungUp is the order of a sale, with what points and codes pay of it; the tenders
// have to come to the rest.
func (s *Service) rungUp(ctx context.Context, in SellInput, r rung) (Draft, error) {
	method := payment.MethodCash
	if len(in.Tenders) > 0 {
		method = in.Tenders[0].Method
	}
	d, err := s.draft(access.With(ctx, r.buyer), id.New(), r.priced, PlaceInput{PaymentMethod: method, Points: in.Points, Codes: in.Codes})
	if err != nil {
		return d, err
	}
	o := &d.Order
	o.Origin, o.TokenHash, d.PickUp = r.origin(), nil, nil
	rest := s.give(&d)
	if err := covers(in.Tenders, money.Of(rest, o.Currency)); err != nil {
		return d, err
	}
	o.Paid = rest == 0
	d.Reservations, d.Limited = plan(*r.basket), limited(*r.basket)
	d.Buyer, d.Applied = r.lookup.Buyer(), slices.Clone(r.priced.Quote.Applied)
	return d, s.gifts(ctx, &d, r.basket.Levels)
}

// covers fails unless the tenders come to the total: one without an amount takes the rest,
// and there is nothing after it.
func covers(tenders []ShopTender, total money.Money) error {
	rest := total.Minor
	for i, t := range tenders {
		if t.Amount == nil && rest > 0 {
			rest = 0
			continue
		}
		if t.Amount == nil {
			return ErrTenders.With(total).At(fmt.Sprintf("tenders.%d", i))
		}
		amount, err := money.Parse(*t.Amount, total.Currency)
		if err != nil {
			return at(fmt.Sprintf("tenders.%d.amount", i), err)
		}
		if rest -= amount.Minor; rest < 0 || amount.Minor <= 0 {
			return ErrTenders.With(total).At(fmt.Sprintf("tenders.%d", i))
		}
	}
	if rest != 0 {
		return ErrTenders.With(total).At("tenders")
	}
	return nil
}

// deliverOver packs an order at its shop and gives it out.
func (s *Service) deliverOver(ctx context.Context, orderID, shopID uuid.UUID, lots []inventory.ChosenLot) error {
	_, err := s.change(ctx, orderID, "order.handed_over", func(ctx context.Context, o *Order, c *Change) error {
		if err := o.shippable(); err != nil {
			return err
		}
		if _, err := s.packAt(ctx, o, shopID); err != nil {
			return err
		}
		return s.giveOut(ctx, o, c, lots)
	})
	return err
}
