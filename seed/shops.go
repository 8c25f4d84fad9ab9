package seed

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/pricing"
)

// positions are where the sample shops stand, near their stations: degrees north and east.
var positions = map[string][2]float64{
	"shibuya": {35.659, 139.703}, "kichijoji": {35.703, 139.580}, "yokohama": {35.466, 139.622}, "umeda": {34.702, 135.496}, "sakae": {35.170, 136.908},
	"jiyugaoka": {35.607, 139.669}, "kyoto": {35.003, 135.768}, "tenjin": {33.591, 130.399},
}

// queueShops writes what the brand's shops offer: orders are picked up at all of them.
func (b Brand) queueShops(batch *pgx.Batch) {
	for _, l := range b.Shops {
		if at, stands := positions[l.Code]; stands {
			batch.Queue(`INSERT INTO shops (location_id, pick_up, pick_up_days, stock_shown, latitude, longitude) VALUES ($1, true, 7, 'BAND', $2, $3) ON CONFLICT DO NOTHING`, l.ID, at[0], at[1])
		}
	}
}

// van is the brand's van, which sells at events what it takes out of the warehouse.
func (b Brand) van() Location {
	return Location{ID: key("location", b.Code, "van"), Code: "van", Name: i18n.Text{"ja": "移動販売車", "en": "Event van"}, Kind: "EVENT", Address: b.Shops[0].Address, Priority: len(b.Shops)}
}

// errNobody says that no sample member buys in the brand.
var errNobody = errors.New("no sample member buys here")

// atShops lets a member order something that lies ready at a shop, and somebody buy over
// its counter.
func (t *trade) atShops(ctx context.Context, buyers []Account, now time.Time) error {
	b := Brands()[0]
	shop := b.Shops[1]
	goods := b.inShop(shop.ID, 2)
	for _, buyer := range buyers {
		if *buyer.BrandID != b.ID {
			continue
		}
		staff := t.as(t.as(ctx, buyer), t.clerk)
		if err := t.toFetch(t.as(ctx, buyer), staff, buyer, shop.ID, goods[0], now); err != nil {
			return err
		}
		return t.sellOver(staff, shop.ID, goods[1], now)
	}
	return errNobody
}

// toFetch is an order that lies ready, to be paid when it is fetched.
func (t *trade) toFetch(ctx, staff context.Context, buyer Account, shopID, variantID uuid.UUID, now time.Time) error {
	t.at = now.Add(-22 * time.Hour).Truncate(time.Second)
	if _, err := t.carts.AddLine(ctx, cart.AddLineInput{VariantID: variantID, Quantity: 1}); err != nil {
		return err
	}
	mode := pricing.ShipPickUp
	priced, err := t.carts.Update(ctx, cart.UpdateInput{Email: &buyer.Email, ShippingMode: &mode, ShopID: &shopID, Recipient: &buyer.Name})
	if err != nil {
		return err
	}
	placed, err := t.orders.Place(ctx, order.PlaceInput{IdempotencyKey: "noren-sample-fetch", ExpectedTotal: priced.Total().Amount(), PaymentMethod: payment.MethodAtShop})
	if err != nil {
		return err
	}
	t.at = t.at.Add(3 * time.Hour)
	_, err = t.orders.Ready(staff, order.ReadyInput{OrderID: placed.ID})
	return err
}

// sellOver is a sale over the counter, for cash.
func (t *trade) sellOver(staff context.Context, shopID, variantID uuid.UUID, now time.Time) error {
	t.at = now.Add(-18 * time.Hour).Truncate(time.Second)
	in := order.SellInput{IdempotencyKey: "noren-sample-over", ShopID: shopID, Lines: []order.SoldLine{{VariantID: variantID, Quantity: 1}}, DryRun: true}
	tried, err := t.orders.Sell(staff, in)
	if err != nil {
		return err
	}
	total := tried.Quote.Total().Amount()
	in.DryRun, in.ExpectedTotal, in.Tenders = false, &total, []order.ShopTender{{Method: payment.MethodCash, Reference: "0001"}}
	_, err = t.orders.Sell(staff, in)
	return err
}

// inShop are n of the brand's variants of which the shop has some.
func (b Brand) inShop(shopID uuid.UUID, n int) []uuid.UUID {
	var all []uuid.UUID
	for bundle := range b.Products(0) {
		for _, s := range bundle.Stock {
			if s.LocationID == shopID && s.OnHand >= 3 && cheap(bundle, s.VariantID) {
				all = append(all, s.VariantID)
				break
			}
		}
		if len(all) == n {
			break
		}
	}
	return all
}
