package company

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/page"
)

// Viewer is who looks at companies: staff see the brand's, a buyer the own.
type Viewer struct {
	BrandID uuid.UUID
	ActorID uuid.UUID
	Staff   bool
}

func viewer(ctx context.Context) Viewer {
	actor := access.From(ctx)
	v := Viewer{BrandID: channel.From(ctx).BrandID, Staff: actor.May(access.CompanyRead) || actor.May(access.CompanyWrite)}
	if buys(actor) {
		v.ActorID = actor.ID
	}
	return v
}

// nobody reports that the viewer sees no company whatever is there.
func (v Viewer) nobody() bool { return !v.Staff && v.ActorID == uuid.Nil }

func mayWrite(ctx context.Context) error { return access.RequireEverywhere(ctx, access.CompanyWrite) }

// Filter says which companies to list; zero fields do not filter.
type Filter struct {
	Query   string // a part of the name or reading, or the beginning of the code
	GroupID uuid.UUID
	Closed  bool // closed ones too
}

// List is one page of the brand's companies by code, for staff.
func (s *Service) List(ctx context.Context, f Filter, args page.Args) (page.Connection[Company], error) {
	if err := access.Require(ctx, access.CompanyRead); err != nil {
		return page.Connection[Company]{}, err
	}
	f.Query = tidy(f.Query)
	return s.Store.List(ctx, channel.From(ctx).BrandID, f, args)
}

// ByID is the company, if the actor may see it; else fault.CodeNotFound.
func (s *Service) ByID(ctx context.Context, companyID uuid.UUID) (*Company, error) {
	v := viewer(ctx)
	if v.nobody() {
		return nil, fault.ErrNotFound
	}
	c, err := s.Store.Company(ctx, v, companyID)
	if err == nil && c == nil {
		err = fault.ErrNotFound
	}
	return c, err
}

// visible reads what companies own that the actor may see, and asks the store nothing
// when that is none.
func visible[T any](ctx context.Context, keys []uuid.UUID, read func(context.Context, Viewer, []uuid.UUID) ([]T, error)) ([]T, error) {
	v := viewer(ctx)
	if v.nobody() || len(keys) == 0 {
		return nil, nil
	}
	return read(ctx, v, keys)
}

// ByIDs are those of the companies that the actor may see.
func (s *Service) ByIDs(ctx context.Context, companyIDs []uuid.UUID) ([]Company, error) {
	return visible(ctx, companyIDs, s.Store.Companies)
}

// Employer is a company by one of its buyers.
type Employer struct {
	AccountID uuid.UUID
	Company
}

// Employers are the companies that the accounts buy for, as far as the actor may see.
func (s *Service) Employers(ctx context.Context, accountIDs []uuid.UUID) ([]Employer, error) {
	return visible(ctx, accountIDs, s.Store.Employers)
}

// Addresses are the addresses of companies that the actor may see, the defaults first.
func (s *Service) Addresses(ctx context.Context, companyIDs []uuid.UUID) ([]Address, error) {
	return visible(ctx, companyIDs, s.Store.Addresses)
}

// Buyers are who buys for companies that the actor may see.
func (s *Service) Buyers(ctx context.Context, companyIDs []uuid.UUID) ([]Seat, error) {
	return visible(ctx, companyIDs, s.Store.Buyers)
}

// GroupsOf are the open groups that companies are in, for staff.
func (s *Service) GroupsOf(ctx context.Context, companyIDs []uuid.UUID) ([]Placement, error) {
	if err := access.Require(ctx, access.CompanyRead); err != nil {
		return nil, err
	}
	return s.Store.GroupsOf(ctx, channel.From(ctx).BrandID, companyIDs)
}

// RulesOf are the functions allowed or denied to companies and groups, for staff.
func (s *Service) RulesOf(ctx context.Context, audienceIDs []uuid.UUID) ([]FunctionRule, error) {
	if err := access.Require(ctx, access.CompanyRead); err != nil {
		return nil, err
	}
	return s.Store.Functions(ctx, channel.From(ctx).BrandID, audienceIDs)
}

// Entries is one page of what changed what a company owes, newest first.
func (s *Service) Entries(ctx context.Context, companyID uuid.UUID, args page.Args) (page.Connection[Entry], error) {
	v := viewer(ctx)
	if v.nobody() {
		return page.Connection[Entry]{}, fault.ErrNotFound
	}
	return s.Store.Entries(ctx, v, companyID, args)
}

// ListGroups is one page of the brand's open groups in order of precedence, for staff.
func (s *Service) ListGroups(ctx context.Context, kind GroupKind, args page.Args) (page.Connection[Group], error) {
	if err := access.Require(ctx, access.CompanyRead); err != nil {
		return page.Connection[Group]{}, err
	}
	return s.Store.ListGroups(ctx, channel.From(ctx).BrandID, kind, args)
}

// GroupByID is a group of the brand, for staff; without one, fault.CodeNotFound.
func (s *Service) GroupByID(ctx context.Context, groupID uuid.UUID) (*Group, error) {
	if err := access.Require(ctx, access.CompanyRead); err != nil {
		return nil, err
	}
	g, err := s.Store.Group(ctx, channel.From(ctx).BrandID, groupID)
	if err == nil && g == nil {
		err = fault.ErrNotFound
	}
	return g, err
}

// Sizes are how many are in the groups, for staff.
func (s *Service) Sizes(ctx context.Context, groupIDs []uuid.UUID) ([]Size, error) {
	if err := access.Require(ctx, access.CompanyRead); err != nil {
		return nil, err
	}
	return s.Store.Sizes(ctx, channel.From(ctx).BrandID, groupIDs)
}

// Members is one page of the accounts that are in a group by themselves, for staff who may
// read personal data, as they may see them.
func (s *Service) Members(ctx context.Context, groupID uuid.UUID, args page.Args) (page.Connection[identity.Account], error) {
	if err := access.Require(ctx, access.MemberRead); err != nil {
		return page.Connection[identity.Account]{}, err
	}
	c, err := s.Store.Members(ctx, channel.From(ctx).BrandID, groupID, args)
	if err != nil {
		return c, err
	}
	return c, s.shown(ctx, map[uuid.UUID]page.Connection[identity.Account]{groupID: c})
}

// shown masks the members of groups for those who do not see all members: staff of a shop
// and partners, since nothing here says whose members they are. Each page is written down
// once, with who was on it.
func (s *Service) shown(ctx context.Context, pages map[uuid.UUID]page.Connection[identity.Account]) error {
	masked := access.From(ctx).Is(access.RoleStoreStaff, access.RolePartner)
	var views []event.Event
	for groupID, c := range pages {
		if len(c.Edges) == 0 {
			continue
		}
		members := make([]uuid.UUID, len(c.Edges))
		for i := range c.Edges {
			a := &c.Edges[i].Node
			if members[i] = a.ID; masked {
				a.Name, a.Email = member.MaskName(a.Name), member.MaskEmail(a.Email)
			}
		}
		views = append(views, event.New(ctx, s.Now(), "group.members_viewed", "CustomerGroup", groupID, map[string]any{"members": members, "masked": masked}))
	}
	if len(views) == 0 {
		return nil
	}
	return s.Events.Record(ctx, views...)
}
