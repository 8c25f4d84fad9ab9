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
func (s *Imports) FirstRejections(ctx context.Context, wanted []importing.FirstPage) (map[importing.FirstPage]page.Connection[importing.Rejection], error) {
	type row struct {
		RunID uuid.UUID
		Size  int
		numbered
	}
	runs, sizes := make([]uuid.UUID, len(wanted)), make([]int, len(wanted))
	for i, w := range wanted {
		runs[i], sizes[i] = w.RunID, w.Size
	}
	rows, err := collect[row](ctx, s.db, `
		SELECT w.run_id, w.size, r.number, r.line, r."column", r.value, r.slug, r.warning, r.ja, r.en
		FROM unnest(@runs::uuid[], @sizes::int[]) AS w (run_id, size)
		CROSS JOIN LATERAL (SELECT * FROM import_rejections r WHERE r.run_id = w.run_id ORDER BY r.number LIMIT w.size + 1) r
		ORDER BY w.run_id, w.size, r.number`, pgx.NamedArgs{"runs": runs, "sizes": sizes})
	if err != nil {
		return nil, err
	}
	byPage := map[importing.FirstPage][]numbered{}
	for _, r := range rows {
		key := importing.FirstPage{RunID: r.RunID, Size: r.Size}
		byPage[key] = append(byPage[key], r.numbered)
	}
	found := make(map[importing.FirstPage]page.Connection[importing.Rejection], len(wanted))
	for _, w := range wanted {
		found[w] = rejectionPage(byPage[w], w.Size, false)
	}
	return found, nil
}

// rejectionPage makes a page of rejections that were read one further than that.
func rejectionPage(rows []numbered, size int, behind bool) page.Connection[importing.Rejection] {
	paged := page.Of(rows, size, behind, func(r numbered) any { return r.Number })
	return page.Map(paged, func(r numbered) importing.Rejection {
		return importing.Rejection{Line: r.Line, Column: r.Column, Value: r.Value, Slug: r.Slug, Warning: r.Warning, JA: r.JA, EN: r.EN}
	})
}

// RejectionCounts are how many rejections each of the runs has; none is left out.
func (s *Imports) RejectionCounts(ctx context.Context, runIDs []uuid.UUID) (map[uuid.UUID]int, error) {
	type count struct {
		RunID uuid.UUID
		Count int
	}
	rows, err := collect[count](ctx, s.db, `SELECT run_id, count(*) AS count FROM import_rejections WHERE run_id = ANY($1) GROUP BY run_id`, runIDs)
	found := make(map[uuid.UUID]int, len(rows))
	for _, r := range rows {
		found[r.RunID] = r.Count
	}
	return found, err
}
