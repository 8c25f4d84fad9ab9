package company

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/page"
)

// PageStore reads the first pages of what many companies or groups have, those of all
// of them in one statement.
type PageStore interface {
	FirstEntries(ctx context.Context, v Viewer, wanted []page.First) (map[page.First]page.Connection[Entry], error)
	FirstHistory(ctx context.Context, brandID uuid.UUID, wanted []page.First) (map[page.First]page.Connection[Happened], error)
	FirstMembers(ctx context.Context, brandID uuid.UUID, wanted []page.First) (map[page.First]page.Connection[identity.Account], error)
	FirstCompanies(ctx context.Context, brandID uuid.UUID, wanted []page.First) (map[page.First]page.Connection[Company], error)
	// CompanyCounts are how many companies the whole lists have.
	CompanyCounts(ctx context.Context, brandID uuid.UUID, wanted []page.First) (map[page.First]int, error)
}

// FirstEntries are the first pages of what changed what companies owe.
func (s *Service) FirstEntries(ctx context.Context, wanted []page.First) (map[page.First]page.Connection[Entry], error) {
	v := viewer(ctx)
	if v.nobody() {
		return nil, fault.ErrNotFound
	}
	return s.Store.FirstEntries(ctx, v, wanted)
}

// FirstHistory are the first pages of what happened to companies, for staff.
func (s *Service) FirstHistory(ctx context.Context, wanted []page.First) (map[page.First]page.Connection[Happened], error) {
	return forBrand(ctx, access.CompanyRead, wanted, s.Store.FirstHistory)
}

// FirstMembers are the first pages of the accounts that are in groups by themselves,
// for staff who may read personal data, as they may see them.
func (s *Service) FirstMembers(ctx context.Context, wanted []page.First) (map[page.First]page.Connection[identity.Account], error) {
	found, err := forBrand(ctx, access.MemberRead, wanted, s.Store.FirstMembers)
	if err != nil {
		return nil, err
	}
	pages := make(map[uuid.UUID]page.Connection[identity.Account], len(found))
	for first, c := range found {
		pages[first.OwnerID] = c
	}
	return found, s.shown(ctx, pages)
}

// FirstCompanies are the first pages of the open companies in groups, for staff.
func (s *Service) FirstCompanies(ctx context.Context, wanted []page.First) (map[page.First]page.Connection[Company], error) {
	return forBrand(ctx, access.CompanyRead, wanted, s.Store.FirstCompanies)
}

// CompanyCounts are how many open companies are in groups, for staff.
func (s *Service) CompanyCounts(ctx context.Context, wanted []page.First) (map[page.First]int, error) {
	return forBrand(ctx, access.CompanyRead, wanted, s.Store.CompanyCounts)
}

// forBrand reads what is the brand's, for those who have the permission.
func forBrand[T any](ctx context.Context, p access.Permission, wanted []page.First,
	read func(context.Context, uuid.UUID, []page.First) (map[page.First]T, error),
) (map[page.First]T, error) {
	if err := access.Require(ctx, p); err != nil {
		return nil, err
	}
	return read(ctx, channel.From(ctx).BrandID, wanted)
}
