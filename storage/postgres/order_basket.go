package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/shipping"
)

// Basket is the variants as the order's channel sells them now, one piece of each, with what
// pricing the order again asks, in one round trip.
func (s *Orders) Basket(ctx context.Context, in cart.Lookup, o order.Order, variantIDs []uuid.UUID) (*cart.Basket, error) {
	var b cart.Basket
	names, err := s.db.counted(ctx, o.Customer())
	if err != nil {
		return nil, err
	}
	args := cartArgs(in, pgx.NamedArgs{"ids": variantIDs, "order": o.ID, "shop": orNull(o.PickedUpAt()), "method": o.ShippingMethod.ID, "customers": names})
	batch := &pgx.Batch{}
	queueRows(batch, &[]struct{ Delivery *payment.DeliveryTerms }{}, func(rows []struct{ Delivery *payment.DeliveryTerms }) {
		if len(rows) > 0 {
			b.Cart.Delivery = rows[0].Delivery
		}
	}, `SELECT `+deliveryTermsOf+` AS delivery FROM orders c WHERE c.id = @order`, args)
	queueContents(batch, basketLines{
		`(SELECT x.id, x.id AS variant_id, 1 AS quantity, '[]'::jsonb AS choices FROM variants x WHERE x.id = ANY(@ids) AND x.brand_id = @brand) k`,
		`true`, share, `coalesce(o.id = @shop::uuid, o.ships)`,
	}, args, &b)
	queueRows(batch, &[]shipping.Method{}, func(rows []shipping.Method) {
		if len(rows) > 0 {
			b.Method = &rows[0]
		}
	}, `SELECT `+shippingColumns+` FROM shipping_methods m WHERE m.id = @method AND m.brand_id = @brand`, args)
	return &b, s.db.conn(ctx).SendBatch(ctx, batch).Close()
}
