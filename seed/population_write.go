package seed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/noren-commerce/noren/core/sealing"
	"github.com/noren-commerce/noren/storage/postgres"
)

// Steps is about how many rows the population writes; Write tells of each.
func (p Population) Steps() int64 { return int64(p.Members)*9 + int64(p.Purchases)*3/2 }

// populating is one run that writes a population. Each part, a table of the members' or
// a month of the history, is one transaction: what is broken off loses no more than the
// parts it was at, and the next run goes on with those.
type populating struct {
	Population
	db       *postgres.DB
	keys     *sealing.Keys
	done     map[string]bool
	articles [][]article
	spend    spending
	steps    atomic.Int64
	progress func(int64)
}

// WritePopulation writes the members and what they bought by COPY. Parts that are there
// stay; a population of other settings is refused. The sample is there already.
func WritePopulation(ctx context.Context, db *postgres.DB, keys *sealing.Keys, p Population, progress func(rows int64)) error {
	w := &populating{Population: p, db: db, keys: keys, progress: progress}
	if err := w.begin(ctx); err != nil {
		return err
	}
	for _, b := range Brands() {
		all, err := b.assortment(ctx, db)
		if err != nil {
			return err
		}
		w.articles = append(w.articles, all)
	}
	ranks := &pgx.Batch{}
	queueRanks(ranks, Brands()[0])
	if err := db.Pool().SendBatch(ctx, ranks).Close(); err != nil {
		return err
	}
	if _, err := keys.Current(ctx); err != nil { // makes the first key, before two want to
		return err
	}
	var err error
	if !w.done["memberships"] {
		if w.spend, err = w.history().spending(ctx); err != nil {
			return err
		}
	}
	if err := w.load(ctx); err != nil {
		return err
	}
	if err := w.part(ctx, "sums", w.sum); err != nil {
		return err
	}
	if w.done["statistics"] {
		return nil
	}
	// Not ANALYZE alone: searches are read out of indexes where a vacuum has been.
	if _, err := db.Pool().Exec(ctx, `VACUUM (ANALYZE) members, profiles, saved_addresses, memberships, member_cards, pets, member_consents, member_settings, purchases, purchase_lines, purchase_sums`); err != nil {
		return err
	}
	return w.part(ctx, "statistics", func(context.Context, pgx.Tx) error { return nil })
}

// sum makes the members' sums of what partitions brought past the triggers.
func (w *populating) sum(ctx context.Context, tx pgx.Tx) error {
	again, err := withoutIndexes(ctx, tx, "purchase_sums")
	if err != nil {
		return err
	}
	for _, sql := range []string{
		`TRUNCATE purchase_sums`,
		`INSERT INTO purchase_sums SELECT member_id, bought_on, id, brand_id, store_id, items, total FROM purchases WHERE member_id IS NOT NULL ORDER BY member_id`,
	} {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return again()
}

// load writes what is missing, as many parts at once as there are processors.
func (w *populating) load(ctx context.Context) error {
	tables := w.register(ctx).tables()
	if err := w.table(ctx, 0, tables[0].name); err != nil { // the others refer to it
		return err
	}
	loading, ctx := errgroup.WithContext(ctx)
	loading.SetLimit(max(runtime.GOMAXPROCS(0), 1))
	for i, t := range tables[1:] {
		loading.Go(func() error { return w.table(ctx, i+1, t.name) })
	}
	for _, m := range w.months() {
		loading.Go(func() error { return w.month(ctx, m) })
	}
	return loading.Wait()
}

func (w *populating) register(ctx context.Context) *register {
	return &register{crowd: w.crowd(), ctx: ctx, keys: w.keys, spend: w.spend}
}

func (w *populating) history() *history { return &history{w.crowd(), w.articles} }

// begin reads what an earlier run wrote, and keeps to its last day.
func (w *populating) begin(ctx context.Context) error {
	if w.Members < 0 || w.Purchases < 0 || w.Years < 1 || w.Years > joiningYears {
		return fmt.Errorf("members and purchases are no less than 0, years 1 to %d", joiningYears)
	}
	asked, err := json.Marshal(w.Population)
	if err != nil {
		return err
	}
	if _, err := w.db.Pool().Exec(ctx, `CREATE TABLE IF NOT EXISTS sample_parts (part text PRIMARY KEY, settings jsonb, written_at timestamptz NOT NULL)`); err != nil {
		return err
	}
	if _, err := w.db.Pool().Exec(ctx, `INSERT INTO sample_parts VALUES ('', $1, now()) ON CONFLICT DO NOTHING`, asked); err != nil {
		return err
	}
	var kept []byte
	if err := w.db.Pool().QueryRow(ctx, `SELECT settings FROM sample_parts WHERE part = ''`).Scan(&kept); err != nil {
		return err
	}
	var there Population
	if err := json.Unmarshal(kept, &there); err != nil {
		return err
	}
	w.Until = there.Until
	if there != w.Population {
		return fmt.Errorf("this database has a population of %d members and %d purchases over %d years from seed %d: take an empty one for another", there.Members, there.Purchases, there.Years, there.Seed)
	}
	rows, err := w.db.Pool().Query(ctx, `SELECT part FROM sample_parts`)
	if err != nil {
		return err
	}
	parts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	w.done = make(map[string]bool, len(parts))
	for _, p := range parts {
		w.done[p] = true
	}
	return err
}

// part does f in one transaction, unless an earlier run did.
func (w *populating) part(ctx context.Context, name string, f func(ctx context.Context, tx pgx.Tx) error) error {
	if w.done[name] {
		return nil
	}
	err := pgx.BeginFunc(ctx, w.db.Pool(), func(tx pgx.Tx) error {
		for _, sql := range []string{
			`SELECT set_config('session_replication_role', 'replica', true) WHERE current_setting('is_superuser') = 'on'`,
			`SELECT set_config('maintenance_work_mem', '256MB', true)`,
		} {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return err
			}
		}
		if err := f(ctx, tx); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO sample_parts VALUES ($1, NULL, now())`, name)
		return err
	})
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// step tells of rows, now and then.
func (w *populating) step(rows int) {
	if n := w.steps.Add(int64(rows)); w.progress != nil && n/10_000 != (n-int64(rows))/10_000 {
		w.progress(n)
	}
}

// table writes one table of the members', its indexes anew behind the rows.
func (w *populating) table(ctx context.Context, n int, name string) error {
	return w.part(ctx, name, func(ctx context.Context, tx pgx.Tx) error {
		source := w.register(ctx) // with chances of its own
		t := source.tables()[n]
		again, err := withoutIndexes(ctx, tx, t.name)
		if err != nil {
			return err
		}
		i, pending := 0, [][]any(nil)
		_, err = tx.CopyFrom(ctx, pgx.Identifier{t.name}, t.columns, pgx.CopyFromFunc(func() ([]any, error) {
			for len(pending) == 0 {
				if i == w.Members {
					return nil, nil
				}
				rows, err := t.rows(i, source.resident(i))
				if err != nil {
					return nil, err
				}
				i, pending = i+1, rows
				w.step(1)
			}
			row := pending[0]
			pending = pending[1:]
			return row, nil
		}))
		if err != nil {
			return err
		}
		if err := again(); err != nil {
			return err
		}
		return mark(ctx, tx, t.name)
	})
}

// mark lets the figures of the days be counted on which cards were issued and people
// joined: triggers that do so may be off while rows are loaded.
func mark(ctx context.Context, tx pgx.Tx, table string) error {
	at, ok := map[string]string{"member_cards": "issued_at", "memberships": "joined_at"}[table]
	if !ok {
		return nil
	}
	_, err := tx.Exec(ctx, `INSERT INTO statistic_marks (brand_id, day) SELECT DISTINCT brand_id, (`+at+` AT TIME ZONE 'Asia/Tokyo')::date FROM `+table)
	return err
}

// withoutIndexes takes the table's indexes away, but for those that constraints are
// kept by, and answers how to make them again.
func withoutIndexes(ctx context.Context, tx pgx.Tx, table string) (func() error, error) {
	type index struct{ Name, Definition string }
	rows, err := tx.Query(ctx, `
		SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition FROM pg_index i
		WHERE i.indrelid = $1::text::regclass AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)`, table)
	if err != nil {
		return nil, err
	}
	indexes, err := pgx.CollectRows(rows, pgx.RowToStructByName[index])
	if err != nil {
		return nil, err
	}
	for _, i := range indexes {
		if _, err := tx.Exec(ctx, `DROP INDEX `+i.Name); err != nil {
			return nil, err
		}
	}
	return func() error {
		var failed error
		for _, i := range indexes {
			_, err := tx.Exec(ctx, i.Definition)
			failed = errors.Join(failed, err)
		}
		return failed
	}, nil
}

// Today is the last day of a population that is made now: yesterday, in Japan.
func (p Population) Today(now time.Time) Population {
	p.Until = now.Add(9*time.Hour).UTC().Truncate(24*time.Hour).AddDate(0, 0, -1)
	return p
}
