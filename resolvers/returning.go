package resolvers

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/returns"
	"github.com/noren-commerce/noren/core/scope"
	"github.com/noren-commerce/noren/graph"
	"github.com/noren-commerce/noren/graph/model"
)

func returnPayload(ctx context.Context, r *returns.Return, err error) (model.ReturnPayload, error) {
	errors, err := userErrors(ctx, err)
	if r = unless(errors, r); r == nil || err != nil {
		return model.ReturnPayload{UserErrors: errors}, err
	}
	return model.ReturnPayload{Return: r, UserErrors: errors}, returnsAhead(ctx, []returns.Return{*r}, "return")
}

// orderOf is the order; nil if the caller may not see it.
func orderOf(ctx context.Context, orderID uuid.UUID) (*order.Order, error) {
	o, err := load(ctx).Order.Load(ctx, orderID)
	if err != nil || o.ID == uuid.Nil {
		return nil, err
	}
	return &o, nil
}

// replaced is a return by one of the orders that replace its goods.
type replaced struct {
	returns.Return
	by uuid.UUID
}

// exchanges are the returns that orders replace goods of.
func (r *Resolver) exchanges(ctx context.Context, orderIDs []uuid.UUID) ([]replaced, error) {
	links, err := r.Returns.Exchanges(ctx, orderIDs)
	if err != nil || len(links) == 0 {
		return nil, err
	}
	found, err := r.Returns.ByIDs(ctx, keys(links, func(l returns.Replaced) uuid.UUID { return l.ReturnID }))
	all := make([]replaced, 0, len(links))
	for _, l := range links {
		if i := slices.IndexFunc(found, func(t returns.Return) bool { return t.ID == l.ReturnID }); i >= 0 {
			all = append(all, replaced{found[i], l.OrderID})
		}
	}
	return all, err
}

// returnable is what of a line can still be given back.
func (r *Resolver) returnable(ctx context.Context, l order.Line, reason returns.Reason) (returns.Returnable, error) {
	var none returns.Returnable
	of, err := load(ctx).ReturnRules.Load(ctx, l.OrderID)
	if err != nil {
		return none, err
	}
	shipments, err := load(ctx).Shipments.Load(ctx, l.OrderID)
	if err != nil {
		return none, err
	}
	all, err := load(ctx).Returns.Load(ctx, l.OrderID)
	if err != nil {
		return none, err
	}
	var goods []scope.Goods
	if len(of.Rule.Excluded) > 0 {
		found, err := load(ctx).ReturnGoods.LoadMany(ctx, returns.VariantsIn([]order.Line{l}))
		if err != nil {
			return none, err
		}
		for _, g := range found {
			goods = append(goods, g)
		}
	}
	return r.Returns.Returnable(of.Rule, l, shipments, goods, all, reason), nil
}

// orderReturnsAhead fetches the returns of orders, and what decides whether more of
// their lines can be given back.
func orderReturnsAhead(ctx context.Context, orderIDs []uuid.UUID, path string) error {
	l := load(ctx)
	if graph.Asks(ctx, path+".replaces") {
		if _, err := l.Exchanges.Ahead(ctx, orderIDs); err != nil {
			return err
		}
	}
	if !asksAny(ctx, []string{path}, []string{"returns", "lines.returned", "lines.returnable"}) {
		return nil
	}
	byOrder, err := l.Returns.Ahead(ctx, orderIDs)
	if err != nil {
		return err
	}
	if graph.Asks(ctx, path+".returns") {
		var all []returns.Return
		for _, some := range byOrder {
			all = append(all, some...)
		}
		if err := returnsAhead(ctx, all, path+".returns"); err != nil {
			return err
		}
	}
	if !graph.Asks(ctx, path+".lines.returnable") {
		return nil
	}
	rules, err := l.ReturnRules.Ahead(ctx, orderIDs)
	if err != nil {
		return err
	}
	if _, err := l.Shipments.Ahead(ctx, orderIDs); err != nil {
		return err
	}
	lines, err := l.OrderLines.Ahead(ctx, orderIDs)
	if err != nil {
		return err
	}
	var variants []uuid.UUID
	for orderID, some := range lines {
		if len(rules[orderID].Rule.Excluded) > 0 {
			variants = append(variants, returns.VariantsIn(some)...)
		}
	}
	return aheadIf(ctx, len(variants) > 0, l.ReturnGoods, variants)
}

// returnsAhead fetches the orders of returns, and of what replaces their goods, and the
// lines that are in them.
func returnsAhead(ctx context.Context, all []returns.Return, paths ...string) error {
	ids := keys(all, func(r returns.Return) uuid.UUID { return r.OrderID })
	var given []uuid.UUID
	for _, r := range all {
		given = append(given, named(r.Receipts, func(c returns.Receipt) *uuid.UUID { return c.ExchangeOrderID })...)
	}
	for _, path := range paths {
		if err := aheadIf(ctx, asksAny(ctx, []string{path}, []string{"lines"}), load(ctx).OrderLines, ids); err != nil {
			return err
		}
		if err := papersAhead(ctx, all, path); err != nil {
			return err
		}
		var wanted []uuid.UUID
		if asksAny(ctx, []string{path}, []string{"order"}) {
			wanted = append(wanted, ids...)
		}
		if asksAny(ctx, []string{path}, []string{"receipts.exchangeOrder"}) {
			wanted = append(wanted, given...)
		}
		if err := aheadIf(ctx, len(wanted) > 0, load(ctx).Order, wanted); err != nil {
			return err
		}
	}
	return nil
}

// papersAhead fetches the photos of returns, and the rules that say where they go.
func papersAhead(ctx context.Context, all []returns.Return, path string) error {
	l, orderIDs := load(ctx), keys(all, func(r returns.Return) uuid.UUID { return r.OrderID })
	if err := aheadIf(ctx, asksAny(ctx, []string{path}, []string{"photos"}), l.ReturnPhotos, keys(all, func(r returns.Return) uuid.UUID { return r.ID })); err != nil {
		return err
	}
	return aheadIf(ctx, asksAny(ctx, []string{path}, []string{"slipUrl", "labelUrl"}), l.ReturnRules, orderIDs)
}

// paperURL is where a paper of the return is downloaded; nil if there is none now.
func paperURL(ctx context.Context, r returns.Return, to func(returns.Return, returns.OfOrder) string) (*string, error) {
	of, err := load(ctx).ReturnRules.Load(ctx, r.OrderID)
	if err != nil {
		return nil, err
	}
	if url := to(r, of); url != "" {
		return &url, nil
	}
	return nil, nil
}
