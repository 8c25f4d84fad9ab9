package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/page"
)

// Journal keeps the payment journal in PostgreSQL.
type Journal struct{ db *DB }

// NewJournal makes the journal's store.
func NewJournal(db *DB) *Journal { return &Journal{db} }

// Post adds an entry with its lines in one statement, unless its source has been
// written down; it travels with what comes next.
func (s *Journal) Post(ctx context.Context, e ledger.Entry) error {
	batch := &pgx.Batch{}
	queueEntry(batch, e)
	return s.db.later(ctx, batch)
}

func queueEntry(batch *pgx.Batch, e ledger.Entry) {
	n := len(e.Lines)
	accounts, subs, debits, credits := make([]string, n), make([]string, n), make([]int64, n), make([]int64, n)
	for i, l := range e.Lines {
		accounts[i], subs[i], debits[i], credits[i] = string(l.Account), l.Sub, l.DebitMinor, l.CreditMinor
	}
	batch.Queue(`
		WITH posted AS (
			INSERT INTO journal_entries (id, brand_id, at, posted_at, kind, source, currency, order_id, payment_id, company_id, reference, memo, actor_id)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
			ON CONFLICT (brand_id, source) DO NOTHING RETURNING id
		)
		INSERT INTO journal_lines (entry_id, position, account, sub, debit, credit)
		SELECT posted.id, n - 1, account, sub, debit, credit
		FROM posted, unnest($14::text[], $15::text[], $16::bigint[], $17::bigint[]) WITH ORDINALITY AS l (account, sub, debit, credit, n)`,
		e.ID, e.BrandID, e.At, e.PostedAt, e.Kind, e.Source, e.Currency, e.OrderID, e.PaymentID, e.CompanyID, e.Reference, e.Memo, e.ActorID,
		accounts, subs, debits, credits)
}

// OfOrder are the balances of one order.
func (s *Journal) OfOrder(ctx context.Context, orderID uuid.UUID) (ledger.Balances, error) {
	type row struct {
		Account ledger.Account
		Sub     string
		Minor   int64
	}
	rows, err := collect[row](ctx, s.db, `
		SELECT l.account, l.sub, sum(l.debit - l.credit)::bigint AS minor
		FROM journal_entries e JOIN journal_lines l ON l.entry_id = e.id
		WHERE e.order_id = $1 GROUP BY l.account, l.sub`, orderID)
	all := ledger.Balances{}
	for _, r := range rows {
		all[ledger.Place{Account: r.Account, Sub: r.Sub}] = r.Minor
	}
	return all, err
}

const journalColumns = `e.id, e.brand_id, e.at, e.posted_at, e.kind, e.source, e.currency, e.order_id, e.payment_id, e.company_id, e.reference, e.memo, e.actor_id`

// Entry is an entry of the brand; nil if there is none.
func (s *Journal) Entry(ctx context.Context, brandID, entryID uuid.UUID) (*ledger.Entry, error) {
	return first[ledger.Entry](ctx, s.db, `SELECT `+journalColumns+` FROM journal_entries e WHERE e.brand_id = $1 AND e.id = $2`, brandID, entryID)
}

// Reversed reports whether an entry has been taken back.
func (s *Journal) Reversed(ctx context.Context, brandID, entryID uuid.UUID) (bool, error) {
	// Whoever takes it back at the same time waits here.
	if _, err := s.db.conn(ctx).Exec(ctx, `SELECT FROM journal_entries WHERE id = $1 FOR UPDATE`, entryID); err != nil {
		return false, err
	}
	return one[bool](ctx, s.db, `SELECT EXISTS (SELECT FROM journal_entries WHERE brand_id = $1 AND source = 'reversal:' || $2::text)`, brandID, entryID.String())
}

// List is one page of the brand's entries, those that moved last first.
func (s *Journal) List(ctx context.Context, q ledger.Query) (page.Connection[ledger.Entry], error) {
	where, args := journalFilter(q)
	connection, err := keyset(ctx, s.db, q.Page, journalColumns+` FROM journal_entries e`, where, `(e.at, e.id)`, `e.at DESC, e.id DESC`, args,
		func(k placedKey) []any { return []any{k.At, k.ID} }, func(e ledger.Entry) placedKey { return placedKey{e.At, e.ID} })
	connection.Count = func(ctx context.Context) (int, error) {
		return one[int](ctx, s.db, `SELECT count(*) FROM journal_entries e WHERE `+where, args)
	}
	return connection, err
}

func journalFilter(q ledger.Query) (string, pgx.NamedArgs) {
	where, args := `e.brand_id = @brand`, pgx.NamedArgs{"brand": q.BrandID}
	add := func(wanted bool, name, condition string, value any) {
		if wanted {
			where, args[name] = where+` AND `+condition, value
		}
	}
	add(q.From != nil, "from", `e.at >= @from`, q.From)
	add(q.Until != nil, "until", `e.at < @until`, q.Until)
	add(len(q.Kinds) > 0, "kinds", `e.kind = ANY(@kinds)`, q.Kinds)
	add(q.Account != "", "account", `EXISTS (SELECT FROM journal_lines l WHERE l.entry_id = e.id AND l.account = @account)`, q.Account)
	add(q.OrderID != nil, "order", `e.order_id = @order`, q.OrderID)
	add(q.CompanyID != nil, "company", `e.company_id = @company`, q.CompanyID)
	return where, args
}

// LinesOf are the lines of the entries, each entry's in its order.
func (s *Journal) LinesOf(ctx context.Context, entryIDs []uuid.UUID) ([]ledger.Line, error) {
	return collect[ledger.Line](ctx, s.db, `
		SELECT l.entry_id, l.position, l.account, l.sub, l.debit, l.credit, e.currency
		FROM journal_lines l JOIN journal_entries e ON e.id = l.entry_id
		WHERE l.entry_id = ANY($1) ORDER BY l.entry_id, l.position`, entryIDs)
}

// Balances are the sums of the brand's accounts, of what moved before until.
func (s *Journal) Balances(ctx context.Context, brandID uuid.UUID, until *time.Time) ([]ledger.Balance, error) {
	return collect[ledger.Balance](ctx, s.db, `
		SELECT l.account, l.sub, e.currency, sum(l.debit)::bigint AS debit, sum(l.credit)::bigint AS credit
		FROM journal_entries e JOIN journal_lines l ON l.entry_id = e.id
		WHERE e.brand_id = $1 AND ($2::timestamptz IS NULL OR e.at < $2)
		GROUP BY l.account, l.sub, e.currency ORDER BY array_position($3::text[], l.account), l.sub, e.currency`, brandID, until, ledger.Accounts)
}
