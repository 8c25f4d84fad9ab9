package identity

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
)

// Profiles forgets what a member has told about themselves.
type Profiles interface {
	Forget(ctx context.Context, memberID uuid.UUID) error
}

// CloseInput closes the actor's own account.
type CloseInput struct {
	Password string // left out if the account has none
}

// Close ends the actor's membership (退会).
func (s *Service) Close(ctx context.Context, in CloseInput) error {
	account, err := s.self(ctx)
	if err != nil {
		return err
	}
	if account.IsStaff() {
		return fault.ErrForbidden
	}
	if err := s.ownPassword(ctx, *account, in.Password); err != nil {
		return err
	}
	return s.closeMember(ctx, account.ID, endedByOwner)
}

// ownPassword fails unless it is the account's password, where it has one.
func (s *Service) ownPassword(ctx context.Context, account Account, password string) error {
	if account.Password == "" {
		return nil
	}
	if err := s.limited(ctx, "login:account", account.Email, loginsPerAccount); err != nil {
		return err
	}
	matches, _, err := s.Hasher.Verify(ctx, password, account.Password)
	if err == nil && !matches {
		err = ErrPasswordWrong.At("password")
	}
	return err
}

// Prove fails unless it is the actor who acts, and not only who holds their token: by the
// password, where the account has one, and by the code of the app or a recovery code, where
// a second factor is set.
func (s *Service) Prove(ctx context.Context, password, code string) error {
	account, err := s.self(ctx)
	if err != nil {
		return err
	}
	if err := s.ownPassword(ctx, *account, password); err != nil {
		return err
	}
	set, err := s.WithFactor(ctx, []uuid.UUID{account.ID})
	if err != nil || !set[account.ID] {
		return err
	}
	return s.Tx.InTx(ctx, func(ctx context.Context) error {
		factor, err := s.Store.Factor(ctx, account.ID)
		if err != nil || factor == nil {
			return err
		}
		return s.secondFactor(ctx, *factor, code)
	})
}

// CloseMemberInput names a member whose account staff close.
type CloseMemberInput struct{ AccountID uuid.UUID }

// CloseMember ends a membership at the member's request. It is for the head
// office: neither a shop nor a partner closes what belongs to the whole chain.
func (s *Service) CloseMember(ctx context.Context, in CloseMemberInput) error {
	if access.From(ctx).Is(access.RoleStoreStaff, access.RolePartner) {
		return fault.ErrForbidden
	}
	if err := access.Require(ctx, access.MemberWrite); err != nil {
		return err
	}
	account, err := s.Store.Account(ctx, in.AccountID)
	if err != nil {
		return err
	}
	if account == nil || account.IsStaff() {
		return fault.ErrNotFound.At("accountId")
	}
	return s.closeMember(ctx, account.ID, endedByStaff)
}

// End closes a member's account for good, for who has asked whether the actor may: the
// member was merged into another, or asked to be forgotten. Where there is no open
// account, nothing happens.
func (s *Service) End(ctx context.Context, accountID uuid.UUID) error {
	account, err := s.Store.Account(ctx, accountID)
	if err != nil || account == nil {
		return err
	}
	if account.IsStaff() {
		return fault.ErrForbidden
	}
	return s.closeMember(ctx, account.ID, endedByStaff)
}

// closeMember closes the account: nobody logs in to it any more, its address is
// free, and what the member told is forgotten. The row stays, for those who ask
// about its orders, which keep their own addresses as the law wants.
func (s *Service) closeMember(ctx context.Context, accountID uuid.UUID, reason string) error {
	now := s.Now()
	return s.endingSessions(ctx, func(ctx context.Context) ([]uuid.UUID, error) {
		if err := s.Store.CloseAccount(ctx, accountID, now); err != nil {
			return nil, err
		}
		if err := s.Profiles.Forget(ctx, accountID); err != nil {
			return nil, err
		}
		if err := s.Store.Disarm(ctx, accountID); err != nil {
			return nil, err
		}
		if err := s.Events.Record(ctx, event.New(ctx, now, "account.closed", "Account", accountID, map[string]any{"reason": reason})); err != nil {
			return nil, err
		}
		return s.Store.EndSessions(ctx, accountID, uuid.Nil, reason, now)
	})
}

// claim hands an account whose address was never proved to the one who proves it
// now. Whoever registered it may be a stranger who waits for its owner: password,
// second factor, logins elsewhere and sessions are void. It names those sessions.
func (s *Service) claim(ctx context.Context, account *Account) ([]uuid.UUID, error) {
	if account.EmailVerified() {
		return nil, nil
	}
	if err := s.verified(ctx, account); err != nil {
		return nil, err
	}
	if err := s.Store.Disarm(ctx, account.ID); err != nil {
		return nil, err
	}
	account.Password = ""
	return s.Store.EndSessions(ctx, account.ID, uuid.Nil, endedByClaim, s.Now())
}
