package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/noren-commerce/noren/core/company"
	"github.com/noren-commerce/noren/core/scope"
)

const companyColumns = `c.id, c.brand_id, c.code, c.name, c.kana, c.invoice_number, c.tax_rounding, c.closing_day, c.due_months, c.due_day,
	w.currency, w.credit_limit, w.used, w.policy, c.version, c.created_at, c.updated_at, c.closed_at`

const companyFrom = ` FROM companies c JOIN company_credit w ON w.company_id = c.id `

// Insert keeps a new company with its credit.
func (s *Companies) Insert(ctx context.Context, c company.Company) error {
	batch := &pgx.Batch{}
	batch.Queue(`
		INSERT INTO companies (id, brand_id, code, name, kana, invoice_number, tax_rounding, closing_day, due_months, due_day, version, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)`,
		c.ID, c.BrandID, c.Code, c.Name, c.Kana, c.InvoiceNumber, c.TaxRounding, c.ClosingDay, c.DueMonths, c.DueDay, c.Version, c.CreatedAt)
	batch.Queue(`INSERT INTO company_credit (company_id, currency, credit_limit, policy) VALUES ($1, $2, $3, $4)`,
		c.ID, c.Currency, c.LimitMinor, c.Policy)
	return codeTaken(s.db.conn(ctx).SendBatch(ctx, batch).Close())
}

// codeTaken names a code that another company or group of the brand has.
func codeTaken(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (pg.ConstraintName == "companies_brand_id_code_key" || pg.ConstraintName == "customer_groups_brand_id_code_key") {
		return company.ErrCodeTaken
	}
	return err
}

// Save writes what may change in a company, but for its credit. How its tax is
// rounded, and whether it is open, decides what its buyers see.
func (s *Companies) Save(ctx context.Context, c company.Company) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE companies SET code = $2, name = $3, kana = $4, invoice_number = $5, tax_rounding = $6, closing_day = $7, due_months = $8,
			due_day = $9, version = $10, updated_at = $11, closed_at = $12 WHERE id = $1`,
		c.ID, c.Code, c.Name, c.Kana, c.InvoiceNumber, c.TaxRounding, c.ClosingDay, c.DueMonths, c.DueDay, c.Version, c.UpdatedAt, c.ClosedAt)
	if err != nil {
		return codeTaken(err)
	}
	return s.db.moveRules(ctx, c.BrandID, rulesMoved{})
}

// Lock reads a company of the brand and locks it; its credit is not locked.
func (s *Companies) Lock(ctx context.Context, brandID, companyID uuid.UUID) (*company.Company, error) {
	return first[company.Company](ctx, s.db, `SELECT `+companyColumns+companyFrom+`WHERE c.id = $1 AND c.brand_id = $2 FOR UPDATE OF c`, companyID, brandID)
}

const seatColumns = `b.company_id, b.account_id, b.role, b.approval_limit, w.currency, a.name, a.email, b.created_at`

const seatFrom = ` FROM company_buyers b
	JOIN companies c ON c.id = b.company_id
	JOIN company_credit w ON w.company_id = c.id
	JOIN accounts a ON a.id = b.account_id AND a.closed_at IS NULL `

// Seat is the account's place in an open company of the brand; nil without one.
func (s *Companies) Seat(ctx context.Context, brandID, accountID uuid.UUID) (*company.Seat, error) {
	return first[company.Seat](ctx, s.db, `SELECT `+seatColumns+seatFrom+`
		WHERE b.account_id = $1 AND b.closed_at IS NULL AND c.brand_id = $2 AND c.closed_at IS NULL`, accountID, brandID)
}

// SaveSeat keeps a seat, new, changed or taken again.
func (s *Companies) SaveSeat(ctx context.Context, brandID uuid.UUID, seat company.Seat) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO company_buyers AS b (company_id, account_id, role, approval_limit, created_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (company_id, account_id) DO UPDATE SET role = EXCLUDED.role, approval_limit = EXCLUDED.approval_limit, closed_at = NULL,
			created_at = CASE WHEN b.closed_at IS NULL THEN b.created_at ELSE EXCLUDED.created_at END`,
		seat.CompanyID, seat.AccountID, seat.Role, seat.LimitMinor, seat.CreatedAt)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.ConstraintName == "company_buyers_account" {
		return company.ErrBuyerElsewhere
	}
	if err != nil {
		return err
	}
	return s.db.moveRules(ctx, brandID, rulesMoved{})
}

// CloseSeat takes a seat away.
func (s *Companies) CloseSeat(ctx context.Context, brandID, companyID, accountID uuid.UUID, at time.Time) error {
	if _, err := s.db.conn(ctx).Exec(ctx, `UPDATE company_buyers SET closed_at = $3 WHERE company_id = $1 AND account_id = $2 AND closed_at IS NULL`,
		companyID, accountID, at); err != nil {
		return err
	}
	return s.db.moveRules(ctx, brandID, rulesMoved{})
}

const addressColumns = `d.id, d.company_id, d.kind, d.label, d.address, d.is_default, d.created_at, d.updated_at, d.closed_at`

// CompanyOfAddress is the company of the brand whose address it is; the zero id if
// there is none.
func (s *Companies) CompanyOfAddress(ctx context.Context, brandID, addressID uuid.UUID) (uuid.UUID, error) {
	found, err := orNone(one[uuid.UUID](ctx, s.db, `
		SELECT c.id FROM company_addresses d JOIN companies c ON c.id = d.company_id
		WHERE d.id = $1 AND d.closed_at IS NULL AND c.brand_id = $2`, addressID, brandID))
	if err != nil || found == nil {
		return uuid.Nil, err
	}
	return *found, nil
}

// SaveAddresses keeps addresses in the given order, new or changed.
func (s *Companies) SaveAddresses(ctx context.Context, addresses ...company.Address) error {
	batch := &pgx.Batch{}
	for _, a := range addresses {
		batch.Queue(`
			INSERT INTO company_addresses (id, company_id, kind, label, address, is_default, created_at, updated_at, closed_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
			ON CONFLICT (id) DO UPDATE SET label = EXCLUDED.label, address = EXCLUDED.address, is_default = EXCLUDED.is_default,
				updated_at = EXCLUDED.updated_at, closed_at = EXCLUDED.closed_at`,
			a.ID, a.CompanyID, a.Kind, a.Label, a.Address, a.IsDefault, a.CreatedAt, a.UpdatedAt, a.ClosedAt)
	}
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

// Desks are what placing an order asks about members, in one statement.
func (s *Companies) Desks(ctx context.Context, brandID uuid.UUID, memberIDs []uuid.UUID) ([]company.Desk, error) {
	return collect[company.Desk](ctx, s.db, `
		SELECT a.id AS member_id,
			(SELECT coalesce(jsonb_agg(jsonb_build_object('kind', r.audience_kind, 'audienceId', r.audience_id, 'function', r.function,
				'allowed', r.allowed, 'name', coalesce(g.name, '{}'), 'precedence', coalesce(g.precedence, 0))), '[]')
			FROM function_rules r LEFT JOIN customer_groups g ON r.audience_kind = 'GROUP' AND g.id = r.audience_id
			WHERE r.brand_id = @brand AND CASE r.audience_kind
				WHEN 'MEMBER' THEN r.audience_id = a.id
				WHEN 'COMPANY' THEN r.audience_id = c.id
				ELSE g.closed_at IS NULL AND EXISTS (
					SELECT 1 FROM customer_group_members m WHERE m.group_id = g.id AND (m.member_id = a.id OR m.company_id = c.id))
			END) AS rules,
			CASE WHEN c.id IS NOT NULL THEN jsonb_build_object('CompanyID', c.id, 'AccountID', a.id, 'Role', b.role, 'LimitMinor', b.approval_limit,
				'Currency', w.currency, 'Name', a.name, 'Email', a.email, 'CreatedAt', b.created_at) END AS seat,
			coalesce(w.policy, '') AS policy
		FROM accounts a
		LEFT JOIN (company_buyers b JOIN companies c ON c.id = b.company_id AND c.brand_id = @brand AND c.closed_at IS NULL
			JOIN company_credit w ON w.company_id = c.id) ON b.account_id = a.id AND b.closed_at IS NULL
		WHERE a.id = ANY(@members) AND a.closed_at IS NULL AND a.role IN ('MEMBER', 'COMPANY_BUYER')`,
		pgx.NamedArgs{"brand": brandID, "members": memberIDs})
}

// SetFunction keeps a rule, or takes it away for nil, and answers what it said before.
func (s *Companies) SetFunction(ctx context.Context, brandID uuid.UUID, a scope.Audience, f company.Function, allowed *bool) (before *bool, found bool, err error) {
	known := map[scope.AudienceKind]string{
		scope.Member:  `SELECT EXISTS (SELECT 1 FROM accounts WHERE id = $1 AND closed_at IS NULL AND role IN ('MEMBER', 'COMPANY_BUYER') AND $2::uuid IS NOT NULL)`,
		scope.Company: `SELECT EXISTS (SELECT 1 FROM companies WHERE id = $1 AND brand_id = $2 AND closed_at IS NULL)`,
		scope.Group:   `SELECT EXISTS (SELECT 1 FROM customer_groups WHERE id = $1 AND brand_id = $2 AND closed_at IS NULL)`,
	}[a.Kind]
	if found, err = one[bool](ctx, s.db, known, a.ID, brandID); err != nil || !found {
		return nil, false, err
	}
	before, err = orNone(one[bool](ctx, s.db, `
		SELECT allowed FROM function_rules WHERE brand_id = $1 AND audience_kind = $2 AND audience_id = $3 AND function = $4 FOR UPDATE`,
		brandID, a.Kind, a.ID, f))
	if err != nil {
		return nil, true, err
	}
	sql, args := `DELETE FROM function_rules WHERE brand_id = $1 AND audience_kind = $2 AND audience_id = $3 AND function = $4`, []any{brandID, a.Kind, a.ID, f}
	if allowed != nil {
		sql = `INSERT INTO function_rules (brand_id, audience_kind, audience_id, function, allowed) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (brand_id, audience_kind, audience_id, function) DO UPDATE SET allowed = EXCLUDED.allowed`
		args = append(args, *allowed)
	}
	if _, err = s.db.conn(ctx).Exec(ctx, sql, args...); err != nil {
		return nil, true, err
	}
	return before, true, s.db.moveRules(ctx, brandID, rulesMoved{For: []scope.Audience{a}})
}

// Functions are the rules for the audiences.
func (s *Companies) Functions(ctx context.Context, brandID uuid.UUID, audienceIDs []uuid.UUID) ([]company.FunctionRule, error) {
	return collect[company.FunctionRule](ctx, s.db, `
		SELECT r.audience_kind, r.audience_id, r.function, r.allowed, '{}'::jsonb AS name, 0 AS precedence FROM function_rules r
		WHERE r.brand_id = $1 AND r.audience_id = ANY($2) ORDER BY r.function`, brandID, audienceIDs)
}
