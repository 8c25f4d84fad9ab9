// Package books says what must be true of a shop's books whatever happened to them, and
// in what order: stock, money, documents and orders agree. Tests that let many do many
// things at once, or kill the process in between, ask it whenever nothing is under way.
package books

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Rule is one thing that must be true. SQL answers a row of text for each thing that
// breaks it.
type Rule struct {
	Name string
	SQL  string
}

// Broken asks for each rule what breaks it, in one view of the database.
func Broken(ctx context.Context, pool *pgxpool.Pool, sets ...[]Rule) ([]string, error) {
	var broken []string
	err := pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		for _, set := range sets {
			for _, r := range set {
				rows, err := tx.Query(ctx, r.SQL)
				if err != nil {
					return fmt.Errorf("%s: %w", r.Name, err)
				}
				found, err := pgx.CollectRows(rows, pgx.RowTo[string])
				if err != nil {
					return fmt.Errorf("%s: %w", r.Name, err)
				}
				for _, f := range found {
					broken = append(broken, r.Name+": "+f)
				}
			}
		}
		return nil
	})
	return broken, err
}

// Always hold, whatever gateways have yet to answer.
func Always() []Rule {
	return slices.Concat(Money(), stock, documents, orders, returned, campaigns, recurring, points, lots, Purchases)
}

// Money is those of them that say where money is, whatever goods there are.
func Money() []Rule { return slices.Concat(journal, payments, giftCards, vouchers, credit) }

// Settled hold when every gateway has answered, staff have sent back what is owed, and the
// points of every order have been looked after.
func Settled() []Rule { return append(rewarded, settled...) }
