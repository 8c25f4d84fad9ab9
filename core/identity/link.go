package identity

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/sealing"
)

// Link says that a person whom a provider knows holds an account.
type Link struct {
	ID        uuid.UUID
	AccountID uuid.UUID
	Provider  string
	Issuer    string
	Subject   string
	Email     string // as the provider told it when the link was made; may be empty
	CreatedAt time.Time
}

// Sealed are the values that are sealed where the link is kept.
func (l *Link) Sealed() (uuid.UUID, []sealing.Column) {
	return l.ID, []sealing.Column{{Field: "email", Value: sealing.Text(&l.Email)}}
}

// GlobalID is the link's id in the schema.
func (l Link) GlobalID() string { return id.Global("LinkedLogin", l.ID) }

// LinkStore keeps who holds which account elsewhere.
type LinkStore interface {
	// Linked is the open account that the provider's person holds; nil if there is none.
	Linked(ctx context.Context, issuer, subject string) (*Account, error)
	// Link keeps the link; false if the person holds another open account.
	Link(ctx context.Context, l Link) (bool, error)
	Links(ctx context.Context, accountIDs []uuid.UUID) ([]Link, error)
	// Unlink removes a link of the account; false if it has no such link.
	Unlink(ctx context.Context, accountID, linkID uuid.UUID) (bool, error)
}

// Finish logs in whoever came back from the provider. Somebody new gets an account;
// one whose address noren knows gets that account, if the provider vouches for the
// address.
func (s *SSO) Finish(ctx context.Context, in FinishSSOInput) (*Grant, error) {
	person, err := s.person(ctx, in)
	if err != nil {
		return nil, err
	}
	grant, err := s.enter(ctx, person)
	if errors.Is(err, ErrEmailTaken) { // by the same person, at the same moment
		grant, err = s.enter(ctx, person)
	}
	return s.accounts.sign(ctx, grant, err)
}

func (s *SSO) enter(ctx context.Context, person Person) (grant *Grant, err error) {
	err = s.accounts.endingSessions(ctx, func(ctx context.Context) (ended []uuid.UUID, err error) {
		account, err := s.store.Linked(ctx, person.Issuer, person.Subject)
		if err == nil && account == nil {
			account, ended, err = s.adopt(ctx, person)
		}
		if err != nil {
			return nil, err
		}
		if account.IsStaff() {
			return nil, ErrSSOStaff
		}
		grant, err = s.accounts.open(as(ctx, *account), *account)
		return ended, err
	})
	return grant, err
}

// adopt finds or makes the account of somebody who comes for the first time, and
// links it. It names the sessions that end with that.
func (s *SSO) adopt(ctx context.Context, person Person) (account *Account, ended []uuid.UUID, err error) {
	email, err := NormaliseEmail(person.Email)
	if err != nil {
		return nil, nil, ErrSSONoEmail
	}
	account, err = s.accounts.Store.AccountByEmail(ctx, email)
	if err == nil && account != nil {
		ended, err = s.takeOver(as(ctx, *account), account, person)
	}
	if err == nil && account == nil {
		account, err = s.register(ctx, person, email)
	}
	if err != nil {
		return nil, nil, err
	}
	_, err = s.link(as(ctx, *account), account.ID, person)
	return account, ended, err
}

// takeOver lets the person into the account that has their address, if the
// provider's word is enough for that.
func (s *SSO) takeOver(ctx context.Context, account *Account, person Person) ([]uuid.UUID, error) {
	if account.IsStaff() {
		return nil, ErrSSOStaff
	}
	if !person.EmailVerified {
		return nil, ErrSSOEmailTaken
	}
	if !account.EmailVerified() {
		return s.accounts.claim(ctx, account)
	}
	factor, err := s.accounts.Store.Factor(ctx, account.ID)
	if err == nil && factor != nil && factor.ConfirmedAt != nil {
		err = ErrSSOEmailTaken // the address alone is not what its holder asks for
	}
	return nil, err
}

// register makes the account of somebody new. It has no password until its holder
// resets it.
func (s *SSO) register(ctx context.Context, person Person, email string) (*Account, error) {
	now, brand := s.accounts.Now(), channel.From(ctx).BrandID
	runes := []rune(strings.Join(strings.Fields(person.Name), " "))
	account := Account{
		ID: id.New(), Role: access.RoleMember, Email: email, Name: string(runes[:min(len(runes), maxName)]), BrandID: &brand,
		Language: i18n.Language(ctx), CreatedAt: now, UpdatedAt: now,
	}
	if person.EmailVerified {
		account.EmailVerifiedAt = &now
	}
	if err := s.accounts.Store.InsertAccount(ctx, account); err != nil {
		return nil, err
	}
	return &account, s.accounts.Events.Record(as(ctx, account), event.New(as(ctx, account), now, "account.registered", "Account", account.ID, map[string]any{"provider": person.Provider}))
}

// Link lets the actor log in through the provider from now on.
func (s *SSO) Link(ctx context.Context, in FinishSSOInput) (*Link, error) {
	account, err := s.accounts.self(ctx)
	if err != nil {
		return nil, err
	}
	if account.IsStaff() {
		return nil, ErrSSOStaff
	}
	person, err := s.person(ctx, in)
	if err != nil {
		return nil, err
	}
	var link *Link
	err = s.accounts.Tx.InTx(ctx, func(ctx context.Context) error {
		link, err = s.link(ctx, account.ID, person)
		return err
	})
	return link, err
}

func (s *SSO) link(ctx context.Context, accountID uuid.UUID, person Person) (*Link, error) {
	now := s.accounts.Now()
	link := Link{
		ID: id.New(), AccountID: accountID, Provider: person.Provider, Issuer: person.Issuer, Subject: person.Subject,
		Email: person.Email, CreatedAt: now,
	}
	kept, err := s.store.Link(ctx, link)
	if err != nil {
		return nil, err
	}
	if !kept {
		return nil, ErrSSOLinked
	}
	return &link, s.accounts.Events.Record(ctx, event.New(ctx, now, "login.linked", "Account", accountID, map[string]any{"provider": person.Provider}))
}

// Links are the logins elsewhere of the accounts among those asked for that are
// the actor's own.
func (s *SSO) Links(ctx context.Context, accountIDs []uuid.UUID) ([]Link, error) {
	actor := access.From(ctx)
	for _, accountID := range accountIDs {
		if accountID == actor.ID && actor.SessionID != uuid.Nil {
			return s.store.Links(ctx, []uuid.UUID{actor.ID})
		}
	}
	return nil, nil
}

// UnlinkSSOInput names a link that its holder removes.
type UnlinkSSOInput struct {
	ID uuid.UUID
}

// Unlink ends that the actor can log in through a provider. The last way to log
// in stays.
func (s *SSO) Unlink(ctx context.Context, in UnlinkSSOInput) error {
	return s.accounts.Tx.InTx(ctx, func(ctx context.Context) error {
		account, err := s.accounts.self(ctx)
		if err != nil {
			return err
		}
		removed, err := s.store.Unlink(ctx, account.ID, in.ID)
		if err != nil {
			return err
		}
		if !removed {
			return fault.ErrNotFound.At("id")
		}
		left, err := s.store.Links(ctx, []uuid.UUID{account.ID})
		if err != nil {
			return err
		}
		if account.Password == "" && len(left) == 0 {
			return ErrSSOLastLogin
		}
		return s.accounts.Events.Record(ctx, event.New(ctx, s.accounts.Now(), "login.unlinked", "Account", account.ID, nil))
	})
}
