package redis

import (
	"context"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/maypok86/otter/v2"
	"golang.org/x/time/rate"

	"github.com/noren-commerce/noren/core/limit"
)

// limitersHere bounds the keys that one process counts for itself.
const limitersHere = 100_000

// Limiter counts tries in Redis by the generic cell rate algorithm (GCRA), the
// same for all processes. Without Redis each process counts for itself, so a
// limit is at worst as many times as wide as there are processes.
type Limiter struct {
	client *Client
	shared *redis_rate.Limiter
	here   *otter.Cache[string, *rate.Limiter]
}

var _ limit.Limiter = (*Limiter)(nil)

// NewLimiter makes the limiter.
func NewLimiter(client *Client) *Limiter {
	l := &Limiter{client: client, here: otter.Must(&otter.Options[string, *rate.Limiter]{
		MaximumSize:      limitersHere,
		ExpiryCalculator: otter.ExpiryAccessing[string, *rate.Limiter](24 * time.Hour),
	})}
	if client.Configured() {
		l.shared = redis_rate.NewLimiter(client.rdb)
	}
	return l
}

// Allow counts one try.
func (l *Limiter) Allow(ctx context.Context, key string, r limit.Rate) limit.Verdict {
	r = r.Whole()
	if l.client.Up() {
		result, err := l.shared.Allow(ctx, "noren:"+key, shared(r))
		if err == nil {
			return limit.Verdict{Allowed: result.Allowed > 0, Remaining: result.Remaining, RetryAfter: max(result.RetryAfter, 0)}
		}
	}
	return l.allowHere(key, r)
}

// Look says whether a try would pass.
func (l *Limiter) Look(ctx context.Context, key string, r limit.Rate) limit.Verdict {
	r = r.Whole()
	every := r.Per / time.Duration(max(r.Allowed, 1))
	if l.client.Up() {
		result, err := l.shared.AllowN(ctx, "noren:"+key, shared(r), 0)
		if err == nil {
			return limit.Verdict{Allowed: result.Remaining > 0, Remaining: result.Remaining, RetryAfter: every}
		}
	}
	left := 1.0
	if bucket, ok := l.here.GetIfPresent(key); ok {
		left = bucket.TokensAt(time.Now())
	}
	return limit.Verdict{Allowed: left >= 1, Remaining: int(left), RetryAfter: every}
}

func shared(r limit.Rate) redis_rate.Limit {
	return redis_rate.Limit{Rate: r.Allowed, Burst: r.Burst, Period: r.Per}
}

func (l *Limiter) allowHere(key string, r limit.Rate) limit.Verdict {
	every := r.Per / time.Duration(max(r.Allowed, 1))
	bucket, _ := l.here.ComputeIfAbsent(key, func() (*rate.Limiter, bool) {
		return rate.NewLimiter(rate.Every(every), r.Burst), false
	})
	now := time.Now()
	reservation := bucket.ReserveN(now, 1)
	if !reservation.OK() {
		return limit.Verdict{RetryAfter: r.Per}
	}
	if wait := reservation.DelayFrom(now); wait > 0 {
		reservation.CancelAt(now)
		return limit.Verdict{RetryAfter: wait}
	}
	return limit.Verdict{Allowed: true, Remaining: int(bucket.TokensAt(now))}
}
