package identity

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/messaging"
)

// RecruitInput names somebody who shall buy for a company.
type RecruitInput struct {
	Email string
	Name  string // of an account that has to be made
}

// Recruit makes the member with the address a company buyer, in the transaction of
// the context. Whoever has no account gets one, and a mail with a link to choose a
// password by. An account of staff is ErrStaffRole. The caller has asked whether the
// actor may, and calls RolesChanged when the transaction has ended.
func (s *Service) Recruit(ctx context.Context, in RecruitInput) (*Account, error) {
	email, err := NormaliseEmail(in.Email)
	if err != nil {
		return nil, ErrEmail.At("email")
	}
	account, err := s.Store.AccountByEmail(ctx, email)
	switch {
	case err != nil:
		return nil, err
	case account == nil:
		return s.invite(ctx, email, in.Name)
	case account.IsStaff():
		return nil, ErrStaffRole.At("email")
	}
	if !account.EmailVerified() {
		if err := s.unclaimed(ctx, *account); err != nil {
			return nil, err
		}
	}
	return account, s.setRole(ctx, account, access.RoleCompanyBuyer)
}

// unclaimed takes an account whose address was never proved out of the hands of
// whoever registered it: only who reads the mail to the address gets in again.
func (s *Service) unclaimed(ctx context.Context, account Account) error {
	if err := s.Store.Disarm(ctx, account.ID); err != nil {
		return err
	}
	if _, err := s.Store.EndSessions(ctx, account.ID, uuid.Nil, endedByClaim, s.Now()); err != nil {
		return err
	}
	return s.mailInvitation(ctx, account)
}

func (s *Service) invite(ctx context.Context, email, name string) (*Account, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	now := s.Now()
	account := Account{ID: id.New(), Role: access.RoleCompanyBuyer, Email: email, Name: name, Language: i18n.Language(ctx), CreatedAt: now, UpdatedAt: now}
	if err := s.Store.InsertAccount(ctx, account); err != nil {
		return nil, at("email", err)
	}
	if err := s.Events.Record(ctx, event.New(ctx, now, "account.invited", "Account", account.ID, map[string]any{"role": account.Role})); err != nil {
		return nil, err
	}
	return &account, s.mailInvitation(ctx, account)
}

func (s *Service) mailInvitation(ctx context.Context, account Account) error {
	return s.mailToken(ctx, account, ResetPassword, inviteWithin, func(link string, expires time.Time) messaging.Content {
		return messaging.PasswordReset{Name: account.Name, URL: link, ExpiresAt: expires}
	})
}

// Retire makes a company buyer a member again, in the transaction of the context.
func (s *Service) Retire(ctx context.Context, accountID uuid.UUID) error {
	account, err := s.Store.Account(ctx, accountID)
	if err != nil || account == nil { // a closed account is nobody's buyer
		return err
	}
	if account.Role != access.RoleCompanyBuyer {
		return fault.ErrNotFound
	}
	return s.setRole(ctx, account, access.RoleMember)
}

func (s *Service) setRole(ctx context.Context, account *Account, role access.Role) error {
	if account.Role == role {
		return nil
	}
	before := account.Role
	account.Role, account.UpdatedAt = role, s.Now()
	if err := s.Store.UpdateAccount(ctx, *account); err != nil {
		return err
	}
	return s.Events.Record(ctx, event.New(ctx, account.UpdatedAt, "account.role_changed", "Account", account.ID, map[string]any{"before": before, "after": role}))
}

// RolesChanged makes this process ask anew what every session may do: roles have changed.
func (s *Service) RolesChanged() { s.standings.clear() }
