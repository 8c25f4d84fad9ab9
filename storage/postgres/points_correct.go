package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/points"
)

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
		Noted, Past, Erased, Voided, Told bool
		ReckonedAt                        *time.Time
		Returned                          int64
	}](ctx, s.db, `
		SELECT q.purchase_id IS NOT NULL AS noted, q.reckoned_at, coalesce(q.returned, 0) AS returned, p.voided_at IS NOT NULL AS voided, coalesce(q.backs_known, true) AS told,
			EXISTS (SELECT FROM migrations m WHERE m.id = p.import_id) AS past, p.member_id IS NOT NULL AND $3::uuid IS NULL AS erased
		FROM purchases p LEFT JOIN point_purchases q ON q.purchase_id = p.id WHERE p.id = $1 AND p.bought_on = $2`, purchaseID, boughtOn, r.Receipt.MemberID)
	if err != nil || known == nil {
		return nil, err
	}
	r.Noted, r.Past, r.Erased, r.Voided, r.Told, r.ReckonedAt, r.Returned = known.Noted, known.Past, known.Erased, known.Voided, known.Told, known.ReckonedAt, known.Returned
	if r.ReckonedAt == nil {
		return &r, nil
	}
	return &r, s.reckoned(ctx, &r, at)
}

// reckoned reads what a receipt has earned, what came back of it and on it.
func (s *Points) reckoned(ctx context.Context, r *points.Reckoning, at time.Time) (err error) {
	r.Has, err = collect[points.Had](ctx, s.db, `
		SELECT x.programme_id, h.member_id, sum(CASE x.kind WHEN 'EARN' THEN x.points ELSE -x.points END)::bigint AS points,
			`+lapsedOf("l.purchase_id = @purchase AND l.programme_id = a.programme_id AND l.earned_at >= @since")+` AS lapsed
		FROM point_entries x JOIN point_accounts a ON a.id = x.account_id JOIN point_accounts h ON h.id = coalesce(a.merged_into, a.id)
		WHERE x.purchase_id = @purchase AND x.kind IN ('EARN', 'TAKE_BACK') AND x.at >= @since GROUP BY x.programme_id, a.programme_id, h.member_id ORDER BY 1, 2`,
		pgx.NamedArgs{"purchase": r.Receipt.ID, "since": *r.ReckonedAt, "at": at})
	if err != nil {
		return err
	}
	r.CameBack, err = collect[points.Returned](ctx, s.db, `SELECT back_id, sold_id, code, pieces, minor, points FROM point_returns WHERE sold_id = $1 AND back_id <> $1`, r.Receipt.ID)
	if err != nil {
		return err
	}
	r.Brought, err = collect[points.Brought](ctx, s.db, `
		SELECT z.back_id, z.sold_id, z.code, z.pieces, z.minor, z.points, k.id AS member_id, p.voided_at IS NOT NULL AS voided
		FROM point_returns z JOIN point_purchases q ON q.purchase_id = z.sold_id JOIN purchases p ON p.id = q.purchase_id AND p.bought_on = q.bought_on `+whoHasReceipt+`
		WHERE z.back_id = $1 ORDER BY z.code, p.bought_at DESC, z.sold_id`, r.Receipt.ID)
	return err
}

// ReckonedAgain notes what a receipt earns on since it was put right.
func (s *Points) ReckonedAgain(ctx context.Context, r points.Receipt, earned map[uuid.UUID]int64, at time.Time) error {
	_, err := s.db.conn(ctx).Exec(ctx, `UPDATE point_purchases SET reckoned_at = $2, goods = $3, earned = $4, backs_known = true WHERE purchase_id = $1`, r.ID, at, r.Goods, earned)
	return err
}

// NotFirst lets another purchase be the first of whoever had the receipt, and forgets which
// segments they were in.
func (s *Points) NotFirst(ctx context.Context, purchaseID uuid.UUID) error {
	_, err := s.db.conn(ctx).Exec(ctx, `WITH gone AS (DELETE FROM point_places WHERE source_id = $1) DELETE FROM point_firsts WHERE source_id = $1`, purchaseID)
	return err
}
