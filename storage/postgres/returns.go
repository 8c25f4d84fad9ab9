package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/returns"
	"github.com/noren-commerce/noren/core/scope"
)

// Returns keeps returns in PostgreSQL.
type Returns struct{ db *DB }

// NewReturns makes the store of returns.
func NewReturns(db *DB) *Returns { return &Returns{db} }

// Rule is what the brand has set; nil if nothing.
func (s *Returns) Rule(ctx context.Context, brandID uuid.UUID) (*returns.Rule, error) {
	return first[returns.Rule](ctx, s.db, `SELECT brand_id, terms, excluded, instructions, address, updated_at FROM return_rules WHERE brand_id = $1`, brandID)
}

// RulesOfOrders are the rules that hold for the orders, standard ones too.
func (s *Returns) RulesOfOrders(ctx context.Context, orderIDs []uuid.UUID) ([]returns.OfOrder, error) {
	type row struct {
		OrderID uuid.UUID
		returns.Rule
	}
	rows, err := collect[row](ctx, s.db, `
		SELECT o.id AS order_id, o.brand_id, r.terms, r.excluded, r.instructions, r.address, r.updated_at
		FROM orders o LEFT JOIN return_rules r ON r.brand_id = o.brand_id WHERE o.id = ANY($1)`, orderIDs)
	all := make([]returns.OfOrder, len(rows))
	for i, r := range rows {
		all[i] = returns.OfOrder{OrderID: r.OrderID, Rule: r.Rule}
		if r.UpdatedAt == nil {
			all[i].Rule = returns.Standard(r.BrandID)
		}
	}
	return all, err
}

// SaveRule writes the rule of a brand, new or not.
func (s *Returns) SaveRule(ctx context.Context, r returns.Rule) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO return_rules (brand_id, terms, excluded, instructions, updated_at, address) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (brand_id) DO UPDATE SET terms = excluded.terms, excluded = excluded.excluded, instructions = excluded.instructions, address = excluded.address, updated_at = excluded.updated_at`,
		r.BrandID, orEmpty(r.Terms), orEmpty(r.Excluded), r.Instructions, r.UpdatedAt, r.Address)
	return err
}

// Goods are what rules ask of the variants; categories with all above them.
func (s *Returns) Goods(ctx context.Context, variantIDs []uuid.UUID) ([]scope.Goods, error) {
	type row struct {
		VariantID uuid.UUID
		ProductID uuid.UUID
		goodsRow
	}
	rows, err := collect[row](ctx, s.db, `
		SELECT v.id AS variant_id, v.product_id, p.product_brand_id, p.tags, NULL::bigint AS cost,
			ARRAY(
				WITH RECURSIVE above AS (
					SELECT c.id, c.parent_id FROM product_categories k JOIN categories c ON c.id = k.category_id WHERE k.product_id = p.id
					UNION SELECT c.id, c.parent_id FROM categories c JOIN above ON c.id = above.parent_id
				)
				SELECT id FROM above
			) AS categories,
			ARRAY(SELECT a.attribute_id || '=' || a.value FROM product_attribute_values a WHERE a.product_id = p.id) AS attributes
		FROM variants v JOIN products p ON p.id = v.product_id WHERE v.id = ANY($1)`, variantIDs)
	all := make([]scope.Goods, len(rows))
	for i, r := range rows {
		all[i] = r.sheet(r.VariantID, r.ProductID).Goods
	}
	return all, err
}

const returnColumns = `t.id, t.order_id, o.number AS order_number, t.brand_id, t.nth, t.status, t.outcome, t.wished, t.refund_as, t.currency, t.text, t.note, t.beyond_rules, t.terms,
	t.requested_at, t.decided_at, t.ended_at, t.updated_at,
	EXISTS (SELECT FROM return_receipts x WHERE x.exchange_order_id = t.order_id) AS replaces,
	(SELECT coalesce(jsonb_agg(jsonb_build_object('id', l.id, 'orderId', t.order_id, 'lineId', l.line_id, 'reason', l.reason, 'opened', l.opened,
		'asked', l.asked, 'approved', l.approved, 'exchangeVariantId', l.exchange_variant_id, 'had', l.had, 'wants', l.wants) ORDER BY k.position), '[]')
		FROM return_lines l JOIN order_lines k ON k.id = l.line_id WHERE l.return_id = t.id) AS lines,
	(SELECT coalesce(jsonb_agg(jsonb_build_object('id', c.id, 'orderId', t.order_id, 'nth', c.nth, 'locationId', c.location_id, 'at', c.at, 'currency', t.currency,
		'refund', c.refund, 'fee', c.fee, 'flat', c.flat_fee, 'shipping', c.shipping_fee, 'asPoints', c.as_points, 'points', c.points, 'carried', c.carried, 'exchangeOrderId', c.exchange_order_id,
		'lines', (SELECT jsonb_agg(jsonb_build_object('orderId', t.order_id, 'lineId', l.line_id, 'returnLineId', l.id, 'restocked', p.restocked,
			'scrapped', p.scrapped, 'repaired', p.repaired, 'refund', p.refund, 'carried', p.carried, 'chained', p.chained) ORDER BY k.position)
			FROM return_receipt_lines p JOIN return_lines l ON l.id = p.return_line_id JOIN order_lines k ON k.id = l.line_id WHERE p.receipt_id = c.id)
		) ORDER BY c.nth), '[]')
		FROM return_receipts c WHERE c.return_id = t.id) AS receipts`

const returnFrom = ` FROM returns t JOIN orders o ON o.id = t.order_id`

// Insert writes a new return with its lines.
func (s *Returns) Insert(ctx context.Context, r returns.Return) error {
	batch := &pgx.Batch{}
	batch.Queue(`
		INSERT INTO returns (id, order_id, brand_id, nth, status, outcome, currency, text, beyond_rules, terms, requested_at, updated_at, wished, refund_as)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, $13)`,
		r.ID, r.OrderID, r.BrandID, r.Nth, r.Status, r.Outcome, r.Currency, r.Text, r.BeyondRules, r.Terms, r.RequestedAt, r.Wished, r.RefundAs)
	batch.Queue(`
		INSERT INTO return_lines (id, return_id, line_id, reason, opened, asked, exchange_variant_id, had, wants)
		SELECT id, $1, "lineId", reason, opened, asked, "exchangeVariantId", had, wants
		FROM jsonb_to_recordset($2::jsonb) AS l (id uuid, "lineId" uuid, reason text, opened boolean, asked int, "exchangeVariantId" uuid, had bigint, wants bigint)`, r.ID, r.Lines)
	return s.db.later(ctx, batch)
}

// Save writes what may change in a return, and how many pieces are approved.
func (s *Returns) Save(ctx context.Context, r returns.Return) error {
	lines, approved := make([]uuid.UUID, len(r.Lines)), make([]int, len(r.Lines))
	for i, l := range r.Lines {
		lines[i], approved[i] = l.ID, l.Approved
	}
	batch := &pgx.Batch{}
	batch.Queue(`UPDATE returns SET status = $2, note = $3, decided_at = $4, ended_at = $5, updated_at = $6, refund_as = $7 WHERE id = $1`,
		r.ID, r.Status, r.Note, r.DecidedAt, r.EndedAt, r.UpdatedAt, r.RefundAs)
	batch.Queue(`
		UPDATE return_lines l SET approved = a.approved FROM unnest($2::uuid[], $3::int[]) AS a (id, approved)
		WHERE l.return_id = $1 AND l.id = a.id AND l.approved <> a.approved`, r.ID, lines, approved)
	return s.db.later(ctx, batch)
}

// Receive writes down what came back, and puts what is to be sold again on the
// location's shelves, each variant a movement.
func (s *Returns) Receive(ctx context.Context, r returns.Return, c returns.Receipt, restocked returns.Pieces, actorID uuid.UUID) error {
	batch := &pgx.Batch{}
	batch.Queue(`
		INSERT INTO return_receipts (id, return_id, nth, location_id, at, refund, fee, shipping_fee, exchange_order_id, actor_id, as_points, points, flat_fee, carried)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		c.ID, r.ID, c.Nth, c.LocationID, c.At, c.RefundMinor, c.FeeMinor, c.ShippingMinor, c.ExchangeOrderID, orNull(actorID), c.AsPointsMinor, c.Points, c.FlatMinor, c.CarriedMinor)
	batch.Queue(`
		INSERT INTO return_receipt_lines (receipt_id, return_line_id, restocked, scrapped, repaired, refund, carried, chained)
		SELECT $1, "returnLineId", restocked, scrapped, repaired, refund, carried, chained
		FROM jsonb_to_recordset($2::jsonb) AS p ("returnLineId" uuid, restocked int, scrapped int, repaired int, refund bigint, carried bigint, chained bigint)`, c.ID, c.Lines)
	if len(restocked) > 0 {
		variants, quantities := make([]uuid.UUID, 0, len(restocked)), make([]int, 0, len(restocked))
		for variant, n := range restocked {
			variants, quantities = append(variants, variant), append(quantities, n)
		}
		batch.Queue(`
			WITH back AS (
				SELECT variant_id, quantity FROM unnest(@variants::uuid[], @quantities::int[]) AS b (variant_id, quantity)
			), raised AS (
				INSERT INTO stock_levels AS s (variant_id, location_id, on_hand) SELECT variant_id, @location, quantity FROM back ORDER BY variant_id
				ON CONFLICT (variant_id, location_id) DO UPDATE SET on_hand = s.on_hand + excluded.on_hand
			)
			INSERT INTO stock_movements (id, at, variant_id, location_id, kind, quantity, reference, actor_role, actor_id)
			SELECT gen_random_uuid(), @at, variant_id, @location, 'RETURN', quantity, @reference, @role, @actor FROM back`, acting(ctx, pgx.NamedArgs{
			"variants": variants, "quantities": quantities, "location": c.LocationID, "at": c.At, "reference": r.Number(),
		}))
	}
	return s.db.later(ctx, batch)
}

// SaveReceipt writes what is carried over of a receipt, and what was given back.
func (s *Returns) SaveReceipt(ctx context.Context, c returns.Receipt) error {
	batch := &pgx.Batch{}
	batch.Queue(`UPDATE return_receipts SET refund = $2, carried = $3, shipping_fee = $4 WHERE id = $1`, c.ID, c.RefundMinor, c.CarriedMinor, c.ShippingMinor)
	batch.Queue(`
		UPDATE return_receipt_lines l SET refund = p.refund, carried = p.carried, chained = p.chained
		FROM jsonb_to_recordset($2::jsonb) AS p ("returnLineId" uuid, refund bigint, carried bigint, chained bigint)
		WHERE l.receipt_id = $1 AND l.return_line_id = p."returnLineId"`, c.ID, c.Lines)
	return s.db.later(ctx, batch)
}

// TaxClass is that of the variant.
func (s *Returns) TaxClass(ctx context.Context, variantID uuid.UUID) (money.TaxClass, error) {
	return one[money.TaxClass](ctx, s.db, `SELECT p.tax_class FROM variants v JOIN products p ON p.id = v.product_id WHERE v.id = $1`, variantID)
}

// LocationOf is the brand of an open location; uuid.Nil if there is none.
func (s *Returns) LocationOf(ctx context.Context, locationID uuid.UUID) (uuid.UUID, error) {
	return one[uuid.UUID](ctx, s.db, `SELECT coalesce((SELECT brand_id FROM locations WHERE id = $1 AND active), $2)`, locationID, uuid.Nil)
}

// Return is the return with the id; nil if there is none.
func (s *Returns) Return(ctx context.Context, returnID uuid.UUID) (*returns.Return, error) {
	return first[returns.Return](ctx, s.db, `SELECT `+returnColumns+returnFrom+` WHERE t.id = $1`, returnID)
}

// OfOrders are the returns of the orders, in their order.
func (s *Returns) OfOrders(ctx context.Context, orderIDs []uuid.UUID) ([]returns.Return, error) {
	return collect[returns.Return](ctx, s.db, `SELECT `+returnColumns+returnFrom+` WHERE t.order_id = ANY($1) ORDER BY t.order_id, t.nth`, orderIDs)
}

// Numbered is the nth return of the brand's order; nil if there is none.
func (s *Returns) Numbered(ctx context.Context, brandID uuid.UUID, orderNumber string, nth int) (*returns.Return, error) {
	return first[returns.Return](ctx, s.db, `SELECT `+returnColumns+returnFrom+` WHERE o.number = $2 AND t.nth = $3 AND t.brand_id = $1`, brandID, orderNumber, nth)
}

// Exchanges are the returns that the orders replace goods of.
func (s *Returns) Exchanges(ctx context.Context, orderIDs []uuid.UUID) ([]returns.Replaced, error) {
	return collect[returns.Replaced](ctx, s.db, `SELECT exchange_order_id AS order_id, return_id FROM return_receipts WHERE exchange_order_id = ANY($1)`, orderIDs)
}

// ByIDs are the returns with the ids.
func (s *Returns) ByIDs(ctx context.Context, returnIDs []uuid.UUID) ([]returns.Return, error) {
	return collect[returns.Return](ctx, s.db, `SELECT `+returnColumns+returnFrom+` WHERE t.id = ANY($1)`, returnIDs)
}

// List is one page of the brand's returns, who waits longest first.
func (s *Returns) List(ctx context.Context, q returns.Query) (page.Connection[returns.Return], error) {
	where, args := `t.brand_id = @brand`, pgx.NamedArgs{"brand": q.BrandID}
	if len(q.Statuses) > 0 {
		where, args["statuses"] = where+` AND t.status = ANY(@statuses)`, q.Statuses
	}
	if q.Outcome != nil {
		where, args["outcome"] = where+` AND t.outcome = @outcome`, *q.Outcome
	}
	if q.Reason != nil {
		where, args["reason"] = where+` AND EXISTS (SELECT FROM return_lines l WHERE l.return_id = t.id AND l.reason = @reason)`, *q.Reason
	}
	if q.OrderNumber != "" {
		where, args["number"] = where+` AND o.number = @number`, q.OrderNumber
	}
	if q.LocationID != nil {
		where, args["location"] = where+` AND EXISTS (SELECT FROM return_receipts c WHERE c.return_id = t.id AND c.location_id = @location)`, *q.LocationID
	}
	if len(q.Stores) > 0 {
		where, args["stores"] = where+` AND (o.shop_id = ANY(@stores) OR EXISTS (SELECT FROM return_receipts c WHERE c.return_id = t.id AND c.location_id = ANY(@stores)))`, q.Stores
	}
	found, err := keyset(ctx, s.db, q.Page, returnColumns+returnFrom, where, `(t.requested_at, t.id)`, `t.requested_at, t.id`, args,
		func(k timeKey) []any { return []any{k.At, k.ID} }, func(r returns.Return) timeKey { return timeKey{r.RequestedAt, r.ID} })
	found.Count = func(ctx context.Context) (int, error) {
		return one[int](ctx, s.db, `SELECT count(*)`+returnFrom+` WHERE `+where, args)
	}
	return found, err
}
