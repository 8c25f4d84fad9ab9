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
// was taxed at their rate, and invoiced so.
func (s *Service) dearer(ctx context.Context, of order.Line, wanted uuid.UUID) error {
	class, err := s.Store.TaxClass(ctx, wanted)
	if err == nil && class != of.TaxClass {
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
	receipt := c.receiptFor(orderID)
	back, err := receipt.carriedBack(causeID, most)
	if err != nil {
		return 0, err
	}
	if err := s.giveBack(ctx, c, &back, nil); err != nil {
		return 0, err
	}
	receipt.RefundMinor += back.RefundMinor
	c.r.UpdatedAt = s.Now()
	if err := errors.Join(
		s.Store.SaveReceipt(ctx, *receipt), s.Store.Save(ctx, *c.r), s.record(ctx, "order.return_refunded", *c.r), s.credit(ctx, c, back)); err != nil {
		return 0, err
	}
	if back.chainedMinor == 0 {
		return back.RefundMinor, nil
	}
	before, err := s.carryBack(ctx, c.Order.ID, uuid.NewSHA1(causeID, []byte("carried over before")), back.chainedMinor)
	return back.RefundMinor + before, err
}

// receiptFor is the return's receipt that the order was placed for.
func (c changing) receiptFor(orderID uuid.UUID) *Receipt {
	return &c.r.Receipts[slices.IndexFunc(c.r.Receipts, func(r Receipt) bool { return r.ExchangeOrderID != nil && *r.ExchangeOrderID == orderID })]
}

// carriedBack takes so much of what was carried over back, as far as there is any, as if it
// were given back for the pieces. What their own order was not paid for them is chained: an
// earlier one was.
func (c *Receipt) carriedBack(causeID uuid.UUID, most int64) (Receipt, error) {
	back := Receipt{ID: causeID, OrderID: c.OrderID, Nth: c.Nth, LocationID: c.LocationID, At: c.At, Currency: c.Currency}
	weights, given := make([]int64, len(c.Lines)), make([]int64, len(c.Lines))
	for i, p := range c.Lines {
		weights[i] = p.CarriedMinor
	}
	c.CarriedMinor -= pricing.Share(weights, min(most, c.CarriedMinor), given, cmp.Compare)
	for i := range c.Lines {
		p := &c.Lines[i]
		if given[i] == 0 {
			continue
		}
		chained, err := money.RoundDown.Portion(given[i], p.ChainedMinor, p.CarriedMinor, 1)
		if err != nil {
			return back, err
		}
		of := *p
		of.RefundMinor = given[i] - chained
		p.RefundMinor, p.CarriedMinor, p.ChainedMinor = p.RefundMinor+of.RefundMinor, p.CarriedMinor-given[i], p.ChainedMinor-chained
		back.RefundMinor, back.chainedMinor, back.Lines = back.RefundMinor+of.RefundMinor, back.chainedMinor+chained, append(back.Lines, of)
	}
	return back, nil
}

// carriedTo is what of what was carried over to the order its lines bear: by what they cost
// less than their price, or as behind says.
func (c changing) carriedTo() shares {
	s := shares{lines: c.Lines, goods: c.Order.CarriedMinor, weights: map[uuid.UUID]int64{}}
	for _, l := range c.Lines {
		s.weights[l.ID] = l.UnitMinor*int64(l.Quantity) - l.TotalMinor
		if c.behind != nil {
			s.weights[l.ID] = c.behind[l.VariantID]
		}
		s.all += s.weights[l.ID]
	}
	return s
}

// lookBehind notes what was paid for the goods that those of the order, which cost nothing
// themselves, replaced.
func (s *Service) lookBehind(ctx context.Context, c *changing) error {
	if c.Order.CarriedMinor == 0 || c.Order.TotalMinor > 0 {
		return nil
	}
	of, replaces, err := s.replacing(access.With(ctx, access.System), c.Order.ID)
	if err != nil || !replaces {
		return err
	}
	c.behind = map[uuid.UUID]int64{}
	for _, p := range of.receiptFor(c.Order.ID).Lines {
		if wanted := of.wished(p).ExchangeVariantID; wanted != nil {
			c.behind[*wanted] += p.CarriedMinor + p.RefundMinor
		}
	}
	return nil
}

// follow carries what was paid for goods that the order's replaced for nothing over to it,
// however often they were replaced, before some of them are exchanged for dearer ones. Until
// then nobody had to know how much that was.
func (s *Service) follow(ctx context.Context, c *changing) error {
	if c.r.Replaces && c.Order.TotalMinor == 0 && c.Order.CarriedMinor == 0 {
		of, replaces, err := s.replacing(access.With(ctx, access.System), c.Order.ID)
		if err != nil || !replaces {
			return err
		}
		if err := s.follow(ctx, &of); err != nil {
			return err
		}
		receipt := of.receiptFor(c.Order.ID)
		if err := of.carryOver(receipt); err != nil {
			return err
		}
		c.Order.CarriedMinor = receipt.CarriedMinor
		if err := errors.Join(s.Store.SaveReceipt(ctx, *receipt), s.Orders.CarryOver(ctx, c.Order.ID, receipt.CarriedMinor)); err != nil {
			return err
		}
	}
	return s.lookBehind(ctx, c)
}

// carryOver notes in the receipt what its pieces cost, but for what was given back because
// the others were cheaper.
func (c changing) carryOver(receipt *Receipt) error {
	now := Pieces{}
	for _, p := range receipt.Lines {
		now[p.LineID] = p.Pieces()
	}
	own, chained, err := c.costs(now)
	if err != nil {
		return err
	}
	for i := range receipt.Lines {
		p := &receipt.Lines[i]
		gone, err := c.givesBack(c.wished(*p), chained[p.LineID])
		if err != nil {
			return err
		}
		p.ChainedMinor = chained[p.LineID] - gone
		p.CarriedMinor = max(own[p.LineID]-p.RefundMinor, 0) + p.ChainedMinor
		receipt.CarriedMinor += p.CarriedMinor
	}
	return nil
}

// wantsDearer reports whether the return wants goods that cost more than those it gives back.
func (c changing) wantsDearer() bool {
	return slices.ContainsFunc(c.r.Lines, func(l Line) bool { return l.HadMinor < l.WantsMinor })
}

// giveCarried gives back, beside what the order's own money gives, what was carried over to
// it for the pieces: less the fee, or the part by which other goods are cheaper.
func (s *Service) giveCarried(ctx context.Context, c changing, receipt *Receipt) error {
	if c.Order.CarriedMinor == 0 {
		return nil
	}
	if err := s.lookBehind(ctx, &c); err != nil {
		return err
	}
	now := Pieces{}
	for _, p := range receipt.Lines {
		now[p.LineID] = p.Pieces()
	}
	cost, err := c.carriedTo().back(received(c.all, Return.refunds), now)
	if err != nil {
		return err
	}
	var sum int64
	for _, p := range receipt.Lines {
		part, err := c.givesBack(c.wished(p), cost[p.LineID])
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
