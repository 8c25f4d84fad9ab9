// Package limit bounds how often something may be tried: logins, a partner's
// calls, one-time codes.
package limit

import (
	"context"
	"time"
)

// Rate lets Allowed tries pass in each Per, and at most Burst at once (Allowed
// when zero).
type Rate struct {
	Allowed int
	Burst   int
	Per     time.Duration
}

// Whole is the rate with its burst said.
func (r Rate) Whole() Rate {
	if r.Burst == 0 {
		r.Burst = r.Allowed
	}
	return r
}

// Verdict says whether a try may pass.
type Verdict struct {
	Allowed    bool
	Remaining  int           // tries that would pass right now
	RetryAfter time.Duration // until one passes again; zero when one does
}

// Limiter counts tries by key ("login:address:192.0.2.1"). It never fails: where
// the shared count cannot be reached, each process counts for itself.
type Limiter interface {
	Allow(ctx context.Context, key string, rate Rate) Verdict
	// GiveBack takes a try that Allow let pass out of the count.
	GiveBack(ctx context.Context, key string, rate Rate)
}
