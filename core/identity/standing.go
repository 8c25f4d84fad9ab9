package identity

import (
	"context"
	"net/netip"
	"time"

	"github.com/google/uuid"
	"github.com/maypok86/otter/v2"

	"github.com/noren-commerce/noren/core/access"
)

const (
	// standingFor is how long a process trusts what it knows of a session. One that
	// is ended elsewhere is refused here at the latest after that, although its
	// access token is good for minutes more.
	standingFor = 5 * time.Second
	// standingsKept bounds the sessions that a process remembers.
	standingsKept = 50_000
)

// standings remembers sessions for a moment, so that a signed token costs a busy
// client no question to the database.
type standings struct {
	cache *otter.Cache[uuid.UUID, Standing]
}

func newStandings() *standings {
	return &standings{otter.Must(&otter.Options[uuid.UUID, Standing]{
		MaximumSize:      standingsKept,
		ExpiryCalculator: otter.ExpiryWriting[uuid.UUID, Standing](standingFor),
	})}
}

// forget makes the process ask for the sessions anew.
func (s *standings) forget(sessionIDs ...uuid.UUID) {
	for _, key := range sessionIDs {
		s.cache.Invalidate(key)
	}
}

// clear makes the process ask for every session anew: the rights of many changed.
func (s *standings) clear() { s.cache.InvalidateAll() }

// Authenticate finds who holds the access token. Beside the token's own signature
// and times, its session and account must be open, which a process asks the
// database at most every few seconds. until is when the token expires.
func (s *Service) Authenticate(ctx context.Context, token string, from netip.Addr) (actor access.Actor, until time.Time, err error) {
	claims, err := s.Tokens.Read(ctx, token)
	if err != nil {
		return access.Actor{}, until, err
	}
	standing, known := s.standings.cache.GetIfPresent(claims.SessionID)
	if !known {
		found, err := s.Store.Standing(ctx, claims.SessionID, s.Now())
		switch {
		case err != nil:
			return access.Actor{}, until, err
		case found == nil:
			return access.Actor{}, until, ErrTokenInvalid
		}
		standing = *found
		s.standings.cache.Set(claims.SessionID, standing)
	}
	if claims.Subject != standing.AccountID.String() {
		return access.Actor{}, until, ErrTokenInvalid
	}
	if !standing.allows(from) {
		return access.Actor{}, until, ErrAddressNotAllowed
	}
	actor = standing.Actor()
	actor.Address = from
	return actor, claims.ExpiresAt.Time, nil
}

// Stands is the actor of the context as the account stands now: a stream lives longer
// than what was true when it began. Who has no session stands as before.
func (s *Service) Stands(ctx context.Context) (access.Actor, error) {
	actor := access.From(ctx)
	if actor.SessionID == uuid.Nil {
		return actor, nil
	}
	found, err := s.Store.Standing(ctx, actor.SessionID, s.Now())
	switch {
	case err != nil:
		return access.Actor{}, err
	case found == nil:
		return access.Actor{}, ErrTokenInvalid
	case !found.allows(actor.Address):
		return access.Actor{}, ErrAddressNotAllowed
	}
	now := found.Actor()
	now.Address, now.CartToken = actor.Address, actor.CartToken
	return now, nil
}

// allows reports whether the account may act from the address.
func (s Standing) allows(from netip.Addr) bool {
	return within(s.Office, from) && within(s.Networks, from)
}
