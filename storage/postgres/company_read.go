package postgres

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/company"
	"github.com/noren-commerce/noren/core/page"
)

// visibleCompany is whether the viewer sees the company c: staff the brand's, a buyer
// the own while it is open.
const visibleCompany = `c.brand_id = @brand AND (@staff OR (c.closed_at IS NULL AND EXISTS (
	SELECT 1 FROM company_buyers y WHERE y.company_id = c.id AND y.account_id = @actor AND y.closed_at IS NULL)))`

func viewerArgs(v company.Viewer, ids []uuid.UUID) pgx.NamedArgs {
	return pgx.NamedArgs{"brand": v.BrandID, "staff": v.Staff, "actor": v.ActorID, "ids": ids}
}

// Company is a company that the viewer sees; nil if there is none.
func (s *Companies) Company(ctx context.Context, v company.Viewer, companyID uuid.UUID) (*company.Company, error) {
	all, err := s.Companies(ctx, v, []uuid.UUID{companyID})
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &all[0], nil
}

// Companies are those of the companies that the viewer sees.
func (s *Companies) Companies(ctx context.Context, v company.Viewer, companyIDs []uuid.UUID) ([]company.Company, error) {
	return collect[company.Company](ctx, s.db, `SELECT `+companyColumns+companyFrom+`WHERE c.id = ANY(@ids) AND `+visibleCompany, viewerArgs(v, companyIDs))
}

// Employers are the companies that the accounts buy for, as far as the viewer sees.
func (s *Companies) Employers(ctx context.Context, v company.Viewer, accountIDs []uuid.UUID) ([]company.Employer, error) {
	return collect[company.Employer](ctx, s.db, `SELECT b.account_id, `+companyColumns+companyFrom+`
		JOIN company_buyers b ON b.company_id = c.id AND b.closed_at IS NULL WHERE b.account_id = ANY(@ids) AND `+visibleCompany, viewerArgs(v, accountIDs))
}

// Addresses are the addresses of companies that the viewer sees, the defaults first.
func (s *Companies) Addresses(ctx context.Context, v company.Viewer, companyIDs []uuid.UUID) ([]company.Address, error) {
	return collect[company.Address](ctx, s.db, `SELECT `+addressColumns+` FROM company_addresses d JOIN companies c ON c.id = d.company_id
		WHERE d.company_id = ANY(@ids) AND d.closed_at IS NULL AND `+visibleCompany+`
		ORDER BY d.company_id, d.is_default DESC, d.created_at, d.id LIMIT 10000`, viewerArgs(v, companyIDs))
}

// Buyers are who buys for companies that the viewer sees.
func (s *Companies) Buyers(ctx context.Context, v company.Viewer, companyIDs []uuid.UUID) ([]company.Seat, error) {
	return collect[company.Seat](ctx, s.db, `SELECT `+seatColumns+seatFrom+`
		WHERE b.company_id = ANY(@ids) AND b.closed_at IS NULL AND `+visibleCompany+`
		ORDER BY b.company_id, b.created_at, b.account_id LIMIT 10000`, viewerArgs(v, companyIDs))
}

// Approvers are the company's buyers who approve orders.
func (s *Companies) Approvers(ctx context.Context, companyID uuid.UUID) ([]company.Seat, error) {
	return collect[company.Seat](ctx, s.db, `SELECT `+seatColumns+seatFrom+`
		WHERE b.company_id = @company AND b.closed_at IS NULL AND b.role = ANY(@roles)
		ORDER BY b.created_at, b.account_id LIMIT 100`,
		pgx.NamedArgs{"company": companyID, "roles": []company.Role{company.RoleApprover, company.RoleManager}})
}

// literal is the text as a LIKE pattern that matches nothing else.
func literal(text string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text)
}

// codeKey is the sort key of a company in a list.
type codeKey struct {
	Code string    `json:"c"`
	ID   uuid.UUID `json:"i"`
}

// List is one page of the brand's companies by code.
func (s *Companies) List(ctx context.Context, brandID uuid.UUID, f company.Filter, args page.Args) (page.Connection[company.Company], error) {
	where, named := `c.brand_id = @brand`, pgx.NamedArgs{"brand": brandID}
	if f.Query != "" {
		where += ` AND (c.name ILIKE @part OR c.kana ILIKE @part OR c.code ILIKE @start)`
		named["part"], named["start"] = "%"+literal(f.Query)+"%", literal(f.Query)+"%"
	}
	if f.GroupID != uuid.Nil {
		where += ` AND EXISTS (SELECT 1 FROM customer_group_members m WHERE m.group_id = @group AND m.company_id = c.id)`
		named["group"] = f.GroupID
	}
	if !f.Closed {
		where += ` AND c.closed_at IS NULL`
	}
	connection, err := keyset(ctx, s.db, args, companyColumns+companyFrom, where, `(c.code, c.id)`, `c.code, c.id`, named,
		func(k codeKey) []any { return []any{k.Code, k.ID} }, func(c company.Company) codeKey { return codeKey{c.Code, c.ID} })
	connection.Count = func(ctx context.Context) (int, error) {
		return one[int](ctx, s.db, `SELECT count(*)`+companyFrom+`WHERE `+where, named)
	}
	return connection, err
}

// keyset reads one page of rows in the order of a key of two or three columns.
// Ordered descending where order says so; behind is the row expression of the key.
func keyset[T, K any](ctx context.Context, db *DB, args page.Args, from, where, behind, order string, named pgx.NamedArgs,
	values func(K) []any, key func(T) K,
) (page.Connection[T], error) {
	var none page.Connection[T]
	size, err := args.Size()
	if err != nil {
		return none, err
	}
	var after K
	continued, err := args.Start(&after)
	if err != nil {
		return none, err
	}
	bound := pgx.NamedArgs{"limit": size + 1}
	for name, value := range named {
		bound[name] = value
	}
	if continued {
		names := ""
		for i, value := range values(after) {
			name := "after" + string(rune('0'+i))
			bound[name] = value
			names += ", @" + name
		}
		comparison := " > "
		if strings.HasSuffix(order, "DESC") {
			comparison = " < "
		}
		where += ` AND ` + behind + comparison + `(` + names[2:] + `)`
	}
	rows, err := collect[T](ctx, db, `SELECT `+from+` WHERE `+where+` ORDER BY `+order+` LIMIT @limit`, bound)
	if err != nil {
		return none, err
	}
	return page.Of(rows, size, continued, func(row T) any { return key(row) }), nil
}

// positionKey is the sort key of an event.
type positionKey struct {
	Position int64 `json:"p"`
}

const happenedColumns = `e.id, e.at, e.type, coalesce(e.brand_id, @none) AS brand_id, e.subject, e.subject_id, e.actor_role,
	coalesce(e.actor_id, @none) AS actor_id, e.data, e.position`

const happenedFrom = ` FROM events e`

// toCompanies is whether an event happened to a company of the brand.
const toCompanies = `e.subject IN ('Company', 'CompanyCredit') AND e.brand_id = @brand`

// History is one page of what happened to a company of the brand, newest first.
func (s *Companies) History(ctx context.Context, brandID, companyID uuid.UUID, args page.Args) (page.Connection[company.Happened], error) {
	return keyset(ctx, s.db, args, happenedColumns+happenedFrom, `e.subject_id = @company AND `+toCompanies, `(e.position)`, `e.position DESC`,
		pgx.NamedArgs{"company": companyID, "brand": brandID, "none": uuid.Nil},
		func(k positionKey) []any { return []any{k.Position} }, func(h company.Happened) positionKey { return positionKey{h.Position} })
}
