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
	// Client is the rate of a partner, behind whose one key all tills of a chain may be. At
	// each of its shops Rate holds besides: one till's wrong tries shut no other shop's.
	Client Rate
}

// Try counts a try of the context's actor, at the shop if the call names one, as wrong, and
// is for how many seconds they must wait; 0 when it may be seen whether it is right. The
// caller runs right once it is known to be: then it counts no more. It counts beforehand so
// that tries at once do not pass all together before the first of them is known to be wrong.
// Without a limiter nobody counts.
func (w Wrong) Try(ctx context.Context, l Limiter, shopID *uuid.UUID) (seconds int, right func()) {
	if l == nil {
		return 0, func() {}
	}
	var passed []counted
	right = func() {
		for _, c := range passed {
			l.GiveBack(context.WithoutCancel(ctx), c.key, c.rate)
		}
	}
	for _, c := range w.counts(ctx, shopID) {
		if verdict := l.Allow(ctx, c.key, c.rate); !verdict.Allowed {
			right() // it is not tried
			return wait(verdict), func() {}
		}
		passed = append(passed, c)
	}
	return 0, right
}

// counted is under what a try counts, and how many may be wrong.
type counted struct {
	key  string
	rate Rate
}

// counts are the counts that a try of the context's actor is in, the narrowest first.
func (w Wrong) counts(ctx context.Context, shopID *uuid.UUID) []counted {
	actor := access.From(ctx)
	key := w.Kind + ":wrong:" + actor.ID.String()
	if actor.ID == uuid.Nil {
		key += actor.From()
	}
	switch {
	case !actor.Is(access.RolePartner):
		return []counted{{key, w.Rate}}
	case shopID == nil:
		return []counted{{key, w.Client}}
	}
	return []counted{{key + ":" + shopID.String(), w.Rate}, {key, w.Client}}
}

// wait is the whole seconds until a try may pass; 0 if one may.
func wait(v Verdict) int {
	if v.Allowed {
		return 0
	}
	return max(1, int(v.RetryAfter.Round(time.Second)/time.Second))
}
