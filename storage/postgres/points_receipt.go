package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/purchase"
)

// rankAt is the code of the rank that a member had in a brand at a moment; null for none.
// Before the first change it is what that change began with, without one what it is.
func rankAt(member, brand, at string) string {
	return `(SELECT k.code FROM (
		(SELECT c.to_id AS rank_id, 1 AS nth FROM member_rank_changes c WHERE c.member_id = ` + member + ` AND c.brand_id = ` + brand + ` AND c.at <= ` + at + ` ORDER BY c.at DESC, c.id DESC LIMIT 1)
		UNION ALL (SELECT c.from_id, 2 FROM member_rank_changes c WHERE c.member_id = ` + member + ` AND c.brand_id = ` + brand + ` AND c.at > ` + at + ` ORDER BY c.at, c.id LIMIT 1)
		UNION ALL (SELECT j.rank_id, 3 FROM memberships j WHERE j.member_id = ` + member + ` AND j.brand_id = ` + brand + `)
		ORDER BY nth LIMIT 1) held JOIN member_ranks k ON k.id = held.rank_id)`
}

// Owe notes receipts that are to earn, each once: one statement for them all.
func (s *Points) Owe(ctx context.Context, all []purchase.Purchase) error {
	ids, days, times := make([]uuid.UUID, len(all)), make([]time.Time, len(all)), make([]time.Time, len(all))
	for i, p := range all {
		ids[i], days[i], times[i] = p.ID, p.BoughtOn, p.BoughtAt
	}
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO point_purchases (purchase_id, bought_on, bought_at) SELECT * FROM unnest($1::uuid[], $2::date[], $3::timestamptz[]) ON CONFLICT DO NOTHING`, ids, days, times)
	return err
}

// Owed are receipts that are to earn, held until the transaction ends: those who reckon
// take turns, so that two returns of one purchase see each other.
func (s *Points) Owed(ctx context.Context, most int) ([]points.Receipt, error) {
	if _, err := s.db.conn(ctx).Exec(ctx, lockReceipts); err != nil {
		return nil, err
	}
	all, err := collect[points.Receipt](ctx, s.db, `
		WITH due AS (
			SELECT purchase_id, bought_on, bought_at FROM point_purchases WHERE reckoned_at IS NULL ORDER BY bought_at, purchase_id LIMIT $1
		)
		SELECT `+receiptColumns+`
		FROM due d JOIN purchases p ON p.id = d.purchase_id AND p.bought_on = d.bought_on `+whoHasReceipt+`
		ORDER BY d.bought_at, d.purchase_id`, most)
	if err != nil || len(all) == 0 {
		return all, err
	}
	return all, s.receiptLines(ctx, all)
}

// receiptColumns are those of a receipt p, which k has.
var receiptColumns = `p.id, p.brand_id, k.id AS member_id, p.store_id AS shop_id, p.bought_at AS at, p.bought_on,
	k.id IS NOT NULL AND ` + firstBought("k.id", "p.member_id", "p.brand_id", "p.bought_at", "p.id") + ` AS first,
	coalesce(` + rankAt("k.id", "p.brand_id", "p.bought_at") + `, '') AS rank`

// whoHasReceipt is k, the member of a purchase p or who they have become; nobody if they
// were erased.
const whoHasReceipt = `LEFT JOIN LATERAL (
		WITH RECURSIVE who AS (
			SELECT m.id, m.merged_into, m.erased_at FROM members m WHERE m.id = p.member_id
			UNION ALL SELECT m.id, m.merged_into, m.erased_at FROM who JOIN members m ON m.id = who.merged_into
		)
		SELECT id FROM who WHERE merged_into IS NULL AND erased_at IS NULL
	) k ON true`

// receiptLines reads the lines of the receipts.
func (s *Points) receiptLines(ctx context.Context, all []points.Receipt) error {
	ids, days, places := make([]uuid.UUID, len(all)), make([]time.Time, len(all)), make(map[uuid.UUID]int, len(all))
	for i, r := range all {
		ids[i], days[i], places[r.ID] = r.ID, r.BoughtOn, i
	}
	lines, err := collect[points.ReceiptLine](ctx, s.db, `
		SELECT l.purchase_id AS receipt_id, l.code, l.product_id, l.quantity, l.amount AS minor, ARRAY(
			WITH RECURSIVE above AS (
				SELECT c.id, c.parent_id FROM product_categories pc JOIN categories c ON c.id = pc.category_id WHERE pc.product_id = l.product_id
				UNION SELECT c.id, c.parent_id FROM above JOIN categories c ON c.id = above.parent_id
			) SELECT id FROM above) AS category_ids
		FROM unnest($1::uuid[], $2::date[]) AS w (id, day) JOIN purchase_lines l ON l.purchase_id = w.id AND l.bought_on = w.day
		ORDER BY l.purchase_id, l.position`, ids, days)
	for _, l := range lines {
		r := &all[places[l.ReceiptID]]
		r.Lines = append(r.Lines, l)
	}
	return err
}

// Reckoned notes what the receipts have earned on.
func (s *Points) Reckoned(ctx context.Context, all []points.Receipt, at time.Time) error {
	ids, goods := make([]uuid.UUID, len(all)), make([]int64, len(all))
	for i, r := range all {
		ids[i], goods[i] = r.ID, r.Goods
	}
	_, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE point_purchases q SET reckoned_at = $3, goods = w.goods FROM unnest($1::uuid[], $2::bigint[]) AS w (id, goods) WHERE q.purchase_id = w.id`, ids, goods, at)
	return err
}

// Sold are receipts with goods of the codes that may have come back, the latest first.
// What one earned counts from when it was reckoned last, less what was taken back when it
// was put right, which undoes something.
func (s *Points) Sold(ctx context.Context, memberIDs []uuid.UUID, codes []string, since, at time.Time) ([]points.Sold, error) {
	return collect[points.Sold](ctx, s.db, `
		SELECT b.id, b.brand_id, b.member_id, b.code, b.at, b.goods, b.returned, e.programme_id, coalesce(e.earned, 0)::bigint AS earned, coalesce(e.taken, 0)::bigint AS taken,
			`+lapsedOf("l.purchase_id = b.id AND l.programme_id = e.programme_id AND l.earned_at >= b.reckoned_at")+` AS lapsed
		FROM (
			SELECT DISTINCT q.purchase_id AS id, l.brand_id, l.member_id, l.code, q.bought_at AS at, q.goods, q.returned, q.reckoned_at
			FROM unnest(@members::uuid[], @codes::text[]) AS w (member_id, code)
			JOIN purchase_lines l ON l.member_id = w.member_id AND l.code = w.code AND l.amount > 0 AND l.bought_on >= @since::timestamptz::date
			JOIN point_purchases q ON q.purchase_id = l.purchase_id AND q.goods > q.returned
		) b LEFT JOIN LATERAL (
			SELECT x.programme_id, sum(CASE x.kind WHEN 'EARN' THEN x.points ELSE -x.points END) FILTER (WHERE x.kind = 'EARN' OR x.undoes <> '') AS earned,
				sum(x.points) FILTER (WHERE x.kind = 'TAKE_BACK' AND x.undoes = '') AS taken
			FROM point_entries x WHERE x.purchase_id = b.id AND x.kind IN ('EARN', 'TAKE_BACK') AND x.at >= b.reckoned_at GROUP BY x.programme_id
		) e ON true
		ORDER BY b.at DESC, b.id, b.code, e.programme_id`, pgx.NamedArgs{"members": memberIDs, "codes": codes, "since": since, "at": at})
}

// lockReceipts lets those who reckon receipts take turns.
const lockReceipts = `SELECT pg_advisory_xact_lock(hashtext('points_receipts'))`

// Reckoning is what is known of a receipt at the moment.
func (s *Points) Reckoning(ctx context.Context, purchaseID uuid.UUID, boughtOn, at time.Time) (*points.Reckoning, error) {
	if _, err := s.db.conn(ctx).Exec(ctx, lockReceipts); err != nil {
		return nil, err
	}
	receipts, err := collect[points.Receipt](ctx, s.db, `SELECT `+receiptColumns+` FROM purchases p `+whoHasReceipt+` WHERE p.id = $1 AND p.bought_on = $2`, purchaseID, boughtOn)
	if err != nil || len(receipts) == 0 {
		return nil, err
	}
	if err := s.receiptLines(ctx, receipts); err != nil {
		return nil, err
	}
	r := points.Reckoning{Receipt: receipts[0]}
	known, err := first[struct {
		Noted, Past, Erased bool
		ReckonedAt          *time.Time
		Returned            int64
	}](ctx, s.db, `
		SELECT q.purchase_id IS NOT NULL AS noted, q.reckoned_at, coalesce(q.returned, 0) AS returned,
			EXISTS (SELECT FROM migrations m WHERE m.id = p.import_id) AS past, p.member_id IS NOT NULL AND $3::uuid IS NULL AS erased
		FROM purchases p LEFT JOIN point_purchases q ON q.purchase_id = p.id WHERE p.id = $1 AND p.bought_on = $2`, purchaseID, boughtOn, r.Receipt.MemberID)
	if err != nil || known == nil {
		return nil, err
	}
	r.Noted, r.Past, r.Erased, r.ReckonedAt, r.Returned = known.Noted, known.Past, known.Erased, known.ReckonedAt, known.Returned
	if r.ReckonedAt == nil {
		return &r, nil
	}
	r.Has, err = collect[points.Had](ctx, s.db, `
		SELECT x.programme_id, h.member_id, sum(CASE x.kind WHEN 'EARN' THEN x.points ELSE -x.points END)::bigint AS points,
			`+lapsedOf("l.purchase_id = @purchase AND l.programme_id = a.programme_id AND l.earned_at >= @since")+` AS lapsed
		FROM point_entries x JOIN point_accounts a ON a.id = x.account_id JOIN point_accounts h ON h.id = coalesce(a.merged_into, a.id)
		WHERE x.purchase_id = @purchase AND x.kind IN ('EARN', 'TAKE_BACK') AND x.at >= @since GROUP BY x.programme_id, a.programme_id, h.member_id ORDER BY 1, 2`,
		pgx.NamedArgs{"purchase": purchaseID, "since": *r.ReckonedAt, "at": at})
	return &r, err
}

// ReckonedAgain notes what a receipt earns on since it was put right.
func (s *Points) ReckonedAgain(ctx context.Context, r points.Receipt, at time.Time) error {
	_, err := s.db.conn(ctx).Exec(ctx, `UPDATE point_purchases SET reckoned_at = $2, goods = $3 WHERE purchase_id = $1`, r.ID, at, r.Goods)
	return err
}

// NotFirst lets another purchase be the first of whoever had the receipt.
func (s *Points) NotFirst(ctx context.Context, purchaseID uuid.UUID) error {
	_, err := s.db.conn(ctx).Exec(ctx, `DELETE FROM point_firsts WHERE source_id = $1`, purchaseID)
	return err
}

// CameBack adds to what came back of the receipts.
func (s *Points) CameBack(ctx context.Context, minor map[uuid.UUID]int64) error {
	ids, sums := make([]uuid.UUID, 0, len(minor)), make([]int64, 0, len(minor))
	for key, n := range minor {
		ids, sums = append(ids, key), append(sums, n)
	}
	_, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE point_purchases q SET returned = q.returned + w.minor FROM unnest($1::uuid[], $2::bigint[]) AS w (id, minor) WHERE q.purchase_id = w.id`, ids, sums)
	return err
}

// RulesEver are all rules of the programmes, those that were ended too.
func (s *Points) RulesEver(ctx context.Context, programmeIDs []uuid.UUID) ([]points.Rule, error) {
	return collect[points.Rule](ctx, s.db, `SELECT `+pointRuleColumns+` FROM point_rules WHERE programme_id = ANY($1) ORDER BY programme_id, id`, programmeIDs)
}

// Apart are the programmes in which the member's account was not merged yet.
func (s *Points) Apart(ctx context.Context, memberID uuid.UUID) ([]uuid.UUID, error) {
	return column[uuid.UUID](ctx, s.db, `
		SELECT p.id FROM point_programmes p
		WHERE NOT EXISTS (SELECT FROM point_accounts a WHERE a.programme_id = p.id AND a.member_id = $1 AND a.merged_into IS NOT NULL) ORDER BY p.id`, memberID)
}

// queueMerged moves the lots of accounts that were merged, and what follows them.
func queueMerged(batch *pgx.Batch, all []points.Merged) {
	if len(all) == 0 {
		return
	}
	gone, kept := make([]uuid.UUID, len(all)), make([]uuid.UUID, len(all))
	for i, m := range all {
		gone[i], kept[i] = m.GoneID, m.KeptID
	}
	const merged = ` FROM unnest($1::uuid[], $2::uuid[]) AS m (gone, kept) WHERE `
	batch.Queue(`UPDATE point_lots l SET account_id = m.kept`+merged+`l.account_id = m.gone`, gone, kept)
	batch.Queue(`UPDATE point_transfers t SET account_id = m.kept`+merged+`t.account_id = m.gone`, gone, kept)
	batch.Queue(`
		INSERT INTO point_firsts (brand_id, member_id, source_id)
		SELECT DISTINCT ON (f.brand_id, k.member_id) f.brand_id, k.member_id, f.source_id FROM unnest($1::uuid[], $2::uuid[]) AS m (gone, kept)
		JOIN point_accounts g ON g.id = m.gone JOIN point_accounts k ON k.id = m.kept JOIN point_firsts f ON f.member_id = g.member_id
		ORDER BY f.brand_id, k.member_id ON CONFLICT DO NOTHING`, gone, kept)
	batch.Queue(`UPDATE point_accounts a SET merged_into = m.kept`+merged+`(a.id = m.gone OR a.merged_into = m.gone)`, gone, kept)
}
