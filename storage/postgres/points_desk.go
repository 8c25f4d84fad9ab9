package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/sealing"
)

// GrantedBy is how many points one of the staff has granted and deducted since, or rewarded
// members with; the staff's own row holds off who asks the same. What a receipt earns that
// they give to whose it is is no gift of theirs; what lines add that they have typed counts.
func (s *Points) GrantedBy(ctx context.Context, staffID uuid.UUID, since map[uuid.UUID]time.Time) (map[uuid.UUID]int64, error) {
	if _, err := s.db.conn(ctx).Exec(ctx, `SELECT FROM accounts WHERE id = $1 FOR NO KEY UPDATE`, staffID); err != nil {
		return nil, err
	}
	var programmes []uuid.UUID
	var times []time.Time
	for p, at := range since {
		programmes, times = append(programmes, p), append(times, at)
	}
	sums, err := collect[struct {
		ID     uuid.UUID
		Points int64
	}](ctx, s.db, `
		WITH wanted AS (SELECT * FROM unnest($2::uuid[], $3::timestamptz[]) AS w (id, since)), moved AS (
			SELECT w.id, e.points FROM wanted w
			JOIN point_entries e ON e.actor_id = $1 AND e.at >= w.since AND e.programme_id = w.id AND e.order_id IS NULL AND e.key NOT LIKE $4
				AND (e.kind IN ('GRANT', 'DEDUCT', 'EARN') AND e.purchase_id IS NULL OR e.kind = 'EARN' AND e.key LIKE 'typed:%' AND split_part(e.key, ':', 3) = '')
			UNION ALL
			SELECT w.id, b.points * CASE b.state WHEN 'MAKING' THEN b.members - b.left_out ELSE b.made END FROM wanted w
			JOIN point_batches b ON b.actor_id = $1 AND b.bounded AND b.created_at >= w.since AND b.programme_id = w.id
		)
		SELECT id, sum(points)::bigint AS points FROM moved GROUP BY id`, staffID, programmes, times, points.BatchKey+"%")
	all := make(map[uuid.UUID]int64, len(sums))
	for _, n := range sums {
		all[n.ID] = n.Points
	}
	return all, err
}

// Erased reports whether the member was erased.
func (s *Points) Erased(ctx context.Context, memberID uuid.UUID) (bool, error) {
	return one[bool](ctx, s.db, `SELECT EXISTS (SELECT FROM members WHERE id = $1 AND erased_at IS NOT NULL)`, memberID)
}

// MemberByEmail is an open account's id.
func (s *Points) MemberByEmail(ctx context.Context, email string) (*uuid.UUID, error) {
	email = sealing.Email(email)
	hash, err := s.db.addressHash(ctx, email)
	if err != nil {
		return nil, err
	}
	return orNone(one[uuid.UUID](ctx, s.db, `SELECT id FROM accounts WHERE id = `+accountAt(`$1`, `$2`)+` AND role IN ('MEMBER', 'COMPANY_BUYER') AND email_verified_at IS NOT NULL`, hash, email))
}

// Expiring are members with points whose last day is by the day, who have not been told:
// with where to write to if they have an open account.
func (s *Points) Expiring(ctx context.Context, programmeID uuid.UUID, from, until, at time.Time, most int) ([]points.Expiring, error) {
	return collect[points.Expiring](ctx, s.db, `
		WITH due AS (
			SELECT l.account_id, l.expires_on, sum(l.remaining)::bigint AS points FROM point_lots l
			WHERE l.programme_id = $1 AND l.expires_on BETWEEN $2 AND $3 AND l.remaining > 0 AND NOT l.pending
				AND NOT EXISTS (SELECT FROM point_notices n WHERE n.account_id = l.account_id AND n.expires_on = l.expires_on)
			GROUP BY l.account_id, l.expires_on ORDER BY l.expires_on, l.account_id LIMIT $5
		), told AS (
			INSERT INTO point_notices (account_id, expires_on, points, told_at) SELECT account_id, expires_on, points, $4 FROM due ON CONFLICT DO NOTHING
			RETURNING account_id, expires_on, points
		)
		SELECT a.member_id, coalesce(x.name, '') AS name, CASE WHEN x.closed_at IS NULL THEN coalesce(x.email, '') ELSE '' END AS email,
			coalesce(x.language, $6) AS language, x.id IS NULL AS card, told.points, told.expires_on
		FROM told JOIN point_accounts a ON a.id = told.account_id LEFT JOIN accounts x ON x.id = a.member_id
		ORDER BY told.expires_on, a.member_id`, programmeID, from, until, at, most, i18n.Default)
}

// Liabilities are what is outstanding by programme and month of expiry; what has expired
// and is not written off yet is none.
func (s *Points) Liabilities(ctx context.Context, brandID uuid.UUID, day time.Time) ([]points.Liability, error) {
	return collect[points.Liability](ctx, s.db, `
		SELECT l.programme_id, date_trunc('month', l.expires_on)::date AS month,
			coalesce(sum(l.remaining) FILTER (WHERE NOT l.pending), 0)::bigint AS points, coalesce(sum(l.remaining) FILTER (WHERE l.pending), 0)::bigint AS pending
		FROM point_lots l JOIN point_programmes p ON p.id = l.programme_id
		WHERE p.brand_id = $1 AND l.remaining > 0 AND (l.expires_on IS NULL OR l.expires_on >= $2)
		GROUP BY l.programme_id, 2 ORDER BY l.programme_id, 2 NULLS LAST`, brandID, day)
}

// Trial is the programme's trial balance.
func (s *Points) Trial(ctx context.Context, programmeID uuid.UUID) ([]points.Sum, error) {
	return collect[points.Sum](ctx, s.db, `
		SELECT s.side, sum(s.debit)::bigint AS debit, sum(s.credit)::bigint AS credit
		FROM (SELECT debit, credit, sum(points) AS points FROM point_entries WHERE programme_id = $1 GROUP BY debit, credit) e
		CROSS JOIN LATERAL (VALUES (e.debit, e.points, 0), (e.credit, 0, e.points)) s (side, debit, credit)
		GROUP BY s.side ORDER BY s.side`, programmeID)
}

// Unbooked are the movements by day that are not in the journal yet, and what was booked
// before. It locks the programme, so that two runs do not book the same.
func (s *Points) Unbooked(ctx context.Context, p points.Programme, before time.Time) (int64, []points.Day, error) {
	if _, err := s.db.conn(ctx).Exec(ctx, `SELECT FROM point_programmes WHERE id = $1 FOR NO KEY UPDATE`, p.ID); err != nil {
		return 0, nil, err
	}
	booked, err := one[int64](ctx, s.db, `SELECT coalesce(sum(points), 0)::bigint FROM point_bookings WHERE programme_id = $1`, p.ID)
	if err != nil {
		return 0, nil, err
	}
	days, err := collect[points.Day](ctx, s.db, `
		SELECT (e.at AT TIME ZONE $2)::date AS day, sum(CASE WHEN e.credit = 'AVAILABLE' THEN e.points ELSE -e.points END)::bigint AS points
		FROM point_entries e
		WHERE e.programme_id = $1 AND 'AVAILABLE' IN (e.debit, e.credit) AND e.kind NOT IN ('USE', 'RETURN', 'REFUND')
			AND e.at < ($3::date::timestamp AT TIME ZONE $2)
			AND e.at >= coalesce((SELECT max(b.day) + 1 FROM point_bookings b WHERE b.programme_id = $1)::timestamp AT TIME ZONE $2, '-infinity')
		GROUP BY 1 ORDER BY 1`, p.ID, p.Zone, before)
	return booked, days, err
}

// Book notes that a day is in the journal.
func (s *Points) Book(ctx context.Context, programmeID uuid.UUID, d points.Day, at time.Time) error {
	_, err := s.db.conn(ctx).Exec(ctx, `INSERT INTO point_bookings (programme_id, day, points, booked_at) VALUES ($1, $2, $3, $4)`, programmeID, d.Day, d.Points, at)
	return err
}
