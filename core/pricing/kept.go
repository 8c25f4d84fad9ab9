package pricing

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/money"
)

// Placed is an order that is priced again, because it is to hold something else.
type Placed struct {
	At           time.Time // when it was placed
	TaxInclusive bool      // its prices contain consumption tax
	// Used are the campaigns that it has used, each with the coupon that opened it: they
	// stay, even if they are over or spent.
	Used []Coupon
}

// Uses reports whether the order has used the campaign; nil has used none.
func (p *Placed) Uses(campaignID uuid.UUID) bool {
	return p != nil && slices.ContainsFunc(p.Used, func(c Coupon) bool { return c.CampaignID == campaignID })
}

// Kept is the price of a piece that stays as it was agreed: by the buyer's terms and the
// quantity, before campaigns and surcharges, which are judged anew.
type Kept struct {
	Unit  int64
	Steps []Step  // how a piece came to it
	Worth []int64 // of the parts in one set
}

// KeptOf is what stays of the steps of a line of so many pieces.
func KeptOf(steps []Step, pieces int) Kept {
	var k Kept
	for _, s := range steps {
		switch s.Rule {
		case RuleCampaign, RuleCoupon, RuleDirect, RuleEdit:
			return k
		}
		s.Change.Minor, s.Running.Minor = s.Change.Minor/int64(pieces), s.Running.Minor/int64(pieces)
		k.Unit, k.Steps = s.Running.Minor, append(k.Steps, s)
	}
	return k
}

// keep gives a line the price that its pieces had.
func (l *Line) keep() error {
	pieces := int64(l.Quantity)
	if _, err := money.Of(l.Kept.Unit, l.Unit.Currency).Times(l.Quantity); err != nil {
		return err
	}
	l.Unit.Minor, l.standard, l.source = l.Kept.Unit, l.Kept.Unit, RuleBasePrice
	l.Breakdown = make([]Step, 0, len(l.Kept.Steps)+2)
	for _, s := range l.Kept.Steps {
		s.Change.Minor, s.Running.Minor = s.Change.Minor*pieces, s.Running.Minor*pieces
		l.Breakdown = append(l.Breakdown, s)
	}
	l.worth = l.Kept.Worth
	return nil
}

// Units are the items at the prices that the buyer's terms and the quantities give a piece,
// before campaigns and surcharges.
func (d *Desk) Units(book Book, items []Item) ([]Line, error) {
	quote, err := d.s.engine.run(QuoteInput{Terms: *d.terms.Load(), Book: book, Items: items}, false, []stage{contract, quantity, floor})
	return quote.Lines, err
}
