package voucher

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/limit"
)

// tills is how often codes may be entered by who takes them: a busy till's, and more.
// customers is the same for who pays by them.
var (
	tills = limit.Guesses{
		Kind: "voucher", PerBuyer: limit.Rate{Allowed: 600, Per: 10 * time.Minute}, PerAddress: limit.Rate{Allowed: 3000, Per: 10 * time.Minute},
	}
	customers = limit.Guesses{
		Kind: "voucher_pays", PerBuyer: limit.Rate{Allowed: 20, Per: 10 * time.Minute}, PerAddress: limit.Rate{Allowed: 100, Per: 10 * time.Minute},
	}
)

// Who enters so many wrong codes within the time enters none for the time.
const (
	mostWrong = 10
	wrongFor  = time.Hour
)

// guesser is under what wrong codes are counted: an account, or the address that a guest
// calls from, since a guest has a new key to a cart whenever one is wanted.
func guesser(a access.Actor) string {
	if a.ID != uuid.Nil {
		return a.ID.String()
	}
	from := a.From()
	if from == "" {
		from = a.CartToken
	}
	hash := sha256.Sum256([]byte(from))
	return "guest:" + base64.RawURLEncoding.EncodeToString(hash[:])
}

// admitted fails if the actor has tried too many codes, or too many wrong ones.
func (s *Service) admitted(ctx context.Context) error {
	actor, guesses := access.From(ctx), tills
	if actor.Is(access.RoleGuest, access.RoleMember, access.RoleCompanyBuyer) {
		guesses = customers
	}
	if seconds := guesses.Wait(ctx, s.Limiter); seconds > 0 {
		return ErrTries.With(seconds)
	}
	until, err := s.Store.Forbidden(ctx, guesser(actor), s.Now())
	if err != nil || until == nil {
		return err
	}
	return ErrLocked.With(max(1, int(until.Sub(s.Now())/time.Second)))
}

// wrong counts a wrong code of the actor, and locks codes for them after too many.
func (s *Service) wrong(ctx context.Context) error {
	actor, now := access.From(ctx), s.Now()
	n, err := s.Store.Failed(ctx, guesser(actor), now.Add(-wrongFor), now)
	if err != nil || n < mostWrong {
		return orErr(err, ErrUnknown)
	}
	if err := s.Store.Forbid(ctx, guesser(actor), now.Add(wrongFor)); err != nil {
		return err
	}
	if err := s.record(ctx, "vouchers.locked", "Account", actor.ID, map[string]any{"wrong": n, "from": actor.From()}); err != nil {
		return err
	}
	return ErrLocked.With(int(wrongFor / time.Second))
}
