package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/ledger"
)

// TillSums are the days of tills by the journal, the newest first.
func (s *Journal) TillSums(ctx context.Context, q ledger.TillQuery) ([]ledger.TillSum, error) {
	return collect[ledger.TillSum](ctx, s.db, `
		SELECT l.sub AS till, (e.at AT TIME ZONE @zone)::date AS day, e.currency, sum(l.debit)::bigint AS received, sum(l.credit)::bigint AS given
		FROM journal_entries e JOIN journal_lines l ON l.entry_id = e.id
		WHERE e.brand_id = @brand AND e.at >= @from AND e.at < @until AND l.account = 'CASH' AND l.sub <> ''
			AND (cardinality(@shops::uuid[]) = 0 OR l.sub IN (SELECT o.code FROM locations o WHERE o.id = ANY(@shops) AND o.brand_id = @brand))
		GROUP BY 1, 2, 3 ORDER BY 2 DESC, 1, 3`,
		pgx.NamedArgs{"brand": q.BrandID, "from": q.From, "until": q.Until, "zone": q.Zone, "shops": orEmpty(q.Shops)})
}
