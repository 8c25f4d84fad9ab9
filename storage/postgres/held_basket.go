package postgres

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/shipping"
)

// holder is a table whose rows hold what somebody is about to buy. Its columns are named
// as those of carts, its lines' as those of cart_lines.
type holder struct {
	table, lines, coupons string // coupons empty: it takes none
	key                   string // of lines and coupons
	units                 bool   // lines may have a price that staff have set
}

// labelSet is what a price's explanation calls one that staff have set.
var labelSet = i18n.Text{"ja": "担当者による価格", "en": "Price set by staff"}

// basket is what the row with the id holds, with all that pricing and placing an order
// need, in one round trip; nil if there is none. Customer is whom limits count its buyer as.
func (h holder) basket(ctx context.Context, db *DB, in cart.Lookup, id uuid.UUID, customer string) (*cart.Basket, error) {
	var (
		b     cart.Basket
		found bool
		units []struct {
			ID   uuid.UUID
			Unit int64
		}
	)
	names, err := db.counted(ctx, customer)
	if err != nil {
		return nil, err
	}
	args, batch := cartArgs(in, pgx.NamedArgs{"holder": id, "customers": names}), &pgx.Batch{}
	entered := `'[]'::jsonb`
	if h.coupons != "" {
		entered = strings.NewReplacer(`cart_coupons e`, h.coupons+` e`, `e.cart_id`, `e.`+h.key).Replace(enteredCoupons)
	}
	const where = `c.id = @holder`
	queueRows(batch, &[]cart.Cart{}, func(rows []cart.Cart) {
		if found = len(rows) > 0; found {
			b.Cart = rows[0]
		}
	}, `SELECT c.id, c.brand_id, c.channel_id, c.member_id, c.email, c.shipping_address, c.billing_address, c.shipping_method_id, c.shipping_mode, c.shop_id,
			c.payment_method, NULL::date AS deliver_on, '' AS delivery_band,
			c.name AS recipient, `+pickUpOf+` AS pick_up, c.updated_at, `+deliveryTermsOf+` AS delivery, `+entered+` AS entered
		FROM `+h.table+` c WHERE `+where, args)
	from := h.table + ` c JOIN ` + h.lines + ` k ON k.` + h.key + ` = c.id`
	queueContents(batch, basketLines{from, where, share, placesOf(h.table, where)}, args, &b)
	queueRows(batch, &[]shipping.Method{}, func(rows []shipping.Method) {
		if len(rows) > 0 {
			b.Method = &rows[0]
		}
	}, `SELECT `+shippingColumns+` FROM `+h.table+` c JOIN shipping_methods m ON m.id = c.shipping_method_id WHERE `+where+` AND m.active`, args)
	if h.units {
		queueRows(batch, &units, nil, `SELECT k.id, k.unit FROM `+from+` WHERE `+where+` AND k.unit IS NOT NULL`, args)
	}
	if err := db.conn(ctx).SendBatch(ctx, batch).Close(); err != nil || !found {
		return nil, err
	}
	if err := db.openCart(ctx, &b.Cart); err != nil {
		return nil, err
	}
	for _, u := range units {
		for i := range b.Items {
			if b.Items[i].ID == u.ID {
				b.Items[i].Agreed = &pricing.Agreed{Amount: u.Unit, Source: u.ID, Label: labelSet}
			}
		}
	}
	return &b, nil
}
