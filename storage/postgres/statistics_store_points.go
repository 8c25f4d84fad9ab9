package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/statistics"
)

const (
	// homeOf is the home store of the account a's member in the programme p's brand.
	homeOf = `LEFT JOIN memberships j ON j.member_id = a.member_id AND j.brand_id = p.brand_id`

	sumExchanges = `
		SELECT e.programme_id, (e.at AT TIME ZONE p.zone)::date AS day, j.home_store_id,
			count(*) FILTER (WHERE e.kind IN ('EXCHANGE_OUT', 'SEND', 'PRIZE')) AS exchanges,
			-sum(e.points * ((e.credit IN ('AVAILABLE', 'PENDING'))::int - (e.debit IN ('AVAILABLE', 'PENDING'))::int)) AS exchanged
		FROM point_entries e JOIN point_programmes p ON p.id = e.programme_id JOIN point_accounts a ON a.id = e.account_id ` + homeOf

	exchangeKinds = `e.kind IN ('EXCHANGE_OUT', 'PRIZE', 'PRIZE_BACK', 'SEND', 'SENT', 'SEND_BACK')`

	forgetExchanges = `DELETE FROM daily_store_exchanges d USING point_programmes p LEFT JOIN statistic_runs r ON r.kind = 'POINTS'
		WHERE p.id = d.programme_id AND d.day >= coalesce((r.counted_at AT TIME ZONE p.zone)::date - 1, '-infinity')`

	countNewExchanges = `INSERT INTO daily_store_exchanges (programme_id, day, store_id, exchanges, exchanged) ` + sumExchanges + `
		LEFT JOIN statistic_runs r ON r.kind = 'POINTS'
		WHERE ` + exchangeKinds + ` AND e.at >= coalesce(((r.counted_at AT TIME ZONE p.zone)::date - 1)::timestamp AT TIME ZONE p.zone, '-infinity')
			AND e.at >= coalesce((SELECT counted_at - interval '3 days' FROM statistic_runs WHERE kind = 'POINTS'), '-infinity')
		GROUP BY 1, 2, 3`

	forgetLateExchanges = `DELETE FROM daily_store_exchanges s USING unnest($1::uuid[], $2::date[]) AS d (programme_id, day) WHERE s.programme_id = d.programme_id AND s.day = d.day`

	countLateExchanges = `INSERT INTO daily_store_exchanges (programme_id, day, store_id, exchanges, exchanged) ` + sumExchanges + `
		JOIN unnest($1::uuid[], $2::date[]) AS d (programme_id, day)
			ON d.programme_id = e.programme_id AND e.at >= d.day::timestamp AT TIME ZONE p.zone AND e.at < (d.day + 1)::timestamp AT TIME ZONE p.zone
		WHERE ` + exchangeKinds + ` GROUP BY 1, 2, 3`

	// Accounts are summed where there are entries since the last count, or none of the day.
	countOutstanding = `
		WITH due AS (
			SELECT p.id, p.brand_id, ($1::timestamptz AT TIME ZONE p.zone)::date AS day FROM point_programmes p
			WHERE NOT EXISTS (SELECT FROM daily_store_outstanding d WHERE d.programme_id = p.id AND d.day = ($1::timestamptz AT TIME ZONE p.zone)::date)
				OR EXISTS (SELECT FROM point_entries e WHERE e.programme_id = p.id AND e.at >= (SELECT counted_at - interval '1 hour' FROM statistic_runs WHERE kind = 'POINTS'))
		), summed AS (
			SELECT p.id AS programme_id, p.day, j.home_store_id AS store_id, sum(a.available + a.pending)::bigint AS points
			FROM due p JOIN point_accounts a ON a.programme_id = p.id AND a.available + a.pending > 0 ` + homeOf + ` GROUP BY 1, 2, 3
		), gone AS (
			DELETE FROM daily_store_outstanding d USING due WHERE d.programme_id = due.id AND d.day = due.day
				AND NOT EXISTS (SELECT FROM summed s WHERE s.programme_id = d.programme_id AND s.store_id IS NOT DISTINCT FROM d.store_id)
		)
		INSERT INTO daily_store_outstanding (programme_id, day, store_id, points) SELECT * FROM summed
		ON CONFLICT (programme_id, day, store_id) DO UPDATE SET points = EXCLUDED.points WHERE daily_store_outstanding.points <> EXCLUDED.points`
)

// countLateExchanges counts the days of the programmes anew, by home store.
func (s *Statistics) countLateExchanges(ctx context.Context, programmes []uuid.UUID, days []time.Time) error {
	batch := &pgx.Batch{}
	batch.Queue(forgetLateExchanges, programmes, days)
	batch.Queue(countLateExchanges, programmes, days)
	return wrapped("count late exchanges", s.db.conn(ctx).SendBatch(ctx, batch).Close())
}

// countNewExchanges counts the days since the last count, by home store.
func (s *Statistics) countNewExchanges(ctx context.Context) error {
	batch := &pgx.Batch{}
	batch.Queue(forgetExchanges)
	batch.Queue(countNewExchanges)
	return wrapped("count exchanges", s.db.conn(ctx).SendBatch(ctx, batch).Close())
}

// countOutstanding keeps what is outstanding today by home store.
func (s *Statistics) countOutstanding(ctx context.Context, at time.Time) error {
	_, err := s.db.conn(ctx).Exec(ctx, countOutstanding, at)
	return wrapped("count what is outstanding", err)
}

// StorePoints are what became of points of the brand's programmes by home store, behind the
// key.
func (s *Statistics) StorePoints(ctx context.Context, brandID uuid.UUID, stores []uuid.UUID, q statistics.Query, after *statistics.StorePointsKey, most int) ([]statistics.StorePoints, error) {
	args, behind := pgx.NamedArgs{"brand": brandID, "from": q.From, "to": q.To, "stores": stores, "most": most}, ``
	if after != nil {
		behind = ` AND (d.day, p.code, coalesce(l.priority, ` + onlineLast + `), coalesce(l.code, '')) > (@day::date, @code::text, @order::int, @store::text)`
		args["from"], args["day"], args["code"], args["order"], args["store"] = after.Day, after.Day, after.Code, after.Order, after.Store
	}
	return collect[statistics.StorePoints](ctx, s.db, `
		WITH both_kinds AS (
			SELECT programme_id, day, store_id, exchanges, exchanged, NULL::bigint AS points FROM daily_store_exchanges
			WHERE programme_id IN (SELECT id FROM point_programmes WHERE brand_id = @brand) AND day BETWEEN @from AND @to
			UNION ALL
			SELECT programme_id, day, store_id, 0, 0, points FROM daily_store_outstanding
			WHERE programme_id IN (SELECT id FROM point_programmes WHERE brand_id = @brand) AND day BETWEEN @from AND @to
		), d AS (
			SELECT programme_id, day, store_id, sum(exchanges)::int AS exchanges, sum(exchanged)::bigint AS exchanged, sum(points)::bigint AS outstanding
			FROM both_kinds WHERE @stores::uuid[] IS NULL OR store_id = ANY(@stores) GROUP BY 1, 2, 3
		)
		SELECT d.programme_id, p.code, d.day, d.store_id, coalesce(l.name, '{}') AS store_name, coalesce(l.code, '') AS store_code,
			coalesce(l.priority, `+onlineLast+`) AS store_order, d.exchanges, d.exchanged, d.outstanding
		FROM d JOIN point_programmes p ON p.id = d.programme_id LEFT JOIN locations l ON l.id = d.store_id
		WHERE true`+behind+` ORDER BY d.day, p.code, store_order, store_code LIMIT @most`, args)
}
