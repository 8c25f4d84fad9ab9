// Package idempotency makes an intent happen once: a client chooses a key for each
// intent and keeps it over retries and restarts. The same key with the same input
// replays the first answer; with other input it is an error.
package idempotency

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/fault"
)

// Failures of a key.
var (
	ErrKey    = fault.Invalid("IDEMPOTENCY_KEY_INVALID", "冪等キーは8〜100文字で指定してください", "The idempotency key has 8 to 100 characters")
	ErrReused = fault.Conflict("IDEMPOTENCY_KEY_REUSED", "同じ冪等キーが別の内容で使われています", "This idempotency key was used with other input")
)

// Claim is one use of a key.
type Claim struct {
	Scope     uuid.UUID // whose key it is
	Operation string
	Key       string
	InputHash []byte
	Unbranded []byte          // the hash as versions kept it that left the brand out
	OneBrand  bool            // whoever claims has keys in one brand alone
	Answer    json.RawMessage // if it is known beforehand; else it is kept later
	At        time.Time
}

// Earlier is what a key was used for before.
type Earlier struct {
	InputHash []byte
	Answer    json.RawMessage
	OneBrand  bool // the installation has no other
}

// Store keeps keys in the transaction of the context.
type Store interface {
	// Claim takes the key. If it is taken, it waits for the taker's transaction. The
	// claim travels with what is read next, and is answered when its answer is asked
	// for: by what was kept, or by nil if the key is ours.
	Claim(ctx context.Context, c Claim) Claimed
	// Keep notes the answer to a claim.
	Keep(ctx context.Context, c Claim, answer json.RawMessage) error
	// Forget removes at most so many keys that are older than the moment, and counts them.
	Forget(ctx context.Context, before time.Time, most int) (int, error)
}

// Claimed answers a claim.
type Claimed func(ctx context.Context) (*Earlier, error)

// Tx runs f in one transaction, which the context carries.
type Tx interface {
	InTx(ctx context.Context, f func(ctx context.Context) error) error
}

// Keys makes intents happen once.
type Keys struct {
	tx    Tx
	store Store
	now   clock.Clock
}

// New makes the keeper of keys.
func New(tx Tx, store Store, now clock.Clock) *Keys { return &Keys{tx, store, now} }

// Scope is whose keys the context's actor chooses: the account's, or those of the
// guest with the cart token.
func Scope(a access.Actor) uuid.UUID {
	if a.ID != uuid.Nil {
		return a.ID
	}
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte("cart:"+a.CartToken))
}

// Once runs f in a transaction, unless the actor's key has been used for the
// operation: then it answers what f answered. Only what succeeded is kept.
func Once[A any](ctx context.Context, k *Keys, operation, key string, input any, f func(ctx context.Context) (A, error)) (A, error) {
	var none, answer A
	claim, err := k.claim(ctx, operation, key, input)
	if err != nil {
		return none, err
	}
	err = k.tx.InTx(ctx, func(ctx context.Context) error {
		answer = none // the transaction may be tried again
		earlier, err := k.store.Claim(ctx, claim)(ctx)
		switch {
		case err != nil:
			return err
		case earlier != nil:
			return replay(*earlier, claim, &answer)
		}
		if answer, err = f(ctx); err != nil {
			return err
		}
		raw, err := json.Marshal(answer)
		if err != nil {
			return fmt.Errorf("keep the answer to %s: %w", operation, err)
		}
		return k.store.Keep(ctx, claim, raw)
	})
	return answer, err
}

// OnceRead is Once where nothing of the answer is kept: if the key has been used, read
// reads how what f changed stands now.
func OnceRead[A any](ctx context.Context, k *Keys, operation, key string, input any, f, read func(ctx context.Context) (A, error)) (A, error) {
	type made struct{ answer *A } // nil of an earlier call
	m, err := Once(ctx, k, operation, key, input, func(ctx context.Context) (made, error) {
		answer, err := f(ctx)
		return made{&answer}, err
	})
	switch {
	case err != nil:
		var none A
		return none, err
	case m.answer != nil:
		return *m.answer, nil
	}
	return read(ctx)
}

// OnceAs is Once where the answer is known beforehand, such as the id of what is to
// be made: it is kept with the claim. What read reads comes in the claim's round
// trip; act is not run if the key has been used.
func OnceAs[A, R any](ctx context.Context, k *Keys, operation, key string, input any, answer A,
	read func(ctx context.Context) (R, error), act func(ctx context.Context, found R) error,
) (A, error) {
	claim, err := k.claim(ctx, operation, key, input)
	if err != nil {
		return answer, err
	}
	if claim.Answer, err = json.Marshal(answer); err != nil {
		return answer, fmt.Errorf("keep the answer to %s: %w", operation, err)
	}
	stands := answer
	err = k.tx.InTx(ctx, func(ctx context.Context) error {
		stands = answer
		claimed := k.store.Claim(ctx, claim)
		found, failed := read(ctx)
		earlier, err := claimed(ctx)
		switch {
		case err != nil:
			return errors.Join(failed, err) // what failed the reading has failed the claim
		case earlier != nil:
			return replay(*earlier, claim, &stands)
		case failed != nil:
			return failed
		}
		return act(ctx, found)
	})
	return stands, err
}

// replay gives the earlier answer, if the claim is for the same input.
func replay[A any](earlier Earlier, c Claim, answer *A) error {
	if !bytes.Equal(earlier.InputHash, c.InputHash) && !earlier.unbranded(c) {
		return ErrReused.At("idempotencyKey")
	}
	return json.Unmarshal(earlier.Answer, answer)
}

// unbranded reports whether it was kept for the claim's input by a version that left the
// brand out of the hash. Where there are several brands, and for who may act in more than
// one, it does not tell in which, and an answer of one is none of another's: there it is
// refused. No such key is left 90 days after the last process of such a version has ended.
func (e Earlier) unbranded(c Claim) bool {
	return (e.OneBrand || c.OneBrand) && bytes.Equal(e.InputHash, c.Unbranded)
}

func (k *Keys) claim(ctx context.Context, operation, key string, input any) (Claim, error) {
	if len(key) < 8 || len(key) > 100 {
		return Claim{}, ErrKey.At("idempotencyKey")
	}
	raw, err := json.Marshal(input)
	if err != nil {
		return Claim{}, fmt.Errorf("hash the input of %s: %w", operation, err)
	}
	brand := channel.From(ctx).BrandID // the same word in another brand means something else
	hash, unbranded := sha256.Sum256(append(raw, brand[:]...)), sha256.Sum256(raw)
	actor := access.From(ctx)
	return Claim{
		Scope: Scope(actor), Operation: operation, Key: key, InputHash: hash[:], At: k.now(),
		Unbranded: unbranded[:], OneBrand: actor.Is(access.RolePartner), // a partner is one of a brand
	}, nil
}

// Remembered is how long a key is known: whoever asks again after that has another intent.
// Answers may name people, and are not kept for longer than they are of use.
const Remembered = 90 * 24 * time.Hour

// forgets is how many keys go at once.
const forgets = 5000

// ForgetJob is the job that forgets old keys.
type ForgetJob struct{}

// Kind names the job in the queue.
func (ForgetJob) Kind() string { return "forget_idempotency_keys" }

// Forget forgets the keys that are remembered no longer.
func (k *Keys) Forget(ctx context.Context) error {
	for before := k.now().Add(-Remembered); ; {
		n, err := k.store.Forget(ctx, before, forgets)
		if err != nil || n < forgets {
			return err
		}
	}
}
