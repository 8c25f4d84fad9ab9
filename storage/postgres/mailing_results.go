package postgres

import (
	"context"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/mailing"
)

// Tracked are mailings whose results may have changed and were not counted since then, and
// those that a purchase which was put right asks for.
func (s *Mailings) Tracked(ctx context.Context, now, countedBefore time.Time, lateDays int) ([]uuid.UUID, error) {
	return s.segments.ids(ctx, `
		SELECT id FROM mailings WHERE sent_at IS NOT NULL AND state <> 'PREPARING' AND (recount OR (counted_at IS NULL OR counted_at <= $2)
			AND (sent_at AT TIME ZONE 'Asia/Tokyo')::date + window_days + $3::int > ($1::timestamptz AT TIME ZONE 'Asia/Tokyo')::date)
		ORDER BY counted_at NULLS FIRST, id`, now, countedBefore, lateDays)
}

// inWindow says that a purchase p may count for a mailing m that was counted before.
const inWindow = `m.brand_id = p.brand_id AND m.counted_at IS NOT NULL AND m.sent_at <= p.bought_at
	AND p.bought_on BETWEEN (m.sent_at AT TIME ZONE 'Asia/Tokyo')::date AND (m.sent_at AT TIME ZONE 'Asia/Tokyo')::date + m.window_days - 1`

// recountLate lets mailings be counted again whose time is over by $1, and for which some
// purchases would have counted. Those that are counted anyway do not ask for it: tills would
// wait for each other. It is written whatever stood there, so that who counts just now is
// waited for.
func recountLate(purchases string) string {
	return `
		UPDATE mailings SET recount = true WHERE id IN (
			SELECT m.id FROM ` + purchases + ` p JOIN mailing_recipients r ON r.member_id = p.member_id JOIN mailings m ON m.id = r.mailing_id
			WHERE p.bought_on < ($1::timestamptz AT TIME ZONE 'Asia/Tokyo')::date - ` + strconv.Itoa(mailing.LateDays) + ` AND ` + inWindow + `
				AND (m.sent_at AT TIME ZONE 'Asia/Tokyo')::date + m.window_days + ` + strconv.Itoa(mailing.LateDays) + ` <= ($1::timestamptz AT TIME ZONE 'Asia/Tokyo')::date)`
}

// What the audience bought: purchases, or of purchases what is of the goods. They go by a
// table of the transaction, since four sums are made of them.
const (
	boughtTable = `CREATE TEMP TABLE mailing_bought (purchase_id uuid, bought_on date, member_id uuid, held boolean, store_id uuid, items bigint, revenue bigint) ON COMMIT DROP`

	boughtOf = ` FROM mailing_recipients r JOIN purchases p ON p.member_id = r.member_id AND p.brand_id = @brand AND p.currency = @currency
		AND p.bought_on BETWEEN @first AND @last AND p.bought_at >= @sent_at`
	ofAudience = ` WHERE r.mailing_id = @mailing AND r.state IN ('SENT', 'HELD_OUT')`

	boughtAll = `INSERT INTO mailing_bought SELECT p.id, p.bought_on, r.member_id, r.state = 'HELD_OUT', p.store_id, p.items, p.total` + boughtOf + ofAudience

	boughtGoods = `
		WITH RECURSIVE tree AS (SELECT unnest(@categories::uuid[]) AS id UNION SELECT c.id FROM categories c JOIN tree ON c.parent_id = tree.id),
		goods AS (SELECT unnest(@products::uuid[]) AS id UNION SELECT product_id FROM product_categories WHERE category_id IN (SELECT id FROM tree))
		INSERT INTO mailing_bought SELECT p.id, p.bought_on, r.member_id, r.state = 'HELD_OUT', p.store_id, sum(l.quantity), sum(l.amount)` + boughtOf + `
		JOIN purchase_lines l ON l.purchase_id = p.id AND l.bought_on = p.bought_on` + ofAudience + ` AND l.product_id IN (SELECT id FROM goods)
		GROUP BY p.id, p.bought_on, r.member_id, r.state, p.store_id`

	forgetResults = `WITH a AS (DELETE FROM mailing_results WHERE mailing_id = @mailing), b AS (DELETE FROM mailing_product_results WHERE mailing_id = @mailing)
		DELETE FROM mailing_store_results WHERE mailing_id = @mailing`

	// Who bought nothing any more, since it went back, is put right too.
	ofBoughtEach = `
		WITH each AS (SELECT member_id, count(*) FILTER (WHERE items > 0) AS purchases, sum(items) AS items, sum(revenue) AS revenue FROM mailing_bought GROUP BY member_id)
		UPDATE mailing_recipients r SET purchases = coalesce(n.purchases, 0), revenue = coalesce(n.revenue, 0)
		FROM mailing_recipients x LEFT JOIN each n ON n.member_id = x.member_id AND n.items > 0
		WHERE x.mailing_id = @mailing AND (x.purchases, x.revenue) IS DISTINCT FROM (coalesce(n.purchases, 0), coalesce(n.revenue, 0))
			AND r.mailing_id = x.mailing_id AND r.member_id = x.member_id`

	ofBoughtAll = `
		WITH each AS (SELECT member_id, count(*) FILTER (WHERE items > 0) AS purchases, sum(items) AS items, sum(revenue) AS revenue FROM mailing_bought GROUP BY member_id)
		INSERT INTO mailing_results (mailing_id, held, recipients, buyers, purchases, items, revenue, squares, opened, clicked, unsubscribed, bounced)
		SELECT @mailing, r.state = 'HELD_OUT', count(*), count(*) FILTER (WHERE n.items > 0), coalesce(sum(n.purchases), 0), coalesce(sum(n.items), 0), coalesce(sum(n.revenue), 0),
			coalesce(sum(n.revenue::numeric * n.revenue) FILTER (WHERE n.items > 0), 0), count(r.opened_at), count(r.clicked_at), count(r.unsubscribed_at), count(*) FILTER (WHERE r.bounce <> '')
				+ CASE WHEN r.state = 'HELD_OUT' THEN 0 ELSE (SELECT count(*) FROM mailing_recipients WHERE mailing_id = @mailing AND state = 'LEFT_OUT' AND bounce <> '') END
		FROM mailing_recipients r LEFT JOIN each n ON n.member_id = r.member_id` + ofAudience + ` GROUP BY 2`

	ofBoughtProducts = `
		WITH RECURSIVE tree AS (SELECT unnest(@categories::uuid[]) AS id UNION SELECT c.id FROM categories c JOIN tree ON c.parent_id = tree.id),
		goods AS (SELECT unnest(@products::uuid[]) AS id UNION SELECT product_id FROM product_categories WHERE category_id IN (SELECT id FROM tree))
		INSERT INTO mailing_product_results (mailing_id, product_id, buyers, items, revenue, held_buyers, held_items, held_revenue)
		SELECT @mailing, l.product_id, count(DISTINCT b.member_id) FILTER (WHERE NOT b.held AND l.quantity > 0), coalesce(sum(l.quantity) FILTER (WHERE NOT b.held), 0), coalesce(sum(l.amount) FILTER (WHERE NOT b.held), 0),
			count(DISTINCT b.member_id) FILTER (WHERE b.held AND l.quantity > 0), coalesce(sum(l.quantity) FILTER (WHERE b.held), 0), coalesce(sum(l.amount) FILTER (WHERE b.held), 0)
		FROM mailing_bought b JOIN purchase_lines l ON l.purchase_id = b.purchase_id AND l.bought_on = b.bought_on
		WHERE @all OR l.product_id IN (SELECT id FROM goods) GROUP BY l.product_id`

	ofBoughtStores = `
		INSERT INTO mailing_store_results (mailing_id, store_id, buyers, items, revenue, held_buyers, held_items, held_revenue)
		SELECT @mailing, store_id, count(DISTINCT member_id) FILTER (WHERE NOT held AND items > 0), coalesce(sum(items) FILTER (WHERE NOT held), 0), coalesce(sum(revenue) FILTER (WHERE NOT held), 0),
			count(DISTINCT member_id) FILTER (WHERE held AND items > 0), coalesce(sum(items) FILTER (WHERE held), 0), coalesce(sum(revenue) FILTER (WHERE held), 0)
		FROM mailing_bought GROUP BY store_id`
)

// Count counts the mailing's results anew, unless somebody else does.
func (s *Mailings) Count(ctx context.Context, m mailing.Mailing, first, last, at time.Time) error {
	alone, err := one[bool](ctx, s.db, `SELECT pg_try_advisory_xact_lock(hashtextextended('mailing ' || $1::text, 0))`, m.ID)
	if err != nil || !alone {
		return err
	}
	args := pgx.NamedArgs{
		"mailing": m.ID, "brand": m.BrandID, "currency": m.Currency, "first": first, "last": last, "sent_at": m.SentAt,
		"products": m.ProductIDs, "categories": m.CategoryIDs, "all": m.TracksAll(), "at": at,
	}
	bought := boughtGoods
	if m.TracksAll() {
		bought = boughtAll
	}
	// A purchase that is put right from now on asks for another count.
	for _, sql := range []string{`UPDATE mailings SET counted_at = @at, recount = false WHERE id = @mailing`, boughtTable, bought, forgetResults, ofBoughtEach, ofBoughtAll, ofBoughtProducts, ofBoughtStores, `DROP TABLE mailing_bought`} {
		if _, err := s.db.conn(ctx).Exec(ctx, sql, args); err != nil {
			return wrapped("count a mailing", err)
		}
	}
	return nil
}

// CountAlone waits until nobody else counts the mailing.
func (s *Mailings) CountAlone(ctx context.Context, mailingID uuid.UUID) error {
	_, err := s.db.conn(ctx).Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('mailing ' || $1::text, 0))`, mailingID)
	return err
}

// Results are what came of mailings, those sent last first: two statements.
func (s *Mailings) Results(ctx context.Context, q mailing.ResultQuery) ([]mailing.Results, error) {
	const which = `brand_id = $1 AND sent_at IS NOT NULL AND ($2::uuid IS NULL OR id = $2) AND ($3::text IS NULL OR medium = $3) AND (NOT $4::boolean OR store_id = ANY($5)) ORDER BY sent_at DESC, id DESC LIMIT $6`
	args := []any{q.BrandID, q.MailingID, q.Medium, q.Only, orEmpty(q.Stores), q.Most}
	mailings, err := collect[mailing.Mailing](ctx, s.db, `SELECT `+mailingColumns+` FROM mailings WHERE `+which, args...)
	if err != nil || len(mailings) == 0 {
		return nil, err
	}
	ids := make([]uuid.UUID, len(mailings))
	for i, m := range mailings {
		ids[i] = m.ID
	}
	type row struct {
		MailingID uuid.UUID
		Held      bool
		CountedAt *time.Time
		mailing.Group
	}
	groups, err := collect[row](ctx, s.db, `
		SELECT g.mailing_id, g.held, m.counted_at, g.recipients, g.buyers, g.purchases, g.items, g.revenue, g.squares, g.opened, g.clicked, g.unsubscribed, g.bounced, m.currency
		FROM mailing_results g JOIN mailings m ON m.id = g.mailing_id WHERE g.mailing_id = ANY($1)`, ids)
	if err != nil {
		return nil, err
	}
	all, at := make([]mailing.Results, len(mailings)), map[uuid.UUID]int{}
	for i, m := range mailings {
		none := mailing.Group{Currency: m.Currency}
		all[i], at[m.ID] = mailing.Results{Mailing: m, Sent: none, Held: none}, i
	}
	for _, g := range groups {
		r := &all[at[g.MailingID]]
		r.CountedAt = g.CountedAt
		if g.Held {
			r.Held = g.Group
		} else {
			r.Sent = g.Group
		}
	}
	return all, nil
}

const partColumns = `coalesce(x.name, '{}') AS name, r.buyers, r.items, r.revenue, r.held_buyers, r.held_items, r.held_revenue, m.currency`

// ByProduct are the results by product, those that brought most first.
func (s *Mailings) ByProduct(ctx context.Context, mailingID uuid.UUID, most int) ([]mailing.Part, error) {
	return collect[mailing.Part](ctx, s.db, `SELECT r.product_id AS key, `+partColumns+` FROM mailing_product_results r JOIN mailings m ON m.id = r.mailing_id
		LEFT JOIN products x ON x.id = r.product_id WHERE r.mailing_id = $1 ORDER BY r.revenue DESC, r.product_id LIMIT $2`, mailingID, most)
}

// ByStore are the results by store, those that brought most first.
func (s *Mailings) ByStore(ctx context.Context, mailingID uuid.UUID) ([]mailing.Part, error) {
	return collect[mailing.Part](ctx, s.db, `SELECT r.store_id AS key, `+partColumns+` FROM mailing_store_results r JOIN mailings m ON m.id = r.mailing_id
		LEFT JOIN locations x ON x.id = r.store_id WHERE r.mailing_id = $1 ORDER BY r.revenue DESC, r.store_id`, mailingID)
}

// CouponUse is what became of the coupons that a mailing gave: one statement.
func (s *Mailings) CouponUse(ctx context.Context, m mailing.Mailing) (*mailing.CouponUse, error) {
	return first[mailing.CouponUse](ctx, s.db, `
		SELECT count(*)::int AS issued, count(*) FILTER (WHERE k.state = 'USED')::int AS used, count(*) FILTER (WHERE k.state = 'VOID')::int AS void, $2::text AS currency,
			coalesce(sum(o.total), 0)::bigint AS sales, coalesce(sum(u.discount), 0)::bigint AS given
		FROM coupons k
		LEFT JOIN orders o ON k.state = 'USED' AND o.id = k.order_id AND o.status <> 'CANCELLED'
		LEFT JOIN campaign_uses u ON u.order_id = o.id AND u.campaign_id = k.campaign_id AND u.returned_at IS NULL
		WHERE k.batch_id = $1`, m.ID, m.Currency)
}

// VoidUnsent takes the coupons out of use of those whom the mailing has not reached.
func (s *Mailings) VoidUnsent(ctx context.Context, mailingID uuid.UUID) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE coupons k SET state = 'VOID' WHERE k.batch_id = $1 AND k.state = 'ISSUED'
			AND NOT EXISTS (SELECT FROM mailing_recipients r WHERE r.mailing_id = $1 AND r.member_id = k.member_id AND r.state IN ('SENT', 'SENDING'))`, mailingID)
	return err
}
