package seed

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/inventory"
)

// supplied watches what sells best in the first warehouse, keeps a few pieces of it
// back, and awaits a supplier's delivery next week.
func (s agreement) supplied(ctx context.Context, goods []uuid.UUID) error {
	locations, err := s.supply.Locations(ctx)
	if err != nil {
		return err
	}
	warehouse, nextWeek := locations[0].ID, s.now.AddDate(0, 0, 7)
	in := inventory.AnnounceInput{
		IdempotencyKey: "seed-delivery", LocationID: warehouse, Supplier: "もりのけ商事", Reference: "PO-2026-001", ExpectedOn: &nextWeek,
	}
	var faults []error
	for i, variant := range goods[:min(len(goods), 8)] {
		_, err := s.supply.SetRules(ctx, inventory.RulesInput{VariantID: variant, LocationID: warehouse, Safety: 2, ReorderPoint: pointer(10 * (i + 1)), ReorderTo: pointer(200)})
		faults = append(faults, err)
		in.Lines = append(in.Lines, inventory.SendLineInput{VariantID: variant, Quantity: 24})
	}
	_, err = s.supply.Announce(ctx, in)
	return errors.Join(append(faults, err, s.takenOut(ctx, warehouse, in.Lines[:3]))...)
}

// takenOut is what the van has with it (イベント持出).
func (s agreement) takenOut(ctx context.Context, warehouse uuid.UUID, lines []inventory.SendLineInput) error {
	out := inventory.SendStockInput{IdempotencyKey: "seed-van", FromID: warehouse, ToID: s.brand.van().ID, Reference: "イベント持出"}
	in := inventory.ReceiveTransferInput{IdempotencyKey: "seed-van-there"}
	for _, l := range lines {
		out.Lines = append(out.Lines, inventory.SendLineInput{VariantID: l.VariantID, Quantity: 6})
		in.Lines = append(in.Lines, inventory.ArrivedLineInput{VariantID: l.VariantID, Arrived: 6})
	}
	sent, err := s.supply.Send(ctx, out)
	if err != nil {
		return err
	}
	in.TransferID = sent.ID
	_, err = s.supply.ReceiveTransfer(ctx, in)
	return err
}
