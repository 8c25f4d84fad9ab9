package returns

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/order"
)

// When all of an order is back, its shipping fee goes back too, if the rule says so, and what
// campaigns gave. Pieces that were exchanged are not back: the customer has others for them.
// They are when these are back, however often they were exchanged in their turn.

// fate is what became of an order whose goods replaced others.
type fate struct {
	back  bool // its goods are back, or never left
	keeps bool // some came back for a reason for which the shop keeps the shipping fee
}

// fates are those of the orders that replaced goods of the returns.
func (s *Service) fates(ctx context.Context, all []Return) (map[uuid.UUID]fate, error) {
	var ids []uuid.UUID
	for _, r := range all {
		for _, c := range r.Receipts {
			if c.ExchangeOrderID != nil {
				ids = append(ids, *c.ExchangeOrderID)
			}
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	ctx = access.With(ctx, access.System) // whoever gives goods of the first order back
	orders, err := s.Orders.Whole(ctx, ids)
	if err != nil {
		return nil, err
	}
	lines, err := s.Orders.Lines(ctx, ids)
	if err != nil {
		return nil, err
	}
	shipments, err := s.Orders.Shipments(ctx, ids)
	if err != nil {
		return nil, err
	}
	returned, err := s.Store.OfOrders(ctx, ids)
	if err != nil {
		return nil, err
	}
	later, err := s.fates(ctx, returned)
	if err != nil {
		return nil, err
	}
	found := map[uuid.UUID]fate{}
	for _, o := range orders {
		c := changing{fates: later, all: keep(returned, func(r Return) bool { return r.OrderID == o.ID })}
		c.Order, c.Lines = o, keep(lines, func(l order.Line) bool { return l.OrderID == o.ID })
		c.Shipments = keep(shipments, func(h order.Shipment) bool { return h.OrderID == o.ID })
		found[o.ID] = fate{o.Status == order.Cancelled || c.whole(), !c.refundsShipping()}
	}
	return found, nil
}

func keep[T any](all []T, some func(T) bool) (kept []T) {
	for _, one := range all {
		if some(one) {
			kept = append(kept, one)
		}
	}
	return kept
}

// came are the pieces that are back: for the money, because they were refused at the door, or
// because what replaced them is.
func (c changing) came() Pieces {
	came := received(c.all, Return.refunds)
	for _, l := range c.Lines {
		came[l.ID] += l.Refused(c.Shipments)
	}
	for _, r := range c.all {
		for _, receipt := range r.Receipts {
			if x := receipt.ExchangeOrderID; x == nil || !c.fates[*x].back {
				continue
			}
			for _, p := range receipt.Lines {
				came[p.LineID] += p.Pieces()
			}
		}
	}
	return came
}

// whole reports whether all goods of the order are back.
func (c changing) whole() bool { return sharesOf(c.Order, c.Lines).whole(c.came()) }

// completes reports whether all goods are back with the receipt, and were not before.
func (c changing) completes(receipt Receipt) bool {
	came := c.came()
	s := sharesOf(c.Order, c.Lines)
	if s.whole(came) {
		return false
	}
	for _, p := range receipt.Lines {
		came[p.LineID] += p.Pieces()
	}
	return s.whole(came)
}

// shippingBack is what goes back of the shipping fee, and of the charge of the way to pay,
// when all goods are back.
func (c changing) shippingBack() int64 {
	if !c.refundsShipping() {
		return 0
	}
	return max(0, sharesOf(c.Order, c.Lines).shipping-refusedShipping(c.Order, c.Shipments))
}

// replacing is the return, held, whose goods the order replaces; false if it replaces none.
func (s *Service) replacing(ctx context.Context, orderID uuid.UUID) (c changing, replaces bool, err error) {
	replaced, err := s.Store.Exchanges(ctx, []uuid.UUID{orderID})
	if err != nil || len(replaced) == 0 {
		return c, false, err
	}
	found, err := s.Store.Return(ctx, replaced[0].ReturnID)
	if err != nil {
		return c, false, err
	}
	c, err = s.hold(ctx, *found)
	return c, true, err
}

// backWith gives back what is due when all of an order is back, because the order that replaced
// goods of it is: the shipping fee, and what campaigns gave. It answers how much goes back to
// the customer.
func (s *Service) backWith(ctx context.Context, orderID uuid.UUID, keeps bool) (int64, error) {
	ctx = access.With(ctx, access.System) // whoever may give the goods back
	c, replaces, err := s.replacing(ctx, orderID)
	if err != nil || !replaces {
		return 0, err
	}
	if c.fates, err = s.fates(ctx, c.all); err != nil || c.whole() || c.stands() != nil {
		return 0, err
	}
	c.fates[orderID] = fate{back: true, keeps: keeps}
	if !c.whole() {
		return 0, nil
	}
	back, err := s.giveShippingBack(ctx, c, c.receiptFor(orderID))
	if err != nil {
		return 0, err
	}
	if err := s.credit(ctx, c, back); err != nil {
		return 0, err
	}
	before, err := s.isBack(ctx, c)
	return back.RefundMinor + before, err
}

// giveShippingBack gives the shipping fee back with a receipt of the return. What it answers
// has yet to be credited.
func (s *Service) giveShippingBack(ctx context.Context, c changing, receipt *Receipt) (Receipt, error) {
	fee := c.shippingBack()
	back := Receipt{
		ID: uuid.NewSHA1(receipt.ID, []byte("all is back")), OrderID: receipt.OrderID, Nth: receipt.Nth, LocationID: receipt.LocationID, At: receipt.At,
		Currency: receipt.Currency, RefundMinor: fee, ShippingMinor: fee,
	}
	if err := s.giveBack(ctx, c, &back, nil); err != nil || back.RefundMinor == 0 {
		return Receipt{}, err
	}
	receipt.RefundMinor, receipt.ShippingMinor = receipt.RefundMinor+back.RefundMinor, receipt.ShippingMinor+back.RefundMinor
	c.r.UpdatedAt = s.Now()
	return back, errors.Join(s.Store.SaveReceipt(ctx, *receipt), s.Store.Save(ctx, *c.r), s.record(ctx, "order.return_refunded", *c.r))
}

// Refused gives back what is due when all of an order is back, if it is with a shipment that
// was refused: as if its goods had been the last to be returned.
func (s *Service) Refused(ctx context.Context, orderID, shipmentID uuid.UUID) (int64, func(context.Context) error, error) {
	ctx = access.With(ctx, access.System) // whoever takes the shipment back
	none := func(context.Context) error { return nil }
	c, receipt, err := s.lastReceipt(ctx, orderID)
	if err != nil || receipt == nil {
		return 0, none, err
	}
	if c.fates, err = s.fates(ctx, c.all); err != nil || c.whole() {
		return 0, none, err
	}
	for i := range c.Shipments {
		if c.Shipments[i].ID == shipmentID {
			c.Shipments[i].Status = order.ShipmentRefused
		}
	}
	if !c.whole() {
		return 0, none, nil
	}
	back, err := s.giveShippingBack(ctx, c, receipt)
	if err != nil {
		return 0, none, err
	}
	before, err := s.isBack(ctx, c)
	credit := func(ctx context.Context) error { return s.credit(access.With(ctx, access.System), c, back) }
	return back.RefundMinor + before, credit, err
}

// lastReceipt is what of the order came back last, with its return, held; nil if nothing did.
func (s *Service) lastReceipt(ctx context.Context, orderID uuid.UUID) (c changing, last *Receipt, err error) {
	all, err := s.Store.OfOrders(ctx, []uuid.UUID{orderID})
	if err != nil || len(all) == 0 {
		return c, nil, err
	}
	if c, err = s.hold(ctx, all[0]); err != nil {
		return c, nil, err
	}
	for i := range c.all {
		for j := range c.all[i].Receipts {
			if r := &c.all[i].Receipts[j]; last == nil || r.At.After(last.At) {
				c.r, last = &c.all[i], r
			}
		}
	}
	return c, last, nil
}

// isBack takes back what campaigns gave to an order that is back, and does what is due for the
// order whose goods it replaced.
func (s *Service) isBack(ctx context.Context, c changing) (int64, error) {
	if s.Campaigns != nil {
		if err := s.Campaigns.CameBack(ctx, c.Order.ID); err != nil {
			return 0, err
		}
	}
	if !c.r.Replaces {
		return 0, nil
	}
	return s.backWith(ctx, c.Order.ID, !c.refundsShipping())
}

// refundsShipping reports whether the shipping fee goes back when all goods have: if it
// does for each reason for which some came, or what replaced them.
func (c changing) refundsShipping() bool {
	for _, f := range c.fates {
		if f.back && f.keeps {
			return false
		}
	}
	for _, r := range c.all {
		for _, l := range r.Lines {
			if (c.r != nil && r.ID == c.r.ID || len(r.Receipts) > 0) && r.refunds() && l.Approved > 0 && !termOf(r.Terms, l.Reason).RefundsShipping {
				return false
			}
		}
	}
	return true
}
