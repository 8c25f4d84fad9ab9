package limit

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
)

// Guesses bounds how often codes of one kind may be tried: by one buyer, and from one
// address, behind which many buyers may be.
type Guesses struct {
	Kind       string // "coupon"
	PerBuyer   Rate
	PerAddress Rate
}

// Wait counts a try of the context's actor, and is for how many seconds the actor must
// wait; 0 when the try may pass. A guest is who holds the key to a cart. Without a
// limiter nobody counts.
func (g Guesses) Wait(ctx context.Context, l Limiter) (seconds int) {
	if l == nil {
		return 0
	}
	actor := access.From(ctx)
	buyer := actor.ID.String()
	if actor.ID == uuid.Nil {
		hash := sha256.Sum256([]byte(actor.CartToken))
		buyer = base64.RawURLEncoding.EncodeToString(hash[:])
	}
	verdict := l.Allow(ctx, g.Kind+":buyer:"+buyer, g.PerBuyer)
	if from := actor.From(); verdict.Allowed && from != "" {
		verdict = l.Allow(ctx, g.Kind+":address:"+from, g.PerAddress)
	}
	return wait(verdict)
}

// Wrong bounds how often something that is not right may be tried: what is right is not
// counted, and passes as long as few before it were wrong.
type Wrong struct {
	Kind string // "card"
	Rate Rate
	// Client is the rate of a partner, behind whose one key all tills of a chain may be.
	Client Rate
}

// Wait is for how many seconds the context's actor must wait after too many wrong tries; 0
// when they may try. Without a limiter nobody waits.
func (w Wrong) Wait(ctx context.Context, l Limiter) (seconds int) {
	if l == nil {
		return 0
	}
	key, rate := w.of(ctx)
	return wait(l.Look(ctx, key, rate))
}

// Count notes a wrong try of the context's actor.
func (w Wrong) Count(ctx context.Context, l Limiter) {
	if l != nil {
		key, rate := w.of(ctx)
		l.Allow(ctx, key, rate)
	}
}

// of is under what wrong tries of the context's actor are counted.
func (w Wrong) of(ctx context.Context) (string, Rate) {
	actor := access.From(ctx)
	key := w.Kind + ":wrong:" + actor.ID.String()
	if actor.ID == uuid.Nil {
		key += actor.From()
	}
	if actor.Is(access.RolePartner) {
		return key, w.Client
	}
	return key, w.Rate
}

// wait is the whole seconds until a try may pass; 0 if one may.
func wait(v Verdict) int {
	if v.Allowed {
		return 0
	}
	return max(1, int(v.RetryAfter.Round(time.Second)/time.Second))
}
