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
	(SELECT w.segment_ids FROM point_places w WHERE w.source_id = p.id) AS segments,
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
		UPDATE point_purchases q SET reckoned_at = $3, goods = w.goods, backs_known = true FROM unnest($1::uuid[], $2::bigint[]) AS w (id, goods) WHERE q.purchase_id = w.id`, ids, goods, at)
	return err
}

// lockReceipts lets those who reckon receipts take turns.
const lockReceipts = `SELECT pg_advisory_xact_lock(hashtext('points_receipts'))`

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
