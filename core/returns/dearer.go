package returns

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/pricing"
)

// dearer fails unless the line's goods may be exchanged for dearer ones: what is carried over
// was taxed at their rate, who stands at a counter pays there and takes other goods, and
// what replaces goods itself was not paid for by its own order alone.
func (s *Service) dearer(ctx context.Context, o order.Order, of order.Line, wanted uuid.UUID) error {
	if o.Origin.OverCounter() {
		return ErrPrice
	}
	class, err := s.Store.TaxClass(ctx, wanted)
	if err != nil {
		return err
	}
	replaces, err := s.Store.Exchanges(ctx, []uuid.UUID{o.ID})
	if err == nil && (class != of.TaxClass || len(replaces) > 0) {
		err = ErrPrice
	}
	return err
}

// GivenUp gives back what was carried over to an order of dearer goods that is given up, in
// its transaction. It answers how much of it goes back to the customer.
func (s *Service) GivenUp(ctx context.Context, orderID uuid.UUID) (int64, error) {
	carried, err := s.carryBack(ctx, orderID, orderID, math.MaxInt64)
	if err != nil {
		return 0, err
	}
	shipping, err := s.backWith(ctx, orderID, false)
	return carried + shipping, err
}

// carryBack gives back so much of what was carried over to the order, as if the goods that
// came back for it had come back for their money.
func (s *Service) carryBack(ctx context.Context, orderID, causeID uuid.UUID, most int64) (int64, error) {
	ctx = access.With(ctx, access.System) // whoever may give the order up, or its goods back
	c, replaces, err := s.replacing(ctx, orderID)
	if err != nil || !replaces {
		return 0, err
	}
	receipt := &c.r.Receipts[slices.IndexFunc(c.r.Receipts, func(r Receipt) bool { return r.ExchangeOrderID != nil && *r.ExchangeOrderID == orderID })]
	back := receipt.carriedBack(causeID, most)
	if err := s.giveBack(ctx, c, &back, nil); err != nil {
		return 0, err
	}
	receipt.RefundMinor += back.RefundMinor
	c.r.UpdatedAt = s.Now()
	return back.RefundMinor, errors.Join(
		s.Store.SaveReceipt(ctx, *receipt), s.Store.Save(ctx, *c.r), s.record(ctx, "order.return_refunded", *c.r), s.credit(ctx, c, back))
}

// carriedBack takes so much of what was carried over back, as far as there is any, as if it
// were given back for the pieces.
func (c *Receipt) carriedBack(causeID uuid.UUID, most int64) Receipt {
	back := Receipt{ID: causeID, OrderID: c.OrderID, Nth: c.Nth, LocationID: c.LocationID, At: c.At, Currency: c.Currency}
	weights, given := make([]int64, len(c.Lines)), make([]int64, len(c.Lines))
	for i, p := range c.Lines {
		weights[i] = p.CarriedMinor
	}
	back.RefundMinor = pricing.Share(weights, min(most, c.CarriedMinor), given, cmp.Compare)
	for i := range c.Lines {
		p := &c.Lines[i]
		if given[i] == 0 {
			continue
		}
		p.RefundMinor, p.CarriedMinor = p.RefundMinor+given[i], p.CarriedMinor-given[i]
		of := *p
		of.RefundMinor = given[i]
		back.Lines = append(back.Lines, of)
	}
	c.CarriedMinor -= back.RefundMinor
	return back
}

// carriedTo is what of what was carried over to an order its lines bear.
func carriedTo(o order.Order, lines []order.Line) shares {
	s := shares{lines: lines, goods: o.CarriedMinor, weights: map[uuid.UUID]int64{}}
	for _, l := range lines {
		s.weights[l.ID] = l.UnitMinor*int64(l.Quantity) - l.TotalMinor
		s.all += s.weights[l.ID]
	}
	return s
}

// giveCarried gives back, beside what the order's own money gives, what was carried over to
// it for the pieces: less the fee, or the part by which other goods are cheaper.
func (s *Service) giveCarried(ctx context.Context, c changing, receipt *Receipt) error {
	if c.Order.CarriedMinor == 0 {
		return nil
	}
	now := Pieces{}
	for _, p := range receipt.Lines {
		now[p.LineID] = p.Pieces()
	}
	cost, err := carriedTo(c.Order, c.Lines).back(received(c.all, Return.refunds), now)
	if err != nil {
		return err
	}
	var sum int64
	for _, p := range receipt.Lines {
		l := c.r.Lines[slices.IndexFunc(c.r.Lines, func(l Line) bool { return l.ID == p.ReturnLineID })]
		part, err := c.givesBack(l, cost[p.LineID])
		if err != nil {
			return err
		}
		sum += part
	}
	if sum == 0 {
		return nil
	}
	receipt.carriedBackMinor, err = s.carryBack(ctx, c.Order.ID, uuid.NewSHA1(receipt.ID, []byte("carried over")), sum)
	return err
}

// givesBack is how much of what pieces of the line cost goes back for them.
func (c changing) givesBack(l Line, cost int64) (int64, error) {
	switch {
	case c.r.refunds():
		fee, err := money.RoundDown.Portion(cost, int64(termOf(c.r.Terms, l.Reason).FeePercent), 100, 1)
		return cost - fee, err
	case l.HadMinor > l.WantsMinor:
		return money.RoundDown.Portion(cost, l.HadMinor-l.WantsMinor, l.HadMinor, 1)
	}
	return 0, nil
}
