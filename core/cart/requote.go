package cart

import (
	"context"
	"maps"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/display"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/scope"
)

// Reopened is whose order is priced again.
type Reopened struct {
	MemberID  *uuid.UUID
	CompanyID *uuid.UUID
	Placed    pricing.Placed
}

// Reopen is the lookup of an order that is priced again for its buyer, by whoever may edit
// it.
func (s *Service) Reopen(ctx context.Context, o Reopened) (Lookup, error) {
	ask := pricing.Ask{Placed: &o.Placed}
	asked := access.With(ctx, access.Guest)
	switch {
	case o.CompanyID != nil:
		ask.As, asked = scope.Audience{Kind: scope.Company, ID: *o.CompanyID}, access.With(ctx, access.System)
	case o.MemberID != nil:
		ask.As, asked = scope.Audience{Kind: scope.Member, ID: *o.MemberID}, access.With(ctx, access.System)
	}
	desk, err := s.prices.Desk(asked, ask)
	if err != nil {
		return Lookup{}, err
	}
	c := channel.From(ctx)
	return Lookup{
		Owner: Owner{MemberID: o.MemberID}, BrandID: c.BrandID, ChannelID: c.ID, PriceLists: desk.Lists(), At: desk.Terms().At, desk: desk, zone: c.Zone(),
	}, nil
}

// Requote prices an order as it would stand, beside as it stands. What the edit makes no
// difference to stays as it was agreed: the price of a line that has no more pieces than
// before, the fee, and the charge, unless today's rules say something else of the order as
// it would stand than of it as it stands. Campaigns are judged anew; the context's actor is
// the buyer. Both baskets are of one reading.
func (s *Service) Requote(ctx context.Context, in Lookup, was, now Basket) (*Priced, error) {
	if err := in.refresh(ctx, &now); err != nil {
		return nil, err
	}
	was.Sheets = maps.Clone(now.Sheets)
	standings, err := s.rules.Standings(ctx, now.Rules, now.judged())
	if err != nil {
		return nil, err
	}
	if err := in.keep(&was, &now); err != nil {
		return nil, err
	}
	fee, charge := was.Fee, was.Charge
	was.Charge = nil
	before, err := in.price(ctx, was, nil)
	if err != nil {
		return nil, err
	}
	after, err := in.price(ctx, now, standings)
	if err != nil {
		return nil, err
	}
	if now.Fee == nil && sameFee(before, after) {
		now.Fee = fee
		if after, err = in.price(ctx, now, standings); err != nil {
			return nil, err
		}
	}
	if !now.Cart.onDelivery() || before.Quote.Charge != after.Quote.Charge {
		return after, nil
	}
	if now.Charge = charge; charge == nil {
		now.Charge = &pricing.Fee{}
	}
	return in.price(ctx, now, standings)
}

// sameFee reports whether today's rules ask the same fee for both, or cannot say.
func sameFee(before, after *Priced) bool {
	if after.Verdict == nil || after.Verdict.Problem != nil {
		return true
	}
	return before.Verdict.Problem == nil && before.Verdict.FeeMinor == after.Verdict.FeeMinor
}

// keep lets those lines of an order keep their price of which there is no more than before,
// unless the edit changes what the buyer's terms and the quantities make of them today.
func (l Lookup) keep(was, now *Basket) error {
	units := func(b *Basket) ([]pricing.Line, error) {
		items := make([]pricing.Item, len(b.Items))
		for i, item := range b.Items {
			item.Kept = nil
			items[i] = item.priced()
		}
		return l.desk.Units(b.Sheets, items)
	}
	before, err := units(was)
	if err != nil {
		return err
	}
	after, err := units(now)
	if err != nil {
		return err
	}
	for i := range now.Items {
		item := &now.Items[i]
		item.Kept = nil
		for n, old := range was.Items {
			if old.ID != item.ID || item.Agreed != nil {
				continue
			}
			if item.stands() && (after[i].Err != nil || before[n].Unit == after[i].Unit) {
				item.Kept = old.Kept
			}
		}
	}
	return nil
}

// stands reports whether the item is a line of an order with no more pieces than it had:
// nothing but its price is judged.
func (i Item) stands() bool { return i.Was >= i.Quantity }

// judged are the variants that the buyer wants more of.
func (b Basket) judged() []uuid.UUID {
	var wanted []Item
	for _, item := range b.Items {
		if !item.stands() {
			wanted = append(wanted, item)
		}
	}
	return Basket{Items: wanted}.variants()
}

// standing is how the buyer finds the item; what was offered by name is not looked at.
func (i Item) standing(l Lookup, standings map[uuid.UUID]display.Standing) display.Standing {
	if i.Offered {
		standings = nil
	}
	return l.found(standings, i.VariantID, i.heldVariants())
}
