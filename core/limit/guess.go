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
	if verdict.Allowed {
		return 0
	}
	return max(1, int(verdict.RetryAfter.Round(time.Second)/time.Second))
}
