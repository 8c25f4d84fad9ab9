package postgres

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/sale"
	"github.com/noren-commerce/noren/core/sealing"
)

// Orders keeps orders in PostgreSQL.
type Orders struct {
	db    *DB
	mails *sealing.Keys // by which messages to a customer are found; nil: those kept in clear alone
}

// NewOrders makes the orders' store.
func NewOrders(db *DB) *Orders { return &Orders{db: db} }

// WithMails lets timelines have the messages to their customers, of whose addresses hashes
// are kept.
func (s *Orders) WithMails(keys *sealing.Keys) *Orders { return &Orders{s.db, keys} }

const orderColumns = `o.id, o.number, o.brand_id, o.channel_id, o.shop_id, o.member_id, o.company_id, o.token_hash, o.email, o.language, o.status,
	o.currency, o.tax_inclusive, o.subtotal, o.discount, o.shipping_fee, o.charge, o.tax, o.total, o.refused, o.carried, o.taxes, o.breakdown, o.shipping_address,
	o.billing_address, o.shipping_method, o.shipping_mode, o.quotation_id, o.payment_method, o.origin, o.paid, o.internal_note, o.held, o.held_note, o.tags, o.missed_gifts, o.promised_on, o.ship_by, o.deliver_on, o.band, o.approve_by, o.placed_at, o.updated_at`

// LockCart reads the owner's open cart for placing; a second placer waits, and
// then finds it closed.
func (s *Orders) LockCart(ctx context.Context, in cart.Lookup) (*cart.Basket, error) {
	batch := &pgx.Batch{}
	var basket *cart.Basket
	queueCart(batch, in, ` FOR UPDATE`, &basket)
	if err := s.db.conn(ctx).SendBatch(ctx, batch).Close(); err != nil || basket == nil {
		return nil, err
	}
	return basket, s.db.openCart(ctx, &basket.Cart)
}

// Insert writes the order, its lines, what it holds and its payment, and closes the
// cart; it travels with what comes next.
func (s *Orders) Insert(ctx context.Context, d order.Draft) error {
	batch := &pgx.Batch{}
	if err := s.queueOrder(ctx, batch, d.Order); err != nil {
		return err
	}
	if err := queueLines(batch, d.Lines); err != nil {
		return err
	}
	args := reservationArgs(d.Reservations)
	args["none"] = uuid.Nil
	args["order"], args["cart"], args["at"] = d.Order.ID, d.CartID, d.Order.PlacedAt
	batch.Queue(`
		INSERT INTO stock_reservations (order_id, variant_id, location_id, quantity)
		SELECT @order, variant_id, nullif(location_id, @none), quantity
		FROM unnest(@variants::uuid[], @locations::uuid[], @quantities::int[]) AS r (variant_id, location_id, quantity)`, args)
	batch.Queue(`UPDATE carts SET closed = true, updated_at = @at WHERE id = @cart`, args)
	for _, p := range d.Payments {
		queuePayment(batch, p.Payment)
	}
	if d.PickUp != nil {
		queuePickUp(batch, *d.PickUp)
	}
	return s.db.later(ctx, batch)
}

// queueOrder writes the order; o is a copy, of which the personal data is sealed.
func (s *Orders) queueOrder(ctx context.Context, batch *pgx.Batch, o order.Order) error {
	hash, err := s.db.emailHash(ctx, o.Email)
	if err != nil {
		return err
	}
	keyID, err := s.db.seal(ctx, &o)
	if err != nil {
		return err
	}
	batch.Queue(`
		INSERT INTO orders (id, number, brand_id, channel_id, member_id, token_hash, email, language, status, currency,
			tax_inclusive, subtotal, discount, shipping_fee, tax, total, taxes, breakdown, shipping_address, shipping_method,
			payment_method, paid, internal_note, placed_at, updated_at, billing_address, missed_gifts, company_id, shipping_mode, quotation_id, shop_id, charge,
			promised_on, ship_by, deliver_on, band, origin, carried, approve_by, email_hash, key_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41)`,
		o.ID, o.Number, o.BrandID, o.ChannelID, o.MemberID, o.TokenHash, o.Email, o.Language, o.Status, o.Currency,
		o.TaxInclusive, o.SubtotalMinor, o.DiscountMinor, o.ShippingMinor, o.TaxMinor, o.TotalMinor, o.Taxes, o.Breakdown, o.ShippingAddress,
		o.ShippingMethod, o.PaymentMethod, o.Paid, o.InternalNote, o.PlacedAt, o.UpdatedAt, o.BillingAddress, texts(o.MissedGifts), o.CompanyID, o.ShippingMode, o.QuotationID, o.ShopID, o.ChargeMinor, o.PromisedOn, o.ShipBy, o.DeliverOn, o.Band, cmp.Or(o.Origin, order.FromOnline), o.CarriedMinor, o.ApproveBy, hash, keyID)
	return nil
}

// texts are never nil: an empty array, not SQL's null.
func texts(all []i18n.Text) []i18n.Text {
	if all == nil {
		return []i18n.Text{}
	}
	return all
}

// singleLines are lines k of one piece of each variant; no sets that a customer would have
// to choose for.
const singleLines = `(
		SELECT id, id AS variant_id, 1 AS quantity, '[]'::jsonb AS choices FROM variants
		WHERE id = ANY(@ids) AND brand_id = @brand AND NOT EXISTS (SELECT FROM set_slots o WHERE o.set_id = variants.id)
	) k`

// Goods are variants of the brand with their stock at the shop or where it ships, and what limits
// leave the customer of them; no sets that a customer would have to choose for.
func (s *Orders) Goods(ctx context.Context, brandID, shopID uuid.UUID, customer string, variantIDs []uuid.UUID) (order.Goods, error) {
	var goods order.Goods
	names, err := s.db.counted(ctx, customer)
	if err != nil {
		return goods, err
	}
	args := pgx.NamedArgs{"brand": brandID, "shop": orNull(shopID), "customers": names, "ids": variantIDs}
	batch := &pgx.Batch{}
	const lines = singleLines + lineGoods
	queueRows(batch, &[]itemRow{}, func(rows []itemRow) { goods.Items = assembled(rows) }, `
		SELECT `+itemColumns+`, v.active AS on_sale, 0 AS beyond, NULL::jsonb AS coming, '{}'::jsonb AS promise, t.kind AS sold_as, `+share+` AS share
		FROM `+lines+` JOIN variants v ON v.id = g.variant_id JOIN products p ON p.id = v.product_id
		LEFT JOIN sale_terms t ON t.variant_id = v.id AND t.kind IS NOT NULL`+itemOrder, args)
	queueRows(batch, &goods.Levels, nil, `
		SELECT `+siteLevelColumns+`
		FROM stock_levels s JOIN locations o ON o.id = s.location_id
		WHERE s.variant_id IN (SELECT g.variant_id FROM `+lines+`) AND o.brand_id = @brand AND o.active AND coalesce(o.id = @shop::uuid, o.ships) ORDER BY o.priority, o.id`, args)
	return goods, s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

// queueLines writes all lines in one statement: they travel as one JSON array.
func queueLines(batch *pgx.Batch, lines []order.Line) error {
	type row struct {
		ID        uuid.UUID      `json:"id"`
		OrderID   uuid.UUID      `json:"order_id"`
		Position  int            `json:"position"`
		VariantID uuid.UUID      `json:"variant_id"`
		ProductID uuid.UUID      `json:"product_id"`
		SKU       string         `json:"sku"`
		Name      i18n.Text      `json:"name"`
		Options   []string       `json:"options"`
		Quantity  int            `json:"quantity"`
		Unit      int64          `json:"unit"`
		Total     int64          `json:"total"`
		TaxClass  money.TaxClass `json:"tax_class"`
		Breakdown []pricing.Step `json:"breakdown"`
		Promise   i18n.Text      `json:"promise"`
		SoldAs    sale.Kind      `json:"sold_as"`
		Parts     []order.Part   `json:"parts"`
	}
	rows := make([]row, len(lines))
	for i, l := range lines {
		rows[i] = row{
			l.ID, l.OrderID, l.Position, l.VariantID, l.ProductID, l.SKU, l.Name, l.Options,
			l.Quantity, l.UnitMinor, l.TotalMinor, l.TaxClass, l.Breakdown, l.Promise.OrNone(), l.SoldAs, orEmpty(l.Parts),
		}
	}
	raw, err := json.Marshal(rows)
	if err != nil {
		return fmt.Errorf("write down the lines of an order: %w", err)
	}
	batch.Queue(`
		INSERT INTO order_lines (id, order_id, position, variant_id, product_id, sku, name, options, quantity, unit, total, tax_class, breakdown, promise, sold_as, parts)
		SELECT id, order_id, position, variant_id, product_id, sku, name, options, quantity, unit, total, tax_class, breakdown, promise, sold_as, parts
		FROM jsonb_populate_recordset(NULL::order_lines, $1::jsonb)
		ON CONFLICT (id) DO UPDATE SET quantity = excluded.quantity, unit = excluded.unit, total = excluded.total, breakdown = excluded.breakdown, parts = excluded.parts`, string(raw))
	return nil
}

// Lock reads an order and locks it; nil if there is none.
func (s *Orders) Lock(ctx context.Context, orderID uuid.UUID) (*order.Order, error) {
	return first[order.Order](ctx, s.db, `SELECT `+orderColumns+` FROM orders o WHERE o.id = @id FOR UPDATE`, pgx.NamedArgs{"id": orderID})
}

// leavesFrom says of the order o whether goods leave from one of the locations, or left.
const leavesFrom = `(
	EXISTS (SELECT FROM shipments h WHERE h.order_id = o.id AND h.status <> 'CANCELLED' AND h.location_id = ANY(@stores))
	OR EXISTS (SELECT FROM stock_reservations r WHERE r.order_id = o.id AND r.state IN ('OPEN', 'SHIPPED') AND r.location_id = ANY(@stores)))`

// ofStores says of the order o whether it is one of the shops'.
const ofStores = `(o.shop_id = ANY(@stores) OR ` + leavesFrom + `)`

// LeavesFrom reports whether goods of the order leave from one of the locations, or left.
func (s *Orders) LeavesFrom(ctx context.Context, orderID uuid.UUID, locationIDs []uuid.UUID) (bool, error) {
	return one[bool](ctx, s.db, `SELECT EXISTS (SELECT FROM orders o WHERE o.id = @id AND `+leavesFrom+`)`, pgx.NamedArgs{"id": orderID, "stores": locationIDs})
}

// Update writes what may change in an order.
func (s *Orders) Update(ctx context.Context, o order.Order) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE orders SET status = @status, paid = @paid, internal_note = @note, held = @held, held_note = @held_note, updated_at = @at WHERE id = @id`,
		pgx.NamedArgs{"id": o.ID, "status": o.Status, "paid": o.Paid, "note": o.InternalNote, "held": o.Held, "held_note": o.HeldNote, "at": o.UpdatedAt})
	return err
}

// SaveDelivery writes what the customer is told of the delivery. What a carrier was told
// otherwise of a shipment is written for it again.
func (s *Orders) SaveDelivery(ctx context.Context, o order.Order) error {
	args, batch := pgx.NamedArgs{"id": o.ID, "promised": o.PromisedOn, "ship_by": o.ShipBy, "on": o.DeliverOn, "band": o.Band}, &pgx.Batch{}
	batch.Queue(`UPDATE orders SET promised_on = @promised, ship_by = @ship_by, deliver_on = @on, band = @band WHERE id = @id`, args)
	batch.Queue(`
		WITH changed AS (
			SELECT id FROM shipments WHERE order_id = @id AND status = 'INSTRUCTED' AND (deliver_on, band) IS DISTINCT FROM (@on::date, @band::jsonb)
		)
		UPDATE shipments h SET ship_by = @ship_by, deliver_on = @on, band = @band,
			batch_id = CASE WHEN h.id IN (SELECT id FROM changed) THEN NULL ELSE h.batch_id END,
			exported_at = CASE WHEN h.id IN (SELECT id FROM changed) THEN NULL ELSE h.exported_at END
		WHERE h.order_id = @id AND h.status = 'INSTRUCTED'`, args)
	return s.db.later(ctx, batch)
}

// SaveTags writes by which tags the order is listed.
func (s *Orders) SaveTags(ctx context.Context, o order.Order) error {
	args, batch := pgx.NamedArgs{"id": o.ID, "brand": o.BrandID, "at": o.PlacedAt, "tags": orEmpty(o.Tags)}, &pgx.Batch{}
	batch.Queue(`UPDATE orders SET tags = @tags WHERE id = @id`, args)
	batch.Queue(`DELETE FROM order_tags WHERE order_id = @id AND tag <> ALL(@tags::text[])`, args)
	batch.Queue(`INSERT INTO order_tags (brand_id, tag, placed_at, order_id) SELECT @brand, unnest(@tags::text[]), @at, @id ON CONFLICT DO NOTHING`, args)
	return s.db.later(ctx, batch)
}

// Replaces reports whether the order's goods replace returned ones.
func (s *Orders) Replaces(ctx context.Context, orderID uuid.UUID) (bool, error) {
	return one[bool](ctx, s.db, `SELECT EXISTS (SELECT FROM return_receipts WHERE exchange_order_id = $1)`, orderID)
}

// Orders are the orders with the ids.
func (s *Orders) Orders(ctx context.Context, orderIDs []uuid.UUID) ([]order.Order, error) {
	return collect[order.Order](ctx, s.db, `SELECT `+orderColumns+` FROM orders o WHERE o.id = ANY(@ids)`, pgx.NamedArgs{"ids": orderIDs})
}

// OfStores are those of the orders that the shops have to do with. What was sold over the
// counter to who showed a card is so as the member is: a card tells no shop whose it is.
func (s *Orders) OfStores(ctx context.Context, orderIDs, storeIDs []uuid.UUID) ([]uuid.UUID, error) {
	return column[uuid.UUID](ctx, s.db, `
		SELECT o.id FROM orders o WHERE o.id = ANY($1) AND ((o.origin NOT IN ('SHOP', 'EVENT') OR o.member_id IS NULL) AND (o.shop_id = ANY($2)
				OR EXISTS (SELECT FROM shipments h WHERE h.order_id = o.id AND h.location_id = ANY($2))
				OR EXISTS (SELECT FROM returns t JOIN return_receipts c ON c.return_id = t.id WHERE t.order_id = o.id AND c.location_id = ANY($2)))
			OR EXISTS (SELECT FROM memberships j WHERE j.member_id = o.member_id AND j.brand_id = o.brand_id
				AND (j.registered_store_id = ANY($2) OR j.home_store_id = ANY($2))))`, orderIDs, orEmpty(storeIDs))
}

// placedKey is the sort key of an order in a list.
type placedKey struct {
	At time.Time `json:"t"`
	ID uuid.UUID `json:"i"`
}

// List is one page of orders, newest first unless the oldest are asked for.
func (s *Orders) List(ctx context.Context, q order.Query) (page.Connection[order.Order], error) {
	from, key, walk, each := `orders o`, `o.placed_at, o.id`, ` DESC`, pgx.NamedArgs{}
	if q.Oldest {
		walk = ``
	}
	hashes, err := s.db.emailHashes(ctx, q.Email)
	if err != nil {
		return page.Connection[order.Order]{}, err
	}
	switch {
	case q.Tag != "":
		from = `order_tags g JOIN orders o ON o.id = g.order_id`
		if onlyTagged(q) { // walked by the tag's own index
			key = `g.placed_at, g.order_id`
		}
	case q.Email != "":
		from = ofEmail(len(hashes), walk)
	case q.Late: // few orders have not left, and an index has them
	case len(q.Stores) > 1:
		from, q.Stores = ofEach(`shop_id`, q.Stores, walk, each), nil
	case len(q.Statuses) > 1:
		from, q.Statuses = ofEach(`status`, q.Statuses, walk, each), nil
	}
	where, args := orderFilter(q)
	maps.Copy(args, each)
	for i, hash := range hashes {
		args["hash"+strconv.Itoa(i)] = hash
	}
	args["hashes"] = orEmpty(hashes)
	if q.Tag != "" {
		where, args["tag"] = where+` AND g.brand_id = @brand AND g.tag = @tag`, q.Tag
	}
	if key[0] == 'g' {
		where = strings.ReplaceAll(where, `o.placed_at`, `g.placed_at`)
	}
	sorted := strings.ReplaceAll(key, ",", walk+",") + walk
	connection, err := keyset(ctx, s.db, q.Page, orderColumns+` FROM `+from, where, `(`+key+`)`, sorted, args,
		func(k placedKey) []any { return within(k, q) }, func(o order.Order) placedKey { return placedKey{o.PlacedAt, o.ID} })
	connection.Count = func(ctx context.Context) (int, error) {
		return one[int](ctx, s.db, `SELECT count(*) FROM `+from+` WHERE `+where, args)
	}
	return connection, err
}

// onlyTagged reports whether nothing but a tag and a time narrows the list.
func onlyTagged(q order.Query) bool {
	q.Tag, q.PlacedFrom, q.PlacedBefore = "", nil, nil
	return q.Owner == nil && q.CompanyID == nil && len(q.Statuses)+len(q.Stores) == 0 && q.Number+q.Email == "" && q.Narrowed == order.Narrowed{}
}

// within is where to go on behind a cursor: where what is asked for begins, if the cursor
// lies before that. PostgreSQL would walk all the orders between.
func within(k placedKey, q order.Query) []any {
	if edge := q.PlacedFrom; q.Oldest && edge != nil && k.At.Before(*edge) {
		return []any{*edge, uuid.Nil}
	}
	if edge := q.PlacedBefore; !q.Oldest && edge != nil && k.At.After(*edge) {
		return []any{*edge, uuid.Nil}
	}
	return []any{k.At, k.ID}
}

// ofEach are the brand's orders that have one of the values, each value's walked by its own
// part of an index in the order of the list: else PostgreSQL would walk the orders of all,
// of which millions can be older than the oldest that is asked for. Each part says its order
// itself, or PostgreSQL would not merge them by it.
func ofEach[T comparable](column string, values []T, walk string, args pgx.NamedArgs) string {
	seen, parts := map[T]bool{}, []string(nil)
	for _, value := range values {
		if seen[value] {
			continue
		}
		name := "each" + strconv.Itoa(len(parts))
		seen[value], args[name] = true, value
		parts = append(parts, `(SELECT * FROM orders WHERE brand_id = @brand AND `+column+` = @`+name+` ORDER BY placed_at`+walk+`, id`+walk+`)`)
	}
	return `(` + strings.Join(parts, ` UNION ALL `) + `) o`
}

// ofEmail are the brand's orders of a mail address in the order of the list: those found by
// its hash under each key, and those that are not sealed yet, each by its own index.
func ofEmail(hashes int, walk string) string {
	conditions := []string{`key_id IS NULL AND email = @email`}
	for i := range hashes {
		conditions = append(conditions, `email_hash = @hash`+strconv.Itoa(i))
	}
	parts := make([]string, len(conditions))
	for i, condition := range conditions {
		parts[i] = `(SELECT * FROM orders WHERE brand_id = @brand AND ` + condition + ` ORDER BY placed_at` + walk + `, id` + walk + `)`
	}
	return `(` + strings.Join(parts, ` UNION ALL `) + `) o`
}

func orderFilter(q order.Query) (string, pgx.NamedArgs) {
	where, args := `o.brand_id = @brand`, pgx.NamedArgs{"brand": q.BrandID}
	if q.Owner != nil && q.Owner.MemberID != nil {
		where, args["member"] = where+` AND o.member_id = @member AND (o.company_id IS NULL OR o.company_id = @seat)`, *q.Owner.MemberID
		args["seat"] = q.Seat
	} else if q.Owner != nil {
		where, args["token"] = where+` AND o.member_id IS NULL AND o.token_hash = @token`, q.Owner.TokenHash
	}
	if q.CompanyID != nil {
		where, args["company"] = where+` AND o.company_id = @company`, *q.CompanyID
	}
	switch len(q.Statuses) {
	case 0:
	case 1: // an index has the orders of each status in the order of the list
		where, args["status"] = where+` AND o.status = @status`, q.Statuses[0]
	default:
		where, args["statuses"] = where+` AND o.status = ANY(@statuses)`, q.Statuses
	}
	if q.Number != "" {
		where, args["number"] = where+` AND o.number = @number`, q.Number
	}
	if q.Email != "" {
		where, args["email"] = where+` AND (o.email_hash = ANY(@hashes) OR (o.key_id IS NULL AND o.email = @email))`, q.Email
	}
	switch len(q.Stores) {
	case 0:
	case 1:
		where, args["store"] = where+` AND o.shop_id = @store`, q.Stores[0]
	default:
		where, args["stores"] = where+` AND o.shop_id = ANY(@stores)`, q.Stores
	}
	if q.Late {
		where, args["today"] = where+` AND `+lateOrder, q.Today
	}
	return narrowed(q.Narrowed, where, args)
}

func narrowed(n order.Narrowed, where string, args pgx.NamedArgs) (string, pgx.NamedArgs) {
	if n.Held {
		where += ` AND o.held <> ''`
	}
	if n.PaymentMethod != "" {
		where, args["method"] = where+` AND o.payment_method = @method`, n.PaymentMethod
	}
	if n.ShopID != nil {
		where, args["shop"] = where+` AND o.shop_id = @shop`, *n.ShopID
	}
	if n.MemberID != nil {
		where, args["buyer"] = where+` AND o.member_id = @buyer`, *n.MemberID
	}
	if n.PlacedFrom != nil {
		where, args["from"] = where+` AND o.placed_at >= @from`, *n.PlacedFrom
	}
	if n.PlacedBefore != nil {
		where, args["before"] = where+` AND o.placed_at < @before`, *n.PlacedBefore
	}
	return where, args
}

// Lines are the lines of the orders, each order's in its order. So many pieces of a set
// are back-ordered as miss some part, each in proportion to how many the set holds.
func (s *Orders) Lines(ctx context.Context, orderIDs []uuid.UUID) ([]order.Line, error) {
	return collect[order.Line](ctx, s.db, `
		SELECT l.id, l.order_id, l.position, l.variant_id, l.product_id, l.sku, l.name, l.options, l.quantity,
			l.unit, l.total, l.tax_class, l.breakdown, o.currency, l.promise, l.sold_as, l.parts,
			coalesce(w.back_ordered, 0) AS back_ordered, w.due_on
		FROM order_lines l JOIN orders o ON o.id = l.order_id
		CROSS JOIN LATERAL (
			SELECT max(pieces) AS back_ordered, CASE WHEN bool_and(day IS NOT NULL) THEN max(day) END AS due_on
			FROM (
				SELECT least((r.quantity::bigint * l.quantity + held.pieces - 1) / held.pieces, l.quantity)::int AS pieces, due_on(r.order_id, r.variant_id) AS day
				FROM (
					SELECT l.variant_id AS id, l.quantity AS pieces
					UNION ALL SELECT part."variantId", part.quantity FROM jsonb_to_recordset(l.parts) AS part ("variantId" uuid, quantity int)
				) held JOIN stock_reservations r ON r.variant_id = held.id
				WHERE r.order_id = l.order_id AND r.location_id IS NULL AND r.state = 'OPEN'
			) waiting
		) w
		WHERE l.order_id = ANY(@ids) ORDER BY l.order_id, l.position`, pgx.NamedArgs{"ids": orderIDs})
}

// History is what happened to the orders, oldest first.
func (s *Orders) History(ctx context.Context, orderIDs []uuid.UUID) ([]event.Event, error) {
	return collect[event.Event](ctx, s.db, `
		SELECT id, at, type, coalesce(brand_id, @none) AS brand_id, subject, subject_id, actor_role, coalesce(actor_id, @none) AS actor_id, data
		FROM events WHERE subject_id = ANY(@ids) AND subject = 'Order' ORDER BY subject_id, position`,
		pgx.NamedArgs{"ids": orderIDs, "none": uuid.Nil})
}
