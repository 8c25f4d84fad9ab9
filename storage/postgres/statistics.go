package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/statistics"
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
		WHERE c.brand_id = ANY($1) AND c.issued_at >= $3::date::timestamp AT TIME ZONE 'Asia/Tokyo' AND c.issued_at < ($4::date + 1)::timestamp AT TIME ZONE 'Asia/Tokyo'
	), joined AS (
		SELECT j.brand_id, (j.joined_at AT TIME ZONE 'Asia/Tokyo')::date AS day, j.registered_store_id AS store_id FROM memberships j
		WHERE j.brand_id = ANY($1) AND j.joined_at >= $3::date::timestamp AT TIME ZONE 'Asia/Tokyo' AND j.joined_at < ($4::date + 1)::timestamp AT TIME ZONE 'Asia/Tokyo'
	), counted AS (
		SELECT brand_id, bought_on AS day, store_id, currency, count(*) FILTER (WHERE total >= 0) AS receipts, count(*) FILTER (WHERE total < 0) AS returned,
			sum(items) AS items, sum(total) AS total, count(member_id) FILTER (WHERE total >= 0) AS member_receipts,
			coalesce(sum(total) FILTER (WHERE member_id IS NOT NULL), 0) AS member_total, 0 AS physical, 0 AS digital, 0 AS reissued, 0 AS registrations
		FROM purchases WHERE bought_on BETWEEN $3 AND $4 AND brand_id = ANY($1) GROUP BY 1, 2, 3, 4
		UNION ALL
		SELECT brand_id, day, store_id, currency, 0, 0, 0, 0, 0, 0, count(*) FILTER (WHERE kind = 'PHYSICAL' AND replaces_id IS NULL),
			count(*) FILTER (WHERE kind = 'DIGITAL' AND replaces_id IS NULL), count(replaces_id), 0
		FROM cards JOIN brands USING (brand_id) GROUP BY 1, 2, 3, 4
		UNION ALL
		SELECT brand_id, day, store_id, currency, 0, 0, 0, 0, 0, 0, 0, 0, 0, count(*) FROM joined JOIN brands USING (brand_id) GROUP BY 1, 2, 3, 4
	)
	INSERT INTO daily_statistics (brand_id, day, store_id, currency, receipts, returned, items, total, member_receipts, member_total,
		physical_cards, digital_cards, reissued_cards, registrations)
	SELECT brand_id, day, store_id, currency, sum(receipts), sum(returned), sum(items), sum(total), sum(member_receipts), sum(member_total),
		sum(physical), sum(digital), sum(reissued), sum(registrations)
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

	sumPoints = `
		SELECT e.programme_id, (e.at AT TIME ZONE p.zone)::date AS day,
			coalesce(sum(CASE e.kind WHEN 'EARN' THEN e.points WHEN 'TAKE_BACK' THEN -e.points END), 0) AS earned,
			coalesce(sum(CASE e.kind WHEN 'GRANT' THEN e.points WHEN 'OPENING' THEN e.points WHEN 'DEDUCT' THEN -e.points END), 0) AS granted,
			coalesce(sum(CASE e.kind WHEN 'USE' THEN e.points WHEN 'RETURN' THEN -e.points END), 0) AS used,
			coalesce(sum(e.points) FILTER (WHERE e.kind = 'EXPIRE'), 0) AS expired,
			coalesce(sum(CASE WHEN e.kind IN ('EXCHANGE_OUT', 'PRIZE') THEN e.points WHEN e.kind = 'PRIZE_BACK' THEN -e.points END), 0) AS exchanged,
			sum(e.points * ((e.credit IN ('AVAILABLE', 'PENDING'))::int - (e.debit IN ('AVAILABLE', 'PENDING'))::int)) AS net
		FROM point_entries e JOIN point_programmes p ON p.id = e.programme_id`

	countNewPoints = `INSERT INTO daily_points (programme_id, day, earned, granted, used, expired, exchanged, net) ` + sumPoints + `
		LEFT JOIN statistic_runs r ON r.kind = 'POINTS'
		WHERE e.at >= coalesce(((r.counted_at AT TIME ZONE p.zone)::date - 1)::timestamp AT TIME ZONE p.zone, '-infinity')
			AND e.at >= coalesce((SELECT counted_at - interval '3 days' FROM statistic_runs WHERE kind = 'POINTS'), '-infinity')
		GROUP BY 1, 2`

	forgetLatePoints = `DELETE FROM daily_points s USING unnest($1::uuid[], $2::date[]) AS d (programme_id, day) WHERE s.programme_id = d.programme_id AND s.day = d.day`

	countLatePoints = `INSERT INTO daily_points (programme_id, day, earned, granted, used, expired, exchanged, net) ` + sumPoints + `
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
	}
	if _, err := conn.Exec(ctx, forgetPoints); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, countNewPoints); err != nil {
		return wrapped("count points", err)
	}
	return s.noted(ctx, "POINTS", at)
}

// Finished notes when all was counted.
func (s *Statistics) Finished(ctx context.Context, at time.Time) error {
	return s.noted(ctx, "DAYS", at)
}

func (s *Statistics) noted(ctx context.Context, kind string, at time.Time) error {
	_, err := s.db.conn(ctx).Exec(ctx, `INSERT INTO statistic_runs (kind, counted_at) VALUES ($1, $2) ON CONFLICT (kind) DO UPDATE SET counted_at = $2`, kind, at)
	return err
}

// Figures are the brand's, of the stores alone if there are any.
func (s *Statistics) Figures(ctx context.Context, brandID uuid.UUID, stores []uuid.UUID, q statistics.Query) ([]statistics.Figures, error) {
	day, store := `s.day`, `s.store_id`
	switch q.By {
	case statistics.ByDay:
		store = `NULL::uuid`
	case statistics.ByStore:
		day = `NULL::date`
	}
	return collect[statistics.Figures](ctx, s.db, `
		WITH summed AS (
			SELECT `+day+` AS day, `+store+` AS store_id, s.currency, sum(receipts)::int AS receipts, sum(returned)::int AS returned, sum(items)::int AS items,
				sum(total)::bigint AS total, sum(member_receipts)::int AS member_receipts, sum(member_total)::bigint AS member_total,
				sum(physical_cards)::int AS physical_cards, sum(digital_cards)::int AS digital_cards, sum(reissued_cards)::int AS reissued_cards, sum(registrations)::int AS registrations
			FROM daily_statistics s
			WHERE s.brand_id = $1 AND s.day BETWEEN $2 AND $3 AND ($4::uuid[] IS NULL OR s.store_id = ANY($4))
			GROUP BY 1, 2, 3
		)
		SELECT d.*, coalesce(l.name, '{}') AS store_name FROM summed d LEFT JOIN locations l ON l.id = d.store_id
		ORDER BY d.day, l.priority, l.code, d.currency`, brandID, q.From, q.To, stores)
}

// Points are what became of the brand's programmes' points on each day that has figures,
// with what was outstanding when it ended.
func (s *Statistics) Points(ctx context.Context, brandID uuid.UUID, from, to time.Time) ([]statistics.Points, error) {
	return collect[statistics.Points](ctx, s.db, `
		SELECT * FROM (
			SELECT d.programme_id, p.code, d.day, d.earned, d.granted, d.used, d.expired, d.exchanged,
				sum(d.net) OVER (PARTITION BY d.programme_id ORDER BY d.day)::bigint AS outstanding
			FROM daily_points d JOIN point_programmes p ON p.id = d.programme_id
			WHERE p.brand_id = $1 AND d.day <= $3
		) x WHERE day >= $2 ORDER BY day, code`, brandID, from, to)
}

// State is how far the figures of the brand are.
func (s *Statistics) State(ctx context.Context, brandID uuid.UUID) (statistics.State, error) {
	state, err := first[statistics.State](ctx, s.db, `
		SELECT (SELECT counted_at FROM statistic_runs WHERE kind = 'DAYS') AS counted_at,
			(SELECT count(DISTINCT day) FROM statistic_marks WHERE brand_id = $1)::int AS waiting`, brandID)
	if err != nil || state == nil {
		return statistics.State{}, err
	}
	return *state, nil
}
