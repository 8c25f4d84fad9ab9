package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/importing"
	"github.com/noren-commerce/noren/core/page"
)

// startedKey is the sort key of a run in a list.
type startedKey struct {
	At time.Time `json:"t"`
	ID uuid.UUID `json:"i"`
}

// List is one page of the brand's runs, newest first.
func (s *Imports) List(ctx context.Context, brandID uuid.UUID, in importing.ListInput) (page.Connection[importing.Run], error) {
	var none page.Connection[importing.Run]
	size, err := in.Page.Size()
	if err != nil {
		return none, err
	}
	var after startedKey
	behind, err := in.Page.Start(&after)
	if err != nil {
		return none, err
	}
	where, keyset := `brand_id = @brand`, ``
	args := pgx.NamedArgs{"brand": brandID, "limit": size + 1, "after_at": after.At, "after_id": after.ID, "statuses": in.Statuses}
	if len(in.Statuses) > 0 {
		where += ` AND status = ANY(@statuses)`
	}
	if behind {
		keyset = ` AND (started_at, id) < (@after_at, @after_id)`
	}
	rows, err := collect[importing.Run](ctx, s.db, `SELECT `+runColumns+` FROM import_runs WHERE `+where+keyset+`
		ORDER BY started_at DESC, id DESC LIMIT @limit`, args)
	if err != nil {
		return none, err
	}
	connection := page.Of(rows, size, behind, func(r importing.Run) any { return startedKey{r.StartedAt, r.ID} })
	connection.Count = func(ctx context.Context) (int, error) {
		return one[int](ctx, s.db, `SELECT count(*) FROM import_runs WHERE `+where, args)
	}
	return connection, nil
}

// FirstRejections are the first pages of the rejections of several runs.
func (s *Imports) FirstRejections(ctx context.Context, wanted []page.First) (map[page.First]page.Connection[importing.Rejection], error) {
	return firstRejections(ctx, s.db, `import_rejections`, wanted)
}

// RejectionCounts are how many rejections each of the runs has.
func (s *Imports) RejectionCounts(ctx context.Context, wanted []page.First) (map[page.First]int, error) {
	return counts(ctx, s.db, wanted, ownedRejections(`import_rejections`), nil)
}

// ownedRejections are those of each run in a table of such.
func ownedRejections(table string) ownedList {
	return ownedList{`r.number, r.line, r."column", r.value, r.slug, r.warning, r.ja, r.en`, `FROM ` + table + ` r`, `r.run_id = wanted.owner`, `r.number`}
}

// firstRejections are the first pages of the rejections of several runs, in one
// statement.
func firstRejections(ctx context.Context, db *DB, table string, wanted []page.First) (map[page.First]page.Connection[importing.Rejection], error) {
	type row struct {
		place
		numbered
	}
	pages, err := firstPages(ctx, db, wanted, ownedRejections(table), nil, func(r row) (place, numbered) { return r.place, r.numbered }, rejectionKey)
	found := make(map[page.First]page.Connection[importing.Rejection], len(pages))
	for of, p := range pages {
		found[of] = page.Map(p, rejectionOf)
	}
	return found, err
}

func rejectionKey(r numbered) any { return r.Number }

func rejectionOf(r numbered) importing.Rejection {
	return importing.Rejection{Line: r.Line, Column: r.Column, Value: r.Value, Slug: r.Slug, Warning: r.Warning, JA: r.JA, EN: r.EN}
}
