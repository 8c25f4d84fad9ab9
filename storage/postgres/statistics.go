package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// Statistics keeps the figures by day in PostgreSQL.
type Statistics struct{ db *DB }

// NewStatistics makes the figures' store.
func NewStatistics(db *DB) *Statistics { return &Statistics{db} }

const (
	// One counts at a time; whoever reads figures does not wait.
	countAlone = `LOCK TABLE daily_statistics IN SHARE ROW EXCLUSIVE MODE`

	// A mark that is taken was committed with what it is of, which the count then sees. One
	// that comes later stays for the next run.
	takeMarks = `
		WITH month AS (SELECT date_trunc('month', min(day))::date AS first FROM statistic_marks), taken AS (
			DELETE FROM statistic_marks m USING month WHERE m.day >= month.first AND m.day < month.first + interval '1 month' RETURNING m.brand_id, m.day
		)
		SELECT DISTINCT brand_id, day FROM taken`

	forgetDays = `DELETE FROM daily_statistics s USING unnest($1::uuid[], $2::date[]) AS d (brand_id, day) WHERE s.brand_id = d.brand_id AND s.day = d.day`
)

// countDays counts the days $2 of brands $1, which lie between $3 and $4.
var countDays = `
	WITH days AS (SELECT * FROM unnest($1::uuid[], $2::date[]) AS d (brand_id, day)),
	brands AS (SELECT b AS brand_id, ` + currencyOf("b") + ` AS currency FROM unnest($1::uuid[]) AS b GROUP BY b),
	cards AS (
		SELECT c.brand_id, (c.issued_at AT TIME ZONE 'Asia/Tokyo')::date AS day, c.store_id, c.kind, c.replaces_id FROM member_cards c
		WHERE NOT (c.imported AND c.store_id IS NULL) AND c.brand_id = ANY($1) AND c.issued_at >= $3::date::timestamp AT TIME ZONE 'Asia/Tokyo' AND c.issued_at < ($4::date + 1)::timestamp AT TIME ZONE 'Asia/Tokyo'
	), joined AS (
		SELECT j.brand_id, (j.joined_at AT TIME ZONE 'Asia/Tokyo')::date AS day, j.registered_store_id AS store_id FROM memberships j
		WHERE NOT (j.imported AND j.registered_store_id IS NULL) AND j.brand_id = ANY($1) AND j.joined_at >= $3::date::timestamp AT TIME ZONE 'Asia/Tokyo' AND j.joined_at < ($4::date + 1)::timestamp AT TIME ZONE 'Asia/Tokyo'
	), ended AS (
		SELECT j.brand_id, (j.ended_at AT TIME ZONE 'Asia/Tokyo')::date AS day, j.registered_store_id AS store_id FROM memberships j
		WHERE j.brand_id = ANY($1) AND j.ended_at >= $3::date::timestamp AT TIME ZONE 'Asia/Tokyo' AND j.ended_at < ($4::date + 1)::timestamp AT TIME ZONE 'Asia/Tokyo'
	), counted AS (
		SELECT brand_id, bought_on AS day, store_id, currency, count(*) FILTER (WHERE total >= 0) AS receipts, count(*) FILTER (WHERE total < 0) AS returned,
			sum(items) AS items, sum(total) AS total, count(member_id) FILTER (WHERE total >= 0) AS member_receipts,
			coalesce(sum(total) FILTER (WHERE member_id IS NOT NULL), 0) AS member_total, 0 AS physical, 0 AS digital, 0 AS reissued, 0 AS registrations, 0 AS withdrawals
		FROM purchases WHERE bought_on BETWEEN $3 AND $4 AND brand_id = ANY($1) AND voided_at IS NULL GROUP BY 1, 2, 3, 4
		UNION ALL
		SELECT brand_id, day, store_id, currency, 0, 0, 0, 0, 0, 0, count(*) FILTER (WHERE kind = 'PHYSICAL' AND replaces_id IS NULL),
			count(*) FILTER (WHERE kind = 'DIGITAL' AND replaces_id IS NULL), count(replaces_id), 0, 0
		FROM cards JOIN brands USING (brand_id) GROUP BY 1, 2, 3, 4
		UNION ALL
		SELECT brand_id, day, store_id, currency, 0, 0, 0, 0, 0, 0, 0, 0, 0, count(*), 0 FROM joined JOIN brands USING (brand_id) GROUP BY 1, 2, 3, 4
		UNION ALL
		SELECT brand_id, day, store_id, currency, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, count(*) FROM ended JOIN brands USING (brand_id) GROUP BY 1, 2, 3, 4
	)
	INSERT INTO daily_statistics (brand_id, day, store_id, currency, receipts, returned, items, total, member_receipts, member_total,
		physical_cards, digital_cards, reissued_cards, registrations, withdrawals)
	SELECT brand_id, day, store_id, currency, sum(receipts), sum(returned), sum(items), sum(total), sum(member_receipts), sum(member_total),
		sum(physical), sum(digital), sum(reissued), sum(registrations), sum(withdrawals)
	FROM counted JOIN days USING (brand_id, day) GROUP BY 1, 2, 3, 4`

// CountDays takes the marks of the earliest marked month, and counts its marked days.
func (s *Statistics) CountDays(ctx context.Context) (int, error) {
	if _, err := s.db.conn(ctx).Exec(ctx, countAlone); err != nil {
		return 0, err
	}
	marked, err := collect[struct {
		BrandID uuid.UUID
		Day     time.Time
	}](ctx, s.db, takeMarks)
	if err != nil || len(marked) == 0 {
		return 0, err
	}
	brands, days := make([]uuid.UUID, len(marked)), make([]time.Time, len(marked))
	from, to := marked[0].Day, marked[0].Day
	for i, m := range marked {
		brands[i], days[i] = m.BrandID, m.Day
		if m.Day.Before(from) {
			from = m.Day
		}
		if m.Day.After(to) {
			to = m.Day
		}
	}
	if _, err := s.db.conn(ctx).Exec(ctx, forgetDays, brands, days); err != nil {
		return 0, err
	}
	_, err = s.db.conn(ctx).Exec(ctx, countDays, brands, days, from, to)
	return len(marked), wrapped("count days", err)
}

// Days of points since the one before the last count, and those that are marked.
const (
	takePointMarks = `
		WITH taken AS (DELETE FROM point_marks RETURNING programme_id, day),
		since AS (SELECT p.id, p.zone, coalesce((r.counted_at AT TIME ZONE p.zone)::date - 1, '-infinity') AS day FROM point_programmes p LEFT JOIN statistic_runs r ON r.kind = 'POINTS')
		SELECT DISTINCT taken.programme_id, taken.day FROM taken JOIN since ON since.id = programme_id WHERE taken.day < since.day`

	// What is in the period is read by entries' times, so that a day costs a day.
	forgetPoints = `DELETE FROM daily_points d USING point_programmes p LEFT JOIN statistic_runs r ON r.kind = 'POINTS'
		WHERE p.id = d.programme_id AND d.day >= coalesce((r.counted_at AT TIME ZONE p.zone)::date - 1, '-infinity')`

	// Each column is what entries of its kinds change of what is outstanding, so that the
	// columns of a day add up to net. Transfers and merges stay within the programme.
	sumPoints = `
		SELECT e.programme_id, (e.at AT TIME ZONE p.zone)::date AS day,
			coalesce(sum(n.net) FILTER (WHERE e.kind IN ('EARN', 'CONFIRM', 'TAKE_BACK', 'SETTLE')), 0) AS earned,
			coalesce(sum(n.net) FILTER (WHERE e.kind IN ('GRANT', 'OPENING', 'DEDUCT')), 0) AS granted,
			coalesce(sum(n.net) FILTER (WHERE e.kind = 'REFUND'), 0) AS refunded,
			coalesce(-sum(n.net) FILTER (WHERE e.kind IN ('USE', 'RETURN')), 0) AS used,
			coalesce(-sum(n.net) FILTER (WHERE e.kind = 'EXPIRE'), 0) AS expired,
			count(*) FILTER (WHERE e.kind IN ('EXCHANGE_OUT', 'SEND', 'PRIZE')) AS exchanges,
			coalesce(-sum(n.net) FILTER (WHERE e.kind IN ('EXCHANGE_OUT', 'PRIZE', 'PRIZE_BACK')), 0) AS exchanged,
			coalesce(-sum(n.net) FILTER (WHERE e.kind IN ('SEND', 'SENT', 'SEND_BACK')), 0) AS sent,
			coalesce(sum(n.net) FILTER (WHERE e.kind IN ('EXCHANGE_IN', 'RECEIVE')), 0) AS received,
			sum(n.net) AS net
		FROM point_entries e JOIN point_programmes p ON p.id = e.programme_id
		CROSS JOIN LATERAL (SELECT e.points * ((e.credit IN ('AVAILABLE', 'PENDING'))::int - (e.debit IN ('AVAILABLE', 'PENDING'))::int) AS net) n`

	countNewPoints = `INSERT INTO daily_points (programme_id, day, earned, granted, refunded, used, expired, exchanges, exchanged, sent, received, net) ` + sumPoints + `
		LEFT JOIN statistic_runs r ON r.kind = 'POINTS'
		WHERE e.at >= coalesce(((r.counted_at AT TIME ZONE p.zone)::date - 1)::timestamp AT TIME ZONE p.zone, '-infinity')
			AND e.at >= coalesce((SELECT counted_at - interval '3 days' FROM statistic_runs WHERE kind = 'POINTS'), '-infinity')
		GROUP BY 1, 2`

	forgetLatePoints = `DELETE FROM daily_points s USING unnest($1::uuid[], $2::date[]) AS d (programme_id, day) WHERE s.programme_id = d.programme_id AND s.day = d.day`

	countLatePoints = `INSERT INTO daily_points (programme_id, day, earned, granted, refunded, used, expired, exchanges, exchanged, sent, received, net) ` + sumPoints + `
		JOIN unnest($1::uuid[], $2::date[]) AS d (programme_id, day)
			ON d.programme_id = e.programme_id AND e.at >= d.day::timestamp AT TIME ZONE p.zone AND e.at < (d.day + 1)::timestamp AT TIME ZONE p.zone
		GROUP BY 1, 2`
)

// CountPoints counts the points' days since the last count, and those that are marked.
func (s *Statistics) CountPoints(ctx context.Context, at time.Time) error {
	conn := s.db.conn(ctx)
	if _, err := conn.Exec(ctx, countAlone); err != nil {
		return err
	}
	late, err := collect[struct {
		ProgrammeID uuid.UUID
		Day         time.Time
	}](ctx, s.db, takePointMarks)
	if err != nil {
		return err
	}
	if len(late) > 0 {
		programmes, days := make([]uuid.UUID, len(late)), make([]time.Time, len(late))
		for i, m := range late {
			programmes[i], days[i] = m.ProgrammeID, m.Day
		}
		if _, err := conn.Exec(ctx, forgetLatePoints, programmes, days); err != nil {
			return err
		}
		if _, err := conn.Exec(ctx, countLatePoints, programmes, days); err != nil {
			return wrapped("count late points", err)
		}
		if err := s.countLateExchanges(ctx, programmes, days); err != nil {
			return err
		}
	}
	if _, err := conn.Exec(ctx, forgetPoints); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, countNewPoints); err != nil {
		return wrapped("count points", err)
	}
	if err := s.countNewExchanges(ctx); err != nil {
		return err
	}
	if err := s.countLiabilities(ctx, at); err != nil {
		return err
	}
	if err := s.countOutstanding(ctx, at); err != nil {
		return err
	}
	return s.noted(ctx, "POINTS", at)
}

// Lots are summed where there are entries since the last count, or none of the day.
const countLiabilities = `
	WITH due AS (
		SELECT p.id, ($1::timestamptz AT TIME ZONE p.zone)::date AS day FROM point_programmes p
		WHERE NOT EXISTS (SELECT FROM daily_liabilities d WHERE d.programme_id = p.id AND d.day = ($1::timestamptz AT TIME ZONE p.zone)::date)
			OR EXISTS (SELECT FROM point_entries e WHERE e.programme_id = p.id AND e.at >= (SELECT counted_at - interval '1 hour' FROM statistic_runs WHERE kind = 'POINTS'))
	), summed AS (
		SELECT l.programme_id, due.day, date_trunc('month', l.expires_on)::date AS month,
			coalesce(sum(l.remaining) FILTER (WHERE NOT l.pending), 0) AS points, coalesce(sum(l.remaining) FILTER (WHERE l.pending), 0) AS pending
		FROM point_lots l JOIN due ON due.id = l.programme_id
		WHERE l.remaining > 0 AND (l.expires_on IS NULL OR l.expires_on >= due.day) GROUP BY 1, 2, 3
	), gone AS (
		DELETE FROM daily_liabilities d USING due WHERE d.programme_id = due.id AND d.day = due.day
			AND NOT EXISTS (SELECT FROM summed s WHERE s.programme_id = d.programme_id AND s.month IS NOT DISTINCT FROM d.month)
	)
	INSERT INTO daily_liabilities (programme_id, day, month, points, pending) SELECT * FROM summed
	ON CONFLICT (programme_id, day, month) DO UPDATE SET points = EXCLUDED.points, pending = EXCLUDED.pending
		WHERE (daily_liabilities.points, daily_liabilities.pending) IS DISTINCT FROM (EXCLUDED.points, EXCLUDED.pending)`

// countLiabilities keeps what is outstanding today by the month in which it expires.
func (s *Statistics) countLiabilities(ctx context.Context, at time.Time) error {
	_, err := s.db.conn(ctx).Exec(ctx, countLiabilities, at)
	return wrapped("count liabilities", err)
}

// Finished notes when all was counted.
func (s *Statistics) Finished(ctx context.Context, at time.Time) error {
	return s.noted(ctx, "DAYS", at)
}

func (s *Statistics) noted(ctx context.Context, kind string, at time.Time) error {
	_, err := s.db.conn(ctx).Exec(ctx, `INSERT INTO statistic_runs (kind, counted_at) VALUES ($1, $2) ON CONFLICT (kind) DO UPDATE SET counted_at = $2`, kind, at)
	return err
}
