package identity

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/limit"
)

// How often things may be tried. An account is counted per address too, so that
// a stranger who tries its password shuts himself out long before the owner.
var (
	loginsPerPair    = limit.Rate{Allowed: 10, Per: 10 * time.Minute} // account from one address
	loginsPerAccount = limit.Rate{Allowed: 100, Per: time.Hour}       // account from anywhere
	loginsPerAddress = limit.Rate{Allowed: 200, Per: 10 * time.Minute}
	registersPerHost = limit.Rate{Allowed: 100, Per: time.Hour}
	mailsPerAccount  = limit.Rate{Allowed: 5, Per: time.Hour}
	mailsPerAddress  = limit.Rate{Allowed: 30, Per: time.Hour}
	tokensPerAddress = limit.Rate{Allowed: 60, Per: 10 * time.Minute}
)

// limited fails with ErrTooOften when the key has been tried too often.
func (s *Service) limited(ctx context.Context, what, key string, rate limit.Rate) error {
	if s.Limiter == nil || key == "" {
		return nil
	}
	verdict := s.Limiter.Allow(ctx, "identity:"+what+":"+key, rate)
	if verdict.Allowed {
		return nil
	}
	return ErrTooOften.With(max(1, int(verdict.RetryAfter.Round(time.Second)/time.Second)))
}

// addressOf is where the actor calls from; empty for noren itself.
func addressOf(ctx context.Context) string { return access.From(ctx).From() }

// Sessions are the accounts' open sessions, last used first: the actor's own, or
// anybody's for staff that manage staff.
func (s *Service) Sessions(ctx context.Context, accountIDs []uuid.UUID) ([]Session, error) {
	actor := access.From(ctx)
	for _, accountID := range accountIDs {
		if accountID != actor.ID && !actor.May(access.StaffWrite) {
			return nil, fault.ErrForbidden
		}
	}
	return s.Store.Sessions(ctx, accountIDs, s.Now())
}

// RevokeSessionInput names a session.
type RevokeSessionInput struct{ SessionID uuid.UUID }

// RevokeSession ends one of the actor's sessions.
func (s *Service) RevokeSession(ctx context.Context, in RevokeSessionInput) error {
	account, err := s.self(ctx)
	if err != nil {
		return err
	}
	return at("sessionId", s.end(ctx, &account.ID, in.SessionID, endedByOwner))
}

// LogoutEverywhere ends all the actor's sessions, the present one included.
func (s *Service) LogoutEverywhere(ctx context.Context) error {
	account, err := s.self(ctx)
	if err != nil {
		return err
	}
	return s.endAll(ctx, account.ID, endedByOwner)
}

func (s *Service) endAll(ctx context.Context, accountID uuid.UUID, reason string) error {
	return s.endingSessions(ctx, func(ctx context.Context) ([]uuid.UUID, error) {
		err := s.Events.Record(ctx, event.New(ctx, s.Now(), "account.logged_out_everywhere", "Account", accountID, map[string]any{"reason": reason}))
		if err != nil {
			return nil, err
		}
		return s.Store.EndSessions(ctx, accountID, uuid.Nil, reason, s.Now())
	})
}

// endingSessions runs f in a transaction; afterwards this process forgets the
// sessions that it ended.
func (s *Service) endingSessions(ctx context.Context, f func(context.Context) ([]uuid.UUID, error)) error {
	var ended []uuid.UUID
	err := s.Tx.InTx(ctx, func(ctx context.Context) (err error) {
		ended, err = f(ctx)
		return err
	})
	s.standings.forget(ended...)
	return err
}
