package resolvers

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/tracking"
	"github.com/noren-commerce/noren/graph"
)

// parcelsAhead fetches the parcels of the shipments of orders.
func parcelsAhead(ctx context.Context, orderIDs []uuid.UUID, path string) error {
	if !graph.Asks(ctx, path+".parcels") {
		return nil
	}
	byOrder, err := load(ctx).Shipments.Ahead(ctx, orderIDs)
	if err != nil {
		return err
	}
	var ids []uuid.UUID
	for _, all := range byOrder {
		ids = append(ids, keys(all, func(h order.Shipment) uuid.UUID { return h.ID })...)
	}
	_, err = load(ctx).Parcels.Ahead(ctx, ids)
	return err
}

// issuesAhead fetches the shipments of issues, and what is asked of them.
func issuesAhead(ctx context.Context, all []tracking.Issue, paths ...string) error {
	for _, path := range paths {
		if !graph.Asks(ctx, path+".shipment") {
			continue
		}
		found, err := load(ctx).Shipment.Ahead(ctx, named(all, func(i tracking.Issue) *uuid.UUID { return i.ShipmentID }))
		if err != nil {
			return err
		}
		var shipments []order.Shipment
		for _, h := range found {
			if h.ID != uuid.Nil {
				shipments = append(shipments, h)
			}
		}
		if err := shipmentsAhead(ctx, shipments, path+".shipment"); err != nil {
			return err
		}
	}
	return nil
}
