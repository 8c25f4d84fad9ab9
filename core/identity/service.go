package identity

import (
	"context"
	"crypto/cipher"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/limit"
	"github.com/noren-commerce/noren/core/messaging"
)

// Store keeps accounts and sessions.
type Store interface {
	OneTimeStore
	EmailStore
	FactorStore
	StaffStore

	// InsertAccount keeps a new account; an address that is taken is ErrEmailTaken.
	InsertAccount(ctx context.Context, a Account) error
	// AccountByEmail is the open account with the normalised address; nil if there is none.
	AccountByEmail(ctx context.Context, email string) (*Account, error)
	// Account is the open account; nil if there is none.
	Account(ctx context.Context, accountID uuid.UUID) (*Account, error)
	SetPassword(ctx context.Context, accountID uuid.UUID, hash string, at time.Time) error

	// Disarm takes the account's password, second factor and logins elsewhere away.
	Disarm(ctx context.Context, accountID uuid.UUID) error

	// InsertSession keeps a new session with its first refresh token.
	InsertSession(ctx context.Context, s Session, refreshHash []byte) error
	// Rotate uses a refresh token up and keeps its successor; nil unless the token
	// is unused and its session and account are open.
	Rotate(ctx context.Context, r *Rotation) (*Account, error)
	// SessionOfUsed is the session whose token with the hash was used before; nil if
	// there is no such token.
	SessionOfUsed(ctx context.Context, refreshHash []byte) (*uuid.UUID, error)
	// EndSession ends an open session, of the account if one is named, and answers
	// whose it was; nil if there is none.
	EndSession(ctx context.Context, accountID *uuid.UUID, sessionID uuid.UUID, reason string, at time.Time) (*uuid.UUID, error)
	// Sessions are the accounts' open sessions, last used first.
	Sessions(ctx context.Context, accountIDs []uuid.UUID, at time.Time) ([]Session, error)
	// EndSessions ends the account's open sessions but the one to keep, and answers
	// which those were.
	EndSessions(ctx context.Context, accountID, keep uuid.UUID, reason string, at time.Time) ([]uuid.UUID, error)
	// Standing is what an open session and its open account come to; nil without.
	Standing(ctx context.Context, sessionID uuid.UUID, at time.Time) (*Standing, error)
}

// Rotation replaces a refresh token. The store fills in SessionID.
type Rotation struct {
	Old, New  []byte
	At        time.Time
	ExpiresAt time.Time
	SessionID uuid.UUID
}

// Tx runs f in one transaction.
type Tx interface {
	InTx(ctx context.Context, f func(context.Context) error) error
}

// Carts takes over what a guest has put into a cart.
type Carts interface {
	MergeGuest(ctx context.Context, token string, memberID uuid.UUID) error
}

// Parts are what the service is made of.
type Parts struct {
	Tx     Tx
	Store  Store
	Keys   *Keys
	Tokens *Tokens
	Hasher *Hasher
	Carts  Carts
	Events event.Recorder
	Outbox messaging.Outbox
	Seal   cipher.AEAD // encrypts second factors
	Now    clock.Clock

	Profiles Profiles
	Limiter  limit.Limiter
	Links    map[Purpose]string // the shop's pages that take one-time tokens
}

// Service registers accounts, logs them in and knows who calls.
type Service struct {
	Parts
	standings *standings
}

// New makes the identity service.
func New(parts Parts) *Service {
	return &Service{Parts: parts, standings: newStandings()}
}

// Me is the actor's own account; nil for a guest.
func (s *Service) Me(ctx context.Context) (*Account, error) {
	actor := access.From(ctx)
	if actor.ID == uuid.Nil || actor.Is(access.RolePartner) {
		return nil, nil
	}
	return s.Store.Account(ctx, actor.ID)
}
