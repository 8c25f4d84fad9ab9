package order

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/inventory"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/pricing"
)

// ErrExchangeGone says that what should replace returned goods is not in stock.
var ErrExchangeGone = fault.Conflict("EXCHANGE_OUT_OF_STOCK", "交換する商品の在庫がありません", "What is wanted instead is out of stock")

// ErrReplacement says that an order replaces returned goods.
var ErrReplacement = fault.Conflict("ORDER_REPLACES_RETURN", "交換の商品のご注文はキャンセルできません。お店へご連絡ください", "The order replaces goods that you gave back; please ask the shop to cancel it")

// notReplacing fails for an order whose goods replace returned ones: given up, it would
// leave its customer with neither goods nor money.
func (s *Service) notReplacing(ctx context.Context, o Order) error {
	if o.TotalMinor > 0 {
		return nil
	}
	replaces, err := s.store.Replaces(ctx, o.ID)
	if err == nil && replaces {
		return ErrReplacement
	}
	return err
}

// Standing is a locked order with its lines and with what of it has left the house.
type Standing struct {
	Order     Order
	Lines     []Line
	Shipments []Shipment
}

// LockStanding locks an order that the actor may see, and of which the actor may give goods
// back: its customer as in giving it up, or staff who work on orders.
func (s *Service) LockStanding(ctx context.Context, orderID uuid.UUID) (Standing, error) {
	o, err := s.store.Lock(ctx, orderID)
	if err != nil {
		return Standing{}, err
	}
	if err := s.known(ctx, o); err != nil {
		return Standing{}, at("orderId", err)
	}
	staff := access.From(ctx).May(access.OrderWrite)
	if access.From(ctx).May(access.OrderRead) && !staff {
		return Standing{}, fault.ErrForbidden
	}
	if err := s.mayGiveUp(ctx, *o, staff); err != nil {
		return Standing{}, err
	}
	lines, err := s.store.Lines(ctx, []uuid.UUID{orderID})
	if err != nil {
		return Standing{}, err
	}
	shipments, err := s.store.Shipments(ctx, []uuid.UUID{orderID})
	return Standing{*o, lines, shipments}, err
}

// ExchangeInput is goods that replace others of a locked order, which came back at a
// location.
type ExchangeInput struct {
	Of           Order
	Wanted       []Wanted
	ReturnNumber string
	LocationID   uuid.UUID
	Handed       []HandedLot  // which lots are handed over, if the order was sold over the counter
	Tenders      []ShopTender // what is taken at the till then, for dearer goods
}

// Wanted is pieces of goods that replace others.
type Wanted struct {
	VariantID    uuid.UUID
	Quantity     int
	Set          *Line // the same set again, as this line held it; nil: the variant alone
	UnitMinor    int64 // what a piece costs, as the order shows prices; 0 if no more than it replaces
	CarriedMinor int64 // what was paid for what it replaces, with tax, if that was less
	OwedMinor    int64 // what it costs more, with tax
}

// variants are those that lie on shelves for it.
func (w Wanted) variants() []uuid.UUID {
	if w.Set == nil {
		return []uuid.UUID{w.VariantID}
	}
	return variantsOf(w.Set.holds())
}

// item is the goods as a cart would hold them.
func (w Wanted) item(goods Goods) cart.Item {
	item := goods.item(w.VariantID)
	if w.Set != nil {
		item = w.Set.again(goods)
	}
	item.Quantity = w.Quantity
	return item
}

// again is one piece of the set that the line holds.
func (l Line) again(goods Goods) cart.Item {
	item := cart.Item{ID: l.ID, Goods: cart.Goods{VariantID: l.VariantID, ProductID: l.ProductID, SKU: l.SKU, Name: l.Name, Options: l.Options, TaxClass: l.TaxClass, SoldAs: l.Sold()}}
	for _, p := range l.Parts {
		part := cart.Part{Goods: goods.item(p.VariantID).Goods, Quantity: p.Quantity / l.Quantity}
		part.VariantID, part.ProductID, part.SKU, part.Name, part.Options, part.TaxClass = p.VariantID, p.ProductID, p.SKU, p.Name, p.Options, p.TaxClass
		item.Parts = append(item.Parts, part)
	}
	return item
}

// Exchange places an order of goods that replace others of a locked order: all of them from
// stock, or ErrExchangeGone. It costs nothing, or what its goods cost more than was paid for
// those that came back, which it then waits for as its customer paid before. Goods that were sold over the
// counter are replaced over the counter where they came back. It joins the transaction,
// which must end if it fails.
func (s *Service) Exchange(ctx context.Context, in ExchangeInput) (*Order, error) {
	d, err := s.exchangeDraft(ctx, in)
	if err != nil {
		return nil, err
	}
	if err := s.write(ctx, d); err != nil {
		if errors.Is(err, errStockMoved) {
			return nil, ErrExchangeGone
		}
		return nil, err
	}
	switch {
	case in.overCounter():
		return &d.Order, s.handInstead(ctx, d, in)
	case d.Order.Status == PendingPayment:
		return &d.Order, nil
	}
	return &d.Order, s.released(ctx, &d.Order)
}

// handInstead takes what the goods cost more at the till, and gives them out.
func (s *Service) handInstead(ctx context.Context, d Draft, in ExchangeInput) error {
	if err := s.take(ctx, d.Order, in.Tenders); err != nil {
		return err
	}
	var lots []inventory.ChosenLot
	for _, h := range in.Handed {
		lots = append(lots, h.of(d.Lines, value(h.VariantID)))
	}
	return s.deliverOver(ctx, d.Order.ID, in.LocationID, lots)
}

// overCounter reports whether the customer stands at the counter where the goods came back.
func (in ExchangeInput) overCounter() bool { return in.Of.Origin.OverCounter() }

// exchangeDraft is the order of the goods that replace others.
func (s *Service) exchangeDraft(ctx context.Context, in ExchangeInput) (Draft, error) {
	d, err := replacement(in)
	if err != nil {
		return d, err
	}
	o := &d.Order
	var variants []uuid.UUID
	for _, w := range in.Wanted {
		variants = append(variants, w.variants()...)
	}
	goods, err := s.store.Goods(ctx, o.BrandID, o.PickedUpAt(), cart.CustomerOf(o.MemberID, o.Email), unique(variants))
	if err != nil {
		return d, err
	}
	placed, err := s.inChannel(ctx, *o)
	if err != nil {
		return d, err
	}
	left := ranked(slices.Clone(goods.Levels), in.job(goods), channel.From(placed).Allocation)
	for _, w := range in.wanted() {
		item := w.item(goods)
		for _, want := range cart.Wanted([]cart.Item{item}) {
			taken := planGoods(left, want)
			if item.ID == uuid.Nil || pieces(taken) < want.Quantity {
				return d, ErrExchangeGone
			}
			left, d.Reservations = less(left, taken), merged(d.Reservations, taken)
		}
		d.Lines = append(d.Lines, exchangeLine(d, item, w))
	}
	o.PlacedAt, o.UpdatedAt = s.now(), s.now()
	if err := s.dearer(ctx, &d, in); err != nil {
		return d, err
	}
	if err := covers(in.Tenders, d.atTill(in)); err != nil {
		return d, err
	}
	d.Event = event.New(ctx, o.PlacedAt, "order.placed", "Order", o.ID, map[string]any{
		"number": o.Number, "total": o.Total(), "status": o.Status, "after": o.Status, "exchange": in.ReturnNumber, "of": in.Of.ID,
	})
	d.Event.BrandID = o.BrandID
	if o.PickedUp() && !in.overCounter() {
		d.PickUp = newPickUp(*o, exchangeDays)
	}
	return d, nil
}

// job is all that is wanted, and where it goes.
func (in ExchangeInput) job(goods Goods) Job {
	var items []cart.Item
	for _, w := range in.wanted() {
		items = append(items, w.item(goods))
	}
	return Job{cart.Wanted(items), in.Of.ShippingAddress.Prefecture}
}

// wanted is what is wanted with loose goods of one variant together.
func (in ExchangeInput) wanted() (all []Wanted) {
	for _, w := range in.Wanted {
		i := slices.IndexFunc(all, func(x Wanted) bool { return x.VariantID == w.VariantID && x.Set == nil && w.Set == nil })
		if i < 0 {
			all = append(all, w)
			continue
		}
		all[i].Quantity += w.Quantity
		all[i].UnitMinor = max(all[i].UnitMinor, w.UnitMinor)
		all[i].CarriedMinor, all[i].OwedMinor = all[i].CarriedMinor+w.CarriedMinor, all[i].OwedMinor+w.OwedMinor
	}
	return all
}

// replacement is an order of the same customer, to the same place, that is paid.
func replacement(in ExchangeInput) (Draft, error) {
	number, err := NewNumber()
	o := in.Of
	if in.overCounter() {
		o.ShopID = &in.LocationID
	}
	o.ID, o.Number, o.Status, o.Paid = id.New(), number, Confirmed, true
	o.SubtotalMinor, o.DiscountMinor, o.ShippingMinor, o.ChargeMinor, o.TaxMinor, o.TotalMinor, o.RefusedMinor, o.CarriedMinor = 0, 0, 0, 0, 0, 0, 0, 0
	o.Taxes, o.Breakdown, o.QuotationID, o.InternalNote, o.MissedGifts = []money.Taxed{}, []pricing.Step{}, nil, "", nil
	o.Held, o.HeldNote, o.Tags = "", "", nil
	o.Delivery = Delivery{}
	return Draft{Order: o}, err
}

func exchangeLine(d Draft, item cart.Item, w Wanted) Line {
	zero := money.Of(0, d.Order.Currency)
	l := Line{
		ID: id.New(), OrderID: d.Order.ID, Position: len(d.Lines), VariantID: item.VariantID, ProductID: item.ProductID,
		SKU: item.SKU, Name: item.Name, Options: item.Options, Quantity: item.Quantity, TaxClass: item.TaxClass, Currency: d.Order.Currency,
		SoldAs: value(item.SoldAs), Breakdown: []pricing.Step{}, Parts: partsOf(item, slices.Repeat([]money.Money{zero}, len(item.Parts)), false),
	}
	if w.OwedMinor > 0 {
		l.owe(w, d.Order.TaxInclusive)
	}
	return l
}
