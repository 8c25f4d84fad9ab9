package main

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/statistics"
	"github.com/noren-commerce/noren/seed"
	"github.com/noren-commerce/noren/storage/postgres"
)

// fillBalances gives every member of the database an account of the programme $1, with two
// lots that expire within a year, and the two entries of the year before that made them. As
// in use, entries lie about in the order of their times.
var fillBalances = []string{
	`SELECT set_config('session_replication_role', 'replica', true), set_config('work_mem', '256MB', true), $1::uuid`,
	`INSERT INTO point_accounts (id, programme_id, member_id, available, number) SELECT id, $1, id, 200, 2 FROM members ORDER BY id`,
	`INSERT INTO point_lots (id, account_id, programme_id, pending, issued, remaining, expires_on, earned_at)
		SELECT overlay(m.id::text PLACING (n + 1)::text FROM 1 FOR 1)::uuid, m.id, $1, false, 100, 100, now()::date + n * 180 - abs(hashtext(m.id::text)) % 180, now()
		FROM generate_series(1, 2) n, members m ORDER BY n, m.id`,
	`INSERT INTO point_entries (account_id, number, programme_id, key, part, kind, debit, credit, points, available, pending, at)
		SELECT m.id, 3 - n, $1, n::text, 0, 'EARN', 'ISSUED', 'AVAILABLE', 100, 100 * (3 - n), 0, now() - (n * 180 - abs(hashtext(m.id::text)) % 180) * interval '1 day'
		FROM generate_series(1, 2) n, members m ORDER BY (n * 180 - abs(hashtext(m.id::text)) % 180) / 10 DESC, m.id`,
}

// programme is the first brand's with an account of every member, made where it is missing.
func (b *memberBench) programme(ctx context.Context) (uuid.UUID, error) {
	var found uuid.UUID
	brand, now, days := seed.Brands()[0].ID, clock.System(), 365
	err := b.db.Pool().QueryRow(ctx, `SELECT coalesce((SELECT id FROM point_programmes WHERE brand_id = $1 AND code = 'bench'), $2)`, brand, uuid.Nil).Scan(&found)
	if err != nil || found != uuid.Nil {
		return found, err
	}
	found = id.New()
	p := points.Programme{ID: found, BrandID: brand, Code: "bench", Name: i18n.JA("計測"), Currency: "JPY", UnitPoints: 1, UnitMinor: 100, ExpiryDays: &days, Zone: "Asia/Tokyo", CreatedAt: now, UpdatedAt: now}
	if err := postgres.NewPoints(b.db).SaveProgramme(ctx, p); err != nil {
		return found, err
	}
	err = pgx.BeginFunc(ctx, b.db.Pool(), func(tx pgx.Tx) error {
		for _, sql := range fillBalances {
			if _, err := tx.Exec(ctx, sql, found); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return found, err
	}
	_, err = b.db.Pool().Exec(ctx, `VACUUM (ANALYZE) point_accounts, point_lots, point_entries`)
	return found, err
}

// balances counts points by day, and what is outstanding by the month in which it expires
// and by store: from nothing, and again after ten thousand members got more; and reads a year.
func (b *memberBench) balances(ctx context.Context) error {
	programme, err := b.programme(ctx)
	if err != nil {
		return err
	}
	brand, figures := seed.Brands()[0].ID, postgres.NewStatistics(b.db)
	if _, err := b.db.Pool().Exec(ctx, `WITH a AS (DELETE FROM daily_points), b AS (DELETE FROM daily_liabilities), c AS (DELETE FROM daily_store_exchanges), d AS (DELETE FROM daily_store_outstanding)
		DELETE FROM statistic_runs WHERE kind = 'POINTS'`); err != nil {
		return err
	}
	count := func() (time.Duration, error) {
		began := time.Now()
		err := b.db.InTx(ctx, func(ctx context.Context) error { return figures.CountPoints(ctx, clock.System()) })
		return time.Since(began), err
	}
	nothing, err := count()
	if err != nil {
		return err
	}
	if _, err := b.db.Pool().Exec(ctx, `
		WITH a AS (UPDATE point_accounts SET available = available + 1, number = number + 1 WHERE programme_id = $1 AND member_id IN (SELECT id FROM members ORDER BY id LIMIT 10000) RETURNING id, number, available)
		INSERT INTO point_entries (account_id, number, programme_id, key, part, kind, debit, credit, points, available, pending, at) SELECT id, number, $1, number::text, 0, 'GRANT', 'GRANTED', 'AVAILABLE', 1, available, 0, now() FROM a`, programme); err != nil {
		return err
	}
	again, err := count()
	if err != nil {
		return err
	}
	until := clock.System().AddDate(0, 0, 1) // the brand's day may be tomorrow
	began := time.Now()
	days, err := figures.Points(ctx, brand, until.AddDate(-1, 0, 0), until, nil, 1000)
	if err != nil {
		return err
	}
	liabilities, err := figures.Liabilities(ctx, brand, until.AddDate(0, -1, 0), until, nil, 1000)
	if err != nil {
		return err
	}
	stores, err := figures.StorePoints(ctx, brand, nil, statistics.Query{From: until.AddDate(0, -1, 0), To: until}, nil, 1000)
	fmt.Printf("          points of %d members by day, by month of expiry and by store: %.1f s from nothing, %.1f s after 10,000 members got more (aim 60); a year of %d days, %d months and %d stores read in %.0f ms\n",
		b.people.Members, nothing.Seconds(), again.Seconds(), len(days), len(liabilities), len(stores), ms(time.Since(began)))
	return err
}
