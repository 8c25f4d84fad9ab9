package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/ledger"
)

// Rows gives the rows of the span to each, one by one, in the order of time. The
// entries are walked by an index, so the first row comes at once and nothing sorts.
func (s *Journal) Rows(ctx context.Context, span ledger.Span, each func(*ledger.Row) error) error {
	where, args, clock := inSpan(span)
	rows, err := s.db.conn(ctx).Query(ctx, `
		SELECT e.id, e.at, e.kind, e.reference, coalesce(c.code, ''), coalesce(p.reference, ''), e.memo, e.currency, l.position, l.account, l.sub, l.debit, l.credit
		FROM journal_entries e JOIN journal_lines l ON l.entry_id = e.id
		LEFT JOIN payments p ON p.id = e.payment_id LEFT JOIN companies c ON c.id = e.company_id
		WHERE `+where+`
		ORDER BY `+clock+`, e.id, l.position`, args)
	if err != nil {
		return err
	}
	defer rows.Close()
	var r ledger.Row
	into := []any{&r.EntryID, &r.At, &r.Kind, &r.Reference, &r.Company, &r.Gateway, &r.Memo, &r.Currency, &r.Position, &r.Account, &r.Sub, &r.Debit, &r.Credit}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if err := each(&r); err != nil {
			return err
		}
	}
	return s.db.unavailable(ctx, rows.Err())
}

// inSpan is the condition that an entry is in the span, and the column of its clock.
func inSpan(span ledger.Span) (where string, args pgx.NamedArgs, clock string) {
	clock, args = `e.at`, pgx.NamedArgs{"brand": span.BrandID, "from": span.From, "until": span.Until}
	if span.Posted {
		clock = `e.posted_at`
	}
	where = `e.brand_id = @brand AND ` + clock + ` >= @from AND ` + clock + ` < @until`
	if span.WrittenBy != nil {
		where, args["written"] = where+` AND e.posted_at <= @written`, *span.WrittenBy
	}
	return where, args, clock
}

// Cleared are what the gateway's payments moved in the span, by its own ids; a payment
// that it never named goes by ours.
func (s *Journal) Cleared(ctx context.Context, gateway string, span ledger.Span) (map[string]int64, error) {
	type row struct {
		Reference string
		Minor     int64
	}
	rows, err := collect[row](ctx, s.db, `
		SELECT coalesce(nullif(p.reference, ''), p.id::text) AS reference, sum(l.debit - l.credit)::bigint AS minor
		FROM journal_entries e JOIN journal_lines l ON l.entry_id = e.id AND l.account = 'CLEARING' AND l.sub = $2
		JOIN payments p ON p.id = e.payment_id
		WHERE e.brand_id = $1 AND e.at >= $3 AND e.at < $4 GROUP BY 1`, span.BrandID, gateway, span.From, span.Until)
	all := make(map[string]int64, len(rows))
	for _, r := range rows {
		all[r.Reference] = r.Minor
	}
	return all, err
}
