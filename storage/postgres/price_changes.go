package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/importing"
	"github.com/noren-commerce/noren/core/page"
)

const changeColumns = `r.line, r.change, r.holder, r.sku, r.min_quantity, greatest(r.valid_from, '0001-01-01Z') AS valid_from,
	least(r.valid_until, '9999-12-31Z') AS valid_until, r.amount, r.old_amount, r.before, r.difference,
	CASE WHEN r.rate IS NULL THEN coalesce((SELECT l.currency FROM price_lists l WHERE l.id = r.list_id), c.currency) ELSE '' END AS currency,
	(r.rate->>'Percent')::numeric AS percent, (r.old_rate->>'Percent')::numeric AS old_percent`

const changeFrom = `FROM price_import_rows r JOIN price_imports i ON i.id = r.import_id JOIN channels c ON c.id = i.channel_id`

// PriceChanges is one page of what a run would do, in the order of the file; whoever
// asks counts them.
func (s *PriceImports) PriceChanges(ctx context.Context, runID uuid.UUID, in importing.PriceChangesInput) (page.Connection[importing.PriceChange], error) {
	var none page.Connection[importing.PriceChange]
	size, err := in.Page.Size()
	if err != nil {
		return none, err
	}
	after := 0
	behind, err := in.Page.Start(&after)
	if err != nil {
		return none, err
	}
	args := pgx.NamedArgs{"run": runID, "after": after, "limit": size + 1, "kinds": in.Kinds}
	where := ``
	if len(in.Kinds) > 0 {
		where = ` AND r.change = ANY(@kinds)`
	}
	rows, err := collect[importing.PriceChange](ctx, s.DB, `SELECT `+changeColumns+` `+changeFrom+` WHERE r.import_id = @run`+where+` AND r.line > @after ORDER BY r.line LIMIT @limit`, args)
	if err != nil {
		return none, err
	}
	return page.Of(rows, size, behind, changeKey), nil
}

// changesOf are the rows of each run, narrowed to kinds of change.
var changesOf = ownedList{changeColumns, changeFrom, `r.import_id = wanted.owner AND (wanted.narrow = '' OR r.change = ANY(string_to_array(wanted.narrow, ',')))`, `r.line`}

// FirstChanges are the first pages of what several runs would do.
func (s *PriceImports) FirstChanges(ctx context.Context, wanted []page.First) (map[page.First]page.Connection[importing.PriceChange], error) {
	type row struct {
		place
		importing.PriceChange
	}
	return firstPages(ctx, s.DB, wanted, changesOf, nil, func(r row) (place, importing.PriceChange) { return r.place, r.PriceChange }, changeKey)
}

// ChangeCounts are how many rows of each run there are of the kinds that are asked for.
func (s *PriceImports) ChangeCounts(ctx context.Context, wanted []page.First) (map[page.First]int, error) {
	return counts(ctx, s.DB, wanted, ownedList{from: `FROM price_import_rows r`, where: changesOf.where}, nil)
}

func changeKey(c importing.PriceChange) any { return c.Line }

// PriceRejections is one page of a run's rejections.
func (s *PriceImports) PriceRejections(ctx context.Context, runID uuid.UUID, args page.Args) (page.Connection[importing.Rejection], error) {
	return rejectionsIn(ctx, s.DB, `price_import_rejections`, runID, args)
}

// FirstPriceRejections are the first pages of the rejections of several runs.
func (s *PriceImports) FirstPriceRejections(ctx context.Context, wanted []page.First) (map[page.First]page.Connection[importing.Rejection], error) {
	return firstRejections(ctx, s.DB, `price_import_rejections`, wanted)
}

// PriceRejectionCounts are how many rejections each of the runs has.
func (s *PriceImports) PriceRejectionCounts(ctx context.Context, wanted []page.First) (map[page.First]int, error) {
	return counts(ctx, s.DB, wanted, ownedRejections(`price_import_rejections`), nil)
}

// Biggest are the rows that rise most in per cent, or fall most, in one statement; none
// for a run of which no row does.
func (s *PriceImports) Biggest(ctx context.Context, wanted []importing.Extreme) (map[importing.Extreme]*importing.PriceChange, error) {
	type row struct {
		Nth int
		importing.PriceChange
	}
	runs, falls := make([]uuid.UUID, len(wanted)), make([]bool, len(wanted))
	for i, w := range wanted {
		runs[i], falls[i] = w.RunID, w.Fall
	}
	const of = `(SELECT ` + changeColumns + ` ` + changeFrom + ` WHERE r.import_id = w.run_id AND `
	rows, err := collect[row](ctx, s.DB, `
		SELECT w.nth, r.* FROM unnest(@runs::uuid[], @falls::boolean[]) WITH ORDINALITY AS w (run_id, fall, nth) CROSS JOIN LATERAL (
			`+of+`NOT w.fall AND r.difference > 0 ORDER BY r.difference DESC, r.line LIMIT 1)
			UNION ALL
			`+of+`w.fall AND r.difference < 0 ORDER BY r.difference, r.line LIMIT 1)
		) r`, pgx.NamedArgs{"runs": runs, "falls": falls})
	found := make(map[importing.Extreme]*importing.PriceChange, len(rows))
	for _, r := range rows {
		found[wanted[r.Nth-1]] = &r.PriceChange
	}
	return found, err
}
