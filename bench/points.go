package main

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/storage/postgres"
)

const (
	pointWriters = 64
	pointConns   = 16
	pointMembers = 160 * pointWriters // so that each writer has members of its own
	pointLots    = 1_000_000
	pointPause   = 200 * time.Millisecond // between two postings of a writer while lots expire
)

// pointBench is a fresh database with one programme and its members.
type pointBench struct {
	db        *postgres.DB
	store     *postgres.Points
	service   *points.Service
	programme uuid.UUID
	members   []uuid.UUID
	keys      atomic.Int64
}

// loyalty measures postings of points beside the same rows written by hand: on members of
// their own, on one member whom everybody wants, and the expiry of a million lots while
// postings go on.
func loyalty(ctx context.Context, s settings) error {
	b, err := openPoints(ctx, s.database)
	if err != nil {
		return err
	}
	defer b.db.Close()
	var distinct, hot, rawDistinct, rawHot []float64
	for range s.rounds {
		for _, m := range []struct {
			rates *[]float64
			post  func(ctx context.Context, writer, n int) error
		}{
			{&distinct, func(ctx context.Context, writer, n int) error {
				turn := writer + n*pointWriters
				return b.post(ctx, b.members[turn%pointMembers], turn/pointMembers%2 == 1)
			}},
			{&rawDistinct, func(ctx context.Context, writer, n int) error {
				return b.raw(ctx, (writer+n*pointWriters)%pointMembers)
			}},
			{&hot, func(ctx context.Context, _, n int) error { return b.post(ctx, b.members[0], n%2 == 1) }},
			{&rawHot, func(ctx context.Context, _, _ int) error { return b.raw(ctx, 0) }},
		} {
			rate, err := b.during(ctx, s.length(), m.post)
			if err != nil {
				return err
			}
			*m.rates = append(*m.rates, rate)
		}
	}
	fmt.Printf("points    %d writers, distinct members: %.0f postings/s, by hand (balance, entry, commit) %.0f/s = %.2f×\n",
		pointWriters, middle(distinct), middle(rawDistinct), middle(distinct)/middle(rawDistinct))
	fmt.Printf("          %d writers, one member: %.0f postings/s, by hand %.0f/s = %.2f×\n", pointWriters, middle(hot), middle(rawHot), middle(hot)/middle(rawHot))
	if err := b.balanced(ctx); err != nil {
		return err
	}
	return b.expire(ctx)
}

// openPoints makes the database anew.
func openPoints(ctx context.Context, server string) (*pointBench, error) {
	u, err := url.Parse(server)
	if err != nil {
		return nil, err
	}
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, sql := range []string{`DROP DATABASE IF EXISTS noren_bench_points WITH (FORCE)`, `CREATE DATABASE noren_bench_points`} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return nil, err
		}
	}
	u.Path = "/noren_bench_points"
	if err := postgres.Migrate(ctx, u.String()); err != nil {
		return nil, err
	}
	db, err := postgres.Open(ctx, u.String(), postgres.WithMaxConns(pointConns))
	if err != nil {
		return nil, err
	}
	b := &pointBench{db: db, store: postgres.NewPoints(db), programme: id.New()}
	b.service = points.New(points.Parts{Tx: db, Store: b.store, Events: postgres.NewEvents(db), Now: clock.System})
	return b, b.fill(ctx)
}

func (b *pointBench) fill(ctx context.Context) error {
	now, brand, days := clock.System(), id.New(), 365
	if err := postgres.NewEvents(b.db).Partition(ctx, now); err != nil {
		return err
	}
	if _, err := b.db.Pool().Exec(ctx, `INSERT INTO brands (id, code, name) VALUES ($1, 'bench', '{"ja":"計測"}')`, brand); err != nil {
		return err
	}
	err := b.store.SaveProgramme(ctx, points.Programme{
		ID: b.programme, BrandID: brand, Code: "bench", Name: i18n.JA("計測"), Currency: "JPY", UnitPoints: 1, UnitMinor: 1, ExpiryDays: &days, Zone: "Asia/Tokyo", CreatedAt: now, UpdatedAt: now,
	})
	if err != nil {
		return err
	}
	for range pointMembers {
		b.members = append(b.members, id.New())
	}
	for _, sql := range []string{
		`INSERT INTO accounts (id, role, email, created_at, updated_at) SELECT m, 'MEMBER', m || '@example.jp', now(), now() FROM unnest($1::uuid[]) m`,
		`INSERT INTO point_accounts (id, programme_id, member_id) SELECT gen_random_uuid(), p.id, m FROM unnest($1::uuid[]) m CROSS JOIN point_programmes p`,
	} {
		if _, err := b.db.Pool().Exec(ctx, sql, b.members); err != nil {
			return err
		}
	}
	_, err = b.db.Pool().Exec(ctx, `
		CREATE TABLE raw_balances (id int PRIMARY KEY, balance bigint NOT NULL) WITH (fillfactor = 70);
		CREATE TABLE raw_entries (id uuid PRIMARY KEY, account int NOT NULL, kind text NOT NULL, points bigint NOT NULL, at timestamptz NOT NULL);
		INSERT INTO raw_balances SELECT i, 0 FROM generate_series(0, 10239) i`)
	if err != nil {
		return err
	}
	return b.used(ctx)
}

// used gives each member some points, so that the tables are as PostgreSQL knows them of a
// database that has been in use, not empty.
func (b *pointBench) used(ctx context.Context) error {
	for some := range slices.Chunk(b.members, 512) {
		all := make([]points.Posting, len(some))
		for i, m := range some {
			all[i] = points.Posting{Holder: points.Holder{ProgrammeID: b.programme, MemberID: m}, Key: "bench:first", Kind: points.Earn, Points: 10, At: clock.System()}
		}
		if _, err := b.service.Post(ctx, all...); err != nil {
			return err
		}
	}
	_, err := b.db.Pool().Exec(ctx, `VACUUM ANALYZE`)
	return err
}

// post gives points or uses some, as noren does. Each writer gives before it uses, and has
// members of its own or gives twice what it uses.
func (b *pointBench) post(ctx context.Context, member uuid.UUID, use bool) error {
	n := b.keys.Add(1)
	p := points.Posting{Holder: points.Holder{ProgrammeID: b.programme, MemberID: member}, Key: fmt.Sprintf("bench:%d", n), Kind: points.Earn, Points: 10, At: clock.System()}
	if use {
		p.Kind, p.Points = points.Use, 5
	}
	_, err := b.service.Post(ctx, p)
	return err
}

// raw writes a balance and an entry by hand, in one round trip and one commit.
func (b *pointBench) raw(ctx context.Context, account int) error {
	batch := &pgx.Batch{}
	batch.Queue(`UPDATE raw_balances SET balance = balance + 10 WHERE id = $1 AND balance + 10 >= 0`, account)
	batch.Queue(`INSERT INTO raw_entries (id, account, kind, points, at) VALUES ($1, $2, 'EARN', 10, $3)`, id.New(), account, clock.System())
	return b.db.Pool().SendBatch(ctx, batch).Close()
}

// during counts how often the writers post in a second.
func (b *pointBench) during(ctx context.Context, length time.Duration, post func(ctx context.Context, writer, n int) error) (float64, error) {
	until := time.Now().Add(length)
	var group sync.WaitGroup
	var done atomic.Int64
	failures := make(chan error, pointWriters)
	began := time.Now()
	for writer := range pointWriters {
		group.Add(1)
		go func() {
			defer group.Done()
			for n := 0; time.Now().Before(until); n++ {
				if err := post(ctx, writer, n); err != nil {
					failures <- err
					return
				}
				done.Add(1)
			}
		}()
	}
	group.Wait()
	select {
	case err := <-failures:
		return 0, err
	default:
		return float64(done.Load()) / time.Since(began).Seconds(), nil
	}
}

// balanced fails unless every balance is the sum of its entries and of its lots.
func (b *pointBench) balanced(ctx context.Context) error {
	var wrong int
	err := b.db.Pool().QueryRow(ctx, `
		SELECT count(*) FROM point_accounts a
		LEFT JOIN (SELECT account_id, sum(CASE 'AVAILABLE' WHEN credit THEN points WHEN debit THEN -points ELSE 0 END) AS n FROM point_entries GROUP BY 1) e ON e.account_id = a.id
		LEFT JOIN (SELECT account_id, sum(remaining) AS n FROM point_lots WHERE NOT pending GROUP BY 1) l ON l.account_id = a.id
		WHERE a.available <> coalesce(e.n, 0) OR a.available <> coalesce(l.n, 0)`).Scan(&wrong)
	if err == nil && wrong > 0 {
		return fmt.Errorf("%d balances are wrong", wrong)
	}
	return err
}

// expire writes off a million lots of a hundred thousand members while others post, and
// the same number of rows by hand with nobody about.
func (b *pointBench) expire(ctx context.Context) error {
	_, err := b.db.Pool().Exec(ctx, `
		INSERT INTO accounts (id, role, email, created_at, updated_at) SELECT gen_random_uuid(), 'MEMBER', 'old' || i || '@example.jp', now(), now() FROM generate_series(1, 100000) i;
		INSERT INTO point_accounts (id, programme_id, member_id, available, number)
			SELECT gen_random_uuid(), p.id, m.id, 100, 10 FROM accounts m CROSS JOIN point_programmes p WHERE m.email LIKE 'old%';
		INSERT INTO point_lots (id, account_id, programme_id, pending, issued, remaining, expires_on, earned_at)
			SELECT gen_random_uuid(), a.id, a.programme_id, false, 10, 10, current_date - 2 - i % 3, now() - interval '1 year'
			FROM point_accounts a JOIN accounts m ON m.id = a.member_id AND m.email LIKE 'old%' CROSS JOIN generate_series(1, 10) i;
		INSERT INTO point_entries (account_id, number, programme_id, key, part, kind, debit, credit, points, available, pending, at)
			SELECT l.account_id, row_number() OVER (PARTITION BY l.account_id ORDER BY l.id), l.programme_id, 'old:' || l.id, 0, 'EARN', 'ISSUED', 'AVAILABLE', 10, 0, 0, l.earned_at
			FROM point_lots l WHERE l.expires_on < current_date;
		CREATE TABLE raw_lots AS SELECT id, account_id, remaining FROM point_lots WHERE expires_on < current_date;
		ALTER TABLE raw_lots ADD PRIMARY KEY (id);
		CREATE TABLE raw_expired (lot uuid PRIMARY KEY, account_id uuid NOT NULL, points bigint NOT NULL, at timestamptz NOT NULL);
		ANALYZE`)
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	var slowest, beside atomic.Int64
	over := make(chan struct{})
	go func() {
		defer close(over)
		_, _ = b.during(running, time.Hour, func(ctx context.Context, writer, n int) error {
			began := time.Now()
			err := b.post(ctx, b.members[(writer*31+n)%pointMembers], false)
			if took := int64(time.Since(began)); err == nil {
				beside.Add(1)
				slowest.Store(max(took, slowest.Load()))
			}
			time.Sleep(pointPause)
			return err
		})
	}()
	began := time.Now()
	if err := b.service.Expire(ctx); err != nil {
		stop()
		return err
	}
	took := time.Since(began)
	stop()
	<-over
	began = time.Now()
	if _, err := b.db.Pool().Exec(ctx, `
		WITH gone AS (UPDATE raw_lots SET remaining = 0 RETURNING id, account_id) INSERT INTO raw_expired SELECT id, account_id, 10, now() FROM gone`); err != nil {
		return err
	}
	byHand := time.Since(began)
	fmt.Printf("          expiry of %d lots of 100,000 members: %.0f s while %d others make %.0f postings/s (slowest posting %.0f ms); by hand in one statement, alone, %.0f s = %.1f×\n",
		pointLots, took.Seconds(), pointWriters, float64(beside.Load())/took.Seconds(), float64(slowest.Load())/1e6, byHand.Seconds(), took.Seconds()/byHand.Seconds())
	return b.balanced(ctx)
}
