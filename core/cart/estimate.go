package cart

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/scope"
	"github.com/noren-commerce/noren/core/shipping"
)

// EstimateAsk is pieces of a variant that somebody may want at a place.
type EstimateAsk struct {
	VariantID uuid.UUID
	Quantity  int
	To        shipping.Destination
}

// Estimate is when they can be there if they are ordered now, and by which method.
type Estimate struct {
	EstimateAsk
	shipping.Promise
	Method shipping.Method
}

// Stocked are variants with what they hold, if they are sets, and where it lies.
type Stocked struct {
	Items  []Item // of one piece each
	Levels []Level
	Goods  map[uuid.UUID]scope.Goods
}

// Ways are the methods by which the request's channel ships.
type Ways interface {
	Methods(ctx context.Context) ([]shipping.Method, error)
}

// ShipBy says by which methods is shipped.
func (s *Service) ShipBy(ways Ways) { s.ways = ways }

// Estimates are when variants can be at places, in a bounded number of statements. Those
// of which no day can be told are left out, and all for a buyer who may not see the stock.
func (s *Service) Estimates(ctx context.Context, asks []EstimateAsk) ([]Estimate, error) {
	lookup, err := s.Lookup(ctx)
	if err != nil || lookup.Buyer().StockHidden {
		return nil, err
	}
	methods, err := s.ways.Methods(ctx)
	if err != nil {
		return nil, err
	}
	ids := make([]uuid.UUID, len(asks))
	for i, a := range asks {
		ids[i] = a.VariantID
	}
	found, err := s.store.Stocked(ctx, lookup, ids)
	if err != nil {
		return nil, err
	}
	items := map[uuid.UUID]Item{}
	for _, item := range found.Items {
		items[item.VariantID] = item
	}
	var all []Estimate
	for _, ask := range asks {
		item, ok := items[ask.VariantID]
		if !ok || ask.Quantity < 1 || ask.Quantity > pricing.MaxQuantity {
			continue
		}
		item.Quantity = ask.Quantity
		if e := lookup.estimate(item, found, methods, ask.To); e != nil {
			e.EstimateAsk = ask
			all = append(all, *e)
		}
	}
	return all, nil
}

// estimate is the earliest promise of the methods that take the item; nil if none gives
// one.
func (l Lookup) estimate(item Item, found Stocked, methods []shipping.Method, to shipping.Destination) *Estimate {
	b := Basket{Items: []Item{item}, Levels: found.Levels, Cart: Cart{ShippingMode: pricing.ShipNormal}}
	if !item.OnSale || item.gone() != nil || b.stock(l.Buyer()).short(item) != nil {
		return nil
	}
	p := b.parcel(l)
	p.To = &to
	for i, w := range Wanted(b.Items) {
		p.Pieces[i].Goods = found.Goods[w.VariantID]
	}
	var best *Estimate
	for _, m := range methods {
		if !m.Assess(p).Available() {
			continue
		}
		if promise := m.Promise(p); promise != nil && (best == nil || promise.ArrivesOn.Before(best.ArrivesOn)) {
			best = &Estimate{Promise: *promise, Method: m}
		}
	}
	return best
}
