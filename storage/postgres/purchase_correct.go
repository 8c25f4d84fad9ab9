package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/purchase"
)

// Lock is the brand's purchase, held; nil if there is none. Nobody says meanwhile whose a card
// is, or what a code.
func (s *Purchases) Lock(ctx context.Context, brandID, purchaseID uuid.UUID) (*purchase.Purchase, error) {
	if _, err := s.db.conn(ctx).Exec(ctx, lookAtAnswers, brandID); err != nil {
		return nil, err
	}
	return first[purchase.Purchase](ctx, s.db, `SELECT `+purchaseColumns+` FROM purchases WHERE id = $2 AND brand_id = $1 FOR UPDATE`, brandID, purchaseID)
}

// ByReceipt is the purchase with what is printed on its receipt; nil if there is none.
func (s *Purchases) ByReceipt(ctx context.Context, k purchase.ReceiptKey) (*purchase.Purchase, error) {
	return first[purchase.Purchase](ctx, s.db, `
		SELECT `+purchaseColumns+` FROM purchases WHERE store_id = $1 AND till = $2 AND receipt = $3 AND bought_on = $4 AND source = 'STORE' AND order_id IS NULL`,
		k.StoreID, k.Till, k.Receipt, k.BoughtOn)
}

// ByIDs are the purchases of the ids.
func (s *Purchases) ByIDs(ctx context.Context, purchaseIDs []uuid.UUID) ([]purchase.Purchase, error) {
	return collect[purchase.Purchase](ctx, s.db, `SELECT `+purchaseColumns+` FROM purchases WHERE id = ANY($1)`, purchaseIDs)
}

// Standing are those of the members who were neither merged nor erased, held.
func (s *Purchases) Standing(ctx context.Context, memberIDs []uuid.UUID) ([]uuid.UUID, error) {
	return column[uuid.UUID](ctx, s.db, `
		SELECT id FROM members WHERE id = ANY($1) AND merged_into IS NULL AND erased_at IS NULL ORDER BY id FOR NO KEY UPDATE`, memberIDs)
}

// Holder is the member whose card the number was at the moment, or whose it is by what staff
// have said, held.
func (s *Purchases) Holder(ctx context.Context, brandID uuid.UUID, cardNumber string, at time.Time) (*uuid.UUID, error) {
	found, err := column[uuid.UUID](ctx, s.db, `
		SELECT m.id FROM members m WHERE m.merged_into IS NULL AND m.erased_at IS NULL AND m.id = coalesce(
			(SELECT c.member_id FROM member_cards c WHERE c.number = $2 AND c.brand_id = $1 AND (c.ended_at IS NULL OR c.ended_at > $3)),
			(SELECT p.member_id FROM purchase_problems p WHERE p.brand_id = $1 AND p.kind = 'MEMBER' AND p.value = $2 AND p.state = 'RESOLVED')) FOR NO KEY UPDATE OF m`, brandID, cardNumber, at)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// AskWhose puts the purchase's card on the work list, unless it is there.
func (s *Purchases) AskWhose(ctx context.Context, p purchase.Purchase, at time.Time) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO purchase_problems (id, brand_id, kind, value, name, state, created_at) VALUES ($1, $2, 'MEMBER', $3, '', 'OPEN', $4)
		ON CONFLICT (brand_id, kind, value) WHERE kind <> 'RECEIPT' DO NOTHING`, id.New(), p.BrandID, p.CardNumber, at)
	return err
}

// Give lets the purchase be the member's.
func (s *Purchases) Give(ctx context.Context, p purchase.Purchase) error {
	batch := &pgx.Batch{}
	batch.Queue(`UPDATE purchases SET member_id = $3, by_hand = $4 WHERE id = $1 AND bought_on = $2`, p.ID, p.BoughtOn, p.MemberID, p.ByHand)
	batch.Queue(`UPDATE purchase_lines SET member_id = $3 WHERE purchase_id = $1 AND bought_on = $2`, p.ID, p.BoughtOn, p.MemberID)
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

// Rewrite puts other lines in the place of the purchase's, and finds their goods as those of
// a journal. What the till said before stays known.
func (s *Purchases) Rewrite(ctx context.Context, p purchase.Purchase, lines []purchase.Line, at time.Time) error {
	conn := s.db.conn(ctx)
	batch := &pgx.Batch{}
	batch.Queue(`UPDATE purchases p SET items = $3, total = $4, content = coalesce(content, `+contentOf+`) WHERE id = $1 AND bought_on = $2`, p.ID, p.BoughtOn, p.Items, p.TotalMinor)
	batch.Queue(`DELETE FROM purchase_lines WHERE purchase_id = $1 AND bought_on = $2`, p.ID, p.BoughtOn)
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, stagingTables); err != nil {
		return err
	}
	if err := s.stageLines(ctx, []purchase.Taken{{Purchase: p, Lines: lines}}); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, `INSERT INTO added_purchases SELECT * FROM purchases WHERE id = $1 AND bought_on = $2`, p.ID, p.BoughtOn); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, `UPDATE added_purchases SET card_number = ''`); err != nil { // it was on the work list once
		return err
	}
	if _, err := conn.Exec(ctx, addLines, at); err != nil {
		return wrapped("write lines anew", err)
	}
	_, err := conn.Exec(ctx, `DROP TABLE taken_receipts, taken_lines, added_purchases`)
	return err
}

// Void takes the purchase from its member and out of all sums.
func (s *Purchases) Void(ctx context.Context, p purchase.Purchase) error {
	batch := &pgx.Batch{}
	batch.Queue(`UPDATE purchases SET voided_at = $3, voided_of = member_id, member_id = NULL WHERE id = $1 AND bought_on = $2`, p.ID, p.BoughtOn, p.VoidedAt)
	batch.Queue(`UPDATE purchase_lines SET member_id = NULL WHERE purchase_id = $1 AND bought_on = $2`, p.ID, p.BoughtOn)
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

// Said notes what the till says of the purchase. What it said before is dealt with: it does
// not come on the work list again.
func (s *Purchases) Said(ctx context.Context, p purchase.Purchase, content []byte) error {
	batch := &pgx.Batch{}
	batch.Queue(`
		INSERT INTO purchase_problems (id, brand_id, kind, value, state, created_at, resolved_at, purchase_id, content)
		SELECT gen_random_uuid(), p.brand_id, 'RECEIPT', p.receipt, 'IGNORED', now(), now(), p.id, coalesce(p.content, `+contentOf+`)
		FROM purchases p WHERE p.id = $1 AND p.bought_on = $2 ON CONFLICT (purchase_id, content) WHERE kind = 'RECEIPT' DO NOTHING`, p.ID, p.BoughtOn)
	batch.Queue(`UPDATE purchases SET card_number = $3, content = $4 WHERE id = $1 AND bought_on = $2`, p.ID, p.BoughtOn, p.CardNumber, content)
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

// Noted keeps the correction. Members' ranks become due, and mailings to them that the
// purchase may count for are counted again, though their time is over.
func (s *Purchases) Noted(ctx context.Context, c purchase.Correction, p purchase.Purchase) error {
	var members []uuid.UUID
	for _, m := range []*uuid.UUID{c.FromID, c.ToID} {
		if m != nil {
			members = append(members, *m)
		}
	}
	batch := &pgx.Batch{}
	batch.Queue(`
		INSERT INTO purchase_corrections (id, purchase_id, brand_id, kind, reason, from_id, to_id, items_before, total_before, items_after, total_after, lines_before, lines_after, actor_id, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		c.ID, c.PurchaseID, c.BrandID, c.Kind, c.Reason, c.FromID, c.ToID, c.ItemsBefore, c.TotalBefore, c.ItemsAfter, c.TotalAfter, c.LinesBefore, c.LinesAfter, c.ActorID, c.At)
	batch.Queue(`
		UPDATE memberships SET rank_due_on = ($3::timestamptz AT TIME ZONE 'Asia/Tokyo')::date WHERE member_id = ANY($1) AND brand_id = $2 AND ended_at IS NULL`, members, c.BrandID, c.At)
	batch.Queue(`
		UPDATE mailings SET recount = true WHERE id IN (
			SELECT m.id FROM purchases p JOIN mailing_recipients r ON r.member_id = ANY($1) JOIN mailings m ON m.id = r.mailing_id
			WHERE p.id = $2 AND p.bought_on = $3 AND `+inWindow+`)`, members, p.ID, p.BoughtOn)
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

// CorrectionsOf are those of the purchases, in their order.
func (s *Purchases) CorrectionsOf(ctx context.Context, purchaseIDs []uuid.UUID) ([]purchase.Correction, error) {
	return collect[purchase.Correction](ctx, s.db, `
		SELECT c.id, c.purchase_id, c.brand_id, c.kind, c.reason, c.from_id, c.to_id, c.items_before, c.total_before, c.items_after, c.total_after, c.lines_before, c.lines_after, c.actor_id, c.at,
			(SELECT p.currency FROM purchases p WHERE p.id = c.purchase_id) AS currency
		FROM purchase_corrections c WHERE c.purchase_id = ANY($1) ORDER BY c.purchase_id, c.at, c.id`, purchaseIDs)
}
