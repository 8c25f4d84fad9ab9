package resolvers

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/giftcard"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/sale"
	"github.com/noren-commerce/noren/graph"
)

// productsAhead fetches what the operation asks of the products under the paths
// ("edges.node", "nodes"; "" for a product by itself), one statement a kind, before
// their fields resolve.
func productsAhead(ctx context.Context, products []catalog.Product, paths ...string) error {
	asks := func(fields ...string) bool { return asksAny(ctx, paths, fields) }
	ids := keys(products, func(p catalog.Product) uuid.UUID { return p.ID })
	badges, span := asks("badges"), asks("priceRange")
	priced := span || badges || asks("variants.price")
	err := errors.Join(
		aheadIf(ctx, asks("brand", "categories", "media", "attributes"), load(ctx).Details, ids),
		aheadIf(ctx, priced || asks("priceHidden", "variants.priceHidden", "variants.notPurchasable"), load(ctx).Facts, ids),
	)
	if err != nil || !span && !badges && !asks("variants") {
		return err
	}
	byProduct, err := load(ctx).Variants.Ahead(ctx, ids)
	if err != nil {
		return err
	}
	var variants []uuid.UUID
	for _, some := range byProduct {
		variants = append(variants, keys(some, func(v catalog.Variant) uuid.UUID { return v.ID })...)
	}
	if asks("variants.set") {
		sets, err := load(ctx).Sets.Ahead(ctx, variants)
		if err != nil {
			return err
		}
		if err := setsAhead(ctx, slices.Collect(maps.Values(sets)), prefixed(paths, "variants.set")...); err != nil {
			return err
		}
	}
	return errors.Join(
		aheadIf(ctx, priced, load(ctx).Prices, variants),
		aheadIf(ctx, asks("variants.saleTerms"), load(ctx).Sales, variants),
		aheadIf(ctx, asks("variants.restockOffered"), load(ctx).Restock, variants),
		aheadIf(ctx, asks("variants.availability", "variants.promise"), load(ctx).Free, variants),
		aheadIf(ctx, asks("variants.shopStock"), load(ctx).ShopStock, variants),
	)
}

// setsAhead fetches what sets hold, and how much of it there is.
func setsAhead(ctx context.Context, sets []*sale.Set, paths ...string) error {
	var held []uuid.UUID
	for _, s := range sets {
		if s != nil {
			held = append(held, s.Variants()...)
		}
	}
	if len(held) == 0 {
		return nil
	}
	var shown error
	if asksAny(ctx, paths, []string{"parts.variant", "slots.choices"}) {
		var found map[uuid.UUID]catalog.Variant
		if found, shown = load(ctx).Variant.Ahead(ctx, held); shown == nil {
			_, shown = load(ctx).Facts.Ahead(ctx, productsHeld(found))
		}
	}
	return errors.Join(
		shown,
		aheadIf(ctx, asksAny(ctx, paths, []string{"parts.variant.availability", "slots.choices.availability"}), load(ctx).Free, held),
	)
}

// productsHeld are the products of the variants: rules may hide one.
func productsHeld(variants map[uuid.UUID]catalog.Variant) []uuid.UUID {
	return named(slices.Collect(maps.Values(variants)), func(v catalog.Variant) *uuid.UUID { return &v.ProductID })
}

func prefixed(paths []string, field string) []string {
	all := make([]string, len(paths))
	for i, path := range paths {
		all[i] = strings.TrimPrefix(path+"."+field, ".")
	}
	return all
}

// asksAny reports whether the operation asks for one of the fields under one of the paths.
func asksAny(ctx context.Context, paths, fields []string) bool {
	return slices.ContainsFunc(paths, func(path string) bool {
		return slices.ContainsFunc(fields, func(field string) bool { return graph.Asks(ctx, strings.TrimPrefix(path+"."+field, ".")) })
	})
}

// aheadIf fetches the keys where the operation asks for what they give.
func aheadIf[V any](ctx context.Context, asked bool, l *graph.Loader[uuid.UUID, V], keys []uuid.UUID) error {
	if !asked {
		return nil
	}
	_, err := l.Ahead(ctx, keys)
	return err
}

// ordersAhead does the same for orders.
func ordersAhead(ctx context.Context, orders []order.Order, paths ...string) error {
	ids := keys(orders, func(o order.Order) uuid.UUID { return o.ID })
	for _, path := range paths {
		if err := errors.Join(
			aheadIf(ctx, graph.Asks(ctx, path+".lines"), load(ctx).OrderLines, ids),
			aheadIf(ctx, graph.Asks(ctx, path+".documents"), load(ctx).OrderDocuments, ids),
			aheadIf(ctx, graph.Asks(ctx, path+".pickUp"), load(ctx).PickUps, pickedUp(orders)),
			aheadIf(ctx, graph.Asks(ctx, path+".history"), load(ctx).OrderHistory, ids),
			aheadIf(ctx, graph.Asks(ctx, path+".draftOrder"), load(ctx).DraftOfOrder, ids),
		); err != nil {
			return err
		}
		if graph.Asks(ctx, path+".payments") {
			if err := orderPaymentsAhead(ctx, ids, path+".payments"); err != nil {
				return err
			}
		}
		if graph.Asks(ctx, path+".company") {
			if err := employersAhead(ctx, orders); err != nil {
				return err
			}
		}
		if graph.Asks(ctx, path+".quotation") {
			if _, err := load(ctx).Quotation.Ahead(ctx, named(orders, func(o order.Order) *uuid.UUID { return o.QuotationID })); err != nil {
				return err
			}
		}
		if asksAny(ctx, []string{path}, []string{"shipments", "lines.shipped"}) {
			if err := orderShipmentsAhead(ctx, ids, path); err != nil {
				return err
			}
		}
		if err := orderReturnsAhead(ctx, ids, path); err != nil {
			return err
		}
	}
	return nil
}

// pickedUp are the orders that are picked up.
func pickedUp(orders []order.Order) []uuid.UUID {
	return named(orders, func(o order.Order) *uuid.UUID {
		if !o.PickedUp() {
			return nil
		}
		return &o.ID
	})
}

// orderShipmentsAhead fetches the shipments of orders, and the lines that are in them.
func orderShipmentsAhead(ctx context.Context, orderIDs []uuid.UUID, path string) error {
	if _, err := load(ctx).Shipments.Ahead(ctx, orderIDs); err != nil {
		return err
	}
	return errors.Join(
		aheadIf(ctx, graph.Asks(ctx, path+".shipments.lines"), load(ctx).OrderLines, orderIDs),
		parcelsAhead(ctx, orderIDs, path+".shipments"),
	)
}

// shipmentsAhead fetches the orders of shipments, and the lines that are in them.
func shipmentsAhead(ctx context.Context, all []order.Shipment, paths ...string) error {
	ids := keys(all, func(h order.Shipment) uuid.UUID { return h.OrderID })
	for _, path := range paths {
		if err := errors.Join(
			aheadIf(ctx, graph.Asks(ctx, path+".lines"), load(ctx).OrderLines, ids),
			aheadIf(ctx, graph.Asks(ctx, path+".parcels"), load(ctx).Parcels, keys(all, func(h order.Shipment) uuid.UUID { return h.ID })),
		); err != nil {
			return err
		}
		if !graph.Asks(ctx, path+".order") {
			continue
		}
		byID, err := load(ctx).Order.Ahead(ctx, ids)
		if err != nil {
			return err
		}
		if err := ordersAhead(ctx, slices.Collect(maps.Values(byID)), path+".order"); err != nil {
			return err
		}
	}
	return nil
}

// backOrdersAhead fetches the orders and variants of back-orders.
func backOrdersAhead(ctx context.Context, rows []order.BackOrder, paths ...string) error {
	for _, path := range paths {
		if graph.Asks(ctx, path+".order") {
			byID, err := load(ctx).Order.Ahead(ctx, keys(rows, func(b order.BackOrder) uuid.UUID { return b.OrderID }))
			if err != nil {
				return err
			}
			if err := ordersAhead(ctx, slices.Collect(maps.Values(byID)), path+".order"); err != nil {
				return err
			}
		}
		if graph.Asks(ctx, path+".variant") {
			if _, err := load(ctx).Variant.Ahead(ctx, keys(rows, func(b order.BackOrder) uuid.UUID { return b.VariantID })); err != nil {
				return err
			}
		}
	}
	return nil
}

// orderPaymentsAhead fetches the payments of orders, and what is asked of them.
func orderPaymentsAhead(ctx context.Context, orderIDs []uuid.UUID, path string) error {
	byOrder, err := load(ctx).Payments.Ahead(ctx, orderIDs)
	if err != nil {
		return err
	}
	var all []payment.Payment
	for _, some := range byOrder {
		all = append(all, some...)
	}
	return paymentsAhead(ctx, all, path)
}

// paymentsAhead fetches what is asked of payments. Those who may not read it get
// their error where they asked, not here.
func paymentsAhead(ctx context.Context, payments []payment.Payment, paths ...string) error {
	if !access.From(ctx).May(access.OrderRead) {
		return nil
	}
	ids := keys(payments, func(p payment.Payment) uuid.UUID { return p.ID })
	for _, path := range paths {
		if graph.Asks(ctx, path+".operations") {
			if _, err := load(ctx).Operations.Ahead(ctx, ids); err != nil {
				return err
			}
		}
		if graph.Asks(ctx, path+".transfers") {
			if _, err := load(ctx).Transfers.Ahead(ctx, ids); err != nil {
				return err
			}
		}
	}
	return nil
}

// straysAhead fetches the payments of strays.
func straysAhead(ctx context.Context, strays []payment.Stray, paths ...string) error {
	var ids []uuid.UUID
	for _, t := range strays {
		if t.PaymentID != nil {
			ids = append(ids, *t.PaymentID)
		}
	}
	for _, path := range paths {
		if len(ids) > 0 && graph.Asks(ctx, path+".payment") {
			byID, err := load(ctx).Payment.Ahead(ctx, ids)
			if err != nil {
				return err
			}
			if err := paymentsAhead(ctx, slices.Collect(maps.Values(byID)), path+".payment"); err != nil {
				return err
			}
		}
	}
	return nil
}

// giftCardsAhead fetches the entries of gift cards.
func giftCardsAhead(ctx context.Context, cards []giftcard.Card, paths ...string) error {
	for _, path := range paths {
		if graph.Asks(ctx, path+".entries") {
			if _, err := load(ctx).CardEntries.Ahead(ctx, keys(cards, func(c giftcard.Card) uuid.UUID { return c.ID })); err != nil {
				return err
			}
		}
	}
	return nil
}

// productAhead does the same for a product by itself, if there is one.
func productAhead(ctx context.Context, p *catalog.Product, err error) (*catalog.Product, error) {
	if err != nil || p == nil {
		return nil, err
	}
	return p, productsAhead(ctx, []catalog.Product{*p}, "")
}

// staffAhead fetches what is asked of staff accounts.
func staffAhead(ctx context.Context, accounts []identity.Account, paths ...string) error {
	ids := keys(accounts, func(a identity.Account) uuid.UUID { return a.ID })
	for _, path := range paths {
		if graph.Asks(ctx, path+".groups") || graph.Asks(ctx, path+".permissions") {
			if _, err := load(ctx).Groups.Ahead(ctx, ids); err != nil {
				return err
			}
		}
		if graph.Asks(ctx, path+".secondFactor") {
			if _, err := load(ctx).SecondFactors.Ahead(ctx, ids); err != nil {
				return err
			}
		}
	}
	return nil
}

func keys[T any](rows []T, key func(T) uuid.UUID) []uuid.UUID {
	all := make([]uuid.UUID, len(rows))
	for i, row := range rows {
		all[i] = key(row)
	}
	return all
}
