package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/company"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/page"
)

const customerGroupColumns = `g.id, g.brand_id, g.code, g.name, g.kind, g.precedence, g.created_at, g.closed_at`

// Group is a group of the brand, closed ones too; nil if there is none.
func (s *Companies) Group(ctx context.Context, brandID, groupID uuid.UUID) (*company.Group, error) {
	return first[company.Group](ctx, s.db, `SELECT `+customerGroupColumns+` FROM customer_groups g WHERE g.id = $1 AND g.brand_id = $2`, groupID, brandID)
}

// LockGroup reads a group of the brand and locks it.
func (s *Companies) LockGroup(ctx context.Context, brandID, groupID uuid.UUID) (*company.Group, error) {
	return first[company.Group](ctx, s.db, `SELECT `+customerGroupColumns+` FROM customer_groups g WHERE g.id = $1 AND g.brand_id = $2 FOR UPDATE`, groupID, brandID)
}

// SaveGroup keeps a group, new or changed. Who is in it, and which group wins,
// decides prices: the number of the brand's rules moves.
func (s *Companies) SaveGroup(ctx context.Context, g company.Group) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO customer_groups (id, brand_id, code, name, kind, precedence, created_at, closed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name, kind = EXCLUDED.kind, precedence = EXCLUDED.precedence, closed_at = EXCLUDED.closed_at`,
		g.ID, g.BrandID, g.Code, g.Name, g.Kind, g.Precedence, g.CreatedAt, g.ClosedAt)
	if err != nil {
		return codeTaken(err)
	}
	return s.db.moveRules(ctx, g.BrandID, rulesMoved{})
}

// precedenceKey is the sort key of a group in a list.
type precedenceKey struct {
	Precedence int    `json:"p"`
	Code       string `json:"c"`
}

// ListGroups is one page of the brand's open groups in order of precedence.
func (s *Companies) ListGroups(ctx context.Context, brandID uuid.UUID, kind company.GroupKind, args page.Args) (page.Connection[company.Group], error) {
	where, named := `g.brand_id = @brand AND g.closed_at IS NULL`, pgx.NamedArgs{"brand": brandID}
	if kind != "" {
		where, named["kind"] = where+` AND g.kind = @kind`, kind
	}
	return keyset(ctx, s.db, args, customerGroupColumns+` FROM customer_groups g`, where, `(g.precedence, g.code)`, `g.precedence, g.code`, named,
		func(k precedenceKey) []any { return []any{k.Precedence, k.Code} },
		func(g company.Group) precedenceKey { return precedenceKey{g.Precedence, g.Code} })
}

// GroupsOf are the open groups that companies of the brand are in.
func (s *Companies) GroupsOf(ctx context.Context, brandID uuid.UUID, companyIDs []uuid.UUID) ([]company.Placement, error) {
	return collect[company.Placement](ctx, s.db, `
		SELECT m.company_id, `+customerGroupColumns+` FROM customer_group_members m JOIN customer_groups g ON g.id = m.group_id
		WHERE m.company_id = ANY($1) AND g.brand_id = $2 AND g.closed_at IS NULL ORDER BY g.precedence, g.code`, companyIDs, brandID)
}

// Sizes are how many are in the groups of the brand.
func (s *Companies) Sizes(ctx context.Context, brandID uuid.UUID, groupIDs []uuid.UUID) ([]company.Size, error) {
	return collect[company.Size](ctx, s.db, `
		SELECT m.group_id, count(*)::int AS members FROM customer_group_members m JOIN customer_groups g ON g.id = m.group_id
		WHERE m.group_id = ANY($1) AND g.brand_id = $2 GROUP BY m.group_id`, groupIDs, brandID)
}

// memberKey is the sort key of a member of a group.
type memberKey struct {
	ID uuid.UUID `json:"i"`
}

const membersFrom = ` FROM customer_group_members m JOIN customer_groups g ON g.id = m.group_id
	JOIN accounts a ON a.id = m.member_id AND a.closed_at IS NULL`

// Members is one page of the open accounts that are in a group of the brand by
// themselves.
func (s *Companies) Members(ctx context.Context, brandID, groupID uuid.UUID, args page.Args) (page.Connection[identity.Account], error) {
	return keyset(ctx, s.db, args, accountColumns+membersFrom,
		`m.group_id = @group AND g.brand_id = @brand`, `(a.id)`, `a.id`, pgx.NamedArgs{"group": groupID, "brand": brandID},
		func(k memberKey) []any { return []any{k.ID} }, func(a identity.Account) memberKey { return memberKey{a.ID} })
}

// Known are those of the ids that are open accounts of customers, and open companies
// of the brand.
func (s *Companies) Known(ctx context.Context, brandID uuid.UUID, memberIDs, companyIDs []uuid.UUID) (members, companies []uuid.UUID, err error) {
	members, err = column[uuid.UUID](ctx, s.db, `
		SELECT id FROM accounts WHERE id = ANY($1) AND closed_at IS NULL AND role IN ('MEMBER', 'COMPANY_BUYER')`, memberIDs)
	if err != nil {
		return nil, nil, err
	}
	companies, err = column[uuid.UUID](ctx, s.db, `SELECT id FROM companies WHERE id = ANY($1) AND closed_at IS NULL AND brand_id = $2`, companyIDs, brandID)
	return members, companies, err
}

// Join puts members and companies into a group; who is in it stays.
func (s *Companies) Join(ctx context.Context, groupID uuid.UUID, memberIDs, companyIDs []uuid.UUID, at time.Time) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO customer_group_members (group_id, member_id, company_id, joined_at)
		SELECT $1::uuid, m, NULL::uuid, $4::timestamptz FROM unnest($2::uuid[]) m UNION SELECT $1, NULL, c, $4 FROM unnest($3::uuid[]) c
		ON CONFLICT DO NOTHING`, groupID, memberIDs, companyIDs, at)
	return err
}

// Leave takes members and companies out of a group.
func (s *Companies) Leave(ctx context.Context, groupID uuid.UUID, memberIDs, companyIDs []uuid.UUID) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		DELETE FROM customer_group_members WHERE group_id = $1 AND (member_id = ANY($2) OR company_id = ANY($3))`, groupID, memberIDs, companyIDs)
	return err
}
