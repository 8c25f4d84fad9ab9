package identity

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/page"
)

// inviteWithin is how long a new staff member may take to choose a password.
const inviteWithin = 3 * 24 * time.Hour

// Policy is what holds for all staff.
type Policy struct {
	Networks    []netip.Prefix // from where staff may act; none: from anywhere
	RequireTotp bool           // staff must have a second factor
}

// NetworkList is the networks in CIDR notation.
func (p Policy) NetworkList() []string { return written(p.Networks) }

// StaffStore keeps staff, their groups and what holds for them.
type StaffStore interface {
	Policy(ctx context.Context) (Policy, error)
	SetPolicy(ctx context.Context, p Policy) error
	// AccountStanding is what the account alone comes to; nil if it is not open.
	AccountStanding(ctx context.Context, accountID uuid.UUID) (*Standing, error)

	// Staff are the open staff accounts behind the cursor's account, in order of
	// their ids, which is the order in which they were made.
	Staff(ctx context.Context, after uuid.UUID, limit int) ([]Account, error)
	UpdateAccount(ctx context.Context, a Account) error
	CloseAccount(ctx context.Context, accountID uuid.UUID, at time.Time) error
	// OtherAdmins counts the open administrators beside the account, and keeps them
	// from being closed until the transaction ends.
	OtherAdmins(ctx context.Context, accountID uuid.UUID) (int, error)
	SetGroups(ctx context.Context, accountID uuid.UUID, groupIDs []uuid.UUID) error
	SetStores(ctx context.Context, accountID uuid.UUID, locationIDs []uuid.UUID) error

	Groups(ctx context.Context) ([]Group, error)
	// GroupsOf are the groups of the accounts, a row for each pair.
	GroupsOf(ctx context.Context, accountIDs []uuid.UUID) ([]Membership, error)
	// SaveGroup keeps a group, new or changed; a name that is taken is ErrGroupName.
	SaveGroup(ctx context.Context, g Group) error
	RemoveGroup(ctx context.Context, groupID uuid.UUID) error
}

// CreateStaffInput is a new staff member.
type CreateStaffInput struct {
	Email    string
	Name     string
	Role     access.Role // STORE_STAFF, STAFF or ADMIN
	GroupIDs []uuid.UUID
	StoreIDs []uuid.UUID
}

// CreateStaff makes a staff account and mails it a link to choose a password by:
// nobody else ever knows it.
func (s *Service) CreateStaff(ctx context.Context, in CreateStaffInput) (*Account, error) {
	if err := access.RequireEverywhere(ctx, access.StaffWrite); err != nil {
		return nil, err
	}
	email, err := NormaliseEmail(in.Email)
	if err != nil {
		err = ErrEmail.At("email")
	}
	if err := errors.Join(err, checkName(in.Name), checkRole(ctx, in.Role)); err != nil {
		return nil, err
	}
	now := s.Now()
	account := Account{ID: id.New(), Role: in.Role, Email: email, Name: in.Name, Language: i18n.Language(ctx), CreatedAt: now, UpdatedAt: now}
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		if err := s.Store.InsertAccount(ctx, account); err != nil {
			return at("email", err)
		}
		if err := s.place(ctx, account, in.GroupIDs, in.StoreIDs); err != nil {
			return err
		}
		if err := s.Events.Record(ctx, event.New(ctx, now, "staff.created", "Account", account.ID, map[string]any{"role": in.Role})); err != nil {
			return err
		}
		return s.mailToken(ctx, account, ResetPassword, inviteWithin, func(link string, expires time.Time) messaging.Content {
			return messaging.PasswordReset{Name: account.Name, URL: link, ExpiresAt: expires}
		})
	})
	if err != nil {
		return nil, err
	}
	return &account, nil
}

func checkName(name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return fault.ErrRequired.At("name")
	case utf8.RuneCountInString(name) > maxName:
		return ErrNameTooLong.With(maxName).At("name")
	}
	return nil
}

// checkRole lets only administrators make administrators.
func checkRole(ctx context.Context, role access.Role) error {
	switch role {
	case access.RoleStoreStaff, access.RoleStaff:
		return nil
	case access.RoleAdmin:
		if access.From(ctx).Is(access.RoleAdmin, access.RoleSystem) {
			return nil
		}
		return fault.ErrForbidden.At("role")
	}
	return ErrStaffRole.At("role")
}

// place puts the account into groups and stores; nil leaves them as they are.
func (s *Service) place(ctx context.Context, account Account, groupIDs, storeIDs []uuid.UUID) error {
	if groupIDs != nil {
		if err := s.mayGrant(ctx, groupIDs); err != nil {
			return err
		}
		if err := s.Store.SetGroups(ctx, account.ID, groupIDs); err != nil {
			return at("groupIds", err)
		}
	}
	if storeIDs != nil {
		return at("storeIds", s.Store.SetStores(ctx, account.ID, storeIDs))
	}
	return nil
}

// mayGrant holds the actor to groups that give no more than it has itself.
func (s *Service) mayGrant(ctx context.Context, groupIDs []uuid.UUID) error {
	groups, err := s.Store.Groups(ctx)
	if err != nil {
		return err
	}
	for _, wanted := range groupIDs {
		i := slices.IndexFunc(groups, func(g Group) bool { return g.ID == wanted })
		if i < 0 {
			return fault.ErrNotFound.At("groupIds")
		}
		if err := holdsAll(ctx, groups[i].Permissions); err != nil {
			return at("groupIds", err)
		}
	}
	return nil
}

func holdsAll(ctx context.Context, permissions []access.Permission) error {
	for _, p := range permissions {
		if err := access.Require(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// UpdateStaffInput changes a staff member; what is nil stays.
type UpdateStaffInput struct {
	AccountID uuid.UUID
	Name      *string
	Role      *access.Role
	GroupIDs  []uuid.UUID
	StoreIDs  []uuid.UUID
}

// UpdateStaff changes a staff member's name, role, groups and stores. The new
// rights hold within seconds, in sessions that are open too.
func (s *Service) UpdateStaff(ctx context.Context, in UpdateStaffInput) (*Account, error) {
	var account *Account
	err := s.Tx.InTx(ctx, func(ctx context.Context) (err error) {
		if account, err = s.manageable(ctx, in.AccountID); err != nil {
			return err
		}
		if in.Role != nil && *in.Role != account.Role {
			if err := errors.Join(checkRole(ctx, *in.Role), s.spareable(ctx, *account)); err != nil {
				return err
			}
			account.Role = *in.Role
		}
		if in.Name != nil {
			if err := checkName(*in.Name); err != nil {
				return err
			}
			account.Name = *in.Name
		}
		account.UpdatedAt = s.Now()
		if err := s.Store.UpdateAccount(ctx, *account); err != nil {
			return err
		}
		if err := s.place(ctx, *account, in.GroupIDs, in.StoreIDs); err != nil {
			return err
		}
		return s.Events.Record(ctx, event.New(ctx, s.Now(), "staff.updated", "Account", account.ID, in))
	})
	if err != nil {
		return nil, err
	}
	s.standings.clear()
	return account, nil
}

// spareable fails for the last administrator: somebody must be able to let others in.
func (s *Service) spareable(ctx context.Context, account Account) error {
	if account.Role != access.RoleAdmin {
		return nil
	}
	others, err := s.Store.OtherAdmins(ctx, account.ID)
	if err == nil && others == 0 {
		err = ErrLastAdmin
	}
	return err
}

// StaffAccountInput names a staff account.
type StaffAccountInput struct{ AccountID uuid.UUID }

// DeactivateStaff closes a staff account and ends its sessions. The account stays
// in the history of what it did.
func (s *Service) DeactivateStaff(ctx context.Context, in StaffAccountInput) (*Account, error) {
	accountID := in.AccountID
	var account *Account
	err := s.endingSessions(ctx, func(ctx context.Context) (ended []uuid.UUID, err error) {
		if account, err = s.manageable(ctx, accountID); err != nil {
			return nil, err
		}
		if err := s.spareable(ctx, *account); err != nil {
			return nil, err
		}
		now := s.Now()
		if err := s.Store.CloseAccount(ctx, accountID, now); err != nil {
			return nil, err
		}
		account.ClosedAt = &now
		if err := s.Events.Record(ctx, event.New(ctx, now, "staff.deactivated", "Account", accountID, nil)); err != nil {
			return nil, err
		}
		return s.Store.EndSessions(ctx, accountID, uuid.Nil, endedByStaff, now)
	})
	return account, err
}

// Staff is one page of the staff, oldest first.
func (s *Service) Staff(ctx context.Context, args page.Args) (page.Connection[Account], error) {
	var none page.Connection[Account]
	if err := access.RequireEverywhere(ctx, access.StaffWrite); err != nil {
		return none, err
	}
	size, err := args.Size()
	if err != nil {
		return none, err
	}
	var cursor uuid.UUID
	behind, err := args.Start(&cursor)
	if err != nil {
		return none, err
	}
	rows, err := s.Store.Staff(ctx, cursor, size+1)
	return page.Of(rows, size, behind, func(a Account) any { return a.ID }), err
}

// Policy is what holds for all staff.
func (s *Service) Policy(ctx context.Context) (Policy, error) {
	if err := access.RequireEverywhere(ctx, access.StaffWrite); err != nil {
		return Policy{}, err
	}
	return s.Store.Policy(ctx)
}

// PolicyInput is what shall hold for all staff.
type PolicyInput struct {
	Networks    []string
	RequireTotp bool
}

// SetPolicy changes what holds for all staff. A list of networks that would shut
// the actor itself out is ErrShutsOut.
func (s *Service) SetPolicy(ctx context.Context, in PolicyInput) (*Policy, error) {
	if err := access.RequireEverywhere(ctx, access.StaffWrite); err != nil {
		return nil, err
	}
	networks, err := ParseNetworks(in.Networks)
	if err != nil {
		return nil, at("networks", err)
	}
	p := Policy{Networks: networks, RequireTotp: in.RequireTotp}
	from := access.From(ctx).Address
	if from.IsValid() && !within(p.Networks, from) {
		return nil, ErrShutsOut.With(from).At("networks")
	}
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		if err := s.Store.SetPolicy(ctx, p); err != nil {
			return err
		}
		return s.Events.Record(ctx, event.New(ctx, s.Now(), "staff.policy_changed", "StaffPolicy", uuid.Nil, p))
	})
	s.standings.clear()
	return &p, err
}
