package identity

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
)

// Group is a named set of permissions that staff hold together (権限グループ).
type Group struct {
	ID          uuid.UUID
	Name        string
	Permissions []access.Permission
	Networks    []netip.Prefix // from where its staff may act; none: from anywhere
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// GlobalID is the group's id in the schema.
func (g Group) GlobalID() string { return id.Global("PermissionGroup", g.ID) }

// NetworkList is the networks in CIDR notation.
func (g Group) NetworkList() []string { return written(g.Networks) }

func written(networks []netip.Prefix) []string {
	all := make([]string, len(networks))
	for i, n := range networks {
		all[i] = n.String()
	}
	return all
}

// Membership says that an account is in a group.
type Membership struct {
	AccountID uuid.UUID
	Group
}

// Ungrouped are the groups of the memberships.
func Ungrouped(memberships []Membership) []Group {
	groups := make([]Group, len(memberships))
	for i, m := range memberships {
		groups[i] = m.Group
	}
	return groups
}

// PermissionsOf is what the account holds by its groups; administrators hold all.
func PermissionsOf(a Account, memberships []Membership) []access.Permission {
	switch {
	case a.Role == access.RoleAdmin:
		return access.Permissions
	case !a.IsStaff():
		return []access.Permission{}
	}
	held := []access.Permission{}
	for _, m := range memberships {
		held = append(held, m.Permissions...)
	}
	slices.Sort(held)
	return slices.Compact(held)
}

// GroupInput is what a group shall be.
type GroupInput struct {
	Name        string
	Permissions []access.Permission
	Networks    []string
}

// check reads the input into the group.
func (in GroupInput) check(ctx context.Context, g *Group) error {
	networks, err := ParseNetworks(in.Networks)
	g.Name, g.Networks = strings.TrimSpace(in.Name), networks
	g.Permissions = append([]access.Permission{}, slices.Compact(slices.Sorted(slices.Values(in.Permissions)))...)
	return errors.Join(checkName(g.Name), at("networks", err), at("permissions", holdsAll(ctx, g.Permissions)))
}

// ParseNetworks reads networks in CIDR notation; an address alone is a network of
// one.
func ParseNetworks(typed []string) ([]netip.Prefix, error) {
	networks := make([]netip.Prefix, 0, len(typed))
	for _, text := range typed {
		network, err := netip.ParsePrefix(strings.TrimSpace(text))
		if err != nil {
			address, err := netip.ParseAddr(strings.TrimSpace(text))
			if err != nil || address.Zone() != "" {
				return nil, ErrNetwork.With(text)
			}
			network = netip.PrefixFrom(address, address.BitLen())
		}
		networks = append(networks, network.Masked())
	}
	return networks, nil
}

// within reports whether the address lies in one of the networks, or there are none.
func within(networks []netip.Prefix, from netip.Addr) bool {
	return len(networks) == 0 ||
		slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(from.Unmap()) })
}

// Groups are the permission groups, by name.
func (s *Service) Groups(ctx context.Context) ([]Group, error) {
	if err := access.RequireEverywhere(ctx, access.StaffWrite); err != nil {
		return nil, err
	}
	return s.Store.Groups(ctx)
}

// GroupsOf are the groups of the accounts, a row for each pair.
func (s *Service) GroupsOf(ctx context.Context, accountIDs []uuid.UUID) ([]Membership, error) {
	return s.Store.GroupsOf(ctx, accountIDs)
}

// CreateGroup makes a group. It may hold no permission that the actor has not.
func (s *Service) CreateGroup(ctx context.Context, in GroupInput) (*Group, error) {
	now := s.Now()
	return s.saveGroup(ctx, Group{ID: id.New(), CreatedAt: now}, in, "permission_group.created")
}

// UpdateGroupInput changes a group to what the input says.
type UpdateGroupInput struct {
	GroupID uuid.UUID
	GroupInput
}

// UpdateGroup changes a group, whose staff have the new rights within seconds.
func (s *Service) UpdateGroup(ctx context.Context, in UpdateGroupInput) (*Group, error) {
	group, err := s.group(ctx, in.GroupID)
	if err != nil {
		return nil, err
	}
	return s.saveGroup(ctx, *group, in.GroupInput, "permission_group.updated")
}

// group is one that the actor may change: it gives no more than the actor has.
func (s *Service) group(ctx context.Context, groupID uuid.UUID) (*Group, error) {
	groups, err := s.Groups(ctx)
	if err != nil {
		return nil, err
	}
	for _, g := range groups {
		if g.ID == groupID {
			return &g, holdsAll(ctx, g.Permissions)
		}
	}
	return nil, fault.ErrNotFound.At("groupId")
}

func (s *Service) saveGroup(ctx context.Context, g Group, in GroupInput, what string) (*Group, error) {
	if err := access.RequireEverywhere(ctx, access.StaffWrite); err != nil {
		return nil, err
	}
	if err := in.check(ctx, &g); err != nil {
		return nil, err
	}
	g.UpdatedAt = s.Now()
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		if err := s.Store.SaveGroup(ctx, g); err != nil {
			return at("name", err)
		}
		return s.Events.Record(ctx, event.New(ctx, s.Now(), what, "PermissionGroup", g.ID, g))
	})
	s.standings.clear()
	if err != nil {
		return nil, fmt.Errorf("save the permission group: %w", err)
	}
	return &g, nil
}

// RemoveGroupInput names a group.
type RemoveGroupInput struct{ GroupID uuid.UUID }

// RemoveGroup takes a group, and what it gave, away from its staff.
func (s *Service) RemoveGroup(ctx context.Context, in RemoveGroupInput) error {
	groupID := in.GroupID
	if _, err := s.group(ctx, groupID); err != nil {
		return err
	}
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		if err := s.Store.RemoveGroup(ctx, groupID); err != nil {
			return err
		}
		return s.Events.Record(ctx, event.New(ctx, s.Now(), "permission_group.removed", "PermissionGroup", groupID, nil))
	})
	s.standings.clear()
	return err
}
