package order

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
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

// Exchange places an order that costs nothing, of goods that replace others of a locked
// order: all of them from stock, or ErrExchangeGone. It joins the transaction, which
// must end if it fails.
func (s *Service) Exchange(ctx context.Context, of Order, wanted []Reservation, returnNumber string) (*Order, error) {
	wanted = merged(nil, wanted)
	variants := make([]uuid.UUID, len(wanted))
	for i, w := range wanted {
		variants[i] = w.VariantID
	}
	goods, err := s.store.Goods(ctx, of.BrandID, of.pickedUpAt(), cart.CustomerOf(of.MemberID, of.Email), variants)
	if err != nil {
		return nil, err
	}
	d, err := exchangeDraft(of)
	if err != nil {
		return nil, err
	}
	left := slices.Clone(goods.Levels)
	for _, w := range wanted {
		item := goods.item(w.VariantID)
		item.Quantity = w.Quantity
		for _, want := range cart.Wanted([]cart.Item{item}) {
			taken := planGoods(left, want)
			if item.ID == uuid.Nil || pieces(taken) < want.Quantity {
				return nil, ErrExchangeGone
			}
			left, d.Reservations = less(left, taken), merged(d.Reservations, taken)
		}
		d.Lines = append(d.Lines, exchangeLine(d, item))
	}
	o := &d.Order
	o.PlacedAt, o.UpdatedAt = s.now(), s.now()
	d.Event = event.New(ctx, o.PlacedAt, "order.placed", "Order", o.ID, map[string]any{
		"number": o.Number, "total": o.Total(), "status": o.Status, "after": o.Status, "exchange": returnNumber, "of": of.ID,
	})
	d.Event.BrandID = o.BrandID
	if of.PickedUp() {
		d.PickUp = newPickUp(*o, exchangeDays)
	}
	if err := s.write(ctx, d); err != nil {
		if errors.Is(err, errStockMoved) {
			return nil, ErrExchangeGone
		}
		return nil, err
	}
	return o, nil
}

// exchangeDraft is an order of the same customer, to the same place, that is paid.
func exchangeDraft(of Order) (Draft, error) {
	number, err := NewNumber()
	o := of
	o.ID, o.Number, o.Status, o.Paid = id.New(), number, Confirmed, true
	o.SubtotalMinor, o.DiscountMinor, o.ShippingMinor, o.ChargeMinor, o.TaxMinor, o.TotalMinor, o.RefusedMinor = 0, 0, 0, 0, 0, 0, 0
	o.Taxes, o.Breakdown, o.QuotationID, o.InternalNote, o.MissedGifts = []money.Taxed{}, []pricing.Step{}, nil, "", nil
	o.Held, o.HeldNote, o.Tags = "", "", nil
	return Draft{Order: o}, err
}

func exchangeLine(d Draft, item cart.Item) Line {
	zero := money.Of(0, d.Order.Currency)
	return Line{
		ID: id.New(), OrderID: d.Order.ID, Position: len(d.Lines), VariantID: item.VariantID, ProductID: item.ProductID,
		SKU: item.SKU, Name: item.Name, Options: item.Options, Quantity: item.Quantity, TaxClass: item.TaxClass, Currency: d.Order.Currency,
		SoldAs: value(item.SoldAs), Breakdown: []pricing.Step{}, Parts: partsOf(item, slices.Repeat([]money.Money{zero}, len(item.Parts)), false),
	}
}
