package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// queueBelongings makes what the gone member wished for, looked at and was about to buy
// the kept one's. What only somebody with an account has stays where the kept has none.
// sealCarts is queued behind carts that move (sealMoved).
func queueBelongings(batch *pgx.Batch, keptID, goneID uuid.UUID, at time.Time, sealCarts func(*pgx.Batch)) {
	const account = ` AND EXISTS (SELECT FROM accounts WHERE id = $1)`
	for _, table := range []string{"wish_lists", "restock_requests", "quotations", "saved_cards", "recurring_orders", "draft_orders"} {
		batch.Queue(`UPDATE `+table+` SET member_id = $1 WHERE member_id = $2`+account, keptID, goneID)
	}
	batch.Queue(`
		INSERT INTO product_views AS v (member_id, brand_id, product_id, viewed_at) SELECT $1, brand_id, product_id, viewed_at FROM product_views WHERE member_id = $2`+account+`
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
	batch.Queue(`
		UPDATE point_code_uses u SET member_id = $1 WHERE u.member_id = $2
			AND NOT EXISTS (SELECT FROM point_code_uses k WHERE k.member_id = $1 AND k.code_id = u.code_id AND k.day = u.day)`, keptID, goneID)
	batch.Queue(`UPDATE purchase_problems SET member_id = $1 WHERE member_id = $2`, keptID, goneID) // receipts to come
	batch.Queue(`UPDATE prize_exchanges SET member_id = $1 WHERE member_id = $2`, keptID, goneID)
	batch.Queue(`UPDATE vouchers SET member_id = $1 WHERE member_id = $2`, keptID, goneID)
	// Who entered a draw twice is one entrant from now on, while it is open. A published list
	// never changes: there both stay, and a second call is passed over (core/draw).
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
	batch.Queue(`UPDATE draw_winners SET member_id = $1 WHERE member_id = $2`, keptID, goneID)
}

// queueForget removes what erased members wished for and looked at. The ledger of points
// stays, without words of people: its reasons, but for those that name a prize, a draw, a
// code or an occasion, and without the numbers at other systems; one that is on the way needs
// its number, and loses it when it is answered (SaveTransfer). All rows are locked, so that no
// answer comes between.
func queueForget(batch *pgx.Batch, memberIDs []uuid.UUID, at time.Time) {
	batch.Queue(`DELETE FROM wishes w USING wish_lists l WHERE w.list_id = l.id AND l.member_id = ANY($1)`, memberIDs)
	for _, table := range []string{"wish_lists", "product_views", "customer_group_members"} {
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
