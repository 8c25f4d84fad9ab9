package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/points"
)

// firstBought tells whether an order or a receipt is a member's first purchase in a brand:
// what was taken for it, or as long as nothing was, what nothing came before.
func firstBought(member, was, brand, at, source string) string {
	return `coalesce(
		(SELECT f.source_id = ` + source + ` FROM point_firsts f WHERE f.member_id = ` + member + ` AND f.brand_id = ` + brand + ` AND ` + firstStands + `),
		NOT EXISTS (SELECT FROM orders e WHERE e.member_id = ` + member + ` AND e.brand_id = ` + brand + ` AND (e.placed_at, e.id) < (` + at + `, ` + source + `) AND e.status <> 'CANCELLED')
		AND NOT EXISTS (SELECT FROM purchases e WHERE e.member_id IN (` + member + `, ` + was + `) AND e.brand_id = ` + brand + ` AND e.source = 'STORE' AND e.total > 0 AND (e.bought_at, e.id) < (` + at + `, ` + source + `)))`
}

// firstStands says of what was taken for a first purchase, f, that it was not given up.
const firstStands = `NOT EXISTS (SELECT FROM orders c WHERE c.id = f.source_id AND c.status = 'CANCELLED')`

// Turn lets those who follow an order take turns.
func (s *Points) Turn(ctx context.Context, orderID uuid.UUID) error {
	_, err := s.db.conn(ctx).Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('points of order ' || $1::text, 0))`, orderID)
	return err
}

// TakeFirsts notes first purchases, and answers those that are.
func (s *Points) TakeFirsts(ctx context.Context, all []points.First) ([]uuid.UUID, error) {
	brands, members, sources := make([]uuid.UUID, len(all)), make([]uuid.UUID, len(all)), make([]uuid.UUID, len(all))
	for i, f := range all {
		brands[i], members[i], sources[i] = f.BrandID, f.MemberID, f.SourceID
	}
	if _, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO point_firsts AS f (brand_id, member_id, source_id)
		SELECT DISTINCT ON (w.member_id, w.brand_id) w.brand_id, w.member_id, w.source_id FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) WITH ORDINALITY AS w (brand_id, member_id, source_id, nth)
		ORDER BY w.member_id, w.brand_id, w.nth
		ON CONFLICT (member_id, brand_id) DO UPDATE SET source_id = EXCLUDED.source_id WHERE NOT (`+firstStands+`)`, brands, members, sources); err != nil {
		return nil, err
	}
	return column[uuid.UUID](ctx, s.db, `SELECT f.source_id FROM point_firsts f WHERE f.member_id = ANY($1) AND f.source_id = ANY($2)`, members, sources)
}

// NotePlaces notes which segments members were in when something was bought: one statement for
// all.
func (s *Points) NotePlaces(ctx context.Context, places map[uuid.UUID][]uuid.UUID) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO point_places (source_id, segment_ids)
		SELECT p.key::uuid, ARRAY(SELECT s::uuid FROM jsonb_array_elements_text(p.value) s) FROM jsonb_each($1::jsonb) p ON CONFLICT DO NOTHING`, places)
	return err
}

// Bought is an order of a member's own, as points look at it.
func (s *Points) Bought(ctx context.Context, orderID uuid.UUID) (*points.Bought, error) {
	o, err := first[points.Bought](ctx, s.db, `
		SELECT o.id, o.brand_id, o.member_id, o.status, o.total, o.placed_at, o.shop_id, c.time_zone AS zone,
			coalesce(p.by_points, 0)::bigint AS by_points, coalesce(p.captured, 0)::bigint AS captured, coalesce(p.refunded, 0)::bigint AS refunded,
			o.shipping_fee + o.charge AS shipping, NOT o.tax_inclusive AS net,
			coalesce((SELECT sum(l.total * b.pieces / l.quantity) FROM (
				SELECT w.line_id, sum(i.restocked + i.scrapped + i.repaired) AS pieces
				FROM returns r JOIN return_lines w ON w.return_id = r.id JOIN return_receipt_lines i ON i.return_line_id = w.id
				WHERE r.order_id = o.id AND r.outcome = 'REFUND' GROUP BY w.line_id
			) b JOIN order_lines l ON l.id = b.line_id), 0)::bigint AS returned,
			(coalesce((SELECT sum(i.refund) FROM returns r JOIN return_receipts i ON i.return_id = r.id WHERE r.order_id = o.id AND r.outcome = 'EXCHANGE'), 0)
				+ coalesce((SELECT sum(h.total - h.shipping_fee - h.charge) FROM shipments h WHERE h.order_id = o.id AND h.status = 'REFUSED'), 0))::bigint AS less,
			`+firstBought("o.member_id", "o.member_id", "o.brand_id", "o.placed_at", "o.id")+` AS first,
			(SELECT w.segment_ids FROM point_places w WHERE w.source_id = o.id) AS segments,
			coalesce((SELECT 1 + sum(u.points - 1) FROM campaign_uses u WHERE u.order_id = o.id AND u.points > 1), 0) AS campaign,
			coalesce(`+rankAt("o.member_id", "o.brand_id", "o.placed_at")+`, '') AS rank, h.shipped_at, h.delivered_at
		FROM orders o JOIN channels c ON c.id = o.channel_id
		LEFT JOIN LATERAL (SELECT sum(captured) AS captured, sum(refunded) AS refunded, sum(captured) FILTER (WHERE method = 'POINTS') AS by_points
			FROM payments p WHERE p.order_id = o.id) p ON true
		LEFT JOIN LATERAL (SELECT max(shipped_at) AS shipped_at, max(delivered_at) AS delivered_at FROM shipments h WHERE h.order_id = o.id AND h.status <> 'CANCELLED') h ON true
		WHERE o.id = $1 AND o.member_id IS NOT NULL AND o.company_id IS NULL`, orderID)
	if err != nil || o == nil {
		return o, err
	}
	o.Goods, err = read(ctx, s.db, `
		SELECT l.product_id, l.total AS minor, `+aboveProduct("l.product_id")+` AS category_ids
		FROM order_lines l WHERE l.order_id = $1 ORDER BY l.position`, []any{orderID}, func(rows pgx.Rows) ([]points.Good, error) {
		return pgx.CollectRows(rows, pgx.RowToStructByName[points.Good])
	})
	return o, err
}

// Earned is what an order has earned in the programmes.
func (s *Points) Earned(ctx context.Context, orderID uuid.UUID, at time.Time) ([]points.Earned, error) {
	return collect[points.Earned](ctx, s.db, `
		SELECT e.programme_id, sum(CASE e.kind WHEN 'EARN' THEN e.points ELSE -e.points END)::bigint AS points, count(DISTINCT e.key)::int AS postings,
			`+lapsedOf("l.order_id = @order AND l.programme_id = e.programme_id")+` AS lapsed
		FROM point_entries e WHERE e.order_id = @order AND e.kind IN ('EARN', 'TAKE_BACK') GROUP BY e.programme_id`, pgx.NamedArgs{"order": orderID, "at": at})
}

// lapsedOf is what of some lots l expired unused by the moment: what is written off, under a
// key of the lot and the day, and what the job has not come to yet. A lot that a member brought
// along was maybe written off before, in the account from which it came.
func lapsedOf(lots string) string {
	return `coalesce((SELECT sum(coalesce(x.points, 0) + CASE WHEN NOT l.pending AND l.expires_on < ` + localDay + ` THEN l.remaining ELSE 0 END)
		FROM point_lots l JOIN point_programmes p ON p.id = l.programme_id
		LEFT JOIN LATERAL (
			SELECT x.points FROM point_accounts h JOIN point_entries x ON x.account_id = h.id AND x.key = 'expire:' || l.id || ':' || l.expires_on AND x.kind = 'EXPIRE'
			WHERE h.id = l.account_id OR h.merged_into = l.account_id
		) x ON true
		WHERE ` + lots + `), 0)::bigint`
}

// Schedule says when the order's points are confirmed.
func (s *Points) Schedule(ctx context.Context, programmeID, orderID uuid.UUID, at time.Time) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE point_lots SET confirms_at = $3 WHERE order_id = $2 AND programme_id = $1 AND pending AND remaining > 0 AND confirms_at IS DISTINCT FROM $3`,
		programmeID, orderID, at)
	return err
}

// Due are orders and purchases whose points are to be confirmed by the moment.
func (s *Points) Due(ctx context.Context, at time.Time, most int) ([]points.Due, error) {
	return collect[points.Due](ctx, s.db, `
		SELECT l.programme_id, a.member_id, l.order_id, l.purchase_id, l.id AS lot_id FROM point_lots l JOIN point_accounts a ON a.id = l.account_id
		WHERE l.pending AND l.remaining > 0 AND l.confirms_at <= $1 AND (l.order_id IS NOT NULL OR l.purchase_id IS NOT NULL) ORDER BY l.confirms_at, l.id LIMIT $2`, at, most)
}

// Used is how many points a posting took for an order, and whose.
func (s *Points) Used(ctx context.Context, orderID uuid.UUID, key string) (points.Holder, int64, error) {
	type used struct {
		points.Holder
		Points int64
	}
	u, err := first[used](ctx, s.db, `
		SELECT e.programme_id, coalesce(k.member_id, a.member_id) AS member_id, e.points
		FROM point_entries e JOIN point_accounts a ON a.id = e.account_id LEFT JOIN point_accounts k ON k.id = a.merged_into
		WHERE e.order_id = $1 AND e.key = $2 AND e.kind = 'USE'`, orderID, key)
	if err != nil || u == nil {
		return points.Holder{}, 0, err
	}
	return u.Holder, u.Points, nil
}

// subjects are where what may be rewarded is kept, by its kind in the schema.
var subjects = map[string]string{
	"Product":  `products WHERE id = $1 AND brand_id = $2`,
	"Variant":  `variants WHERE id = $1 AND brand_id = $2`,
	"Location": `locations WHERE id = $1 AND brand_id = $2`,
	"Order":    `orders WHERE id = $1 AND brand_id = $2 AND member_id = $3`,
	"Purchase": `purchases WHERE id = $1 AND brand_id = $2 AND member_id = $3`,
}

// Known reports whether there is the subject of a reward.
func (s *Points) Known(ctx context.Context, subject points.Subject) (bool, error) {
	from, args := subjects[subject.Kind], []any{subject.ID, subject.BrandID}
	if subject.Kind == "Order" || subject.Kind == "Purchase" {
		args = append(args, subject.MemberID)
	}
	return one[bool](ctx, s.db, `SELECT EXISTS (SELECT FROM `+from+`)`, args...)
}
