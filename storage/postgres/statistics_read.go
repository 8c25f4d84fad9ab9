package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/statistics"
)

// onlineLast is where online stands among the stores.
const onlineLast = `2147483647`

// Figures are the brand's, of the stores alone if there are any, behind the key.
func (s *Statistics) Figures(ctx context.Context, brandID uuid.UUID, stores []uuid.UUID, q statistics.Query, after *statistics.FiguresKey, most int) ([]statistics.Figures, error) {
	args := pgx.NamedArgs{"brand": brandID, "from": q.From, "to": q.To, "stores": stores, "most": most}
	day, store, behind := `s.day`, `s.store_id`, ``
	switch q.By {
	case statistics.ByDay:
		store = `NULL::uuid`
	case statistics.ByStore:
		day = `NULL::date`
	}
	if after != nil {
		behind = `WHERE (coalesce(d.day, '0001-01-01'), coalesce(l.priority, ` + onlineLast + `), coalesce(l.code, ''), d.currency) > (@day::date, @order::int, @code::text, @currency::text)`
		args["day"], args["order"], args["code"], args["currency"] = after.Day, after.Order, after.Code, after.Currency
		if q.By != statistics.ByStore {
			args["from"] = after.Day
		}
	}
	return collect[statistics.Figures](ctx, s.db, `
		WITH summed AS (
			SELECT `+day+` AS day, `+store+` AS store_id, s.currency, sum(receipts)::int AS receipts, sum(returned)::int AS returned, sum(items)::int AS items,
				sum(total)::bigint AS total, sum(member_receipts)::int AS member_receipts, sum(member_total)::bigint AS member_total,
				sum(physical_cards)::int AS physical_cards, sum(digital_cards)::int AS digital_cards, sum(reissued_cards)::int AS reissued_cards, sum(registrations)::int AS registrations,
				sum(withdrawals)::int AS withdrawals
			FROM daily_statistics s
			WHERE s.brand_id = @brand AND s.day BETWEEN @from AND @to AND (@stores::uuid[] IS NULL OR s.store_id = ANY(@stores))
			GROUP BY 1, 2, 3
		)
		SELECT d.*, coalesce(l.name, '{}') AS store_name, coalesce(l.code, '') AS store_code, coalesce(l.priority, `+onlineLast+`) AS store_order
		FROM summed d LEFT JOIN locations l ON l.id = d.store_id `+behind+`
		ORDER BY coalesce(d.day, '0001-01-01'), store_order, store_code, d.currency LIMIT @most`, args)
}

// Points are what became of the brand's programmes' points on each day that has figures,
// with what was outstanding when it ended, behind the key.
func (s *Statistics) Points(ctx context.Context, brandID uuid.UUID, from, to time.Time, after *statistics.PointsKey, most int) ([]statistics.Points, error) {
	args, behind := pgx.NamedArgs{"brand": brandID, "from": from, "to": to, "most": most}, ``
	if after != nil {
		behind = ` AND (day, code) > (@day::date, @code::text)`
		args["day"], args["code"] = after.Day, after.Code
	}
	return collect[statistics.Points](ctx, s.db, `
		SELECT * FROM (
			SELECT d.programme_id, p.code, d.day, d.earned, d.granted, d.refunded, d.used, d.expired, d.exchanges, d.exchanged, d.sent, d.received,
				sum(d.net) OVER (PARTITION BY d.programme_id ORDER BY d.day)::bigint AS outstanding
			FROM daily_points d JOIN point_programmes p ON p.id = d.programme_id
			WHERE p.brand_id = @brand AND d.day <= @to
		) x WHERE day >= @from`+behind+` ORDER BY day, code LIMIT @most`, args)
}

// Liabilities are what was outstanding of the brand's programmes on each day that was
// counted, by the month in which it expires, behind the key.
func (s *Statistics) Liabilities(ctx context.Context, brandID uuid.UUID, from, to time.Time, after *statistics.LiabilityKey, most int) ([]statistics.Liability, error) {
	args, behind := pgx.NamedArgs{"brand": brandID, "from": from, "to": to, "most": most}, ``
	if after != nil {
		behind = ` AND (d.day, p.code, coalesce(d.month, '9999-12-01')) > (@day::date, @code::text, @month::date)`
		args["day"], args["code"], args["month"] = after.Day, after.Code, after.Month
	}
	return collect[statistics.Liability](ctx, s.db, `
		SELECT d.programme_id, p.code, d.day, d.month, d.points, d.pending FROM daily_liabilities d JOIN point_programmes p ON p.id = d.programme_id
		WHERE p.brand_id = @brand AND d.day BETWEEN @from AND @to`+behind+`
		ORDER BY d.day, p.code, coalesce(d.month, '9999-12-01') LIMIT @most`, args)
}

// State is how far the figures of the brand are: up to the day before the last count, or
// before the first that is marked.
func (s *Statistics) State(ctx context.Context, brandID uuid.UUID, at time.Time) (statistics.State, error) {
	state, err := first[statistics.State](ctx, s.db, `
		WITH run AS (SELECT min(counted_at) AS at FROM statistic_runs HAVING count(*) = 2), marked AS (
			SELECT day FROM statistic_marks WHERE brand_id = $1
			UNION SELECT m.day FROM point_marks m JOIN point_programmes p ON p.id = m.programme_id WHERE p.brand_id = $1
		)
		SELECT (SELECT at FROM run) AS counted_at, (SELECT count(*) FROM marked WHERE day <= ($2::timestamptz AT TIME ZONE 'Asia/Tokyo')::date)::int AS waiting,
			(SELECT least((run.at AT TIME ZONE 'Asia/Tokyo')::date, (SELECT min(day) FROM marked)) - 1 FROM run) AS last_day`, brandID, at)
	if err != nil || state == nil {
		return statistics.State{}, err
	}
	return *state, nil
}

// Mark lets the brand's days be counted anew.
func (s *Statistics) Mark(ctx context.Context, brandID uuid.UUID, from, to time.Time) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		WITH days AS (SELECT d::date AS day FROM generate_series($2::date, $3::date, interval '1 day') d),
		points AS (INSERT INTO point_marks (programme_id, day) SELECT p.id, days.day FROM point_programmes p, days WHERE p.brand_id = $1)
		INSERT INTO statistic_marks (brand_id, day) SELECT $1, day FROM days`, brandID, from, to)
	return wrapped("mark days", err)
}

const statisticExportColumns = `id, brand_id, sheet, encoding, first_day, last_day, grouping, stores, actor_role, actor_id, requested_at`

// InsertExport keeps that a file was asked for.
func (s *Statistics) InsertExport(ctx context.Context, e statistics.Export) error {
	_, err := s.db.conn(ctx).Exec(ctx, `INSERT INTO statistic_exports (`+statisticExportColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		e.ID, e.BrandID, e.Sheet, e.Encoding, e.From, e.To, e.By, e.Stores, e.ActorRole, e.ActorID, e.RequestedAt)
	return err
}

// ExportByID is nil if there is none.
func (s *Statistics) ExportByID(ctx context.Context, exportID uuid.UUID) (*statistics.Export, error) {
	return first[statistics.Export](ctx, s.db, `SELECT `+statisticExportColumns+` FROM statistic_exports WHERE id = $1`, exportID)
}
