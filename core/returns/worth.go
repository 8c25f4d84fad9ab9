package returns

import (
	"cmp"
	"slices"

	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/pricing"
)

// differs works out what becomes of a difference in price. Where cheaper goods are wanted
// instead, the part by which they are cheaper is given back of what the pieces cost; where
// dearer ones are, what the pieces cost is carried over to them, and the rest is owed.
func (c changing) differs(receipt *Receipt) error {
	now := Pieces{}
	for _, p := range receipt.Lines {
		now[p.LineID] = p.Pieces()
	}
	cost, chained, err := c.costs(now)
	if err != nil {
		return err
	}
	for i := range receipt.Lines {
		p := &receipt.Lines[i]
		l := c.wished(*p)
		if l.HadMinor <= l.WantsMinor {
			if l.HadMinor < l.WantsMinor {
				c.carry(p, l.WantsMinor, cost[p.LineID], chained[p.LineID])
				receipt.CarriedMinor += p.CarriedMinor
			}
			continue
		}
		if p.RefundMinor, err = money.RoundDown.Portion(cost[p.LineID], l.HadMinor-l.WantsMinor, l.HadMinor, 1); err != nil {
			return err
		}
		receipt.RefundMinor += p.RefundMinor
	}
	return nil
}

// costs are what pieces of the order cost their customer: of its own total, and of what was
// carried over to it for goods that it replaced.
func (c changing) costs(now Pieces) (own, chained amounts, err error) {
	before := received(c.all, Return.refunds)
	if own, err = sharesOf(c.Order, c.Lines).back(before, now); err != nil {
		return nil, nil, err
	}
	chained, err = c.carriedTo().back(before, now)
	return own, chained, err
}

// wished is the return's line of the pieces.
func (c changing) wished(p Inspected) Line {
	return c.r.Lines[slices.IndexFunc(c.r.Lines, func(l Line) bool { return l.ID == p.ReturnLineID })]
}

// carry carries over to dearer goods what the pieces cost, if that was less than they do.
func (c changing) carry(p *Inspected, unit, own, chained int64) {
	cost := own + chained
	wanted := unit * int64(p.Pieces())
	if !c.Order.TaxInclusive {
		l := c.Lines[slices.IndexFunc(c.Lines, func(l order.Line) bool { return l.ID == p.LineID })]
		wanted = money.TaxOf(l.TaxClass, money.Of(wanted, c.Order.Currency), false, money.RoundDown).Gross.Minor
	}
	if wanted > cost {
		p.CarriedMinor, p.ChainedMinor, p.owedMinor = cost, chained, wanted-cost
	}
}

// worth works out what is given back for the pieces of the receipt, and what the shop
// keeps.
func (c changing) worth(receipt *Receipt) error {
	s := sharesOf(c.Order, c.Lines)
	before, now := received(c.all, Return.refunds), Pieces{}
	for _, p := range receipt.Lines {
		now[p.LineID] = p.Pieces()
	}
	cost, err := s.back(before, now)
	if err != nil {
		return err
	}
	for i := range receipt.Lines {
		p := &receipt.Lines[i]
		l := c.r.Lines[slices.IndexFunc(c.r.Lines, func(l Line) bool { return l.ID == p.ReturnLineID })]
		fee, err := money.RoundDown.Portion(cost[p.LineID], int64(termOf(c.r.Terms, l.Reason).FeePercent), 100, 1)
		if err != nil {
			return err
		}
		p.RefundMinor = cost[p.LineID] - fee
		receipt.RefundMinor, receipt.FeeMinor = receipt.RefundMinor+p.RefundMinor, receipt.FeeMinor+fee
	}
	c.keepFlat(receipt)
	if c.completes(*receipt) {
		receipt.ShippingMinor = c.shippingBack()
		receipt.RefundMinor += receipt.ShippingMinor
	}
	return nil
}

// keepFlat takes off what is kept once of the return, as far as no receipt before bore it and
// what the goods give back reaches; each line bears it in proportion.
func (c changing) keepFlat(receipt *Receipt) {
	var terms []Term
	for _, l := range c.r.Lines {
		if l.Approved > 0 {
			terms = append(terms, termOf(c.r.Terms, l.Reason))
		}
	}
	due := flat(terms)
	for _, earlier := range c.r.Receipts {
		due -= earlier.FlatMinor
	}
	weights, shares := make([]int64, len(receipt.Lines)), make([]int64, len(receipt.Lines))
	for i, p := range receipt.Lines {
		weights[i] = p.RefundMinor
	}
	receipt.FlatMinor = pricing.Share(weights, max(due, 0), shares, cmp.Compare)
	for i := range receipt.Lines {
		receipt.Lines[i].RefundMinor -= shares[i]
	}
	receipt.RefundMinor, receipt.FeeMinor = receipt.RefundMinor-receipt.FlatMinor, receipt.FeeMinor+receipt.FlatMinor
}
