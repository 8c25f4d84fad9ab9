package company

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
)

// GroupKind is what a customer group is for.
type GroupKind string

// The kinds of group.
const (
	GroupTrade   GroupKind = "TRADE"   // 取引条件
	GroupRank    GroupKind = "RANK"    // 会員ランク
	GroupSegment GroupKind = "SEGMENT" // customers that have something in common
)

// Group is customers for whom the same rules hold (顧客グループ).
type Group struct {
	ID         uuid.UUID
	BrandID    uuid.UUID
	Code       string
	Name       i18n.Text
	Kind       GroupKind
	Precedence int // where two groups' rules compete, the lower number wins
	CreatedAt  time.Time
	ClosedAt   *time.Time
}

// GlobalID is the group's id in the schema.
func (g Group) GlobalID() string { return id.Global("CustomerGroup", g.ID) }

// Placement says that a company is in a group.
type Placement struct {
	CompanyID uuid.UUID
	Group
}

// Ungrouped are the groups of the placements.
func Ungrouped(placements []Placement) []Group {
	groups := make([]Group, len(placements))
	for i, p := range placements {
		groups[i] = p.Group
	}
	return groups
}

// Size is how many are in a group.
type Size struct {
	GroupID uuid.UUID
	Members int
}

// MaxBulk is how many members and companies one call moves.
const MaxBulk = 1000

var (
	errTooManyAtOnce = fault.Invalid(fault.CodeTooMany, "一度に指定できるのは%d件までです", "At most %d can be named at once")
	errPrecedence    = fault.Invalid(fault.CodeInvalid, "優先順位は0〜1000000で指定してください", "The precedence is 0 to 1,000,000")
)

func (g Group) validate() error {
	all := []error{checkCode(g.Code)}
	if g.Name["ja"] == "" {
		all = append(all, fault.ErrRequired.At("name"))
	}
	for _, text := range g.Name {
		all = append(all, checkText("name", text, false))
	}
	if g.Precedence < 0 || g.Precedence > 1_000_000 {
		all = append(all, errPrecedence.At("precedence"))
	}
	return errors.Join(all...)
}

// CreateGroupInput is a new group.
type CreateGroupInput struct {
	Code       string
	Name       i18n.Text
	Kind       GroupKind
	Precedence int
}

// CreateGroup makes a customer group.
func (s *Service) CreateGroup(ctx context.Context, in CreateGroupInput) (*Group, error) {
	if err := mayWrite(ctx); err != nil {
		return nil, err
	}
	g := Group{
		ID: id.New(), BrandID: channel.From(ctx).BrandID, Code: strings.TrimSpace(in.Code), Name: in.Name, Kind: in.Kind,
		Precedence: in.Precedence, CreatedAt: s.Now(),
	}
	if err := g.validate(); err != nil {
		return nil, err
	}
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		if err := s.Store.SaveGroup(ctx, g); err != nil {
			return at("code", err)
		}
		return s.recordGroup(ctx, "group.created", g, nil, g)
	})
	if err != nil {
		return nil, err
	}
	return &g, nil
}

func (s *Service) recordGroup(ctx context.Context, kind string, g Group, before, after any) error {
	return s.Events.Record(ctx, event.New(ctx, s.Now(), kind, "CustomerGroup", g.ID, change{before, after}))
}

// UpdateGroupInput changes a group; nil leaves a value.
type UpdateGroupInput struct {
	GroupID    uuid.UUID
	Name       i18n.Text
	Kind       *GroupKind
	Precedence *int
}

// UpdateGroup changes a customer group.
func (s *Service) UpdateGroup(ctx context.Context, in UpdateGroupInput) (*Group, error) {
	return s.changeGroup(ctx, in.GroupID, "group.updated", func(_ context.Context, g *Group) (any, error) {
		if in.Name != nil {
			g.Name = in.Name
		}
		set(&g.Kind, in.Kind)
		set(&g.Precedence, in.Precedence)
		return g, g.validate()
	})
}

// CloseGroupInput names a group to close.
type CloseGroupInput struct{ GroupID uuid.UUID }

// CloseGroup ends a group: its rules hold for nobody any more.
func (s *Service) CloseGroup(ctx context.Context, in CloseGroupInput) (*Group, error) {
	return s.changeGroup(ctx, in.GroupID, "group.closed", func(_ context.Context, g *Group) (any, error) {
		now := s.Now()
		g.ClosedAt = &now
		return g, nil
	})
}

// MembersInput names members and companies of a group.
type MembersInput struct {
	GroupID    uuid.UUID
	MemberIDs  []uuid.UUID
	CompanyIDs []uuid.UUID
}

func (in MembersInput) validate() error {
	if len(in.MemberIDs)+len(in.CompanyIDs) > MaxBulk {
		return errTooManyAtOnce.With(MaxBulk)
	}
	if len(in.MemberIDs)+len(in.CompanyIDs) == 0 {
		return fault.ErrRequired.At("memberIds")
	}
	return nil
}

// moved is what an event says of members that came or went.
type moved struct {
	Members   []uuid.UUID `json:"members,omitempty"`
	Companies []uuid.UUID `json:"companies,omitempty"`
}

// AddMembers puts members and companies into a group, all or none. Who is in it
// already stays.
func (s *Service) AddMembers(ctx context.Context, in MembersInput) (*Group, error) {
	return s.moveMembers(ctx, in, "group.members_added", func(ctx context.Context, g Group) error {
		members, companies, err := s.Store.Known(ctx, g.BrandID, in.MemberIDs, in.CompanyIDs)
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(in.MemberIDs, func(m uuid.UUID) bool { return !slices.Contains(members, m) }); i >= 0 {
			return fault.ErrNotFound.At("memberIds." + itoa(i))
		}
		if i := slices.IndexFunc(in.CompanyIDs, func(c uuid.UUID) bool { return !slices.Contains(companies, c) }); i >= 0 {
			return fault.ErrNotFound.At("companyIds." + itoa(i))
		}
		return s.Store.Join(ctx, g.ID, in.MemberIDs, in.CompanyIDs, s.Now())
	})
}

// RemoveMembers takes members and companies out of a group.
func (s *Service) RemoveMembers(ctx context.Context, in MembersInput) (*Group, error) {
	return s.moveMembers(ctx, in, "group.members_removed", func(ctx context.Context, g Group) error {
		return s.Store.Leave(ctx, g.ID, in.MemberIDs, in.CompanyIDs)
	})
}

func (s *Service) moveMembers(ctx context.Context, in MembersInput, kind string, f func(ctx context.Context, g Group) error) (*Group, error) {
	if err := mayWrite(ctx); err != nil {
		return nil, err
	}
	if err := in.validate(); err != nil {
		return nil, err
	}
	return s.changeGroup(ctx, in.GroupID, kind, func(ctx context.Context, g *Group) (any, error) {
		return moved{in.MemberIDs, in.CompanyIDs}, f(ctx, *g)
	})
}

// changeGroup lets f act on an open group of the brand, locked, and records what f
// says became of it.
func (s *Service) changeGroup(ctx context.Context, groupID uuid.UUID, kind string, f func(ctx context.Context, g *Group) (any, error)) (*Group, error) {
	var changed *Group
	err := s.write(ctx, func(ctx context.Context) error {
		g, err := s.Store.LockGroup(ctx, channel.From(ctx).BrandID, groupID)
		if err != nil {
			return err
		}
		if g == nil || g.ClosedAt != nil {
			return fault.ErrNotFound.At("groupId")
		}
		before := any(*g)
		after, err := f(ctx, g)
		if err != nil {
			return err
		}
		if err := s.Store.SaveGroup(ctx, *g); err != nil {
			return err
		}
		if _, list := after.(moved); list {
			before = nil
		}
		changed = g
		return s.recordGroup(ctx, kind, *g, before, after)
	})
	if err != nil {
		return nil, err
	}
	return changed, nil
}
