package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/member"
)

// Move makes what is the gone member's the kept one's. What was moved finds nothing to move
// again.
func (s *Members) Move(ctx context.Context, keptID, goneID uuid.UUID, at time.Time) error {
	sealCarts, err := s.db.sealMoved(ctx, keptID, `member_id = @gone AND NOT closed`, pgx.NamedArgs{"gone": goneID})
	if err != nil {
		return err
	}
	batch := &pgx.Batch{}
	for _, column := range movedToAnybody {
		batch.Queue(column.move(), keptID, goneID)
	}
	for _, column := range movedToAccounts {
		batch.Queue(column.move()+kept, keptID, goneID)
	}
	batch.Queue(`
		UPDATE saved_addresses SET member_id = $1, is_default = is_default AND NOT EXISTS (
			SELECT FROM saved_addresses k WHERE k.member_id = $1 AND k.is_default AND k.closed_at IS NULL)
		WHERE member_id = $2`, keptID, goneID)
	queueTerms(batch, keptID, goneID)
	queueRules(batch, keptID, goneID, at)
	queueCarts(batch, keptID, goneID, at, sealCarts)
	queueDraws(batch, keptID, goneID)
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

// holding is a column that names the member whose a row is.
type holding struct{ table, column string }

func (h holding) move() string {
	return `UPDATE ` + h.table + ` SET ` + h.column + ` = $1 WHERE ` + h.column + ` = $2`
}

// These columns name the kept member from a merge on: some whoever that is, others only if
// the kept one has an account.
var (
	movedToAnybody = []holding{
		{"member_cards", "member_id"}, {"pets", "member_id"}, {"purchases", "member_id"}, {"purchases", "voided_of"}, {"purchase_lines", "member_id"},
		{"purchase_problems", "member_id"}, {"migration_sources", "member_id"}, // receipts to come, rows to come
		{"orders", "member_id"}, {"member_rank_changes", "member_id"}, {"coupons", "member_id"}, {"campaign_uses", "buyer_id"},
		{"prize_exchanges", "member_id"}, {"vouchers", "member_id"}, {"draw_winners", "member_id"},
	}
	movedToAccounts = []holding{
		{"wish_lists", "member_id"}, {"restock_requests", "member_id"}, {"quotations", "member_id"}, {"saved_cards", "member_id"},
		{"recurring_orders", "member_id"}, {"draft_orders", "member_id"},
	}
)

// kept asks for an account of the kept member.
const kept = ` AND EXISTS (SELECT FROM accounts WHERE id = $1)`

// Retire lets the gone member's memberships be the kept one's, and marks the gone one.
func (s *Members) Retire(ctx context.Context, keptID, goneID uuid.UUID, at time.Time) error {
	batch := &pgx.Batch{}
	queueMemberships(batch, keptID, goneID, at)
	queueLeave(batch, []uuid.UUID{goneID}, at)
	batch.Queue(`DELETE FROM profiles WHERE member_id = $1`, goneID)
	batch.Queue(`DELETE FROM member_settings WHERE member_id = $1`, goneID)
	batch.Queue(`UPDATE newsletter_consents SET withdrawn_at = $2 WHERE member_id = $1 AND withdrawn_at IS NULL`, goneID, at)
	batch.Queue(`
		UPDATE members k SET household_id = coalesce(k.household_id, g.household_id), updated_at = $3 FROM members g WHERE k.id = $1 AND g.id = $2`, keptID, goneID, at)
	batch.Queue(`UPDATE members SET merged_into = $1, merged_at = $3, straggles = true, household_id = NULL, updated_at = $3 WHERE id = $2`, keptID, goneID, at)
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

// queueMemberships lets the kept member have the gone one's memberships. Of a brand that both
// joined, the kept one's begins on the earlier day, in the store of that day; the other day
// and store stay with the gone one's, so that the figures by day count each registration
// where and when it was.
func queueMemberships(batch *pgx.Batch, keptID, goneID uuid.UUID, at time.Time) {
	batch.Queue(`
		UPDATE memberships m SET member_id = $1, rank_due_on = $3::date
		WHERE m.member_id = $2 AND NOT EXISTS (SELECT FROM memberships k WHERE k.member_id = $1 AND k.brand_id = m.brand_id)`, keptID, goneID, at)
	batch.Queue(`
		UPDATE memberships m SET joined_at = o.joined_at, registered_store_id = o.registered_store_id, imported = o.imported
		FROM memberships k JOIN memberships g ON g.brand_id = k.brand_id AND g.member_id = $2 AND g.joined_at < k.joined_at
		JOIN memberships o ON o.brand_id = k.brand_id AND o.member_id IN (k.member_id, g.member_id)
		WHERE k.member_id = $1 AND m.brand_id = k.brand_id AND m.member_id IN (k.member_id, g.member_id) AND m.member_id <> o.member_id`, keptID, goneID)
	batch.Queue(`
		UPDATE memberships k SET home_store_id = coalesce(k.home_store_id, g.home_store_id), rank_due_on = $3::date,
			ended_at = CASE WHEN k.ended_at IS NULL OR g.ended_at IS NULL THEN NULL ELSE greatest(k.ended_at, g.ended_at) END
		FROM memberships g WHERE k.member_id = $1 AND g.member_id = $2 AND g.brand_id = k.brand_id`, keptID, goneID, at)
}

// Straggling are merged members for whom something may still have been written, with who they
// have become by now.
func (s *Members) Straggling(ctx context.Context, after uuid.UUID, most int) ([]member.Straggling, error) {
	return collect[member.Straggling](ctx, s.db, `
		WITH RECURSIVE due AS (
			SELECT id, merged_into, merged_at FROM members WHERE straggles AND id > $1 ORDER BY id LIMIT $2
		), chain AS (
			SELECT id AS gone_id, merged_into AS kept_id, merged_at FROM due
			UNION ALL SELECT c.gone_id, k.merged_into, c.merged_at FROM chain c JOIN members k ON k.id = c.kept_id WHERE k.merged_into IS NOT NULL
		)
		SELECT c.* FROM chain c JOIN members k ON k.id = c.kept_id WHERE k.merged_into IS NULL ORDER BY c.gone_id`, after, most)
}

// Gathered notes that nothing is written for the merged member any more.
func (s *Members) Gathered(ctx context.Context, goneID uuid.UUID) error {
	_, err := s.db.conn(ctx).Exec(ctx, `UPDATE members SET straggles = false WHERE id = $1`, goneID)
	return err
}

// queueTerms lets the kept member have the terms of the gone one: groups that staff put them
// into, those of ranks follow the rank, and how often they used what can be used so often.
func queueTerms(batch *pgx.Batch, keptID, goneID uuid.UUID) {
	batch.Queue(`
		WITH gone AS (
			DELETE FROM customer_group_members m USING customer_groups g WHERE m.member_id = $2 AND g.id = m.group_id RETURNING m.group_id, m.joined_at, g.kind
		)
		INSERT INTO customer_group_members (group_id, member_id, joined_at) SELECT group_id, $1::uuid, joined_at FROM gone WHERE kind <> 'RANK'`+kept+` ON CONFLICT DO NOTHING`, keptID, goneID)
	batch.Queue(`
		WITH gone AS (DELETE FROM campaign_buyers WHERE buyer_id = $2 RETURNING campaign_id, uses)
		INSERT INTO campaign_buyers AS k (campaign_id, buyer_id, uses) SELECT campaign_id, $1::uuid, uses FROM gone
		ON CONFLICT (buyer_id, campaign_id) DO UPDATE SET uses = k.uses + EXCLUDED.uses`, keptID, goneID)
	batch.Queue(`
		UPDATE point_code_uses u SET member_id = $1 WHERE u.member_id = $2
			AND NOT EXISTS (SELECT FROM point_code_uses k WHERE k.member_id = $1 AND k.code_id = u.code_id AND k.day = u.day)`, keptID, goneID)
	batch.Queue(`
		UPDATE point_occasions o SET member_id = $1 WHERE o.member_id = $2 AND NOT EXISTS (SELECT FROM point_occasions k
			WHERE k.member_id = $1 AND k.programme_id = o.programme_id AND k.occasion = o.occasion AND k.term = o.term)`, keptID, goneID)
}

// queueCarts makes what the gone member looked at and was about to buy the kept one's.
// sealCarts is queued behind carts that move (sealMoved).
func queueCarts(batch *pgx.Batch, keptID, goneID uuid.UUID, at time.Time, sealCarts func(*pgx.Batch)) {
	batch.Queue(`
		INSERT INTO product_views AS v (member_id, brand_id, product_id, viewed_at) SELECT $1, brand_id, product_id, viewed_at FROM product_views WHERE member_id = $2`+kept+`
		ON CONFLICT (member_id, brand_id, product_id) DO UPDATE SET viewed_at = greatest(v.viewed_at, EXCLUDED.viewed_at)`, keptID, goneID)
	batch.Queue(`DELETE FROM product_views WHERE member_id = $1`, goneID)
	batch.Queue(`
		UPDATE carts g SET member_id = $1, updated_at = $3 WHERE g.member_id = $2 AND NOT g.closed
			AND NOT EXISTS (SELECT FROM carts c WHERE c.member_id = $1 AND c.channel_id = g.channel_id AND NOT c.closed)`, keptID, goneID, at)
	sealCarts(batch)
	batch.Queue(`
		WITH moved AS (
			DELETE FROM cart_lines l USING carts g WHERE l.cart_id = g.id AND g.member_id = $2 AND NOT g.closed RETURNING l.*, g.channel_id
		)
		INSERT INTO cart_lines AS k (id, cart_id, variant_id, quantity, choices)
		SELECT l.id, c.id, l.variant_id, l.quantity, l.choices FROM moved l JOIN carts c ON c.member_id = $1 AND c.channel_id = l.channel_id AND NOT c.closed
		ON CONFLICT (cart_id, variant_id, choices) DO UPDATE SET quantity = least(k.quantity + EXCLUDED.quantity, 99999)`, keptID, goneID)
	batch.Queue(`UPDATE carts SET closed = true, updated_at = $2 WHERE member_id = $1 AND NOT closed`, goneID, at)
}

// queueDraws lets who entered a draw twice be one entrant from now on, while it is open. A
// published list never changes: there both stay, and a second call is passed over (core/draw).
func queueDraws(batch *pgx.Batch, keptID, goneID uuid.UUID) {
	batch.Queue(`
		WITH twice AS (
			SELECT g.draw_id, g.entries, g.earned FROM draw_entrants g JOIN draw_entrants k ON k.draw_id = g.draw_id AND k.member_id = $1
			JOIN draws d ON d.id = g.draw_id AND d.state = 'OPEN' WHERE g.member_id = $2 FOR SHARE OF d
		), moved AS (
			UPDATE draw_entries e SET member_id = $1 FROM twice t WHERE e.draw_id = t.draw_id AND e.member_id = $2
		), added AS (
			UPDATE draw_entrants k SET entries = k.entries + t.entries, earned = k.earned + t.earned FROM twice t WHERE k.draw_id = t.draw_id AND k.member_id = $1
		), dropped AS (
			DELETE FROM draw_entrants g USING twice t WHERE g.draw_id = t.draw_id AND g.member_id = $2
		)
		UPDATE draw_entrants g SET member_id = $1 WHERE g.member_id = $2 AND NOT EXISTS (SELECT FROM draw_entrants k WHERE k.draw_id = g.draw_id AND k.member_id = $1)`, keptID, goneID)
}

// queueForget removes what erased members wished for and looked at. The ledger of points
// stays, without words of people: its reasons, but for those that name a prize, a draw, a
// code or an occasion, and without the numbers at other systems; one that is on the way needs
// its number, and loses it when it is answered (SaveTransfer). All rows are locked, so that no
// answer comes between.
func queueForget(batch *pgx.Batch, memberIDs []uuid.UUID, at time.Time) {
	batch.Queue(`DELETE FROM wishes w USING wish_lists l WHERE w.list_id = l.id AND l.member_id = ANY($1)`, memberIDs)
	for _, table := range []string{"wish_lists", "product_views", "customer_group_members", "point_occasions"} {
		batch.Queue(`DELETE FROM `+table+` WHERE member_id = ANY($1)`, memberIDs)
	}
	batch.Queue(`UPDATE restock_requests SET name = '', email = id::text || '@erased.invalid', lasting_hash = NULL, key_id = NULL, closed_at = coalesce(closed_at, $2) WHERE member_id = ANY($1)`, memberIDs, at)
	batch.Queue(`UPDATE point_entries e SET reason = '' FROM point_accounts a WHERE a.id = e.account_id AND a.member_id = ANY($1) AND e.kind NOT IN ('EARN', 'PRIZE', 'PRIZE_BACK') AND e.reason <> ''`, memberIDs)
	batch.Queue(`UPDATE returns r SET text = '', note = '' FROM orders o WHERE o.id = r.order_id AND o.member_id = ANY($1) AND (r.text <> '' OR r.note <> '')`, memberIDs)
	batch.Queue(`UPDATE prize_exchanges SET address = NULL, key_id = NULL, reason = '' WHERE member_id = ANY($1)`, memberIDs)
	batch.Queue(`
		UPDATE point_arrivals r SET their_member = '', reason = '' FROM point_transfers t JOIN point_accounts a ON a.id = t.account_id
		WHERE a.member_id = ANY($1) AND NOT t.outgoing AND r.partner_id = t.partner_id AND r.reference = t.reference`, memberIDs)
	batch.Queue(`
		UPDATE point_transfers t SET problem = '', their_member = CASE WHEN t.state IN ('RESERVED', 'SENT') THEN t.their_member ELSE '' END
		FROM point_accounts a WHERE a.id = t.account_id AND a.member_id = ANY($1)`, memberIDs)
}

// syncRankGroups lets the members be in the groups of the ranks that they hold, and in
// those of no other rank. Only who has an account is in a group.
func (s *Members) syncRankGroups(ctx context.Context, rows []ranked, on time.Time) error {
	members, brands := make([]uuid.UUID, len(rows)), make([]uuid.UUID, len(rows))
	for i, r := range rows {
		members[i], brands[i] = r.MemberID, r.BrandID
	}
	_, err := s.db.conn(ctx).Exec(ctx, `
		WITH looked AS (
			SELECT * FROM unnest($1::uuid[], $2::uuid[]) AS w (member_id, brand_id)
		), holds AS (
			SELECT l.member_id, k.group_id FROM looked l JOIN memberships j USING (member_id, brand_id) JOIN member_ranks k ON k.id = j.rank_id WHERE k.group_id IS NOT NULL
		), left_behind AS (
			DELETE FROM customer_group_members g USING looked l
			WHERE g.member_id = l.member_id AND g.group_id IN (SELECT k.group_id FROM member_ranks k WHERE k.brand_id = l.brand_id AND k.group_id IS NOT NULL)
				AND NOT EXISTS (SELECT FROM holds h WHERE h.member_id = g.member_id AND h.group_id = g.group_id)
		)
		INSERT INTO customer_group_members (group_id, member_id, joined_at)
		SELECT DISTINCT h.group_id, h.member_id, $3::timestamptz FROM holds h JOIN accounts a ON a.id = h.member_id AND a.closed_at IS NULL ON CONFLICT DO NOTHING`, members, brands, on)
	return err
}

// RankGroup reports whether the group is an open one of the brand's, for ranks.
func (s *Members) RankGroup(ctx context.Context, brandID, groupID uuid.UUID) (bool, error) {
	return one[bool](ctx, s.db, `SELECT EXISTS (SELECT FROM customer_groups WHERE id = $2 AND brand_id = $1 AND kind = 'RANK' AND closed_at IS NULL)`, brandID, groupID)
}
