package order

import (
	"cmp"
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/shipping"
)

// growth is a line of which an edit wants more.
type growth struct {
	lineID uuid.UUID
	was    int    // pieces before; 0 if it is new
	field  string // of the edit
}

// carried fails where what the edit wants more may not go where the order goes, by the
// rules that judge a cart: at the first line with which it may not. What only becomes less
// or another price is not judged: rules that came later do not hold it up.
func (s *Service) carried(ctx context.Context, a *amendment, desk *pricing.Desk) error {
	o := a.order
	if len(a.grown) == 0 || o.PickedUp() {
		return nil
	}
	variants := variantsIn(a.after)
	goods, err := s.store.Goods(ctx, o.BrandID, o.pickedUpAt(), "", variants)
	if err != nil {
		return err
	}
	if err := a.inMode(goods); err != nil || s.routes == nil {
		return err
	}
	method, err := s.routes.MethodByID(ctx, o.BrandID, o.ShippingMethod.ID)
	if err != nil || method == nil {
		return err
	}
	book, err := desk.Described(ctx, variants)
	if err != nil {
		return err
	}
	return a.takenBy(*method, func(later []growth) shipping.Parcel {
		return shipping.Parcel{
			To: shipping.To(&o.ShippingAddress), Mode: o.ShippingMode, At: s.today(ctx), Amount: o.SubtotalMinor - o.DiscountMinor,
			Pieces: cart.Pieces(a.cargo(goods, later), book),
		}
	})
}

// inMode fails where a grown line is not shipped in the order's mode. A quotation speaks
// for the lines that it offered, not for those that are added.
func (a *amendment) inMode(goods Goods) error {
	cargo := a.cargo(goods, nil)
	for _, g := range a.grown {
		i := slices.IndexFunc(cargo, func(item cart.Item) bool { return item.ID == g.lineID })
		if i < 0 {
			continue
		}
		if problem := cargo[i].NotInMode(a.order.ShippingMode, g.was > 0 && a.order.QuotationID != nil); problem != nil {
			return problem.At(g.field)
		}
	}
	return nil
}

// takenBy asks the method about the order with one grown line after the other, so that the
// fault stands at the line that is one too many; parcel leaves the later ones as they were.
func (a *amendment) takenBy(method shipping.Method, parcel func(later []growth) shipping.Parcel) error {
	for i, g := range a.grown {
		verdict := method.Assess(parcel(a.grown[i+1:]))
		if verdict.Problem != nil {
			return verdict.Problem.At(g.field)
		}
		if problem := verdict.Excludes(a.order.PaymentMethod); problem != nil && a.order.TotalMinor > 0 {
			return problem.At(g.field)
		}
	}
	return nil
}

// cargo is what the order holds as a cart would, less what the later growths bring. Gifts
// are not weighed, as in placing.
func (a *amendment) cargo(goods Goods, later []growth) (items []cart.Item) {
	for _, l := range a.after {
		pieces := l.Quantity
		if i := slices.IndexFunc(later, func(g growth) bool { return g.lineID == l.ID }); i >= 0 {
			pieces = later[i].was
		}
		if pieces == 0 || l.gift() {
			continue
		}
		item := cart.Item{ID: l.ID, Goods: goods.described(l.VariantID, l.SKU), Quantity: pieces}
		for _, p := range l.Parts {
			item.Parts = append(item.Parts, cart.Part{Goods: goods.described(p.VariantID, p.SKU), Quantity: p.Quantity / l.Quantity})
		}
		items = append(items, item)
	}
	return items
}

// described is what is known of the variant beside its name: a set that the customer chose
// for is judged by what it holds.
func (g Goods) described(variantID uuid.UUID, sku string) cart.Goods {
	found := g.item(variantID).Goods
	found.VariantID, found.SKU = variantID, cmp.Or(found.SKU, sku)
	return found
}

// gift reports whether a campaign gave the line for nothing.
func (l Line) gift() bool {
	return l.UnitMinor == 0 && len(l.Breakdown) > 0 && l.Breakdown[0].Rule == pricing.RuleCampaign
}

// variantsIn are the variants of the lines and of what they hold.
func variantsIn(lines []Line) (all []uuid.UUID) {
	for _, l := range lines {
		all = append(all, l.VariantID)
		for _, p := range l.Parts {
			all = append(all, p.VariantID)
		}
	}
	return all
}
