package identity

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
)

// RegisterInput is a new member.
type RegisterInput struct {
	Email    string
	Password string
	Name     string
}

// Validate checks everything but whether the address is taken.
func (in RegisterInput) Validate() error {
	email, err := NormaliseEmail(in.Email)
	if err != nil {
		err = ErrEmail.At("email")
	}
	all := []error{err, at("password", checkPassword(in.Password, email))}
	if utf8.RuneCountInString(in.Name) > maxName {
		all = append(all, ErrNameTooLong.With(maxName).At("name"))
	}
	return errors.Join(all...)
}

// at names the field that a failure is about.
func at(field string, err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.At(field)
	}
	return err
}

// Register makes a member's account and logs it in; the guest's cart becomes the
// member's.
func (s *Service) Register(ctx context.Context, in RegisterInput) (*Grant, error) {
	if err := in.Validate(); err != nil {
		return nil, err
	}
	if err := s.limited(ctx, "register", addressOf(ctx), registersPerHost); err != nil {
		return nil, err
	}
	email, _ := NormaliseEmail(in.Email)
	hash, err := s.Hasher.Hash(ctx, in.Password)
	if err != nil {
		return nil, err
	}
	now, brand := s.Now(), channel.From(ctx).BrandID
	account := Account{
		ID: id.New(), Role: access.RoleMember, Email: email, Name: in.Name, Password: hash, BrandID: &brand,
		Language: i18n.Language(ctx), CreatedAt: now, UpdatedAt: now,
	}
	var grant *Grant
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		if err := s.Store.InsertAccount(ctx, account); err != nil {
			return at("email", err)
		}
		ctx = as(ctx, account)
		if err := s.Events.Record(ctx, event.New(ctx, now, "account.registered", "Account", account.ID, nil)); err != nil {
			return err
		}
		if err := s.sendVerification(ctx, account); err != nil {
			return err
		}
		grant, err = s.open(ctx, account)
		return err
	})
	return s.sign(ctx, grant, err)
}

// LoginInput is what somebody logs in with.
type LoginInput struct {
	Email    string
	Password string
	Code     string // of the second factor: the app's, or a recovery code
}

// LoginResult is what became of a login.
type LoginResult struct {
	Grant         *Grant     // nil if nobody was logged in
	Enrolment     *Enrolment // the second factor to set up first, with ErrEnrolmentRequired
	RecoveryCodes []string   // of a second factor just confirmed, shown this once
}

// Login opens a session. Whether the address or the password was wrong cannot be
// told from the answer, nor from its time. A member takes over the guest's cart.
// Where policy asks staff for a second factor that is not set up, Enrolment shows
// one, and logging in again with its code confirms it.
func (s *Service) Login(ctx context.Context, in LoginInput) (LoginResult, error) {
	var result LoginResult
	account, err := s.identify(ctx, in)
	if err != nil {
		return result, err
	}
	ctx = as(ctx, *account)
	if err := s.enter(ctx, *account, in.Code, &result); err != nil {
		return result, err
	}
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		result.Grant, err = s.open(ctx, *account)
		return err
	})
	result.Grant, err = s.sign(ctx, result.Grant, err)
	return result, err
}

// enter checks what is asked beyond the password: where from, and the second factor.
func (s *Service) enter(ctx context.Context, account Account, code string, result *LoginResult) error {
	mandatory := false
	if account.IsStaff() {
		standing, err := s.Store.AccountStanding(ctx, account.ID)
		if err != nil {
			return err
		}
		if from := access.From(ctx).Address; standing == nil || from.IsValid() && !standing.allows(from) {
			return ErrAddressNotAllowed
		}
		policy, err := s.Store.Policy(ctx)
		if err != nil {
			return err
		}
		mandatory = policy.RequireTotp
	}
	factor, err := s.Store.Factor(ctx, account.ID)
	switch {
	case err != nil:
		return err
	case factor != nil && factor.ConfirmedAt != nil:
		return s.secondFactor(ctx, *factor, code)
	case !mandatory:
		return nil
	case factor != nil && code != "":
		result.RecoveryCodes, err = s.confirm(ctx, *factor, code)
		return err
	}
	if result.Enrolment, err = s.enrol(ctx, account, factor); err != nil {
		return err
	}
	return ErrEnrolmentRequired.At("code")
}

// identify finds the account that the address and password belong to.
func (s *Service) identify(ctx context.Context, in LoginInput) (*Account, error) {
	if len(in.Password) > 4*maxPassword {
		return nil, ErrCredentials
	}
	email, err := NormaliseEmail(in.Email)
	if err != nil {
		return nil, ErrEmail.At("email")
	}
	if err := s.mayTry(ctx, email); err != nil {
		return nil, err
	}
	account, err := s.Store.AccountByEmail(ctx, email)
	if err != nil {
		return nil, err
	}
	stored := ""
	if account != nil {
		stored = account.Password
	}
	matches, stale, err := s.Hasher.Verify(ctx, in.Password, stored)
	switch {
	case err != nil:
		return nil, fmt.Errorf("check a password: %w", err)
	case !matches:
		return nil, ErrCredentials
	case stale:
		return account, s.rehash(ctx, account.ID, in.Password)
	}
	return account, nil
}

// mayTry counts a try at the account's password. It counts unknown accounts too,
// so that the limit does not tell which exist.
func (s *Service) mayTry(ctx context.Context, email string) error {
	from := addressOf(ctx)
	if err := s.limited(ctx, "login:address", from, loginsPerAddress); err != nil {
		return err
	}
	if err := s.limited(ctx, "login:pair", email+"@"+from, loginsPerPair); err != nil {
		return err
	}
	return s.limited(ctx, "login:account", email, loginsPerAccount)
}

// rehash stores the password under today's costs.
func (s *Service) rehash(ctx context.Context, accountID uuid.UUID, password string) error {
	hash, err := s.Hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	return s.Store.SetPassword(ctx, accountID, hash, s.Now())
}

// as makes the account the actor: from here on it acts for itself.
func as(ctx context.Context, a Account) context.Context {
	actor := access.From(ctx)
	actor.Role, actor.ID = a.Role, a.ID
	return access.With(ctx, actor)
}

// open opens a session for the account, in a transaction; the access token is yet
// to be made.
func (s *Service) open(ctx context.Context, account Account) (*Grant, error) {
	actor, now := access.From(ctx), s.Now()
	session := Session{
		ID: id.New(), AccountID: account.ID, Device: DeviceFrom(ctx), CreatedAt: now, LastUsedAt: now, ExpiresAt: now.Add(SessionLifetime),
	}
	if actor.Address.IsValid() {
		session.Address = &actor.Address
	}
	secret := newSecret()
	if err := s.Store.InsertSession(ctx, session, hashSecret(secret)); err != nil {
		return nil, err
	}
	if err := s.Events.Record(ctx, event.New(ctx, now, "session.opened", "Account", account.ID, map[string]any{"sessionId": session.ID})); err != nil {
		return nil, err
	}
	if !account.IsStaff() && s.Carts != nil {
		if err := s.Carts.MergeGuest(ctx, actor.CartToken, account.ID); err != nil {
			return nil, fmt.Errorf("take over the guest's cart: %w", err)
		}
	}
	return &Grant{Account: account, SessionID: session.ID, RefreshToken: secret}, nil
}

// sign adds the access token. It runs after the transaction: the first token ever
// makes the first key, which must not go with a transaction that fails.
func (s *Service) sign(ctx context.Context, g *Grant, err error) (*Grant, error) {
	if err != nil {
		return nil, err
	}
	g.AccessToken, g.ExpiresAt, err = s.Tokens.Issue(ctx, g.Account, g.SessionID)
	return g, err
}

// Refresh gives a new access token and a new refresh token for the old one, which
// is used up. A token that returns after its use is in two hands: its session
// ends, whoever holds it now. Two uses at once are that too.
func (s *Service) Refresh(ctx context.Context, refreshToken string) (*Grant, error) {
	now, secret, old := s.Now(), newSecret(), hashSecret(refreshToken)
	rotation := Rotation{Old: old, New: hashSecret(secret), At: now, ExpiresAt: now.Add(SessionLifetime)}
	var account *Account
	err := s.Tx.InTx(ctx, func(ctx context.Context) (err error) {
		account, err = s.Store.Rotate(ctx, &rotation)
		return err
	})
	if err != nil {
		return nil, err
	}
	if account == nil {
		return nil, s.refuseRefresh(ctx, old)
	}
	return s.sign(ctx, &Grant{Account: *account, SessionID: rotation.SessionID, RefreshToken: secret}, nil)
}

// refuseRefresh ends the session of a token that was used before.
func (s *Service) refuseRefresh(ctx context.Context, hash []byte) error {
	used, err := s.Store.SessionOfUsed(ctx, hash)
	if err != nil {
		return err
	}
	if used != nil {
		if err := s.end(ctx, nil, *used, endedByReuse); err != nil && !errors.Is(err, fault.ErrNotFound) {
			return err
		}
	}
	return ErrRefreshInvalid
}

// Logout ends the actor's session.
func (s *Service) Logout(ctx context.Context) error {
	actor := access.From(ctx)
	if actor.SessionID == uuid.Nil {
		return fault.ErrUnauthenticated
	}
	return s.end(ctx, &actor.ID, actor.SessionID, endedByLogout)
}

// end ends a session, the account's if one is named; fault.ErrNotFound if it has
// no such open session.
func (s *Service) end(ctx context.Context, accountID *uuid.UUID, sessionID uuid.UUID, reason string) error {
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		owner, err := s.Store.EndSession(ctx, accountID, sessionID, reason, s.Now())
		if err != nil {
			return err
		}
		if owner == nil {
			return fault.ErrNotFound
		}
		return s.Events.Record(ctx, event.New(ctx, s.Now(), "session.ended", "Account", *owner, map[string]any{"sessionId": sessionID, "reason": reason}))
	})
	s.standings.forget(sessionID)
	return err
}

type deviceKey struct{}

// WithDevice puts the client's User-Agent into the context.
func WithDevice(ctx context.Context, userAgent string) context.Context {
	return context.WithValue(ctx, deviceKey{}, userAgent)
}

// DeviceFrom is the client's User-Agent, cut to what is worth keeping.
func DeviceFrom(ctx context.Context) string {
	device, _ := ctx.Value(deviceKey{}).(string)
	runes := []rune(device)
	return string(runes[:min(len(runes), 200)])
}
