package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/banking"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/sealing"
)

// Banking keeps the bank's statements in PostgreSQL.
type Banking struct{ db *DB }

// NewBanking makes the store of bank statements.
func NewBanking(db *DB) *Banking { return &Banking{db} }

// Profile is how the brand reads a bank's files; nil if there is none of the code.
func (s *Banking) Profile(ctx context.Context, brandID uuid.UUID, code string) (*banking.Profile, error) {
	return first[banking.Profile](ctx, s.db, `
		SELECT code, name, heading, skip, date, deposit, payer, text, direction, balance, number FROM bank_profiles WHERE brand_id = $1 AND code = $2`, brandID, code)
}

// Profiles are the brand's, by code.
func (s *Banking) Profiles(ctx context.Context, brandID uuid.UUID) ([]banking.Profile, error) {
	return collect[banking.Profile](ctx, s.db, `
		SELECT code, name, heading, skip, date, deposit, payer, text, direction, balance, number FROM bank_profiles WHERE brand_id = $1 ORDER BY code`, brandID)
}

// SaveProfile keeps a profile, new or changed.
func (s *Banking) SaveProfile(ctx context.Context, brandID uuid.UUID, p banking.Profile) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO bank_profiles (brand_id, code, name, heading, skip, date, deposit, payer, text, direction, balance, number) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		ON CONFLICT (brand_id, code) DO UPDATE SET name = $3, heading = $4, skip = $5, date = $6, deposit = $7, payer = $8, text = $9, direction = $10, balance = $11, number = $12`,
		brandID, p.Code, p.Name, p.Heading, p.Skip, p.Date, p.Deposit, p.Payer, p.Text, p.Direction, p.Balance, p.Number)
	return err
}

const statementColumns = `id, brand_id, file_name, digest, profile, deposits, known, others, errors, uploaded_by, created_at`

// Insert keeps a statement. A file that is there already is answered instead.
func (s *Banking) Insert(ctx context.Context, b banking.Statement) (banking.Statement, error) {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO bank_statements (id, brand_id, file_name, digest, profile, deposits, others, errors, uploaded_by, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (brand_id, digest) DO NOTHING`,
		b.ID, b.BrandID, b.FileName, b.Digest, b.Profile, b.Deposits, b.Others, orEmpty(b.Errors), b.UploadedBy, b.CreatedAt)
	if err != nil {
		return b, err
	}
	kept, err := first[banking.Statement](ctx, s.db, `SELECT `+statementColumns+` FROM bank_statements WHERE brand_id = $1 AND digest = $2`, b.BrandID, b.Digest)
	if err != nil || kept == nil {
		return b, err
	}
	return *kept, nil
}

// Alike are the brand's lines of the same days and amounts. Until the transaction is over,
// nobody else adds any.
func (s *Banking) Alike(ctx context.Context, brandID uuid.UUID, lines []banking.Line) ([]banking.Known, error) {
	if _, err := s.db.conn(ctx).Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('bank lines of ' || $1::text, 0))`, brandID.String()); err != nil {
		return nil, err
	}
	days, amounts := make([]time.Time, len(lines)), make([]int64, len(lines))
	for i, l := range lines {
		days[i], amounts[i] = l.On, l.AmountMinor
	}
	return collect[banking.Known](ctx, s.db, `
		SELECT id, "on", amount, text, account, mark FROM bank_lines
		WHERE brand_id = $1 AND ("on", amount) IN (SELECT d, a FROM unnest($2::date[], $3::bigint[]) AS x (d, a)) ORDER BY id`, brandID, days, amounts)
}

// AddLines adds lines to a statement, and writes down by what known ones can be told.
func (s *Banking) AddLines(ctx context.Context, b banking.Statement, lines []banking.Line, told []banking.Told) error {
	n := len(lines)
	ids, rows, days, amounts := make([]uuid.UUID, n), make([]int, n), make([]time.Time, n), make([]int64, n)
	payers, keys, texts, accounts, marks := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	currency := ""
	for i, l := range lines {
		ids[i], rows[i], days[i], amounts[i] = l.ID, l.Row, l.On, l.AmountMinor
		payers[i], keys[i], texts[i], accounts[i], marks[i], currency = l.Payer, l.PayerKey, l.Text, l.Account, l.Mark, string(l.Currency)
	}
	batch := &pgx.Batch{}
	batch.Queue(`
		INSERT INTO bank_lines (id, brand_id, statement_id, row, "on", amount, currency, payer, payer_key, text, account, mark, state, updated_at)
		SELECT id, $2, $1, r, d, amount, $13, payer, key, text, account, mark, 'OPEN', $3
		FROM unnest($4::uuid[], $5::int[], $6::date[], $7::bigint[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[])
			AS l (id, r, d, amount, payer, key, text, account, mark)`,
		b.ID, b.BrandID, b.CreatedAt, ids, rows, days, amounts, payers, keys, texts, accounts, marks, currency)
	batch.Queue(`UPDATE bank_statements SET known = $2 WHERE id = $1`, b.ID, b.Known)
	if len(told) > 0 {
		batch.Queue(`
			UPDATE bank_lines l SET account = t.account, mark = t.mark
			FROM jsonb_to_recordset($1::jsonb) AS t (id uuid, account text, mark text) WHERE l.id = t.id`, told)
	}
	return s.db.later(ctx, batch)
}

// Statements is one page of the brand's, the latest first.
func (s *Banking) Statements(ctx context.Context, brandID uuid.UUID, args page.Args) (page.Connection[banking.Statement], error) {
	named := pgx.NamedArgs{"brand": brandID}
	connection, err := keyset(ctx, s.db, args, statementColumns+` FROM bank_statements`, `brand_id = @brand`, `(id)`, `id DESC`, named,
		func(k uuid.UUID) []any { return []any{k} }, func(b banking.Statement) uuid.UUID { return b.ID })
	connection.Count = func(ctx context.Context) (int, error) {
		return one[int](ctx, s.db, `SELECT count(*) FROM bank_statements WHERE brand_id = @brand`, named)
	}
	return connection, err
}

const bankLineColumns = `id, brand_id, statement_id, row, "on", amount, matched, currency, payer, payer_key, text, account, mark, state, reason, updated_at`

// Lines is one page of deposits, those that came last first.
func (s *Banking) Lines(ctx context.Context, q banking.LineQuery) (page.Connection[banking.Line], error) {
	where, named := `brand_id = @brand`, pgx.NamedArgs{"brand": q.BrandID}
	if len(q.States) > 0 {
		where, named["states"] = where+` AND state = ANY(@states)`, q.States
	}
	if q.StatementID != nil {
		where, named["statement"] = where+` AND statement_id = @statement`, *q.StatementID
	}
	connection, err := keyset(ctx, s.db, q.Page, bankLineColumns+` FROM bank_lines`, where, `("on", id)`, `"on" DESC, id DESC`, named,
		func(k placedKey) []any { return []any{k.At, k.ID} }, func(l banking.Line) placedKey { return placedKey{l.On, l.ID} })
	connection.Count = func(ctx context.Context) (int, error) {
		return one[int](ctx, s.db, `SELECT count(*) FROM bank_lines WHERE `+where, named)
	}
	return connection, err
}

// OpenOf are the untouched lines of a statement, or of all of the brand's.
func (s *Banking) OpenOf(ctx context.Context, brandID uuid.UUID, statementID *uuid.UUID) ([]uuid.UUID, error) {
	return column[uuid.UUID](ctx, s.db, `
		SELECT id FROM bank_lines WHERE brand_id = $1 AND state = 'OPEN' AND matched = 0 AND ($2::uuid IS NULL OR statement_id = $2)
		ORDER BY "on", id`, brandID, statementID)
}

// Line is a line of the brand, locked in a transaction; nil if there is none.
func (s *Banking) Line(ctx context.Context, brandID, lineID uuid.UUID) (*banking.Line, error) {
	lock := ""
	if Joined(ctx) {
		lock = ` FOR UPDATE`
	}
	return first[banking.Line](ctx, s.db, `SELECT `+bankLineColumns+` FROM bank_lines WHERE brand_id = $1 AND id = $2`+lock, brandID, lineID)
}

// SaveLine writes what may change of a line.
func (s *Banking) SaveLine(ctx context.Context, l banking.Line) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE bank_lines SET matched = $2, state = $3, reason = $4, updated_at = $5 WHERE id = $1`, l.ID, l.MatchedMinor, l.State, l.Reason, l.UpdatedAt)
	return err
}

// Allocate adds what a part of a deposit pays.
func (s *Banking) Allocate(ctx context.Context, a banking.Allocation) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO bank_allocations (id, line_id, payment_id, company_id, amount, how, actor_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		a.ID, a.LineID, a.PaymentID, a.CompanyID, a.AmountMinor, a.How, a.ActorID, a.CreatedAt)
	return err
}

// AllocationsOf are what the lines pay, oldest first.
func (s *Banking) AllocationsOf(ctx context.Context, lineIDs []uuid.UUID) ([]banking.Allocation, error) {
	return collect[banking.Allocation](ctx, s.db, `
		SELECT a.id, a.line_id, a.payment_id, a.company_id, a.amount, l.currency, a.how, a.actor_id, a.created_at
		FROM bank_allocations a JOIN bank_lines l ON l.id = a.line_id WHERE a.line_id = ANY($1) ORDER BY a.id`, lineIDs)
}

// candidateRow is a candidate with what is sealed with the order.
type candidateRow struct {
	banking.Candidate
	OrderID                         *uuid.UUID
	ShippingAddress, BillingAddress *customer.Address
}

// Sealed are the values that are sealed with the order.
func (r *candidateRow) Sealed() (owner uuid.UUID, columns []sealing.Column) {
	if r.OrderID == nil {
		return uuid.Nil, nil
	}
	return *r.OrderID, []sealing.Column{
		{Field: "shipping_address", Value: customer.AddressAt(&r.ShippingAddress)}, {Field: "billing_address", Value: customer.AddressAt(&r.BillingAddress)},
	}
}

// Candidates are what the line may pay.
func (s *Banking) Candidates(ctx context.Context, l banking.Line, references []string) ([]banking.Candidate, error) {
	rows, err := collect[candidateRow](ctx, s.db, `
		SELECT p.id AS payment_id, NULL::uuid AS company_id, o.number, o.id AS order_id, o.shipping_address, o.billing_address, '{}'::text[] AS names,
			ARRAY[p.amount - p.captured] AS dues, p.reference = ANY(@references) AS named, p.status = 'PENDING' AS open
		FROM payments p JOIN orders o ON o.id = p.order_id
		WHERE p.brand_id = @brand AND p.method = 'BANK_TRANSFER' AND p.currency = @currency AND p.id IN (
			SELECT id FROM payments WHERE gateway = 'bank_transfer' AND reference <> '' AND reference = ANY(@references)
			UNION ALL
			(SELECT id FROM payments WHERE brand_id = @brand AND method = 'BANK_TRANSFER' AND status = 'PENDING' AND amount - captured = @amount ORDER BY id LIMIT 500)
		)
		UNION ALL
		SELECT NULL, c.id, c.code, NULL, NULL, NULL, ARRAY[c.kana, c.name],
			ARRAY[w.used] || ARRAY(SELECT r.remaining FROM (SELECT `+accountRemaining+` AS remaining FROM account_statements t WHERE t.company_id = c.id AND NOT t.settled) r WHERE r.remaining > 0),
			c.code = ANY(@references), w.used > 0
		FROM companies c JOIN company_credit w ON w.company_id = c.id
		WHERE c.brand_id = @brand AND w.currency = @currency AND (w.used > 0 OR c.code = ANY(@references))`,
		pgx.NamedArgs{"brand": l.BrandID, "amount": l.AmountMinor, "references": orEmpty(references), "currency": l.Currency})
	all := make([]banking.Candidate, len(rows))
	for i, r := range rows {
		for _, a := range []*customer.Address{r.ShippingAddress, r.BillingAddress} {
			if a != nil {
				r.Names = append(r.Names, a.Kana, a.Name, a.Company)
			}
		}
		all[i] = r.Candidate
	}
	return all, err
}
