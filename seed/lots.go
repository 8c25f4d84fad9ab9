package seed

import (
	"context"
	"errors"
	"time"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/inventory"
	"github.com/noren-commerce/noren/core/page"
)

// larder tells the lots of the first dry food apart: what lies there has no number, and
// two lots with their best-before days came since.
func (s agreement) larder(ctx context.Context) error {
	locations, err := s.supply.Locations(ctx)
	if err != nil {
		return err
	}
	food := arrangement{brand: s.brand}.on(s.brand.CategoryID("dog-dry"), 0).Variants[0].ID
	_, err = s.lots.SetTracking(ctx, inventory.TrackingInput{VariantID: food, Mode: inventory.ByLot, Expires: true, MinDays: 30, AlertDays: 60, KeepStock: true})
	if err != nil {
		return err
	}
	faults := make([]error, 0, 3)
	for number, months := range map[string]int{"L-2601": 3, "L-2607": 9} {
		year, month, _ := s.now.Date()
		day := time.Date(year, month+time.Month(months), 1, 0, 0, 0, 0, time.UTC)
		_, err := s.supply.Receive(ctx, inventory.StockInput{
			IdempotencyKey: "seed-lot-" + food.String() + number, VariantID: food, LocationID: locations[0].ID, Quantity: 24, Reference: "PO-2026-002", Lots: []inventory.LotPieces{{Number: number, ExpiresOn: &day, Quantity: 24}},
		})
		faults = append(faults, err)
	}
	one := 1
	lots, err := s.lots.List(ctx, inventory.LotFilter{VariantID: &food, Number: "L-2601"}, page.Args{First: &one})
	if err := errors.Join(append(faults, err)...); err != nil || len(lots.Edges) == 0 {
		return err
	}
	_, err = s.lots.DescribeLot(ctx, inventory.DescribeLotInput{
		LotID: lots.Nodes()[0].ID, Origin: i18n.Text{"ja": "北海道十勝", "en": "Tokachi, Hokkaido"},
		Materials: i18n.Text{"ja": "鶏肉（国産）、米、とうもろこし、鶏脂", "en": "Chicken from Japan, rice, maize, chicken fat"},
		Route:     []inventory.Stop{{Text: i18n.Text{"ja": "帯広工場で製造", "en": "Made in Obihiro"}}, {Text: i18n.Text{"ja": "東京倉庫に入荷", "en": "Received in Tokyo"}}},
	})
	return err
}
