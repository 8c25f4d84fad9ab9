package postgres

import (
	"context"
	"maps"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/page"
)

// ownedList is a list that each of many owners has: where says which rows are those of
// wanted.owner, narrowed to wanted.narrow.
type ownedList struct{ columns, from, where, order string }

// place is whose page a row is on, by number, and which row it is there.
type place struct{ Nth, Rank int }

const wantedPages = ` FROM unnest(@owners::uuid[], @sizes::int[], @narrows::text[]) WITH ORDINALITY AS wanted (owner, size, narrow, nth) `

func wantedArgs(wanted []page.First, named pgx.NamedArgs) pgx.NamedArgs {
	owners, sizes, narrows := make([]uuid.UUID, len(wanted)), make([]int, len(wanted)), make([]string, len(wanted))
	for i, w := range wanted {
		owners[i], sizes[i], narrows[i] = w.OwnerID, w.Size, w.Only
	}
	bound := pgx.NamedArgs{"owners": owners, "sizes": sizes, "narrows": narrows}
	maps.Copy(bound, named)
	return bound
}

// firstPages reads the first pages of the list for many owners in one statement, each
// one row further than its size. R is a row with its place.
func firstPages[R, T any](ctx context.Context, db *DB, wanted []page.First, list ownedList, named pgx.NamedArgs,
	row func(R) (place, T), key func(T) any,
) (map[page.First]page.Connection[T], error) {
	rows, err := collect[R](ctx, db, `SELECT wanted.nth, r.*`+wantedPages+`CROSS JOIN LATERAL (
			SELECT `+list.columns+`, row_number() OVER (ORDER BY `+list.order+`) AS rank
			`+list.from+` WHERE `+list.where+` ORDER BY `+list.order+` LIMIT wanted.size + 1
		) r ORDER BY wanted.nth, r.rank`, wantedArgs(wanted, named))
	if err != nil {
		return nil, err
	}
	byPage := make([][]T, len(wanted))
	for _, r := range rows {
		at, value := row(r)
		byPage[at.Nth-1] = append(byPage[at.Nth-1], value)
	}
	found := make(map[page.First]page.Connection[T], len(wanted))
	for i, w := range wanted {
		found[w] = page.Of(byPage[i], w.Size, false, key)
	}
	return found, nil
}

// counts are how many rows the list has for each of the owners.
func counts(ctx context.Context, db *DB, wanted []page.First, list ownedList, named pgx.NamedArgs) (map[page.First]int, error) {
	all, err := column[int](ctx, db, `SELECT (SELECT count(*) `+list.from+` WHERE `+list.where+`)`+wantedPages+`ORDER BY wanted.nth`, wantedArgs(wanted, named))
	if err != nil {
		return nil, err
	}
	found := make(map[page.First]int, len(wanted))
	for i, w := range wanted {
		found[w] = all[i]
	}
	return found, nil
}
