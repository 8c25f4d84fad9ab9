package seed

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

var (
	receiptColumns = []string{"id", "bought_on", "bought_at", "brand_id", "member_id", "card_number", "source", "store_id", "till", "receipt", "items", "total", "currency", "created_at"}
	lineColumns    = []string{"purchase_id", "bought_on", "position", "brand_id", "member_id", "store_id", "variant_id", "product_id", "code", "name", "quantity", "amount"}
)

// month writes one month of the history: into tables of their own, whose indexes are made
// behind the rows, and which then become the month's partitions, with what was there before.
func (w *populating) month(ctx context.Context, m month) error {
	name := "purchases " + m.from.Format(time.DateOnly)
	err := w.part(ctx, "rows of "+name, func(ctx context.Context, tx pgx.Tx) error {
		if err := w.fill(ctx, tx, "purchases", receiptColumns, w.history().receiptRows(m), m); err != nil {
			return err
		}
		return w.fill(ctx, tx, "purchase_lines", lineColumns, w.history().lineRows(m), m)
	})
	if err != nil {
		return err
	}
	return w.part(ctx, name, func(ctx context.Context, tx pgx.Tx) error {
		// The first lock that is taken, so that two months wait for each other in turn.
		if _, err := tx.Exec(ctx, `LOCK TABLE purchases, purchase_lines IN ACCESS EXCLUSIVE MODE`); err != nil {
			return err
		}
		for _, table := range []string{"purchases", "purchase_lines"} {
			if err := attach(ctx, tx, table, m); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `INSERT INTO statistic_marks (brand_id, day) SELECT DISTINCT brand_id, bought_on FROM purchases_`+m.name())
		return err
	})
}

// fill makes a table like the partitioned one, and copies the rows into it.
func (w *populating) fill(ctx context.Context, tx pgx.Tx, table string, columns []string, rows iter.Seq[[]any], m month) error {
	fresh := table + "_" + m.name() + "_fresh"
	if _, err := tx.Exec(ctx, fmt.Sprintf(`CREATE TABLE %s (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS)`, fresh, table)); err != nil {
		return err
	}
	next, stop := iter.Pull(rows)
	defer stop()
	_, err := tx.CopyFrom(ctx, pgx.Identifier{fresh}, columns, pgx.CopyFromFunc(func() ([]any, error) {
		row, ok := next()
		if !ok {
			return nil, nil
		}
		w.step(1)
		return row, nil
	}))
	if err != nil {
		return err
	}
	return indexed(ctx, tx, fresh, table)
}

// indexed gives the table the partitioned one's keys and indexes.
func indexed(ctx context.Context, tx pgx.Tx, fresh, table string) error {
	rows, err := tx.Query(ctx, `
		SELECT coalesce('ALTER TABLE `+fresh+` ADD ' || pg_get_constraintdef(c.oid),
			'CREATE ' || CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END || 'INDEX ON `+fresh+` USING ' || split_part(pg_get_indexdef(i.indexrelid), ' USING ', 2))
		FROM pg_index i LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.conrelid = i.indrelid
		WHERE i.indrelid = $1::text::regclass`, table)
	if err != nil {
		return err
	}
	statements, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, sql := range statements {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// attach makes the fresh table the partition of its month. What another partition has of
// the month already moves into it.
func attach(ctx context.Context, tx pgx.Tx, table string, m month) error {
	name := table + "_" + m.name()
	fresh := name + "_fresh"
	first := time.Date(m.from.Year(), m.from.Month(), 1, 0, 0, 0, 0, time.UTC)
	begins, ends := first.Format(time.DateOnly), first.AddDate(0, 1, 0).Format(time.DateOnly)
	var there bool
	if err := tx.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, name).Scan(&there); err != nil {
		return err
	}
	statements := []string{
		fmt.Sprintf(`WITH moved AS (DELETE FROM %s_default WHERE bought_on >= '%s' AND bought_on < '%s' RETURNING *) INSERT INTO %s SELECT * FROM moved`, table, begins, ends, fresh),
	}
	if there {
		statements = append(statements, fmt.Sprintf(`INSERT INTO %s SELECT * FROM %s`, fresh, name), `DROP TABLE `+name)
	}
	statements = append(statements,
		fmt.Sprintf(`ALTER TABLE %s RENAME TO %s`, fresh, name),
		fmt.Sprintf(`ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM ('%s') TO ('%s')`, table, name, begins, ends))
	for _, sql := range statements {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", strings.SplitN(sql, " (", 2)[0], err)
		}
	}
	return nil
}

func (h *history) receiptRows(m month) iter.Seq[[]any] {
	return func(yield func([]any) bool) {
		h.receipts(m, func(r *receipt) bool {
			brand := &h.brands[r.brand]
			source, store, card := "STORE", &brand.Shops[r.shop].ID, ""
			if r.shop == 0 {
				source, store = "ONLINE", nil
			} else if r.member >= 0 {
				card = cardNumber(r.member, r.brand, false)
			}
			return yield([]any{r.id, r.day, r.at, brand.ID, r.buyerKey(), card, source, store, r.till, r.number, r.items, r.total, "JPY", r.at})
		})
	}
}

func (h *history) lineRows(m month) iter.Seq[[]any] {
	return func(yield func([]any) bool) {
		h.receipts(m, func(r *receipt) bool {
			brand := &h.brands[r.brand]
			store := &brand.Shops[r.shop].ID
			if r.shop == 0 {
				store = nil
			}
			for i, l := range r.lines {
				if !yield([]any{r.id, r.day, i + 1, brand.ID, r.buyerKey(), store, l.article.VariantID, l.article.ProductID, l.article.SKU, l.article.Name, l.quantity, l.amount}) {
					return false
				}
			}
			return true
		})
	}
}
