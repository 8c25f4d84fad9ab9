package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/billing"
	"github.com/noren-commerce/noren/core/page"
)

// Billing keeps companies' statements in PostgreSQL.
type Billing struct{ db *DB }

// NewBilling makes the store of companies' statements.
func NewBilling(db *DB) *Billing { return &Billing{db} }

// Accounts are companies whose accounts may be closed: they owe something, or something has
// been written down since.
func (s *Billing) Accounts(ctx context.Context, brandID, companyID *uuid.UUID) ([]billing.Account, error) {
	return collect[billing.Account](ctx, s.db, `
		SELECT c.id AS company_id, c.brand_id, c.closing_day, c.due_months, c.due_day, t.closes_on AS closed, o.at AS first
		FROM companies c
		LEFT JOIN LATERAL (SELECT closes_on, closing FROM account_statements WHERE company_id = c.id ORDER BY closes_on DESC LIMIT 1) t ON true
		LEFT JOIN LATERAL (SELECT min(at) AS at FROM account_open_entries WHERE company_id = c.id) o ON true
		WHERE ($1::uuid IS NULL OR c.brand_id = $1) AND ($2::uuid IS NULL OR c.id = $2) AND (t.closing <> 0 OR o.at IS NOT NULL)
		ORDER BY c.id`, brandID, companyID)
}

const accountStatementColumns = `t.id, t.brand_id, t.company_id, t.closes_on, t.due_on, t.currency, t.opening, t.sales, t.payments, t.other, t.closing, t.issued_at,
	` + accountRemaining + ` AS remaining`

// accountRemaining is what of the statement t is not paid yet: of what it closed with, less
// what was credited since. Where t.settled, nothing is.
const accountRemaining = `(t.closing + t.credited
	- (SELECT z.credited FROM account_statements z WHERE z.company_id = t.company_id ORDER BY z.closes_on DESC LIMIT 1)
	- coalesce((
		SELECT sum(g.credit) FROM account_open_entries x JOIN journal_lines g ON g.entry_id = x.entry_id AND g.account = 'RECEIVABLE'
		WHERE x.company_id = t.company_id), 0))::bigint`

// Close makes a statement of what was written before the moment and is on no other.
func (s *Billing) Close(ctx context.Context, t billing.Statement, before time.Time) (*billing.Statement, error) {
	// Two that close at once, and who pays meanwhile, wait for each other here.
	if _, err := s.db.conn(ctx).Exec(ctx, `SELECT FROM company_credit WHERE company_id = $1 FOR UPDATE`, t.CompanyID); err != nil {
		return nil, err
	}
	made, err := column[uuid.UUID](ctx, s.db, `
		WITH open AS (
			SELECT entry_id FROM account_open_entries WHERE company_id = @company AND at < @before
		), fresh AS (
			SELECT e.id, e.kind, sum(l.debit - l.credit)::bigint AS amount, sum(l.credit)::bigint AS credit
			FROM open JOIN journal_entries e ON e.id = open.entry_id JOIN journal_lines l ON l.entry_id = e.id AND l.account = 'RECEIVABLE'
			GROUP BY e.id, e.kind
		), sums AS (
			SELECT coalesce(p.closing, 0) AS opening, coalesce(p.credited, 0) + f.credit AS credited, f.sales, f.payments, f.other, f.n
			FROM (
				SELECT coalesce(sum(credit), 0)::bigint AS credit,
					coalesce(sum(amount) FILTER (WHERE kind = 'SALE'), 0)::bigint AS sales,
					coalesce(-sum(amount) FILTER (WHERE kind = 'ACCOUNT_PAYMENT'), 0)::bigint AS payments,
					coalesce(sum(amount) FILTER (WHERE kind NOT IN ('SALE', 'ACCOUNT_PAYMENT')), 0)::bigint AS other, count(*) AS n
				FROM fresh
			) f LEFT JOIN LATERAL (SELECT closing, credited FROM account_statements WHERE company_id = @company ORDER BY closes_on DESC LIMIT 1) p ON true
		), made AS (
			INSERT INTO account_statements (id, brand_id, company_id, closes_on, due_on, currency, opening, sales, payments, other, closing, credited, issued_at)
			SELECT @id, @brand, @company, @closes, @due, (SELECT currency FROM company_credit WHERE company_id = @company),
				opening, sales, payments, other, opening + sales - payments + other, credited, @issued
			FROM sums WHERE opening <> 0 OR n > 0
			ON CONFLICT (company_id, closes_on) DO NOTHING RETURNING id
		), noted AS (
			INSERT INTO account_statement_entries (entry_id, statement_id) SELECT fresh.id, made.id FROM fresh, made
		), closed AS ( -- what owes nothing is on no statement
			DELETE FROM account_open_entries x USING open WHERE x.company_id = @company AND x.entry_id = open.entry_id
				AND (EXISTS (SELECT FROM made) OR open.entry_id NOT IN (SELECT id FROM fresh))
		)
		SELECT id FROM made`, pgx.NamedArgs{
		"id": t.ID, "brand": t.BrandID, "company": t.CompanyID, "closes": t.ClosesOn, "due": t.DueOn, "issued": t.IssuedAt, "before": before,
	})
	if err != nil || len(made) == 0 {
		return nil, err
	}
	return s.Statement(ctx, t.BrandID, t.ID)
}

// Settle notes of which statements nothing is left: they need not be looked at again.
func (s *Billing) Settle(ctx context.Context) error {
	_, err := s.db.conn(ctx).Exec(ctx, `UPDATE account_statements t SET settled = true WHERE NOT t.settled AND `+accountRemaining+` <= 0`)
	return err
}

// Statement is a statement of the brand; nil if there is none.
func (s *Billing) Statement(ctx context.Context, brandID, statementID uuid.UUID) (*billing.Statement, error) {
	return first[billing.Statement](ctx, s.db, `SELECT `+accountStatementColumns+` FROM account_statements t WHERE t.brand_id = $1 AND t.id = $2`, brandID, statementID)
}

// Statements is one page of statements, those that closed last first.
func (s *Billing) Statements(ctx context.Context, q billing.Query) (page.Connection[billing.Statement], error) {
	where, named := `t.brand_id = @brand`, pgx.NamedArgs{"brand": q.BrandID}
	if q.CompanyID != nil {
		where, named["company"] = where+` AND t.company_id = @company`, *q.CompanyID
	}
	if q.DueBefore != nil {
		where, named["due"] = where+` AND t.due_on < @due`, *q.DueBefore
	}
	if q.Unpaid {
		where += ` AND NOT t.settled AND t.remaining > 0`
	}
	const from = `(SELECT ` + accountStatementColumns + `, t.settled FROM account_statements t) t`
	connection, err := keyset(ctx, s.db, q.Page, `t.id, t.brand_id, t.company_id, t.closes_on, t.due_on, t.currency, t.opening, t.sales, t.payments, t.other, t.closing, t.issued_at, t.remaining FROM `+from, where, `(t.closes_on, t.id)`, `t.closes_on DESC, t.id DESC`, named,
		func(k placedKey) []any { return []any{k.At, k.ID} }, func(t billing.Statement) placedKey { return placedKey{t.ClosesOn, t.ID} })
	connection.Count = func(ctx context.Context) (int, error) {
		return one[int](ctx, s.db, `SELECT count(*) FROM `+from+` WHERE `+where, named)
	}
	return connection, err
}

// LinesOf are the lines of the statements, oldest first.
func (s *Billing) LinesOf(ctx context.Context, statementIDs []uuid.UUID) ([]billing.Line, error) {
	return collect[billing.Line](ctx, s.db, `
		SELECT x.statement_id, e.id AS entry_id, e.at, e.kind, e.reference, e.order_id, e.currency, sum(l.debit - l.credit)::bigint AS amount
		FROM account_statement_entries x JOIN journal_entries e ON e.id = x.entry_id
		JOIN journal_lines l ON l.entry_id = e.id AND l.account = 'RECEIVABLE'
		WHERE x.statement_id = ANY($1) GROUP BY x.statement_id, e.id ORDER BY x.statement_id, e.at, e.id`, statementIDs)
}

// Overdue are companies that have not paid what was due before the day, those that are late
// the longest first.
func (s *Billing) Overdue(ctx context.Context, brandID *uuid.UUID, before time.Time) ([]billing.Overdue, error) {
	return collect[billing.Overdue](ctx, s.db, `
		WITH late AS (
			SELECT DISTINCT ON (t.company_id) t.company_id, t.brand_id, t.currency, t.remaining AS amount,
				min(t.due_on) FILTER (WHERE t.remaining > 0) OVER (PARTITION BY t.company_id) AS due_on
			FROM (SELECT `+accountStatementColumns+` FROM account_statements t WHERE NOT t.settled AND t.due_on < $2 AND ($1::uuid IS NULL OR t.brand_id = $1)) t
			ORDER BY t.company_id, t.closes_on DESC
		)
		SELECT l.company_id, l.brand_id, c.code, c.name, l.currency, l.amount, l.due_on, coalesce(n.level, 0) AS level, n.sent_at,
			h.until AS held_until, coalesce(h.note, '') AS held_note
		FROM late l JOIN companies c ON c.id = l.company_id LEFT JOIN dunning_holds h ON h.company_id = l.company_id
		LEFT JOIN LATERAL (SELECT level, sent_at FROM dunning_notices d WHERE d.company_id = l.company_id AND d.due_on = l.due_on ORDER BY level DESC LIMIT 1) n ON true
		WHERE l.amount > 0 ORDER BY l.due_on, c.code`, brandID, before)
}

// Remind notes a reminder, and reports whether it is the first of its level.
func (s *Billing) Remind(ctx context.Context, o billing.Overdue, level int, at time.Time) (bool, error) {
	tag, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO dunning_notices (company_id, due_on, level, amount, sent_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
		o.CompanyID, o.DueOn, level, o.AmountMinor, at)
	return tag.RowsAffected() == 1, err
}

// Hold stops reminders to the company until the day has passed, or lets them go on.
func (s *Billing) Hold(ctx context.Context, companyID uuid.UUID, until *time.Time, note string, at time.Time) error {
	if until == nil {
		_, err := s.db.conn(ctx).Exec(ctx, `DELETE FROM dunning_holds WHERE company_id = $1`, companyID)
		return err
	}
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO dunning_holds (company_id, until, note, held_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (company_id) DO UPDATE SET until = $2, note = $3, held_at = $4`, companyID, *until, note, at)
	return err
}

// Recipients are the company's accountants, or where it has none who manage for it.
func (s *Billing) Recipients(ctx context.Context, companyID uuid.UUID) ([]billing.Recipient, error) {
	people, err := contacts(ctx, s.db, `
		WITH people AS (
			SELECT a.id AS account_id, a.name, a.email, b.role FROM company_buyers b JOIN accounts a ON a.id = b.account_id
			WHERE b.company_id = $1 AND b.closed_at IS NULL AND a.closed_at IS NULL AND b.role IN ('ACCOUNTANT', 'MANAGER', 'APPROVER')
		)
		SELECT account_id, name, email FROM people
		WHERE role = (SELECT role FROM people ORDER BY array_position(ARRAY['ACCOUNTANT', 'MANAGER', 'APPROVER'], role) LIMIT 1)`, companyID)
	all := make([]billing.Recipient, len(people))
	for i, p := range people {
		all[i] = billing.Recipient(p)
	}
	return all, err
}
