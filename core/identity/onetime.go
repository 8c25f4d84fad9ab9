package identity

import (
	"context"
	"net/url"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/messaging"
)

// Purpose is what a one-time token is good for.
type Purpose string

// The purposes of one-time tokens.
const (
	VerifyEmail   Purpose = "VERIFY_EMAIL"
	ResetPassword Purpose = "RESET_PASSWORD"
	ChangeEmail   Purpose = "CHANGE_EMAIL"
)

const (
	verifyWithin = 24 * time.Hour
	resetWithin  = time.Hour
)

// OneTimeToken is sent by mail and works once, while it lasts.
type OneTimeToken struct {
	Hash      []byte
	AccountID uuid.UUID
	Purpose   Purpose
	Email     string
	CreatedAt time.Time
	ExpiresAt time.Time
	ByShop    bool // staff asked for it
}

// OneTimeStore keeps one-time tokens.
type OneTimeStore interface {
	// InsertToken keeps a new token; older unused ones of its purpose are void.
	InsertToken(ctx context.Context, t OneTimeToken) error
	// UseToken uses a token up; nil unless it is unused, in time, of the purpose, and
	// its account open and still at the address that the token was sent to.
	UseToken(ctx context.Context, hash []byte, purpose Purpose, at time.Time) (*Account, error)
	SetEmailVerified(ctx context.Context, accountID uuid.UUID, at time.Time) error
}

// RequestEmailVerification mails the actor a link that proves the address.
func (s *Service) RequestEmailVerification(ctx context.Context) error {
	account, err := s.self(ctx)
	if err != nil || account.EmailVerified() {
		return err
	}
	if err := s.limited(ctx, "verify", account.ID.String(), mailsPerAccount); err != nil {
		return err
	}
	return s.Tx.InTx(ctx, func(ctx context.Context) error { return s.sendVerification(ctx, *account) })
}

func (s *Service) sendVerification(ctx context.Context, a Account) error {
	return s.mailToken(ctx, a, VerifyEmail, verifyWithin, func(link string, expires time.Time) messaging.Content {
		return messaging.EmailVerification{Name: a.Name, URL: link, ExpiresAt: expires}
	})
}

// VerifyEmail believes the address that the token was sent to.
func (s *Service) VerifyEmail(ctx context.Context, token string) (*Account, error) {
	if err := s.limited(ctx, "token", addressOf(ctx), tokensPerAddress); err != nil {
		return nil, err
	}
	var account *Account
	err := s.Tx.InTx(ctx, func(ctx context.Context) (err error) {
		if account, err = s.use(ctx, token, VerifyEmail); err != nil {
			return err
		}
		return s.verified(as(ctx, *account), account)
	})
	return account, err
}

// verified notes that the account's address is its own.
func (s *Service) verified(ctx context.Context, account *Account) error {
	if account.EmailVerified() {
		return nil
	}
	now := s.Now()
	if err := s.Store.SetEmailVerified(ctx, account.ID, now); err != nil {
		return err
	}
	account.EmailVerifiedAt = &now
	return s.Events.Record(ctx, event.New(ctx, now, "account.email_verified", "Account", account.ID, nil))
}

// RequestPasswordReset mails a link with which a new password can be chosen. It
// answers the same whether there is such an account or not.
func (s *Service) RequestPasswordReset(ctx context.Context, typed string) error {
	email, err := NormaliseEmail(typed)
	if err != nil {
		return ErrEmail.At("email")
	}
	if err := s.limited(ctx, "reset:address", addressOf(ctx), mailsPerAddress); err != nil {
		return err
	}
	if s.limited(ctx, "reset:account", email, mailsPerAccount) != nil {
		return nil // the owner has mails enough; a stranger learns nothing
	}
	account, err := s.Store.AccountByEmail(ctx, email)
	if err != nil || account == nil {
		return err
	}
	return s.Tx.InTx(ctx, func(ctx context.Context) error {
		return s.mailToken(ctx, *account, ResetPassword, resetWithin, func(link string, expires time.Time) messaging.Content {
			return messaging.PasswordReset{Name: account.Name, URL: link, ExpiresAt: expires}
		})
	})
}

// ResetPasswordInput chooses a new password by the token of a mail.
type ResetPasswordInput struct {
	Token       string
	NewPassword string
}

// ResetPassword sets the new password and ends all the account's sessions. Who
// could read the mail owns the address, and so the account.
func (s *Service) ResetPassword(ctx context.Context, in ResetPasswordInput) error {
	if err := s.limited(ctx, "token", addressOf(ctx), tokensPerAddress); err != nil {
		return err
	}
	if err := checkPassword(in.NewPassword, ""); err != nil {
		return at("newPassword", err)
	}
	hash, err := s.Hasher.Hash(ctx, in.NewPassword)
	if err != nil {
		return err
	}
	return s.endingSessions(ctx, func(ctx context.Context) ([]uuid.UUID, error) {
		account, err := s.use(ctx, in.Token, ResetPassword)
		if err != nil {
			return nil, err
		}
		ctx = as(ctx, *account)
		claimed, err := s.claim(ctx, account)
		if err != nil {
			return nil, err
		}
		ended, err := s.newPassword(ctx, account.ID, hash, uuid.Nil)
		return append(claimed, ended...), err
	})
}

// newPassword stores a hash, gives up the address that the account waits for, and ends its
// sessions but the one to keep.
func (s *Service) newPassword(ctx context.Context, accountID uuid.UUID, hash string, keep uuid.UUID) ([]uuid.UUID, error) {
	now := s.Now()
	if err := s.Store.SetPassword(ctx, accountID, hash, now); err != nil {
		return nil, err
	}
	// Who is told of a change of address that they did not ask for stops it so.
	if _, err := s.Store.DropEmailChange(ctx, accountID, now); err != nil {
		return nil, err
	}
	if err := s.Events.Record(ctx, event.New(ctx, now, "account.password_changed", "Account", accountID, nil)); err != nil {
		return nil, err
	}
	return s.Store.EndSessions(ctx, accountID, keep, endedByPassword, now)
}

// use uses a token up, or fails with ErrOneTimeToken.
func (s *Service) use(ctx context.Context, token string, purpose Purpose) (*Account, error) {
	account, err := s.Store.UseToken(ctx, hashSecret(token), purpose, s.Now())
	if err == nil && account == nil {
		err = ErrOneTimeToken.At("token")
	}
	return account, err
}

// mailToken makes a token and mails its link, in a transaction.
func (s *Service) mailToken(ctx context.Context, a Account, purpose Purpose, lasts time.Duration, content func(link string, expires time.Time) messaging.Content) error {
	secret, now := newSecret(), s.Now()
	token := OneTimeToken{Hash: hashSecret(secret), AccountID: a.ID, Purpose: purpose, Email: a.Email, CreatedAt: now, ExpiresAt: now.Add(lasts)}
	if err := s.Store.InsertToken(ctx, token); err != nil {
		return err
	}
	link := s.Links[purpose] + "?token=" + url.QueryEscape(secret)
	occasion := a.ID.String() + "/" + now.Format(time.RFC3339Nano)
	message, err := messaging.New(i18n.WithLanguage(ctx, a.Language), messaging.Address{Name: a.Name, Email: a.Email}, occasion, content(link, token.ExpiresAt))
	if err != nil {
		return err
	}
	return s.Outbox.Enqueue(ctx, message)
}

// ChangePasswordInput replaces a password that its owner knows.
type ChangePasswordInput struct {
	CurrentPassword string
	NewPassword     string
}

// ChangePassword sets the actor's new password and ends its other sessions. An
// account that has no password yet (it came by another provider) gets one by
// ResetPassword.
func (s *Service) ChangePassword(ctx context.Context, in ChangePasswordInput) error {
	account, err := s.self(ctx)
	if err != nil {
		return err
	}
	if err := s.limited(ctx, "login:account", account.Email, loginsPerAccount); err != nil {
		return err
	}
	if err := checkPassword(in.NewPassword, account.Email); err != nil {
		return at("newPassword", err)
	}
	matches, _, err := s.Hasher.Verify(ctx, in.CurrentPassword, account.Password)
	if err != nil {
		return err
	}
	if !matches {
		return ErrPasswordWrong.At("currentPassword")
	}
	hash, err := s.Hasher.Hash(ctx, in.NewPassword)
	if err != nil {
		return err
	}
	return s.endingSessions(ctx, func(ctx context.Context) ([]uuid.UUID, error) {
		return s.newPassword(ctx, account.ID, hash, access.From(ctx).SessionID)
	})
}

// self is the actor's own account, or fault.ErrUnauthenticated.
func (s *Service) self(ctx context.Context) (*Account, error) {
	account, err := s.Me(ctx)
	if err == nil && account == nil {
		err = fault.ErrUnauthenticated
	}
	return account, err
}
