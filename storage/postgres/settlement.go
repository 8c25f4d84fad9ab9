package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/page"
)

// Sum is how many lines the span has, and what the debits in the currency come to.
func (s *Journal) Sum(ctx context.Context, span ledger.Span, currency money.Currency) (lines int, minor int64, err error) {
	where, args, _ := inSpan(span)
	args["currency"] = currency
	sums, err := first[struct {
		Lines int
		Minor int64
	}](ctx, s.db, `
		SELECT count(*)::int AS lines, coalesce(sum(l.debit) FILTER (WHERE e.currency = @currency), 0)::bigint AS minor
		FROM journal_entries e JOIN journal_lines l ON l.entry_id = e.id WHERE `+where, args)
	if err != nil {
		return 0, 0, err
	}
	return sums.Lines, sums.Minor, nil
}

const settlementFileColumns = `f.id, f.brand_id, f.from_on, f.to_on, f.zone, f.daily, f.lines, f.total, f.currency, f.made_at, f.written_by`

// InsertFile writes a file down, and reports whether it is new: a day has one.
func (s *Journal) InsertFile(ctx context.Context, f ledger.SettlementFile) (bool, error) {
	tag, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO settlement_files (id, brand_id, from_on, to_on, zone, daily, lines, total, currency, made_at, written_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING`,
		f.ID, f.BrandID, f.From, f.To, f.Zone, f.Daily, f.Lines, f.TotalMinor, f.Currency, f.MadeAt, f.WrittenBy)
	return tag.RowsAffected() == 1, err
}

// File is the settlement file; nil if there is none with the key.
func (s *Journal) File(ctx context.Context, fileID uuid.UUID) (*ledger.SettlementFile, error) {
	return first[ledger.SettlementFile](ctx, s.db, `SELECT `+settlementFileColumns+` FROM settlement_files f WHERE f.id = $1`, fileID)
}

// Files is one page of the brand's settlement files, the newest first.
func (s *Journal) Files(ctx context.Context, brandID uuid.UUID, daily *bool, in page.Args) (page.Connection[ledger.SettlementFile], error) {
	where, args := `f.brand_id = @brand`, pgx.NamedArgs{"brand": brandID}
	if daily != nil {
		where, args["daily"] = where+` AND f.daily = @daily`, *daily
	}
	return latest(ctx, s.db, in, settlementFileColumns, `settlement_files f`, where, `f.made_at`, `f.id`, args,
		func(f ledger.SettlementFile) timeKey { return timeKey{f.MadeAt, f.ID} })
}

// LastDaily is the last day of the brand that has its file; nil if none has.
func (s *Journal) LastDaily(ctx context.Context, brandID uuid.UUID) (*time.Time, error) {
	return one[*time.Time](ctx, s.db, `SELECT max(from_on) FROM settlement_files WHERE brand_id = $1 AND daily`, brandID)
}

const reconciliationColumns = `r.id, r.brand_id, r.gateway, r.from_on, r.to_on, r.digest, r.made_at, r.rows, r.agreed, r.differing,
	(SELECT count(*)::int FROM gateway_differences d WHERE d.reconciliation_id = r.id AND d.resolved_at IS NULL) AS open,
	r.currency, r.gross, r.fees, r.bad_rows, r.fee_entry_id`

// Compared is the brand's compared report of the file, locked; nil if there is none.
func (s *Journal) Compared(ctx context.Context, brandID uuid.UUID, gateway, digest string) (*ledger.Reconciliation, error) {
	return first[ledger.Reconciliation](ctx, s.db, `
		SELECT `+reconciliationColumns+` FROM gateway_reconciliations r WHERE r.brand_id = $1 AND r.gateway = $2 AND r.digest = $3 FOR UPDATE OF r`, brandID, gateway, digest)
}

// InsertReconciliation writes a compared report down, and reports whether the file is new.
func (s *Journal) InsertReconciliation(ctx context.Context, r ledger.Reconciliation, all []ledger.Difference) (bool, error) {
	tag, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO gateway_reconciliations (id, brand_id, gateway, from_on, to_on, digest, made_at, rows, agreed, differing, currency, gross, fees, bad_rows)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT (brand_id, gateway, digest) DO NOTHING`,
		r.ID, r.BrandID, r.Gateway, r.From, r.To, r.Digest, r.MadeAt, r.Rows, r.Agreed, r.Differing, r.Currency, r.GrossMinor, r.FeesMinor, orEmpty(r.BadRows))
	if err != nil || tag.RowsAffected() == 0 {
		return false, err
	}
	columns := []string{"id", "brand_id", "reconciliation_id", "gateway", "made_at", "kind", "reference", "currency", "journal", "report"}
	_, err = s.db.conn(ctx).CopyFrom(ctx, pgx.Identifier{"gateway_differences"}, columns, pgx.CopyFromSlice(len(all), func(i int) ([]any, error) {
		d := all[i]
		return []any{d.ID, d.BrandID, d.ReconciliationID, d.Gateway, d.MadeAt, d.Kind, d.Reference, d.Currency, d.JournalMinor, d.ReportMinor}, nil
	}))
	return true, err
}

// FeesBooked is a compared report of the gateway, of a day that r is of too, whose fees are
// booked and not taken back; nil if there is none. Until the transaction ends, nobody else
// is told of the gateway.
func (s *Journal) FeesBooked(ctx context.Context, r ledger.Reconciliation) (*ledger.Reconciliation, error) {
	_, err := s.db.conn(ctx).Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('fees of ' || $1::text || $2::text, 0))`, r.BrandID.String(), r.Gateway)
	if err != nil {
		return nil, err
	}
	return first[ledger.Reconciliation](ctx, s.db, `
		SELECT `+reconciliationColumns+` FROM gateway_reconciliations r
		WHERE r.brand_id = $1 AND r.gateway = $2 AND r.from_on <= $4 AND r.to_on >= $3 AND r.fee_entry_id IS NOT NULL
		  AND NOT EXISTS (SELECT FROM journal_entries e WHERE e.brand_id = $1 AND e.source = 'reversal:' || r.fee_entry_id::text)
		ORDER BY r.from_on LIMIT 1`, r.BrandID, r.Gateway, r.From, r.To)
}

// SaveFeeEntry notes with which entry the fees of a report are booked.
func (s *Journal) SaveFeeEntry(ctx context.Context, r ledger.Reconciliation) error {
	_, err := s.db.conn(ctx).Exec(ctx, `UPDATE gateway_reconciliations SET fee_entry_id = $2 WHERE id = $1`, r.ID, r.FeeEntryID)
	return err
}

// Reconciliations is one page of the brand's compared reports, the newest first.
func (s *Journal) Reconciliations(ctx context.Context, brandID uuid.UUID, gateway *string, in page.Args) (page.Connection[ledger.Reconciliation], error) {
	where, args := `r.brand_id = @brand`, pgx.NamedArgs{"brand": brandID}
	if gateway != nil {
		where, args["gateway"] = where+` AND r.gateway = @gateway`, *gateway
	}
	return latest(ctx, s.db, in, reconciliationColumns, `gateway_reconciliations r`, where, `r.made_at`, `r.id`, args,
		func(r ledger.Reconciliation) timeKey { return timeKey{r.MadeAt, r.ID} })
}

const differenceColumns = `d.id, d.brand_id, d.reconciliation_id, d.gateway, d.made_at, d.kind, d.reference, d.currency, d.journal, d.report, d.resolved_at, d.resolved_by, d.note`

// Differences is one page of what reports and the journal disagree on, the newest first.
func (s *Journal) Differences(ctx context.Context, brandID uuid.UUID, f ledger.DifferenceFilter, in page.Args) (page.Connection[ledger.Difference], error) {
	where, args := `d.brand_id = @brand`, pgx.NamedArgs{"brand": brandID}
	if f.ReconciliationID != nil {
		where, args["of"] = where+` AND d.reconciliation_id = @of`, *f.ReconciliationID
	}
	if f.Gateway != nil {
		where, args["gateway"] = where+` AND d.gateway = @gateway`, *f.Gateway
	}
	switch {
	case f.Open == nil:
	case *f.Open:
		where += ` AND d.resolved_at IS NULL`
	default:
		where += ` AND d.resolved_at IS NOT NULL`
	}
	return latest(ctx, s.db, in, differenceColumns, `gateway_differences d`, where, `d.made_at`, `d.id`, args,
		func(d ledger.Difference) timeKey { return timeKey{d.MadeAt, d.ID} })
}

// LockDifference is the brand's difference, locked; nil if it has none such.
func (s *Journal) LockDifference(ctx context.Context, brandID, differenceID uuid.UUID) (*ledger.Difference, error) {
	return first[ledger.Difference](ctx, s.db, `SELECT `+differenceColumns+` FROM gateway_differences d WHERE d.id = $1 AND d.brand_id = $2 FOR UPDATE`, differenceID, brandID)
}

// SaveDifference writes what became of a difference.
func (s *Journal) SaveDifference(ctx context.Context, d ledger.Difference) error {
	_, err := s.db.conn(ctx).Exec(ctx, `UPDATE gateway_differences SET resolved_at = $2, resolved_by = $3, note = $4 WHERE id = $1`, d.ID, d.ResolvedAt, d.ResolvedBy, d.Note)
	return err
}
