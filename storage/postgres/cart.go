package postgres

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/display"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/sale"
	"github.com/noren-commerce/noren/core/shipping"
)

// Carts keeps carts in PostgreSQL. A change and the basket after it travel in one
// batch, which is one round trip and one transaction.
type Carts struct{ db *DB }

// NewCarts makes the carts' store.
func NewCarts(db *DB) *Carts { return &Carts{db} }

// ownCart is the condition that the cart c is the owner's open one in the channel.
// A member's cart opens to no token, not even the one it was filled under before.
// It asks by what the owner has, so that one index answers.
func ownCart(o cart.Owner) string {
	if o.MemberID != nil {
		return `c.member_id = @member AND c.channel_id = @channel AND NOT c.closed`
	}
	return `c.token_hash = @token AND c.member_id IS NULL AND c.channel_id = @channel AND NOT c.closed`
}

// sellable is the condition that the channel sells the variant v of the product p.
const sellable = `v.active AND EXISTS (SELECT FROM product_listings l WHERE l.product_id = p.id AND ` + listed + `)`

// freePieces counts what online orders can still take of the variant v.
// It stands beside setStock: of a set, its parts are counted.
const freePieces = `coalesce(y.free, (SELECT coalesce(sum(s.free), 0)
	FROM stock_levels s JOIN locations o ON o.id = s.location_id
	WHERE s.variant_id = v.id AND o.brand_id = v.brand_id AND o.ships AND o.active))`

// pieces counts what can be ordered of the variant v: what is free and what may be
// ordered beyond it, as far as limits let this customer have it.
const pieces = `(SELECT least(` + freePieces + ` + ` + beyond + `, ` + share + `) FROM (VALUES (1)) one` + beyondStock + `)`

// chosen is sql about a set of which the choices are known.
func chosen(sql, choices string) string { return strings.ReplaceAll(sql, anyChoice, choices) }

// share is what limits leave the customer of a variant with beyondStock; null if it
// has none.
const share = `least(t.total - t.sold, t.per_customer - coalesce((
	SELECT sum(h.taken) FROM sale_customers h WHERE h.variant_id = v.id AND h.customer = ANY(@customers)), 0))::int`

// shareOfCart is share for the customer of the cart c. Of a guest whose address is sealed
// it does not see what older versions counted in clear, until the job has hashed that;
// takeShare does.
var shareOfCart = strings.Replace(share, `@customers`, `ARRAY[coalesce('m:' || c.member_id, c.guest, 'e:' || lower(c.email))]`, 1)

func cartArgs(in cart.Lookup, more pgx.NamedArgs) pgx.NamedArgs {
	args := pgx.NamedArgs{
		"channel": in.ChannelID, "brand": in.BrandID, "lists": in.PriceLists, "at": in.At,
		"customers": []string{cart.CustomerOf(in.Owner.MemberID, "")}, "member": in.Owner.MemberID, "token": in.Owner.TokenHash, "rules": in.Rules,
	}
	for k, v := range more {
		args[k] = v
	}
	return args
}

// Basket is the owner's open cart in the channel; nil if there is none.
func (s *Carts) Basket(ctx context.Context, in cart.Lookup) (*cart.Basket, error) {
	return s.change(ctx, in, nil)
}

// AddLine adds pieces of a variant, making the cart when there is none. A refused
// line makes no cart either.
func (s *Carts) AddLine(ctx context.Context, in cart.Lookup, line cart.NewLine) (*cart.Basket, bool, error) {
	added := false
	args := cartArgs(in, pgx.NamedArgs{
		"cart": line.CartID, "line": line.LineID, "variant": line.VariantID, "quantity": line.Quantity, "most": cart.MaxLines, "choices": orEmpty(line.Choices),
	})
	basket, err := s.change(ctx, in, func(batch *pgx.Batch) {
		sql := firstLine(guard)
		if !line.Fresh {
			batch.Queue(`
				INSERT INTO carts AS c (id, brand_id, channel_id, member_id, token_hash, updated_at)
				SELECT @cart, @brand, @channel, @member, @token, @at
				FROM variants v JOIN products p ON p.id = v.product_id
				WHERE v.id = @variant AND NOT EXISTS (SELECT FROM carts c WHERE `+ownCart(in.Owner)+`)
				  AND `+sellable+` AND `+guard+` AND (`+chosen(pieces, `@choices::jsonb`)+` >= @quantity OR `+pickable(`@quantity`)+`)
				ON CONFLICT DO NOTHING`, args)
			sql = anotherLine(in.Owner, guard)
		}
		batch.Queue(sql, args).Exec(func(tag pgconn.CommandTag) error {
			added = tag.RowsAffected() > 0
			return nil
		})
	})
	return basket, added, err
}

// firstLine makes a cart for an owner who has none, with a line in it.
func firstLine(guard string) string {
	return `
	WITH wanted AS (
		SELECT v.id FROM variants v JOIN products p ON p.id = v.product_id
		WHERE v.id = @variant AND ` + sellable + ` AND ` + guard + ` AND (` + chosen(pieces, `@choices::jsonb`) + ` >= @quantity OR ` + pickable(`@quantity`) + `)
	), made AS (
		INSERT INTO carts (id, brand_id, channel_id, member_id, token_hash, updated_at)
		SELECT @cart, @brand, @channel, @member, @token, @at FROM wanted
		RETURNING id
	)
	INSERT INTO cart_lines (id, cart_id, variant_id, quantity, choices)
	SELECT @line, made.id, wanted.id, @quantity, @choices::jsonb FROM made, wanted`
}

// anotherLine adds pieces to the line of the variant in the owner's cart, or a line.
func anotherLine(o cart.Owner, guard string) string {
	own := ownCart(o)
	const more = `@quantity + coalesce((
			SELECT o.quantity FROM cart_lines o WHERE o.cart_id = c.id AND o.variant_id = v.id AND o.choices = @choices::jsonb), 0)`
	return `
		INSERT INTO cart_lines AS k (id, cart_id, variant_id, quantity, choices)
		SELECT @line, c.id, v.id, @quantity, @choices::jsonb
		FROM carts c, variants v
		JOIN products p ON p.id = v.product_id
		WHERE ` + own + ` AND v.id = @variant AND ` + sellable + ` AND ` + guard + `
		  AND (SELECT count(*) FROM cart_lines o WHERE o.cart_id = c.id AND (o.variant_id, o.choices) <> (v.id, @choices::jsonb)) < @most
		  AND (` + chosen(pieces, `@choices::jsonb`) + ` >= ` + more + ` OR ` + pickable(more) + `)
		ON CONFLICT (cart_id, variant_id, choices) DO UPDATE SET quantity = k.quantity + EXCLUDED.quantity`
}

// SetQuantity sets a line's pieces; 0 removes it.
func (s *Carts) SetQuantity(ctx context.Context, in cart.Lookup, lineID uuid.UUID, quantity int) (*cart.Basket, bool, error) {
	changed := false
	sql := `UPDATE cart_lines k SET quantity = @quantity
		FROM carts c, variants v
		WHERE k.id = @line AND k.cart_id = c.id AND v.id = k.variant_id AND ` + ownCart(in.Owner) + `
		  AND (@quantity <= k.quantity OR ` + chosen(pieces, `k.choices`) + ` >= @quantity OR ` + pickable(`@quantity`) + `)`
	if quantity == 0 {
		sql = `DELETE FROM cart_lines k USING carts c WHERE k.id = @line AND k.cart_id = c.id AND ` + ownCart(in.Owner)
	}
	basket, err := s.change(ctx, in, func(batch *pgx.Batch) {
		batch.Queue(sql, cartArgs(in, pgx.NamedArgs{"line": lineID, "quantity": quantity})).
			Exec(func(tag pgconn.CommandTag) error {
				changed = tag.RowsAffected() > 0
				return nil
			})
	})
	return basket, changed, err
}

// Update writes what is not nil; nothing, if the brand does not offer the shipping
// method or has no such shop.
func (s *Carts) Update(ctx context.Context, in cart.Lookup, change cart.Change) (*cart.Basket, error) {
	told, err := s.told(ctx, in, change)
	if err != nil {
		return nil, err
	}
	return s.change(ctx, in, func(batch *pgx.Batch) {
		batch.Queue(`
			UPDATE carts c SET
				email = coalesce(@email, c.email), guest = coalesce(@guest, c.guest), key_id = `+keyAfterTold+`,
				shipping_address = coalesce(@address, c.shipping_address),
				billing_address = CASE WHEN @with_parcel THEN NULL ELSE coalesce(@billing, c.billing_address) END,
				shipping_method_id = coalesce(@method, c.shipping_method_id),
				shipping_mode = coalesce(@mode, c.shipping_mode),
				payment_method = coalesce(@payment, c.payment_method),
				deliver_on = CASE WHEN @any_delivery THEN NULL ELSE coalesce(@deliver_on, c.deliver_on) END,
				delivery_band = CASE WHEN @any_delivery THEN '' ELSE coalesce(@delivery_band, c.delivery_band) END,
				shop_id = CASE WHEN @no_shop THEN NULL ELSE coalesce(@shop, c.shop_id) END,
				recipient = coalesce(@recipient, c.recipient),
				updated_at = @at
			WHERE `+ownCart(in.Owner)+` AND (@method::uuid IS NULL OR EXISTS (
				SELECT FROM shipping_methods m WHERE m.id = @method AND m.brand_id = @brand AND m.active))
			AND (@shop::uuid IS NULL OR EXISTS (
				SELECT FROM locations l WHERE l.id = @shop AND l.brand_id = @brand AND l.kind = 'SHOP' AND l.active))`, cartArgs(in, pgx.NamedArgs{
			"email": told.email, "guest": told.guest, "key": told.keyID, "address": told.shipping, "method": change.ShippingMethodID, "mode": change.ShippingMode, "payment": change.PaymentMethod,
			"billing": told.billing, "with_parcel": change.BillToShipping,
			"deliver_on": change.DeliverOn, "delivery_band": change.DeliveryBand, "any_delivery": change.AnyDelivery,
			"shop": change.ShopID, "no_shop": change.NoShop, "recipient": told.recipient,
		}))
	})
}

// Sellable tells whether the channel sells the variant and how many are free.
func (s *Carts) Sellable(ctx context.Context, in cart.Lookup, line cart.NewLine) (cart.Sale, error) {
	row, err := first[struct {
		cart.Sale
		Rules int64
	}](ctx, s.db, `
		SELECT `+sellable+` AS on_sale, `+freePieces+` + `+beyond+` AS free, `+share+` AS share, t.kind AS sold_as, `+bookVersion+` AS rules
		FROM variants v JOIN products p ON p.id = v.product_id`+chosen(beyondStock, `@choices::jsonb`)+` WHERE v.id = @variant`,
		cartArgs(in, pgx.NamedArgs{"variant": line.VariantID, "choices": orEmpty(line.Choices)}))
	if err != nil || row == nil {
		return cart.Sale{}, err
	}
	if row.Rules != in.Rules {
		return cart.Sale{}, display.ErrMoved
	}
	return row.Sale, nil
}

// Merge moves the guest's lines into the member's cart of the same channel;
// quantities add up, and what the member had said about the order stays.
func (s *Carts) Merge(ctx context.Context, guest []byte, memberID uuid.UUID, at time.Time) error {
	return s.db.InTx(ctx, func(ctx context.Context) error {
		args := pgx.NamedArgs{"token": guest, "member": memberID, "at": at}
		// A second login with the same token waits here, and then finds nothing left.
		sealThem, err := s.db.sealMoved(ctx, memberID, `token_hash = @token AND NOT closed AND member_id IS NULL`, args)
		if err != nil {
			return err
		}
		batch := &pgx.Batch{}
		batch.Queue(`
			UPDATE carts g SET member_id = @member, token_hash = NULL, updated_at = @at
			WHERE g.token_hash = @token AND NOT g.closed AND g.member_id IS NULL
			  AND NOT EXISTS (SELECT FROM carts c WHERE c.member_id = @member AND c.channel_id = g.channel_id AND NOT c.closed)`, args)
		sealThem(batch)
		batch.Queue(`
			WITH moved AS (
				DELETE FROM cart_lines l USING carts g WHERE l.cart_id = g.id AND g.token_hash = @token AND NOT g.closed AND g.member_id IS NULL
				RETURNING l.*, g.channel_id
			)
			INSERT INTO cart_lines AS k (id, cart_id, variant_id, quantity, choices) -- their ids are the order in which they were put in
			SELECT l.id, c.id, l.variant_id, l.quantity, l.choices
			FROM moved l JOIN carts c ON c.member_id = @member AND c.channel_id = l.channel_id AND NOT c.closed
			ON CONFLICT (cart_id, variant_id, choices) DO UPDATE SET quantity = least(k.quantity + EXCLUDED.quantity, 99999)`, args)
		batch.Queue(`UPDATE carts g SET closed = true, updated_at = @at WHERE g.token_hash = @token AND NOT g.closed AND g.member_id IS NULL`, args)
		return s.db.conn(ctx).SendBatch(ctx, batch).Close()
	})
}

// change runs what queue asks and reads the basket after it; nil if there is none.
func (s *Carts) change(ctx context.Context, in cart.Lookup, queue func(*pgx.Batch)) (*cart.Basket, error) {
	batch := &pgx.Batch{}
	if queue != nil {
		queue(batch)
	}
	var basket *cart.Basket
	queueBasket(batch, in, &basket)
	err := s.db.conn(ctx).SendBatch(ctx, batch).Close()
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.ConstraintName == "cart_lines_quantity" {
		return nil, pricing.ErrQuantity.At("quantity")
	}
	if err != nil || basket == nil {
		return nil, err
	}
	return basket, s.db.openCart(ctx, &basket.Cart)
}

// queueBasket queues the statements that read the owner's cart.
func queueBasket(batch *pgx.Batch, in cart.Lookup, into **cart.Basket) {
	queueCart(batch, in, ``, into)
}

// queueCart is queueBasket with the cart's row locked as lock says.
func queueCart(batch *pgx.Batch, in cart.Lookup, lock string, into **cart.Basket) {
	var found cart.Basket
	own, args := ownCart(in.Owner), cartArgs(in, nil)
	queueRows(batch, &[]cart.Cart{}, func(rows []cart.Cart) {
		if len(rows) > 0 {
			found.Cart = rows[0]
			found.Cart.SealedFor = in.Owner.SealedFor()
			*into = &found
		}
	}, `SELECT c.id, c.brand_id, c.channel_id, c.member_id, c.email, c.shipping_address, c.billing_address, c.shipping_method_id, c.shipping_mode, c.shop_id, c.payment_method, c.deliver_on, c.delivery_band, c.updated_at,
			`+recipientOf+` AS recipient, `+pickUpOf+` AS pick_up,
			`+deliveryTermsOf+` AS delivery,
			`+enteredCoupons+` AS entered
		FROM carts c WHERE `+own+lock, args)
	queueContents(batch, basketLines{`carts c JOIN cart_lines k ON k.cart_id = c.id`, own, shareOfCart, placesOf(`carts`, own)}, args, &found)
	queueRows(batch, &[]shipping.Method{}, func(rows []shipping.Method) {
		if len(rows) > 0 {
			found.Method = &rows[0]
		}
	}, `SELECT `+shippingColumns+` FROM carts c JOIN shipping_methods m ON m.id = c.shipping_method_id
		WHERE `+own+` AND m.active`, args)
}

// basketLines are lines k of something c that is bought: a cart, or a quotation.
type basketLines struct{ from, where, share, places string }

// queueContents queues what is needed to price and sell the lines.
func queueContents(batch *pgx.Batch, l basketLines, args pgx.NamedArgs, found *cart.Basket) {
	queueRows(batch, &[]basketRow{}, func(rows []basketRow) { found.Items, found.Sheets, found.Rules = itemsOf(rows) }, itemsSQL(l), args)
	needed := `(SELECT g.variant_id FROM ` + l.from + lineGoods + ` WHERE ` + l.where + `)`
	queueRows(batch, &[]pricing.Price{}, func(rows []pricing.Price) {
		for _, row := range rows {
			if sheet := found.Sheets[row.VariantID]; sheet != nil {
				sheet.Prices = append(sheet.Prices, row)
			}
		}
	}, `
		SELECT `+priceColumns+` FROM prices r
		WHERE r.variant_id IN `+needed+` AND r.price_list_id = ANY(@lists) AND r.valid_until > @at`, args)
	queueRows(batch, &found.Levels, nil, levelsSQL(needed, l.places), args)
}

// itemsSQL reads the lines as basketRow.
func itemsSQL(l basketLines) string {
	return `
		SELECT ` + itemColumns + `,
			` + sellable + ` AS on_sale, ` + looseBeyond + ` AS beyond, CASE WHEN b.most IS NOT NULL THEN stock_coming(v.id) END AS coming, b.promise, t.kind AS sold_as, ` + l.share + ` AS share, ` + goodsColumns + `, ` + rulesVersion + ` AS rules
		FROM ` + l.from + lineGoods + `
		JOIN variants v ON v.id = g.variant_id JOIN products p ON p.id = v.product_id` + looseStock + `
		WHERE ` + l.where + itemOrder
}

// levelsSQL reads what is free of the variants at the brand's locations o that fulfil the
// condition places, as cart.Level.
func levelsSQL(needed, places string) string {
	return `
		SELECT ` + siteLevelColumns + `
		FROM stock_levels s JOIN locations o ON o.id = s.location_id
		WHERE s.variant_id IN ` + needed + ` AND o.brand_id = @brand AND o.active AND ` + places + `
		ORDER BY o.priority, o.id`
}

// enteredCoupons are the coupons of the cart c, in the order in which they were entered.
const enteredCoupons = `(SELECT coalesce(jsonb_agg(jsonb_build_object('ID', k.id, 'BrandID', k.brand_id, 'CampaignID', k.campaign_id, 'Code', k.code,
	'Hint', k.hint, 'MemberID', k.member_id, 'From', greatest(k.valid_from, '0001-01-01Z'), 'Until', least(k.valid_until, '9999-12-31Z'),
	'State', k.state, 'Campaign', p.name) ORDER BY e.entered_at, k.id), '[]')
	FROM cart_coupons e JOIN coupons k ON k.id = e.coupon_id JOIN campaigns p ON p.id = k.campaign_id WHERE e.cart_id = c.id)`

// InTx runs f in one transaction.
func (s *Carts) InTx(ctx context.Context, f func(context.Context) error) error {
	return s.db.InTx(ctx, f)
}

// EnterCoupon notes a coupon, unless the cart holds as many already.
func (s *Carts) EnterCoupon(ctx context.Context, in cart.Lookup, couponID uuid.UUID, most int) (*cart.Basket, error) {
	return s.change(ctx, in, func(batch *pgx.Batch) {
		batch.Queue(`
			INSERT INTO cart_coupons (cart_id, coupon_id, entered_at)
			SELECT c.id, @coupon, @at FROM carts c
			WHERE `+ownCart(in.Owner)+` AND (SELECT count(*) FROM cart_coupons e WHERE e.cart_id = c.id) < @most
			ON CONFLICT DO NOTHING`, cartArgs(in, pgx.NamedArgs{"coupon": couponID, "most": most}))
	})
}

// RemoveCoupon takes a coupon out of the cart.
func (s *Carts) RemoveCoupon(ctx context.Context, in cart.Lookup, couponID uuid.UUID) (*cart.Basket, error) {
	return s.change(ctx, in, func(batch *pgx.Batch) {
		batch.Queue(`DELETE FROM cart_coupons e USING carts c WHERE e.cart_id = c.id AND e.coupon_id = @coupon AND `+ownCart(in.Owner),
			cartArgs(in, pgx.NamedArgs{"coupon": couponID}))
	})
}

// itemColumns are what is read of a line k and its goods, for itemRow; itemOrder is the
// order in which assembled reads them.
const (
	itemColumns = `k.id AS line_id, k.choices, g.slot, g.quantity, v.id AS variant_id, p.id AS product_id, v.sku, p.name, v.options, p.tax_class,
		v.weight AS grams, (SELECT to_jsonb(y) FROM shipping_traits y WHERE y.variant_id = v.id) AS traits`
	itemOrder = ` ORDER BY k.id, g.slot NULLS FIRST, g.position, g.variant_id`
)

// itemRow is a line, or a part of the line before it.
type itemRow struct {
	LineID   uuid.UUID
	Choices  []sale.Choice
	Slot     *int
	Quantity int
	cart.Goods
}

// assembled are the lines with their parts.
func assembled(rows []itemRow) []cart.Item {
	items := make([]cart.Item, 0, len(rows))
	for _, row := range rows {
		if row.Slot == nil {
			items = append(items, cart.Item{ID: row.LineID, Quantity: row.Quantity, Goods: row.Goods, Choices: row.Choices})
			continue
		}
		line := &items[len(items)-1]
		line.Parts = append(line.Parts, cart.Part{Slot: *row.Slot, Quantity: row.Quantity, Goods: row.Goods})
	}
	return items
}

// basketRow is a line of a cart, or a part of one, with what pricing it asks.
type basketRow struct {
	itemRow
	goodsRow
	Rules int64
}

func itemsOf(rows []basketRow) ([]cart.Item, pricing.Book, int64) {
	lines, book, version := make([]itemRow, len(rows)), make(pricing.Book, len(rows)), int64(0)
	for i, row := range rows {
		lines[i], version = row.itemRow, row.Rules
		book[row.VariantID] = row.sheet(row.VariantID, row.ProductID)
	}
	return assembled(lines), book, version
}

// queueRows queues a query whose rows are read into the structs of into; then, if
// it is not nil, is told of them.
func queueRows[T any](batch *pgx.Batch, into *[]T, then func([]T), sql string, args ...any) {
	batch.Queue(sql, args...).Query(func(rows pgx.Rows) (err error) {
		*into, err = pgx.CollectRows(rows, pgx.RowToStructByName[T])
		if err == nil && then != nil {
			then(*into)
		}
		return err
	})
}
