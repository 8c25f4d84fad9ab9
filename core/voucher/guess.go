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
// chains is the same for an API client, behind which all tills of a chain may be; customers
// for who pays by them.
var (
	chains = limit.Guesses{
		Kind: "voucher_chain", PerBuyer: limit.Rate{Allowed: 12_000, Per: 10 * time.Minute}, PerAddress: limit.Rate{Allowed: 12_000, Per: 10 * time.Minute},
	}
	tills = limit.Guesses{
		Kind: "voucher", PerBuyer: limit.Rate{Allowed: 600, Per: 10 * time.Minute}, PerAddress: limit.Rate{Allowed: 3000, Per: 10 * time.Minute},
	}
	customers = limit.Guesses{
		Kind: "voucher_pays", PerBuyer: limit.Rate{Allowed: 20, Per: 10 * time.Minute}, PerAddress: limit.Rate{Allowed: 100, Per: 10 * time.Minute},
	}
)

// Who enters so many wrong codes within the time enters none for the time. An API client may
// enter more: ten forged vouchers are not to shut the tills of hundreds of shops. Guessing is
// as hopeless: a code has 111 random bits (prepaid.CodeLength), and one with a typing error
// is told apart before it counts. 1,000 tries an hour for ten years are 2^26.4; with ten
// million open vouchers (2^23.3) one of them is right by a chance of 2^(26.4 + 23.3 - 111),
// one in 10^18.
const (
	mostWrong       = 10
	mostWrongClient = 1000
	wrongFor        = time.Hour
)

// mayBeWrong is how many wrong codes the actor may enter.
func mayBeWrong(a access.Actor) int {
	if a.Is(access.RolePartner) {
		return mostWrongClient
	}
	return mostWrong
}

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
	switch {
	case actor.Is(access.RolePartner):
		guesses = chains
	case actor.Is(access.RoleGuest, access.RoleMember, access.RoleCompanyBuyer):
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
	if err != nil || n < mayBeWrong(actor) {
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
