package identity

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/limit"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/sealing"
)

const (
	changeWithin = 24 * time.Hour
	// freshFor is how long ago an account without a password may have logged in that asks
	// for something for which others give their password.
	freshFor = 10 * time.Minute
)

// proofsPerAccount bounds how often somebody who holds an account's token may guess its
// password to get the account for good.
var proofsPerAccount = limit.Rate{Allowed: 10, Per: 10 * time.Minute}

// EmailStore keeps the addresses that accounts log in with.
type EmailStore interface {
	// LockAccount is the open account, held against other changes; nil if there is none.
	LockAccount(ctx context.Context, accountID uuid.UUID) (*Account, error)
	// TakeEmailChange uses a token up and answers its account, held, and the change that it
	// confirms; nil unless it is unused, in time, and its account open.
	TakeEmailChange(ctx context.Context, hash []byte, at time.Time) (account *Account, change *PendingEmail, err error)
	// SetEmail keeps the account's new address as a proved one; one that is taken is
	// ErrEmailTaken.
	SetEmail(ctx context.Context, a Account) error
	// Readdress lets what is under way for the account, and is written to at the address
	// before, be written to at the account's.
	Readdress(ctx context.Context, a Account, before string) error
	// DropAccountTokens forgets all tokens of the account, whatever for.
	DropAccountTokens(ctx context.Context, accountID uuid.UUID) error
	// DropEmailChange forgets the address that the account waits for; false if it waits for none.
	DropEmailChange(ctx context.Context, accountID uuid.UUID, at time.Time) (bool, error)
	// PendingEmail is the address that the account waits for; nil if there is none.
	PendingEmail(ctx context.Context, accountID uuid.UUID, at time.Time) (*PendingEmail, error)
}

// PendingEmail is the address that an account is to have once it is proved.
type PendingEmail struct {
	AccountID uuid.UUID
	Email     string
	ExpiresAt time.Time
	ByShop    bool // staff asked for it
}

// Sealed are the values that are sealed with the account.
func (p *PendingEmail) Sealed() (uuid.UUID, []sealing.Column) {
	return p.AccountID, []sealing.Column{{Field: "email", Value: sealing.Text(&p.Email)}}
}

// MaskEmail leaves the first character of an address.
func MaskEmail(email string) string {
	local, _, ok := strings.Cut(email, "@")
	if !ok {
		return ""
	}
	first, _ := utf8.DecodeRuneInString(local)
	return string(first) + "***@***"
}

// RequestEmailChangeInput asks for another address to log in with.
type RequestEmailChangeInput struct {
	Email    string
	Password string // left out if the account has none
	Code     string // of the second factor, if one is set
}

// RequestEmailChange mails a link to the address with which the actor wants to log in from
// now on. Nothing changes until it is opened. The answer is the same whether the address
// has an account or not; its owner is told by mail.
func (s *Service) RequestEmailChange(ctx context.Context, in RequestEmailChangeInput) (*Account, error) {
	account, err := s.self(ctx)
	if err != nil {
		return nil, err
	}
	if account.IsStaff() {
		return nil, fault.ErrForbidden
	}
	email, err := NormaliseEmail(in.Email)
	if err != nil {
		return nil, ErrEmail.At("email")
	}
	if err := s.ownerActs(ctx, *account, in); err != nil {
		return nil, err
	}
	if err := s.limited(ctx, "email:from", addressOf(ctx), mailsPerAddress); err != nil {
		return nil, err
	}
	if err := s.AskEmailChange(ctx, account.ID, email, false); err != nil {
		return nil, err
	}
	return account, nil
}

// ownerActs fails unless it is the account's owner who asks: by the password and second
// factor, and where there is no password because the owner comes by way of a provider, by
// having logged in just now.
func (s *Service) ownerActs(ctx context.Context, account Account, in RequestEmailChangeInput) error {
	if err := s.limited(ctx, "email:proof", account.ID.String(), proofsPerAccount); err != nil {
		return err
	}
	if account.Password == "" {
		fresh, err := s.loggedInJustNow(ctx, account.ID)
		if err != nil {
			return err
		}
		if !fresh {
			return ErrLoginAgain
		}
	}
	return s.Prove(ctx, in.Password, in.Code)
}

// loggedInJustNow reports whether the actor's session is a new one. A refresh makes none new.
func (s *Service) loggedInJustNow(ctx context.Context, accountID uuid.UUID) (bool, error) {
	now := s.Now()
	sessions, err := s.Store.Sessions(ctx, []uuid.UUID{accountID}, now)
	for _, one := range sessions {
		if one.ID == access.From(ctx).SessionID {
			return now.Sub(one.CreatedAt) <= freshFor, err
		}
	}
	return false, err
}

// AskEmailChange mails a link to the address with which the account is to log in from now
// on, and tells the address before. The caller has asked whether the actor may.
func (s *Service) AskEmailChange(ctx context.Context, accountID uuid.UUID, typed string, byShop bool) error {
	email, err := NormaliseEmail(typed)
	if err != nil {
		return ErrEmail.At("email")
	}
	if err := s.limited(ctx, "email:account", accountID.String(), mailsPerAccount); err != nil {
		return err
	}
	if err := s.limited(ctx, "email:to", email, mailsPerAccount); err != nil {
		return err
	}
	return s.Tx.InTx(ctx, func(ctx context.Context) error {
		account, err := s.Store.LockAccount(ctx, accountID)
		switch {
		case err != nil:
			return err
		case account == nil || account.IsStaff():
			return fault.ErrNotFound
		case account.Email == email:
			return ErrEmailSame.At("email")
		}
		return s.askEmail(ctx, *account, email, byShop)
	})
}

// askEmail keeps the token and mails. An address that is taken waits for a token that
// nobody has, so that what is seen of it does not tell.
func (s *Service) askEmail(ctx context.Context, account Account, email string, byShop bool) error {
	owner, err := s.Store.AccountByEmail(ctx, email)
	if err != nil {
		return err
	}
	secret, now := newSecret(), s.Now()
	token := OneTimeToken{Hash: hashSecret(secret), AccountID: account.ID, Purpose: ChangeEmail, Email: email, CreatedAt: now, ExpiresAt: now.Add(changeWithin), ByShop: byShop}
	if err := s.Store.InsertToken(ctx, token); err != nil {
		return err
	}
	// Whose address it is, is not known yet: the mail says nothing of the account.
	language, content := account.Language, messaging.Content(messaging.EmailChange{URL: s.Links[ChangeEmail] + "?token=" + url.QueryEscape(secret), ExpiresAt: token.ExpiresAt})
	if owner != nil {
		language, content = owner.Language, messaging.EmailChangeTaken{}
	}
	if err := s.mail(ctx, account.ID, language, messaging.Address{Email: email}, content); err != nil {
		return err
	}
	asked := messaging.EmailChangeAsked{Name: account.Name, To: MaskEmail(email), ByShop: byShop, ExpiresAt: token.ExpiresAt}
	if err := s.mail(ctx, account.ID, account.Language, messaging.Address{Name: account.Name, Email: account.Email}, asked); err != nil {
		return err
	}
	return s.Events.Record(ctx, event.New(ctx, now, "account.email_change_requested", "Account", account.ID, map[string]any{"to": map[string]string{"email": MaskEmail(email)}}))
}

// mail queues what is said of the account's address.
func (s *Service) mail(ctx context.Context, accountID uuid.UUID, language string, to messaging.Address, content messaging.Content) error {
	occasion := accountID.String() + "/" + s.Now().Format(time.RFC3339Nano)
	message, err := messaging.New(i18n.WithLanguage(ctx, language), to, occasion, content)
	if err != nil {
		return err
	}
	return s.Outbox.Enqueue(ctx, message)
}

// CancelEmailChange gives up the address that the actor's account waits for.
func (s *Service) CancelEmailChange(ctx context.Context) (*Account, error) {
	account, err := s.self(ctx)
	if err != nil {
		return nil, err
	}
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		now := s.Now()
		dropped, err := s.Store.DropEmailChange(ctx, account.ID, now)
		if err != nil || !dropped {
			return err
		}
		return s.Events.Record(ctx, event.New(ctx, now, "account.email_change_cancelled", "Account", account.ID, nil))
	})
	if err != nil {
		return nil, err
	}
	return account, nil
}

// PendingEmails are the addresses that those of the accounts wait for that are the actor's own.
func (s *Service) PendingEmails(ctx context.Context, accountIDs []uuid.UUID) ([]*PendingEmail, error) {
	actor := access.From(ctx)
	if !slices.Contains(accountIDs, actor.ID) || actor.Is(access.RolePartner) {
		return nil, nil
	}
	pending, err := s.Store.PendingEmail(ctx, actor.ID, s.Now())
	if err != nil || pending == nil {
		return nil, err
	}
	return []*PendingEmail{pending}, nil
}

// ConfirmEmailChange lets the account log in with the address that the token was sent to,
// and not with the one before. What was mailed there before is void, all sessions but the
// one that confirms end, and the address before is told. Who is logged in can confirm only
// a change of their own account, and who is not only one that staff asked for; otherwise it
// is ErrEmailChangeLogin, and the token stays good. The link proves who reads the mail, and
// not that it is who asked: opened by a stranger to whose address somebody sent it, it would
// give their address to an account of which somebody else has the password.
func (s *Service) ConfirmEmailChange(ctx context.Context, token string) (*Account, error) {
	if err := s.limited(ctx, "token", addressOf(ctx), tokensPerAddress); err != nil {
		return nil, err
	}
	actor := access.From(ctx)
	var account *Account
	err := s.endingSessions(ctx, func(ctx context.Context) ([]uuid.UUID, error) {
		held, change, err := s.Store.TakeEmailChange(ctx, hashSecret(token), s.Now())
		switch {
		case err != nil:
			return nil, err
		case held == nil || actor.ID != uuid.Nil && actor.ID != held.ID:
			return nil, ErrOneTimeToken.At("token")
		case actor.ID == uuid.Nil && !change.ByShop:
			return nil, ErrEmailChangeLogin.At("token")
		}
		account = held
		return s.readdress(as(ctx, *account), account, change.Email, actor.SessionID)
	})
	if err != nil {
		return nil, err
	}
	return account, nil
}

// readdress gives the account, which is held, the proved address: the first, if none was proved
// before. It names the sessions that end with that.
func (s *Service) readdress(ctx context.Context, account *Account, email string, keep uuid.UUID) ([]uuid.UUID, error) {
	before, proved, now := account.Email, account.EmailVerified(), s.Now()
	account.Email, account.EmailVerifiedAt, account.UpdatedAt = email, &now, now
	if err := s.Store.SetEmail(ctx, *account); err != nil {
		return nil, at("token", err)
	}
	if err := s.Store.DropAccountTokens(ctx, account.ID); err != nil {
		return nil, err
	}
	if err := s.Store.Readdress(ctx, *account, before); err != nil {
		return nil, err
	}
	told := messaging.EmailChanged{Name: account.Name, To: MaskEmail(email), At: now}
	if err := s.mail(ctx, account.ID, account.Language, messaging.Address{Name: account.Name, Email: before}, told); err != nil {
		return nil, err
	}
	change := map[string]any{"before": map[string]string{"email": MaskEmail(before)}, "after": map[string]string{"email": MaskEmail(email)}}
	if err := s.Events.Record(ctx, event.New(ctx, now, "account.email_changed", "Account", account.ID, change)); err != nil {
		return nil, err
	}
	if !proved {
		if err := s.Events.Record(ctx, event.New(ctx, now, "account.email_verified", "Account", account.ID, nil)); err != nil {
			return nil, err
		}
	}
	return s.Store.EndSessions(ctx, account.ID, keep, endedByEmail, now)
}
