package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/points"
)

// earnedOf is, by programme, what a receipt b earns by all its goods, and what it has of it:
// since it was reckoned last, less what was taken back, but for goods of other receipts. What
// all goods earn stands with it if it was put right; else it is what it earned, less what was
// undone.
const earnedOf = `(
	SELECT g.programme_id, coalesce((b.earned->>g.programme_id::text)::bigint, sum(g.earned)::bigint) AS earned,
		(sum(g.net) + coalesce((SELECT sum((z.points->>g.programme_id::text)::bigint) FROM point_returns z WHERE z.back_id = b.id AND z.sold_id = b.id), 0))::bigint AS has
	FROM (
		SELECT x.programme_id, CASE x.kind WHEN 'EARN' THEN x.points ELSE -x.points END AS net, CASE WHEN x.kind = 'EARN' THEN x.points WHEN x.undoes <> '' THEN -x.points ELSE 0 END AS earned
		FROM point_entries x WHERE x.purchase_id = b.id AND x.kind IN ('EARN', 'TAKE_BACK') AND x.at >= b.reckoned_at
		UNION ALL SELECT key::uuid, 0, 0 FROM jsonb_each(b.earned)
	) g GROUP BY g.programme_id)`

// lapsedOfReceipt is what expired unused of what b has in the programme of e.
var lapsedOfReceipt = lapsedOf("l.purchase_id = b.id AND l.programme_id = e.programme_id AND l.earned_at >= b.reckoned_at")

// Sold are receipts with goods of the codes that may have come back, the latest first.
func (s *Points) Sold(ctx context.Context, memberIDs []uuid.UUID, codes []string, since, at time.Time) ([]points.Sold, error) {
	return collect[points.Sold](ctx, s.db, `
		SELECT b.id, b.brand_id, b.member_id, b.code, b.at, b.goods, b.returned, e.programme_id, coalesce(e.earned, 0) AS earned, coalesce(e.has, 0) AS has, `+lapsedOfReceipt+` AS lapsed
		FROM (
			SELECT DISTINCT q.purchase_id AS id, l.brand_id, l.member_id, l.code, q.bought_at AS at, q.goods, q.returned, q.reckoned_at, q.earned
			FROM unnest(@members::uuid[], @codes::text[]) AS w (member_id, code)
			JOIN purchase_lines l ON l.member_id = w.member_id AND l.code = w.code AND l.amount > 0 AND l.bought_on >= @since::timestamptz::date
			JOIN point_purchases q ON q.purchase_id = l.purchase_id AND q.goods > q.returned
		) b LEFT JOIN LATERAL `+earnedOf+` e ON true
		ORDER BY b.at DESC, b.id, b.code, e.programme_id`, pgx.NamedArgs{"members": memberIDs, "codes": codes, "since": since, "at": at})
}

// CameBack adds to what came back of the receipts.
func (s *Points) CameBack(ctx context.Context, all []points.Returned) error {
	if len(all) == 0 {
		return nil
	}
	backs, codes, sold := make([]uuid.UUID, len(all)), make([]string, len(all)), make([]uuid.UUID, len(all))
	pieces, minor, taken := make([]int, len(all)), make([]int64, len(all)), make([]map[uuid.UUID]int64, len(all))
	for i, r := range all {
		backs[i], codes[i], sold[i], pieces[i], minor[i], taken[i] = r.BackID, r.Code, r.SoldID, r.Pieces, r.Minor, r.Points
		if r.Points == nil {
			taken[i] = map[uuid.UUID]int64{}
		}
	}
	_, err := s.db.conn(ctx).Exec(ctx, `
		WITH came AS (
			SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::int[], $5::bigint[], $6::jsonb[]) AS w (back_id, code, sold_id, pieces, minor, points)
		), noted AS (
			INSERT INTO point_returns AS z (back_id, code, sold_id, pieces, minor, points) SELECT * FROM came
			ON CONFLICT (back_id, code, sold_id) DO UPDATE SET pieces = z.pieces + EXCLUDED.pieces, minor = z.minor + EXCLUDED.minor
		)
		UPDATE point_purchases q SET returned = q.returned + w.minor
		FROM (SELECT sold_id, sum(minor) AS minor FROM came WHERE sold_id <> back_id GROUP BY sold_id) w WHERE q.purchase_id = w.sold_id`, backs, codes, sold, pieces, minor, taken)
	return err
}

// Along are the receipts on which goods of the receipt came back, and on which goods of
// those did, with itself.
func (s *Points) Along(ctx context.Context, purchaseID uuid.UUID) ([]points.Along, error) {
	if _, err := s.db.conn(ctx).Exec(ctx, lockReceipts); err != nil {
		return nil, err
	}
	return collect[points.Along](ctx, s.db, `
		WITH RECURSIVE along AS (SELECT $1::uuid AS id UNION SELECT z.back_id FROM along a JOIN point_returns z ON z.sold_id = a.id)
		SELECT a.id, EXISTS (SELECT FROM point_returns z WHERE z.back_id = a.id AND z.sold_id NOT IN (SELECT id FROM along)) AS shared,
			coalesce((SELECT q.returned FROM point_purchases q WHERE q.purchase_id = a.id), 0)
				<= coalesce((SELECT sum(z.minor) FROM point_returns z WHERE z.sold_id = a.id AND z.back_id <> a.id), 0) AS told
		FROM along a LEFT JOIN purchases p ON p.id = a.id ORDER BY p.bought_at, a.id`, purchaseID)
}

// Reallot puts other goods in the place of those that came back on a receipt.
func (s *Points) Reallot(ctx context.Context, backID uuid.UUID, kept []points.Returned) error {
	batch := &pgx.Batch{}
	batch.Queue(`
		UPDATE point_purchases q SET returned = q.returned - w.minor
		FROM (SELECT sold_id, sum(minor) AS minor FROM point_returns WHERE back_id = $1 AND sold_id <> back_id GROUP BY sold_id) w WHERE q.purchase_id = w.sold_id`, backID)
	batch.Queue(`DELETE FROM point_returns WHERE back_id = $1`, backID)
	if err := s.db.conn(ctx).SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	return s.CameBack(ctx, kept)
}

// Standing is how the receipts stand in each programme, of members who stand.
func (s *Points) Standing(ctx context.Context, receiptIDs []uuid.UUID, at time.Time) ([]points.Standing, error) {
	return collect[points.Standing](ctx, s.db, `
		SELECT b.id, b.member_id, e.programme_id, b.at, b.reckoned_at AS since, b.goods, b.returned, e.earned, e.has, `+lapsedOfReceipt+` AS lapsed
		FROM (
			SELECT q.purchase_id AS id, k.id AS member_id, q.bought_at AS at, q.goods, q.returned, q.reckoned_at, q.earned
			FROM point_purchases q JOIN purchases p ON p.id = q.purchase_id AND p.bought_on = q.bought_on `+whoHasReceipt+`
			WHERE q.purchase_id = ANY(@receipts) AND q.goods > 0 AND k.id IS NOT NULL
		) b CROSS JOIN LATERAL `+earnedOf+` e ORDER BY b.id, e.programme_id`, pgx.NamedArgs{"receipts": receiptIDs, "at": at})
}

// Earning notes what all goods of the receipts earn.
func (s *Points) Earning(ctx context.Context, all []points.Standing) error {
	ids, programmes, earned := make([]uuid.UUID, len(all)), make([]uuid.UUID, len(all)), make([]int64, len(all))
	for i, r := range all {
		ids[i], programmes[i], earned[i] = r.ID, r.ProgrammeID, r.Earned
	}
	_, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE point_purchases q SET earned = w.earned
		FROM (SELECT id, jsonb_object_agg(programme, earned) AS earned FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS r (id, programme, earned) GROUP BY id) w
		WHERE q.purchase_id = w.id`, ids, programmes, earned)
	return err
}
