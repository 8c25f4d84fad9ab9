package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/company"
	"github.com/noren-commerce/noren/core/scope"
)

// Companies keeps companies and customer groups in PostgreSQL.
type Companies struct{ db *DB }

// NewCompanies makes the companies' store.
func NewCompanies(db *DB) *Companies { return &Companies{db} }

// buyerGroups are the open groups of the member a and the company c, those of
// higher precedence first.
const buyerGroups = `ARRAY(
	SELECT g.id FROM customer_groups g
	WHERE g.brand_id = @brand AND g.closed_at IS NULL AND EXISTS (
		SELECT 1 FROM customer_group_members m WHERE m.group_id = g.id AND (m.member_id = a.id OR m.company_id = c.id))
	ORDER BY g.precedence, g.code) AS groups`

// buyerFrom is the open account @member, and the brand's open company that it buys for.
const buyerFrom = ` FROM accounts a
	LEFT JOIN (company_buyers b JOIN companies c ON c.id = b.company_id AND c.brand_id = @brand AND c.closed_at IS NULL)
		ON b.account_id = a.id AND b.closed_at IS NULL
	WHERE a.id = @member AND a.closed_at IS NULL AND a.role IN ('MEMBER', 'COMPANY_BUYER')`

// stockHidden is whether the most specific rule denies the member a and the company c
// to see what is in stock, as company.Desk.Access decides it.
const stockHidden = `coalesce((
	SELECT NOT f.allowed FROM function_rules f
	LEFT JOIN customer_groups g ON f.audience_kind = 'GROUP' AND g.id = f.audience_id AND g.closed_at IS NULL
	WHERE f.brand_id = @brand AND f.function = '` + string(company.FunctionSeeStock) + `' AND (
		f.audience_kind = 'MEMBER' AND f.audience_id = a.id OR f.audience_kind = 'COMPANY' AND f.audience_id = c.id
		OR EXISTS (SELECT FROM customer_group_members m WHERE m.group_id = g.id AND (m.member_id = a.id OR m.company_id = c.id)))
	ORDER BY array_position(ARRAY['MEMBER', 'COMPANY', 'GROUP'], f.audience_kind), g.precedence, g.code LIMIT 1), false) AS stock_hidden`

// Buyer is the member as a buyer of the brand, with an account or a card alone. Orders are the company's where there
// is one: what a first order earns, a company earns once.
func (s *Companies) Buyer(ctx context.Context, brandID, memberID uuid.UUID) (scope.Buyer, error) {
	b, err := first[scope.Buyer](ctx, s.db, `
		SELECT a.id AS member_id, coalesce(c.id, @none) AS company_id, coalesce(c.tax_rounding, '') AS tax_rounding, `+buyerGroups+`,
			coalesce((SELECT coalesce(p.birth_month, extract(month FROM p.birthday)::int) FROM profiles p WHERE p.member_id = a.id), 0) AS birth_month,
			(SELECT count(*) FROM orders o WHERE o.brand_id = @brand AND o.status <> 'CANCELLED'
				AND (o.member_id = a.id OR o.company_id = c.id)) AS ordered, '' AS region, `+stockHidden+buyerFrom,
		pgx.NamedArgs{"brand": brandID, "member": memberID, "none": uuid.Nil})
	if err == nil && b == nil {
		b, err = s.cardBuyer(ctx, brandID, memberID)
	}
	if err != nil || b == nil {
		return scope.Buyer{}, err
	}
	return *b, nil
}

// cardBuyer is a member of the brand who has a card alone: of the customer groups they are in
// that of their rank, which keeps only who has an account.
func (s *Companies) cardBuyer(ctx context.Context, brandID, memberID uuid.UUID) (*scope.Buyer, error) {
	return first[scope.Buyer](ctx, s.db, `
		SELECT m.id AS member_id, @none::uuid AS company_id, '' AS tax_rounding,
			ARRAY(SELECT g.id FROM member_ranks k JOIN customer_groups g ON g.id = k.group_id AND g.brand_id = j.brand_id AND g.closed_at IS NULL WHERE k.id = j.rank_id) AS groups,
			coalesce((SELECT coalesce(p.birth_month, extract(month FROM p.birthday)::int) FROM profiles p WHERE p.member_id = m.id), 0) AS birth_month,
			(SELECT count(*) FROM orders o WHERE o.brand_id = @brand AND o.status <> 'CANCELLED' AND o.member_id = m.id) AS ordered, '' AS region, false AS stock_hidden
		FROM members m JOIN memberships j ON j.member_id = m.id AND j.brand_id = @brand AND j.ended_at IS NULL
		WHERE m.id = @member AND m.merged_into IS NULL AND m.erased_at IS NULL AND NOT EXISTS (SELECT FROM accounts a WHERE a.id = m.id)`,
		pgx.NamedArgs{"brand": brandID, "member": memberID, "none": uuid.Nil})
}

// CompanyBuyer is whoever buys for the open company.
func (s *Companies) CompanyBuyer(ctx context.Context, brandID, companyID uuid.UUID) (scope.Buyer, error) {
	b, err := first[scope.Buyer](ctx, s.db, `
		SELECT a.id AS member_id, c.id AS company_id, c.tax_rounding, `+buyerGroups+`, 0 AS birth_month,
			(SELECT count(*) FROM orders o WHERE o.company_id = c.id AND o.status <> 'CANCELLED') AS ordered, '' AS region, `+stockHidden+`
		FROM companies c, (SELECT @none::uuid AS id) a WHERE c.id = @company AND c.brand_id = @brand AND c.closed_at IS NULL`,
		pgx.NamedArgs{"brand": brandID, "company": companyID, "none": uuid.Nil})
	if err != nil || b == nil {
		return scope.Buyer{}, err
	}
	return *b, nil
}

// Terms are the member's terms with the brand.
func (s *Companies) Terms(ctx context.Context, brandID, memberID uuid.UUID) (company.Terms, error) {
	t, err := first[company.Terms](ctx, s.db, `
		SELECT coalesce(c.id, @none) AS company_id, coalesce(c.tax_rounding, '') AS tax_rounding, `+buyerGroups+`,
			EXISTS (SELECT 1 FROM named_members n WHERE n.brand_id = @brand AND n.member_id = a.id)
				OR EXISTS (SELECT 1 FROM rulebooks r WHERE r.brand_id = @brand AND r.personal) AS personal,
			`+stockHidden+buyerFrom,
		pgx.NamedArgs{"brand": brandID, "member": memberID, "none": uuid.Nil})
	if err != nil || t == nil {
		return company.Terms{Personal: true}, err
	}
	return *t, nil
}
