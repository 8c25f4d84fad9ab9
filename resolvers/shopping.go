package resolvers

import (
	"context"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/geo"
	"github.com/noren-commerce/noren/core/inventory"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/graph"
	"github.com/noren-commerce/noren/graph/model"
)

// nearby is which shops are wanted, and from where.
func nearby(first int, latitude, longitude *float64, prefecture *customer.Prefecture, pickUp bool) (inventory.Nearby, error) {
	size, err := page.Args{First: &first}.Size()
	near := inventory.Nearby{Prefecture: prefecture, PickUp: pickUp, First: size}
	switch {
	case err != nil:
		return near, err
	case latitude == nil && longitude == nil:
		return near, nil
	case latitude == nil || longitude == nil:
		return near, inventory.ErrPosition.At("latitude")
	}
	near.From = &geo.Point{Latitude: *latitude, Longitude: *longitude}
	if !near.From.Valid() {
		return near, inventory.ErrPosition.At("latitude")
	}
	return near, nil
}

// shopOf is an open shop; nil if it is closed.
func shopOf(ctx context.Context, shopID uuid.UUID) (*inventory.Shop, error) {
	all, err := load(ctx).Shops()
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(all, func(s inventory.Shop) bool { return s.ID == shopID }); i >= 0 {
		return &all[i], nil
	}
	return nil, nil
}

// pickUpOf is how the order is picked up; nil if it was sold over the counter.
func pickUpOf(ctx context.Context, orderID uuid.UUID) (*order.PickUp, error) {
	p, err := load(ctx).PickUps.Load(ctx, orderID)
	if err != nil || p.OrderID == uuid.Nil {
		return nil, err
	}
	return &p, nil
}

func pickUpPayload(ctx context.Context, f order.Fetched, err error) (model.PickUpPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.PickUpPayload{PickUp: unless(errors, f.PickUp), Order: unless(errors, f.Order), UserErrors: errors}, err
}

// pickUpsAhead fetches the orders of pick-ups.
func pickUpsAhead(ctx context.Context, all []order.PickUp, paths ...string) error {
	for _, path := range paths {
		if !graph.Asks(ctx, path+".order") {
			continue
		}
		byID, err := load(ctx).Order.Ahead(ctx, keys(all, func(p order.PickUp) uuid.UUID { return p.OrderID }))
		if err != nil {
			return err
		}
		if err := ordersAhead(ctx, slices.Collect(maps.Values(byID)), path+".order"); err != nil {
			return err
		}
	}
	return nil
}

func textOrNil(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
