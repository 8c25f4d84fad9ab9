package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/purchase"
	"github.com/noren-commerce/noren/core/sealing"
	"github.com/noren-commerce/noren/core/statistics"
	"github.com/noren-commerce/noren/seed"
	"github.com/noren-commerce/noren/storage/postgres"
)

// memberBench is a database with many members, and keys that open their data.
type memberBench struct {
	db     *postgres.DB
	keys   *sealing.Keys
	people seed.Population
}

// membership measures what a large membership costs, each figure beside what PostgreSQL
// does by itself in the same run.
func membership(ctx context.Context, s settings) error {
	b, err := openMembers(ctx, s)
	if err != nil {
		return err
	}
	defer b.db.Close()
	for _, m := range []struct {
		name string
		take func(context.Context) error
	}{{"find", b.find}, {"search", b.search}, {"export", b.export}, {"count", b.count}, {"ingest", b.ingest}, {"balances", b.balances}} {
		if s.only != "members" && s.only != "members/"+m.name {
			continue
		}
		if err := m.take(ctx); err != nil {
			return err
		}
	}
	return nil
}

// openMembers makes the database, or goes on with what an earlier run made of it.
func openMembers(ctx context.Context, s settings) (*memberBench, error) {
	u, err := url.Parse(s.database)
	if err != nil {
		return nil, err
	}
	conn, err := pgx.Connect(ctx, s.database)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(ctx) }()
	var there bool
	if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = 'noren_bench_members')`).Scan(&there); err != nil {
		return nil, err
	}
	if !there {
		if _, err := conn.Exec(ctx, `CREATE DATABASE noren_bench_members`); err != nil {
			return nil, err
		}
	}
	u.Path = "/noren_bench_members"
	if err := postgres.Migrate(ctx, u.String()); err != nil {
		return nil, err
	}
	db, err := postgres.Open(ctx, u.String())
	if err != nil {
		return nil, err
	}
	wrap, err := identity.Sealer("a secret for figures, kept nowhere else", "bench")
	if err != nil {
		return nil, err
	}
	b := &memberBench{db: db, keys: sealing.New(postgres.NewDataKeys(db), wrap, clock.System)}
	db.SealWith(b.keys)
	b.people = seed.Population{Members: s.members, Purchases: s.purchases, Years: 3, Seed: 1, Until: seed.Since.AddDate(1, 6, 0)}
	return b, b.fill(ctx)
}

func (b *memberBench) fill(ctx context.Context) error {
	if err := postgres.NewEvents(b.db).Partition(ctx, clock.System()); err != nil {
		return err
	}
	if err := seed.Write(ctx, b.db, seed.Options{}); err != nil {
		return err
	}
	began := time.Now()
	if err := seed.WritePopulation(ctx, b.db, b.keys, b.people, nil); err != nil {
		return err
	}
	fmt.Printf("members   %d members and %d purchased items are there after %.1f s\n", b.people.Members, b.people.Purchases, time.Since(began).Seconds())
	return nil
}

// looks is how many members are looked up.
const looks = 5000

// find looks members up by number and by e-mail address as the core does, which opens the
// personal data, beside a row by its key.
func (b *memberBench) find(ctx context.Context) error {
	rows, err := b.db.Pool().Query(ctx, `
		SELECT m.id, c.number FROM members m TABLESAMPLE SYSTEM (20) JOIN member_cards c ON c.member_id = m.id AND c.state = 'ACTIVE'
		JOIN profiles p ON p.member_id = m.id WHERE p.email_hash IS NOT NULL ORDER BY random() LIMIT $1`, looks)
	if err != nil {
		return err
	}
	type known struct {
		ID     uuid.UUID
		Number string
		email  string
	}
	some, err := pgx.CollectRows(rows, pgx.RowToStructByPos[known])
	if err != nil || len(some) == 0 {
		return err
	}
	members := member.New(member.Parts{Tx: b.db, Store: postgres.NewMembers(b.db, b.keys), Events: postgres.NewEvents(b.db), Now: clock.System})
	ctx = access.With(ctx, access.System)
	for i := range some {
		m, err := members.ByID(ctx, some[i].ID)
		if err != nil {
			return err
		}
		some[i].email = m.Email
	}
	found := func(by member.Criterion) (bool, error) {
		all, err := members.Find(ctx, by)
		return len(all) > 0, err
	}
	for _, q := range []struct {
		name string
		look func(known) (bool, error)
	}{
		{"by its key (the ceiling)", func(k known) (bool, error) {
			tag, err := b.db.Pool().Exec(ctx, `SELECT id FROM members WHERE id = $1`, k.ID)
			return tag.RowsAffected() > 0, err
		}},
		{"by member number", func(k known) (bool, error) { return found(member.Criterion{CardNumber: k.Number}) }},
		{"by e-mail address", func(k known) (bool, error) { return found(member.Criterion{Email: k.email}) }},
	} {
		took := make([]time.Duration, 0, len(some))
		for _, k := range some {
			began := time.Now()
			there, err := q.look(k)
			if err != nil {
				return err
			}
			if !there {
				return fmt.Errorf("a member was not found %s", q.name)
			}
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		fmt.Printf("          a member %s: p50 %.2f ms, p99 %.2f ms (aim 5)\n", q.name, ms(took[len(took)/2]), ms(took[len(took)*99/100]))
	}
	return nil
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }

// count brings the figures by day up to date from nothing, then after some days changed,
// beside one statement that counts all.
func (b *memberBench) count(ctx context.Context) error {
	figures := statistics.New(statistics.Parts{Tx: b.db, Store: postgres.NewStatistics(b.db), Events: postgres.NewEvents(b.db), Now: clock.System})
	ctx = access.With(ctx, access.System)
	timed := func(f func() error) (float64, error) {
		began := time.Now()
		err := f()
		return time.Since(began).Seconds(), err
	}
	all, err := timed(func() error { return figures.Count(ctx) })
	if err != nil {
		return err
	}
	if _, err := b.db.Pool().Exec(ctx, `INSERT INTO statistic_marks (brand_id, day) SELECT b.id, $1::date - n FROM brands b, generate_series(0, 6) n`, b.people.Until); err != nil {
		return err
	}
	week, err := timed(func() error { return figures.Count(ctx) })
	if err != nil {
		return err
	}
	byHand, err := timed(func() error {
		_, err := b.db.Pool().Exec(ctx, `SELECT brand_id, bought_on, store_id, count(*), sum(items), sum(total) FROM purchases GROUP BY 1, 2, 3`)
		return err
	})
	fmt.Printf("          figures by day: %.2f s for what was marked at first, %.2f s after a week changed (aim 60); one statement over all purchases %.2f s\n", all, week, byHand)
	return err
}

// ingested is how many lines the journal has.
const ingested = 60_000

// ingest takes a till's journal in, of whose receipts two in three are members' and earn
// points, beside COPY of as many rows into a bare table.
func (b *memberBench) ingest(ctx context.Context) error {
	brand := seed.Brands()[0]
	journal, err := b.journal(ctx, brand)
	if err != nil {
		return err
	}
	ctx = access.With(channel.With(ctx, channel.Channel{ID: brand.ChannelID, BrandID: brand.ID, Currency: "JPY", TimeZone: "Asia/Tokyo"}), access.System)
	events := postgres.NewEvents(b.db)
	loyalty := points.New(points.Parts{Tx: b.db, Store: postgres.NewPoints(b.db), Events: events, Now: clock.System})
	history := purchase.New(purchase.Parts{Tx: b.db, Store: postgres.NewPurchases(b.db), Earner: loyalty, Events: events, Now: clock.System})
	if err := loyalty.EarnReceipts(ctx); err != nil { // what an earlier run left
		return err
	}
	began := time.Now()
	taken, err := history.Upload(ctx, purchase.UploadInput{FileName: "bench.csv", File: journal})
	if err != nil {
		return err
	}
	took := time.Since(began).Seconds()
	if taken.Receipts != ingested/3 {
		return fmt.Errorf("%d receipts of %d were taken: %v", taken.Receipts, ingested/3, taken.Errors)
	}
	began = time.Now()
	if err := loyalty.EarnReceipts(ctx); err != nil {
		return err
	}
	earned := time.Since(began).Seconds()
	copied, err := b.copied(ctx)
	fmt.Printf("          a till's journal of %d lines, two receipts in three of members who earn: %.0f lines/s (aim 20,000), then the points of %.0f receipts/s; COPY into a bare table %.0f/s\n",
		ingested, ingested/took, ingested*2/9/earned, ingested/copied)
	return err
}

// journal is a day of a shop's till that no run has had before.
func (b *memberBench) journal(ctx context.Context, brand seed.Brand) (io.Reader, error) {
	var sku string
	if err := b.db.Pool().QueryRow(ctx, `SELECT sku FROM variants WHERE brand_id = $1 ORDER BY sku LIMIT 1`, brand.ID).Scan(&sku); err != nil {
		return nil, err
	}
	rows, err := b.db.Pool().Query(ctx, `SELECT number FROM member_cards TABLESAMPLE SYSTEM (5) WHERE brand_id = $1 AND state = 'ACTIVE' ORDER BY random() LIMIT $2`, brand.ID, ingested/3)
	if err != nil {
		return nil, err
	}
	cards, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	var journal bytes.Buffer
	journal.WriteString("店舗コード,端末番号,レシート番号,営業日,時刻,会員番号,明細数,商品コード,商品名,数量,金額,合計\n")
	run := time.Now().Unix()
	for n := range ingested / 3 {
		card := ""
		if n%3 != 0 {
			card = cards[n%len(cards)]
		}
		for range 3 {
			fmt.Fprintf(&journal, "%s,9,%d-%06d,%s,12:30,%s,3,%s,商品,1,1000,3000\n", brand.Shops[1].Code, run, n, b.people.Until.Format("2006/01/02"), card, sku)
		}
	}
	return &journal, nil
}

// copied is how long as many rows take to a table without indexes.
func (b *memberBench) copied(ctx context.Context) (float64, error) {
	if _, err := b.db.Pool().Exec(ctx, `DROP TABLE IF EXISTS bare_lines; CREATE TABLE bare_lines (code text, name text, quantity int, amount bigint)`); err != nil {
		return 0, err
	}
	began := time.Now()
	_, err := b.db.Pool().CopyFrom(ctx, pgx.Identifier{"bare_lines"}, []string{"code", "name", "quantity", "amount"},
		pgx.CopyFromSlice(ingested, func(int) ([]any, error) { return []any{"4900000000000", "商品", 1, int64(1000)}, nil }))
	return time.Since(began).Seconds(), err
}
