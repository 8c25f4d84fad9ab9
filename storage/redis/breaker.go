package redis

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// probeMost is the longest pause between two looks at a Redis that was down.
const probeMost = 500 * time.Millisecond

// breaker is a hook of the Redis client. The first command that finds Redis down
// opens it; then commands fail at once, while one goroutine looks until Redis
// answers. So a dead Redis costs the requests that met it dying one timeout each,
// and all others nothing.
type breaker struct {
	open  atomic.Bool
	probe func(context.Context) error
	// returned runs when Redis answers again and before anyone uses it: others
	// may have changed things that it was not told of.
	returned atomic.Pointer[func(context.Context) error]
	log      *slog.Logger
	stop     chan struct{}
	once     sync.Once
}

func newBreaker(probe func(context.Context) error, log *slog.Logger) *breaker {
	return &breaker{probe: probe, log: log, stop: make(chan struct{})}
}

type unbrokenKey struct{}

// unbroken lets commands of the context through an open breaker.
func unbroken(ctx context.Context) context.Context {
	return context.WithValue(ctx, unbrokenKey{}, true)
}

func (b *breaker) refuses(ctx context.Context) bool {
	return b.open.Load() && ctx.Value(unbrokenKey{}) == nil
}

// DialHook leaves dialling as it is.
func (b *breaker) DialHook(next goredis.DialHook) goredis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

// ProcessHook runs one command.
func (b *breaker) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		if b.refuses(ctx) {
			return ErrDown
		}
		err := next(ctx, cmd)
		b.saw(ctx, err)
		return err
	}
}

// ProcessPipelineHook runs several commands.
func (b *breaker) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []goredis.Cmder) error {
		if b.refuses(ctx) {
			for _, cmd := range cmds {
				cmd.SetErr(ErrDown)
			}
			return ErrDown
		}
		err := next(ctx, cmds)
		b.saw(ctx, err)
		return err
	}
}

func (b *breaker) saw(ctx context.Context, err error) {
	if isDown(ctx, err) && b.open.CompareAndSwap(false, true) {
		b.log.Warn("redis is down; noren goes on without it", "error", err)
		go b.watch() //nolint:gosec // it outlives the request that found Redis down
	}
}

// watch looks until Redis answers, and closes the breaker.
func (b *breaker) watch() {
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, probeMost) {
		select {
		case <-b.stop:
			return
		case <-time.After(pause):
		}
		ctx, cancel := context.WithTimeout(unbroken(context.Background()), dialWithin+replyWithin)
		err := b.probe(ctx)
		if returned := b.returned.Load(); err == nil && returned != nil {
			err = (*returned)(ctx)
		}
		cancel()
		if err == nil {
			b.open.Store(false)
			b.log.Info("redis is back")
			return
		}
	}
}

func (b *breaker) close() { b.once.Do(func() { close(b.stop) }) }
