package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/inventory"
	"github.com/noren-commerce/noren/core/page"
)

// Stocktake is a stocktake of the brand; nil if there is none.
func (s *Inventory) Stocktake(ctx context.Context, brandID, stocktakeID uuid.UUID) (*inventory.Stocktake, error) {
	return first[inventory.Stocktake](ctx, s.db, `SELECT `+stocktakeColumns+` FROM stocktakes k WHERE k.id = @id AND k.brand_id = @brand`,
		pgx.NamedArgs{"id": stocktakeID, "brand": brandID})
}

// timeKey is the sort key of what is listed by a moment.
type timeKey struct {
	At time.Time `json:"t"`
	ID uuid.UUID `json:"i"`
}

// Stocktakes is one page of the brand's stocktakes, the last begun first.
func (s *Inventory) Stocktakes(ctx context.Context, brandID uuid.UUID, at inventory.At, in page.Args) (page.Connection[inventory.Stocktake], error) {
	where, args := `k.brand_id = @brand`, pgx.NamedArgs{"brand": brandID}
	if at.LocationID != nil {
		where, args["location"] = where+` AND k.location_id = @location`, *at.LocationID
	}
	if len(at.Stores) > 0 {
		where, args["stores"] = where+` AND k.location_id = ANY(@stores)`, at.Stores
	}
	return latest(ctx, s.db, in, stocktakeColumns, `stocktakes k`, where, `k.started_at`, `k.id`, args,
		func(k inventory.Stocktake) timeKey { return timeKey{k.StartedAt, k.ID} })
}

const countedColumns = `l.stocktake_id, l.variant_id, l.book, l.counted, l.counted_at, l.actor_id`

// FirstCounted are the first pages of what stocktakes found, the last counted first.
func (s *Inventory) FirstCounted(ctx context.Context, wanted []page.First) (map[page.First]page.Connection[inventory.CountedLine], error) {
	type row struct {
		place
		inventory.CountedLine
	}
	list := ownedList{countedColumns, `FROM stocktake_lines l`, `l.stocktake_id = wanted.owner AND (wanted.narrow = '' OR l.counted <> l.book)`, `l.counted_at DESC, l.variant_id DESC`}
	return firstPages(ctx, s.db, wanted, list, pgx.NamedArgs{},
		func(r row) (place, inventory.CountedLine) { return r.place, r.CountedLine },
		func(l inventory.CountedLine) any { return timeKey{l.CountedAt, l.VariantID} })
}

// CountedLines is one page of what a stocktake found, the last counted first.
func (s *Inventory) CountedLines(ctx context.Context, stocktakeID uuid.UUID, differing bool, in page.Args) (page.Connection[inventory.CountedLine], error) {
	where, args := `l.stocktake_id = @stocktake`, pgx.NamedArgs{"stocktake": stocktakeID}
	if differing {
		where += ` AND l.counted <> l.book`
	}
	return latest(ctx, s.db, in, countedColumns, `stocktake_lines l`, where,
		`l.counted_at`, `l.variant_id`, args, func(l inventory.CountedLine) timeKey { return timeKey{l.CountedAt, l.VariantID} })
}

// latest is one page of rows by the columns at, a moment, and id, the latest first.
func latest[T any](ctx context.Context, db *DB, in page.Args, columns, from, where, at, id string, args pgx.NamedArgs, key func(T) timeKey) (page.Connection[T], error) {
	var none page.Connection[T]
	size, err := in.Size()
	if err != nil {
		return none, err
	}
	var after timeKey
	behind, err := in.Start(&after)
	if err != nil {
		return none, err
	}
	keyset := ``
	if behind {
		keyset = ` AND (` + at + `, ` + id + `) < (@at, @id)`
	}
	args["at"], args["id"], args["limit"] = after.At, after.ID, size+1
	rows, err := collect[T](ctx, db, `SELECT `+columns+` FROM `+from+` WHERE `+where+keyset+` ORDER BY `+at+` DESC, `+id+` DESC LIMIT @limit`, args)
	if err != nil {
		return none, err
	}
	found := page.Of(rows, size, behind, func(row T) any { return key(row) })
	found.Count = func(ctx context.Context) (int, error) {
		return one[int](ctx, db, `SELECT count(*) FROM `+from+` WHERE `+where, args)
	}
	return found, nil
}

// Tallies are many stocktakes in numbers, in one statement.
func (s *Inventory) Tallies(ctx context.Context, stocktakeIDs []uuid.UUID) ([]inventory.Tally, error) {
	return collect[inventory.Tally](ctx, s.db, `
		SELECT k.id AS stocktake_id, l.counted, l.differing, l.surplus, l.shortage, CASE WHEN k.state = 'OPEN' THEN (
			SELECT count(*)::int FROM stock_levels s WHERE s.location_id = k.location_id AND s.on_hand > 0
				AND NOT EXISTS (SELECT FROM stocktake_lines o WHERE o.stocktake_id = k.id AND o.variant_id = s.variant_id)) ELSE 0 END AS uncounted
		FROM stocktakes k CROSS JOIN LATERAL (
			SELECT count(*)::int AS counted, (count(*) FILTER (WHERE counted <> book))::int AS differing,
				coalesce(sum(counted - book) FILTER (WHERE counted > book), 0)::int AS surplus,
				coalesce(sum(book - counted) FILTER (WHERE counted < book), 0)::int AS shortage
			FROM stocktake_lines WHERE stocktake_id = k.id) l
		WHERE k.id = ANY(@ids)`, pgx.NamedArgs{"ids": stocktakeIDs})
}
