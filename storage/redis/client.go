// Package redis keeps what may vanish: answers and entities that PostgreSQL can
// give again, counts of tries, signals between processes. A Redis that is gone
// makes noren slower; it makes nothing wrong and nothing fail.
package redis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Timeouts of one exchange. They bound what a dying Redis costs a request, once;
// after that the breaker is open.
const (
	dialWithin  = 250 * time.Millisecond
	replyWithin = 250 * time.Millisecond
)

// ErrDown says that Redis does not answer, or that none is configured.
var ErrDown = errors.New("redis does not answer")

// Client talks to one Redis, or to a cluster of them.
type Client struct {
	rdb     goredis.UniversalClient // nil when none is configured
	breaker *breaker
	log     *slog.Logger
}

// Open makes the client; Redis need not answer yet. No URL at all is a client
// whose Redis is always down.
func Open(redisURL string, log *slog.Logger) (*Client, error) {
	c := &Client{log: log}
	if redisURL == "" {
		return c, nil
	}
	rdb, err := dial(redisURL)
	if err != nil {
		return nil, fmt.Errorf("REDIS_URL must be a Redis URL such as redis://user:password@host:6379/0 (a cluster: redis://host:6379?addr=host2:6379): %w", err)
	}
	c.rdb = rdb
	c.breaker = newBreaker(func(ctx context.Context) error { return rdb.Ping(ctx).Err() }, log)
	rdb.AddHook(c.breaker)
	return c, nil
}

func dial(redisURL string) (goredis.UniversalClient, error) {
	u, err := url.Parse(redisURL)
	if err != nil {
		return nil, err
	}
	quiet := &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	if u.Query().Has("addr") {
		options, err := goredis.ParseClusterURL(redisURL)
		if err != nil {
			return nil, err
		}
		options.DialTimeout, options.ReadTimeout, options.WriteTimeout, options.PoolTimeout = dialWithin, replyWithin, replyWithin, replyWithin
		options.DialerRetries, options.ContextTimeoutEnabled, options.MaintNotificationsConfig = 1, true, quiet
		return goredis.NewClusterClient(options), nil
	}
	options, err := goredis.ParseURL(redisURL)
	if err != nil {
		return nil, err
	}
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout, options.PoolTimeout = dialWithin, replyWithin, replyWithin, replyWithin
	options.MaxRetries, options.DialerRetries, options.ContextTimeoutEnabled = -1, 1, true
	options.MaintNotificationsConfig = quiet
	return goredis.NewClient(options), nil
}

// Silence keeps the Redis library from writing lines of its own for each failed
// connection, in the whole program; the breaker says once what is wrong.
func Silence() { goredis.SetLogger(silent{}) }

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// Close ends the client's connections.
func (c *Client) Close() error {
	if c.rdb == nil {
		return nil
	}
	c.breaker.close()
	return c.rdb.Close()
}

// Configured reports whether there is a Redis to talk to at all.
func (c *Client) Configured() bool { return c.rdb != nil }

// Up reports whether Redis answered when last asked.
func (c *Client) Up() bool { return c.rdb != nil && !c.breaker.open.Load() }

// Ping asks Redis whether it is there, whatever the breaker thinks.
func (c *Client) Ping(ctx context.Context) error {
	if c.rdb == nil {
		return ErrDown
	}
	return c.rdb.Ping(unbroken(ctx)).Err()
}

// isDown reports whether Redis, or the way to it, failed rather than the command.
func isDown(ctx context.Context, err error) bool {
	if err == nil || errors.Is(err, goredis.Nil) {
		return false
	}
	var reply goredis.Error
	if errors.As(err, &reply) {
		text := reply.Error()
		for _, prefix := range []string{"LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN"} {
			if strings.HasPrefix(text, prefix) {
				return true
			}
		}
		return false
	}
	if ctx.Err() == nil {
		return true
	}
	// The caller's own time ran out; that says nothing of Redis, a refusal does.
	var network net.Error
	return errors.As(err, &network) && !network.Timeout()
}
