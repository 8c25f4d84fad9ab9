package order

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/pricing"
)

var (
	labelByStaff = i18n.Text{"ja": "担当者による価格", "en": "Price set by staff"}
	labelFee     = i18n.Text{"ja": "担当者による送料", "en": "Fee set by staff"}
)

// requote prices the order as the edit wants it, as a cart that holds the same is priced.
func (s *Service) requote(ctx context.Context, a *amendment, in EditInput) error {
	ctx, err := s.inChannel(ctx, a.before)
	if err != nil {
		return err
	}
	lookup, was, err := s.reopened(ctx, a, in)
	if err != nil {
		return err
	}
	now, err := a.follow(in, *was)
	if err != nil {
		return err
	}
	priced, err := s.carts.Requote(a.before.asBuyer(ctx), lookup, *was, now)
	if err != nil {
		return err
	}
	if err := a.judge(priced, now, in.ShippingAddress != nil); err != nil {
		return err
	}
	a.price(priced.Quote, priced.Lines)
	a.quoted, a.buyer, a.applied = true, lookup.Buyer(), slices.Clone(priced.Quote.Applied)
	a.levels = ranked(a.levels, Job{cart.Wanted(now.Items), a.order.ShippingAddress.Prefecture}, channel.From(ctx).Allocation)
	return s.regift(ctx, a)
}

// inChannel is the context with the order's channel, whose prices and campaigns hold.
func (s *Service) inChannel(ctx context.Context, o Order) (context.Context, error) {
	if channel.From(ctx).ID == o.ChannelID {
		return ctx, nil
	}
	all, err := s.channels(ctx)
	if err != nil {
		return ctx, err
	}
	i := slices.IndexFunc(all, func(c channel.Channel) bool { return c.ID == o.ChannelID })
	if i < 0 {
		return ctx, fault.ErrUnavailable
	}
	return channel.With(ctx, all[i]), nil
}

// asBuyer is the context of whoever has bought it.
func (o Order) asBuyer(ctx context.Context) context.Context {
	switch {
	case o.CompanyID != nil:
		return access.With(ctx, access.Actor{Role: access.RoleCompanyBuyer, ID: value(o.MemberID)})
	case o.MemberID != nil:
		return access.With(ctx, access.Actor{Role: access.RoleMember, ID: *o.MemberID})
	}
	return access.With(ctx, access.Guest)
}

// reopened reads what pricing the order again asks, and the order as the basket that it
// would be.
func (s *Service) reopened(ctx context.Context, a *amendment, in EditInput) (lookup cart.Lookup, was *cart.Basket, err error) {
	o := a.before
	placed := pricing.Placed{At: o.PlacedAt, TaxInclusive: o.TaxInclusive}
	if s.campaigns != nil {
		used, err := s.campaigns.UsedBy(ctx, o.ID)
		if err != nil {
			return lookup, nil, err
		}
		a.gave = used
		for _, u := range used {
			placed.Used = append(placed.Used, pricing.Coupon{ID: u.CouponID, CampaignID: u.CampaignID})
		}
	}
	if lookup, err = s.carts.Reopen(ctx, cart.Reopened{MemberID: o.MemberID, CompanyID: o.CompanyID, Placed: placed}); err != nil {
		return lookup, nil, err
	}
	variants := variantsIn(a.lines)
	for _, l := range in.Add {
		variants = append(variants, l.VariantID)
	}
	if was, err = s.store.Basket(ctx, lookup, o, unique(variants)); err != nil {
		return lookup, nil, err
	}
	a.goods, was.Items = was.Items, nil
	a.reckonHeld(was)
	for _, l := range a.lines {
		if !l.IsGift() {
			was.Items = append(was.Items, a.item(l))
		}
	}
	was.Cart = o.cart(was.Cart)
	was.Fee, was.Charge = o.agreedFee(), o.agreedCharge()
	return lookup, was, nil
}

func unique(ids []uuid.UUID) []uuid.UUID {
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	return slices.Compact(ids)
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

// cart is the order as the cart that it was made of; terms are what the brand asks now.
func (o Order) cart(terms cart.Cart) cart.Cart {
	method := o.PaymentMethod
	terms.ID, terms.BrandID, terms.ChannelID, terms.MemberID, terms.Email = o.ID, o.BrandID, o.ChannelID, o.MemberID, o.Email
	terms.ShippingAddress, terms.BillingAddress, terms.ShippingMode, terms.ShopID, terms.PaymentMethod = &o.ShippingAddress, o.BillingAddress, o.ShippingMode, o.ShopID, &method
	if o.PickedUp() {
		terms.Recipient, terms.PickUp = o.ShippingAddress.Name, &cart.PickUp{Address: o.ShippingAddress}
	}
	return terms
}

// agreedFee is the fee of shipping before campaigns took off it; nil for none.
func (o Order) agreedFee() *pricing.Fee {
	class := o.ShippingClass()
	for _, step := range o.Breakdown {
		if step.Rule == pricing.RuleShipping {
			return &pricing.Fee{Label: step.Label, Source: step.Source, Amount: step.Change.Minor, TaxClass: class}
		}
	}
	if o.PickedUp() {
		return nil
	}
	return &pricing.Fee{Label: o.ShippingMethod.Name, Source: o.ShippingMethod.ID, Amount: o.ShippingMinor, TaxClass: class}
}

// feeSettled reports whether staff have set the fee, or a quotation has offered it.
func (o Order) feeSettled() bool {
	fee := o.agreedFee()
	return fee != nil && (o.QuotationID != nil || fee.Source == uuid.Nil)
}

func (o Order) agreedCharge() *pricing.Fee {
	for _, step := range o.Breakdown {
		if step.Rule == pricing.RulePaymentCharge {
			return &pricing.Fee{Label: step.Label, Source: step.Source, Amount: step.Change.Minor, TaxClass: o.ChargeClass()}
		}
	}
	return nil
}

// ShippingClass is the tax class of the shipping fee.
func (o Order) ShippingClass() money.TaxClass {
	return cmp.Or(o.ShippingMethod.TaxClass, money.TaxStandard)
}

// ChargeClass is the tax class that the charge of the way to pay was sold with.
func (o Order) ChargeClass() money.TaxClass {
	for _, step := range o.Breakdown {
		if step.Rule == pricing.RulePaymentCharge {
			return cmp.Or(step.TaxClass, money.TaxStandard)
		}
	}
	return money.TaxStandard
}

// item is the line as the cart has had it, at the price that was agreed.
func (a *amendment) item(l Line) cart.Item {
	item := cart.Item{ID: l.ID, Goods: a.described(l.VariantID, l.SKU), Quantity: l.Quantity, Was: l.Quantity, Offered: a.before.QuotationID != nil}
	item.ProductID, item.Name, item.Options, item.TaxClass = l.ProductID, l.Name, l.Options, l.TaxClass
	for _, p := range l.Parts {
		part := cart.Part{Goods: a.described(p.VariantID, p.SKU), Quantity: p.Quantity / l.Quantity}
		part.ProductID, part.Name, part.Options, part.TaxClass = p.ProductID, p.Name, p.Options, p.TaxClass
		item.Parts = append(item.Parts, part)
	}
	for _, step := range l.Breakdown {
		if step.Rule == pricing.RuleQuotation {
			item.Agreed = &pricing.Agreed{Amount: l.UnitMinor, Source: step.Source, Label: step.Label}
			return item
		}
	}
	item.Offered = false
	kept := pricing.KeptOf(l.Breakdown, l.Quantity)
	if len(kept.Steps) == 0 {
		kept.Unit = l.UnitMinor
	}
	kept.Worth = l.worth()
	item.Kept = &kept
	return item
}

// worth is what each part of a set bears of the line's total, by which it is shared again.
func (l Line) worth() []int64 {
	weights := make([]int64, len(l.Parts))
	for i, p := range l.Parts {
		weights[i] = max(p.Amount.Minor, 0)
	}
	if len(l.Parts) > 0 && slices.Max(weights) == 0 { // they cost nothing: by their pieces
		for i, p := range l.Parts {
			weights[i] = int64(p.Quantity)
		}
	}
	return weights
}

// described is what is known of the variant now.
func (a *amendment) described(variantID uuid.UUID, sku string) cart.Goods {
	found := Goods{Items: a.goods}.item(variantID).Goods
	found.VariantID, found.SKU = variantID, cmp.Or(found.SKU, sku)
	return found
}

// reckonHeld adds what the order has itself, and can have again, to the places among those
// who wait, to what limits leave, and to what is free at locations.
func (a *amendment) reckonHeld(b *cart.Basket) {
	waits := map[uuid.UUID]int{}
	for _, h := range a.held {
		if h.Waits() {
			waits[h.VariantID] += h.Quantity
		}
	}
	counted := limitedIn(a.lines)
	own := func(g *cart.Goods) {
		g.Beyond += waits[g.VariantID]
		for _, r := range counted {
			if r.VariantID == g.VariantID && g.Share != nil {
				share := *g.Share + r.Quantity
				g.Share = &share
			}
		}
	}
	for i := range a.goods {
		own(&a.goods[i].Goods)
		for n := range a.goods[i].Parts {
			own(&a.goods[i].Parts[n].Goods)
		}
	}
	a.levels = slices.Clone(b.Levels)
	for _, h := range a.held {
		for i := range b.Levels {
			if b.Levels[i].VariantID == h.VariantID && b.Levels[i].LocationID == h.LocationID {
				b.Levels[i].Free += h.Quantity
			}
		}
	}
}

// limitedIn are the pieces of the lines that count against limits.
func limitedIn(lines []Line) (all []Reservation) {
	for _, l := range lines {
		if l.SoldAs != "" {
			all = merged(all, []Reservation{{VariantID: l.VariantID, Quantity: l.Quantity}})
		}
		for _, p := range l.Parts {
			if p.SoldAs != "" {
				all = merged(all, []Reservation{{VariantID: p.VariantID, Quantity: p.Quantity}})
			}
		}
	}
	return all
}

// judge fails where what the edit wants more of cannot be ordered, or may not go where the
// order goes, by the rules that judge a cart: at the first line with which it may not. What
// only becomes less or another price is not judged: rules that came later do not hold it up.
func (a *amendment) judge(p *cart.Priced, now cart.Basket, moved bool) error {
	var all []error
	for _, line := range p.Lines {
		field := a.fieldOf(line.ID)
		switch {
		case line.Problem != nil:
			all = append(all, line.Problem.At(field))
		case line.Price == nil || line.Price.Err != nil:
			all = append(all, pricing.ErrNoPrice.At(field))
		}
	}
	if len(all) > 0 {
		return errors.Join(all...)
	}
	if len(a.grown) == 0 && !moved {
		return nil
	}
	problem := p.Unpayable
	if p.Verdict != nil && p.Verdict.Problem != nil {
		problem = p.Verdict.Problem
	}
	switch {
	case problem == nil:
		return nil
	case moved:
		return problem.At("shippingAddress")
	case p.Verdict == nil:
		return problem.At(a.grown[0].field)
	}
	field, err := a.oneTooMany(p, now)
	if err != nil {
		return err
	}
	return problem.At(field)
}

// oneTooMany is the field of the first grown line with which the order may not go.
func (a *amendment) oneTooMany(p *cart.Priced, now cart.Basket) (string, error) {
	parcel, err := p.ToShip()
	for i, g := range a.grown {
		parcel.Pieces = cart.Pieces(a.without(now.Items, a.grown[i+1:]), now.Sheets)
		verdict := p.Method.Assess(parcel)
		if verdict.Problem != nil || verdict.Excludes(a.order.PaymentMethod) != nil {
			return g.field, err
		}
	}
	return a.grown[len(a.grown)-1].field, err
}

// without are the items less what the later growths bring.
func (a *amendment) without(items []cart.Item, later []growth) (all []cart.Item) {
	for _, item := range items {
		if i := slices.IndexFunc(later, func(g growth) bool { return g.lineID == item.ID }); i >= 0 {
			item.Quantity = item.Was
		}
		if item.Quantity > 0 {
			all = append(all, item)
		}
	}
	return all
}

// price writes down what the quote says of the order and its lines.
func (a *amendment) price(q pricing.Quote, lines []cart.Line) {
	o := a.order
	o.SubtotalMinor, o.DiscountMinor, o.ShippingMinor, o.ChargeMinor = q.Subtotal.Minor, q.Discount.Minor, q.Shipping.Minor, q.Charge.Minor
	o.TaxMinor, o.TotalMinor, o.Taxes, o.Breakdown = q.Tax.Minor, q.Total.Minor, q.Taxes, q.Breakdown
	for _, priced := range lines {
		l := Line{
			ID: priced.ID, OrderID: o.ID, VariantID: priced.VariantID, ProductID: priced.ProductID, SKU: priced.SKU, Name: priced.Name, Options: priced.Options,
			TaxClass: priced.TaxClass, Currency: o.Currency, Promise: priced.Promised().OrNone(), SoldAs: value(priced.SoldAs), Position: a.next(),
		}
		i := slices.IndexFunc(a.lines, func(l Line) bool { return l.ID == priced.ID })
		if i >= 0 {
			l = a.lines[i]
			l.Parts = slices.Clone(l.Parts)
			for n := range l.Parts {
				l.Parts[n].Quantity = l.Parts[n].Quantity / l.Quantity * priced.Quantity
				l.Parts[n].Amount = priced.Price.Shares[n]
			}
		} else {
			l.Parts = partsOf(priced.Item, priced.Price.Shares, priced.Secret)
		}
		l.Quantity, l.UnitMinor, l.TotalMinor, l.Breakdown = priced.Quantity, priced.Price.Unit.Minor, priced.Price.Total.Minor, priced.Price.Breakdown
		if i < 0 || !l.like(a.lines[i]) {
			a.changed = append(a.changed, l.ID)
		}
		a.after = append(a.after, l)
	}
}

// next is the position behind all lines so far.
func (a *amendment) next() (position int) {
	for _, l := range slices.Concat(a.lines, a.after) {
		position = max(position, l.Position+1)
	}
	return position
}

// like reports whether the line holds and costs what it did, in the same steps.
func (l Line) like(was Line) bool {
	return l.Quantity == was.Quantity && l.UnitMinor == was.UnitMinor && l.TotalMinor == was.TotalMinor &&
		slices.EqualFunc(l.Breakdown, was.Breakdown, func(x, y pricing.Step) bool { return x.Rule == y.Rule && x.Source == y.Source && x.Change == y.Change }) &&
		slices.EqualFunc(l.Parts, was.Parts, func(x, y Part) bool { return x.Amount == y.Amount })
}

// follow does what the edit says, line by line, and answers the basket that it makes.
func (a *amendment) follow(in EditInput, was cart.Basket) (cart.Basket, error) {
	now := was
	now.Items, now.Fee, now.Charge = slices.Clone(was.Items), nil, nil
	for i, l := range in.Lines {
		if err := a.change(&now, l, fmt.Sprintf("lines.%d", i)); err != nil {
			return now, err
		}
	}
	for i, l := range in.Add {
		if err := a.add(&now, l, fmt.Sprintf("add.%d", i)); err != nil {
			return now, err
		}
	}
	if len(now.Items) == 0 {
		return now, ErrEditEmpties.At("lines")
	}
	if in.ShippingAddress != nil {
		address := in.ShippingAddress.Normalised()
		a.order.ShippingAddress, now.Cart.ShippingAddress = address, &address
	}
	switch {
	case in.ShippingFee != nil:
		fee, err := money.Parse(*in.ShippingFee, a.order.Currency)
		if err != nil {
			return now, at("shippingFee", err)
		}
		now.Fee = &pricing.Fee{Label: labelFee, Amount: fee.Minor, TaxClass: a.order.ShippingClass()}
	case a.before.feeSettled():
		now.Fee = was.Fee
	}
	return now, nil
}

// change makes the pieces of a line more or fewer, or sets their price. The field is where
// the edit says so.
func (a *amendment) change(b *cart.Basket, in EditedLine, field string) error {
	i := slices.IndexFunc(b.Items, func(item cart.Item) bool { return item.ID == in.LineID })
	switch {
	case i < 0 && slices.ContainsFunc(a.lines, func(l Line) bool { return l.ID == in.LineID }):
		return ErrEditGift.At("lines")
	case i < 0:
		return ErrUnknownLine.At("lines")
	}
	item := &b.Items[i]
	l := a.lines[slices.IndexFunc(a.lines, func(l Line) bool { return l.ID == in.LineID })]
	if packed := a.packedOf(l); in.Quantity < packed {
		return ErrLinePacked.With(packed).At("lines")
	}
	a.said = append(a.said, l.SKU)
	if in.Quantity == 0 {
		b.Items, a.removed = slices.Delete(b.Items, i, i+1), append(a.removed, l.ID)
		return nil
	}
	if in.Quantity > l.Quantity {
		if item.SoldAs != nil != (l.SoldAs != "") || value(item.SoldAs) != l.SoldAs {
			return ErrEditLimited.At(field)
		}
		a.grown = append(a.grown, growth{l.ID, field})
	}
	item.Quantity = in.Quantity
	return a.set(item, in.Unit, "lines")
}

// set lets a piece cost what staff say; nil leaves it.
func (a *amendment) set(item *cart.Item, unit *decimal.Decimal, field string) error {
	if unit == nil {
		return nil
	}
	price, err := money.Parse(*unit, a.order.Currency)
	if err != nil {
		return at(field, err)
	}
	item.Agreed, item.Kept = &pricing.Agreed{Amount: price.Minor, Label: labelByStaff}, nil
	return nil
}

// add puts goods on a line of their own. The field is where the edit says so.
func (a *amendment) add(b *cart.Basket, in AddedLine, field string) error {
	item := Goods{Items: a.goods}.item(in.VariantID)
	if item.ID == uuid.Nil {
		return ErrEditGoods.At("add")
	}
	item.ID, item.Quantity = id.New(), in.Quantity
	a.grown, a.said = append(a.grown, growth{item.ID, field}), append(a.said, item.SKU)
	if err := a.set(&item, in.Unit, "add"); err != nil {
		return err
	}
	b.Items = append(b.Items, item)
	return nil
}
