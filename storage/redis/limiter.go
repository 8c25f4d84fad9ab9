package redis

import (
	"context"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/maypok86/otter/v2"
	goredis "github.com/redis/go-redis/v9"
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

// giveBack moves the time until which a key's tries reach, as redis_rate keeps it (seconds
// from 2017), back by one try.
var giveBack = goredis.NewScript(`
local reaches = redis.call("GET", KEYS[1])
if not reaches then
  return 0
end
local now = redis.call("TIME")
now = (now[1] - 1483228800) + (now[2] / 1000000)
reaches = tonumber(reaches) - ARGV[2] / ARGV[1]
if reaches <= now then
  return redis.call("DEL", KEYS[1])
end
redis.call("SET", KEYS[1], reaches, "EX", math.ceil(reaches - now))
return 1
`)

// GiveBack takes a try that passed out of the count, in one step.
func (l *Limiter) GiveBack(ctx context.Context, key string, r limit.Rate) {
	r = r.Whole()
	if l.client.Up() && giveBack.Run(ctx, l.client.rdb, []string{"rate:noren:" + key}, r.Allowed, r.Per.Seconds()).Err() == nil {
		return
	}
	if bucket, ok := l.here.GetIfPresent(key); ok {
		bucket.AllowN(time.Now(), -1) // never more than its burst
	}
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
