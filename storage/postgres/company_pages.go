package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/company"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/page"
)

// FirstEntries are the first pages of what changed what companies owe.
func (s *Companies) FirstEntries(ctx context.Context, v company.Viewer, wanted []page.First) (map[page.First]page.Connection[company.Entry], error) {
	type row struct {
		place
		company.Entry
	}
	list := ownedList{entryColumns, entryFrom, `e.company_id = wanted.owner AND ` + visibleCompany, `e.at DESC, e.id DESC`}
	return firstPages(ctx, s.db, wanted, list, viewerArgs(v, nil),
		func(r row) (place, company.Entry) { return r.place, r.Entry },
		func(e company.Entry) any { return placedKey{e.At, e.ID} })
}

// FirstHistory are the first pages of what happened to companies of the brand.
func (s *Companies) FirstHistory(ctx context.Context, brandID uuid.UUID, wanted []page.First) (map[page.First]page.Connection[company.Happened], error) {
	type row struct {
		place
		company.Happened
	}
	list := ownedList{happenedColumns, happenedFrom, `e.subject_id = wanted.owner AND ` + toCompanies, `e.position DESC`}
	return firstPages(ctx, s.db, wanted, list, pgx.NamedArgs{"brand": brandID, "none": uuid.Nil},
		func(r row) (place, company.Happened) { return r.place, r.Happened },
		func(h company.Happened) any { return positionKey{h.Position} })
}

// FirstMembers are the first pages of the open accounts that are in groups of the
// brand by themselves.
func (s *Companies) FirstMembers(ctx context.Context, brandID uuid.UUID, wanted []page.First) (map[page.First]page.Connection[identity.Account], error) {
	type row struct {
		place
		identity.Account
	}
	list := ownedList{accountColumns, membersFrom, `m.group_id = wanted.owner AND g.brand_id = @brand`, `a.id`}
	return firstPages(ctx, s.db, wanted, list, pgx.NamedArgs{"brand": brandID},
		func(r row) (place, identity.Account) { return r.place, r.Account },
		func(a identity.Account) any { return memberKey{a.ID} })
}

// groupedCompanies are the open companies of the brand that are in a group.
var groupedCompanies = ownedList{companyColumns, companyFrom, `c.brand_id = @brand AND c.closed_at IS NULL AND EXISTS (
	SELECT 1 FROM customer_group_members m WHERE m.group_id = wanted.owner AND m.company_id = c.id)`, `c.code, c.id`}

// FirstCompanies are the first pages of the open companies in groups.
func (s *Companies) FirstCompanies(ctx context.Context, brandID uuid.UUID, wanted []page.First) (map[page.First]page.Connection[company.Company], error) {
	type row struct {
		place
		company.Company
	}
	return firstPages(ctx, s.db, wanted, groupedCompanies, pgx.NamedArgs{"brand": brandID},
		func(r row) (place, company.Company) { return r.place, r.Company },
		func(c company.Company) any { return codeKey{c.Code, c.ID} })
}

// CompanyCounts are how many open companies are in groups.
func (s *Companies) CompanyCounts(ctx context.Context, brandID uuid.UUID, wanted []page.First) (map[page.First]int, error) {
	return counts(ctx, s.db, wanted, groupedCompanies, pgx.NamedArgs{"brand": brandID})
}
