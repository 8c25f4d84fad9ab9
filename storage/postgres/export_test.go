package postgres

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/segment"
)

// Run runs a statement as a store does.
func (db *DB) Run(ctx context.Context, sql string, args ...any) error {
	_, err := db.conn(ctx).Exec(ctx, sql, args...)
	return err
}

// One reads a single value as a store does.
func One[T any](ctx context.Context, db *DB, sql string, args ...any) (T, error) {
	return one[T](ctx, db, sql, args...)
}

// Explain is the plan of a page of a list, and how many listings it looked at.
func Explain(t testing.TB, db *DB, q catalog.ListQuery, cursor string) (plan string, looked int) {
	t.Helper()
	sel, err := selectionOf(q)
	require.NoError(t, err)
	o, _ := sel.by(q.Sort)
	var place *sortKey
	if cursor != "" {
		place = new(sortKey)
		_, err = page.Args{After: &cursor}.Start(place)
		require.NoError(t, err)
	}
	sql, args := rowsSQL(q, sel, o, place, 21)
	lines, err := read(t.Context(), db, `EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) `+sql, []any{args}, func(rows pgx.Rows) ([]string, error) {
		return pgx.CollectRows(rows, pgx.RowTo[string])
	})
	require.NoError(t, err)
	for i, line := range lines {
		if !strings.Contains(line, "on product_listings") {
			continue
		}
		_, _ = fmt.Sscanf(line[strings.Index(line, "(actual"):], "(actual rows=%d", &looked)
		for _, more := range lines[i+1:] {
			var removed int
			if n, _ := fmt.Sscanf(strings.TrimSpace(more), "Rows Removed by Filter: %d", &removed); n == 1 {
				looked += removed
			}
		}
	}
	return strings.Join(lines, "\n"), looked
}

// CompileSearch is the statement of a search, for tests of its shape.
var CompileSearch = compileSearch

// Plan is how PostgreSQL goes about a search.
func (s *Segments) Plan(ctx context.Context, q segment.Query) (plan string, err error) {
	err = s.search(ctx, q, func(ctx context.Context, hits string, args pgx.NamedArgs) error {
		lines, err := column[string](ctx, s.db, `EXPLAIN `+hits+` SELECT count(*) FROM hits`, args)
		plan = strings.Join(lines, "\n")
		return err
	})
	return plan, err
}
