package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/redis"
)

// The relay looks for events this often, and less often while Redis is away.
const (
	relayEvery = 500 * time.Millisecond
	relayMost  = 10 * time.Second
)

// relay tells events to the outside until ctx ends. It also moves the caches'
// generations: a process that died between its commit and telling Redis has left
// nothing old behind once its events have come by here.
func (a *App) relay(ctx context.Context) {
	if !a.Redis.Configured() {
		return
	}
	relay, stream := postgres.NewRelay(a.DB, "redis"), redis.NewStream(a.Redis)
	tell := func(ctx context.Context, events []event.Event) error {
		if err := stream.Tell(ctx, events); err != nil {
			return err
		}
		a.Generations.Committed(ctx, events)
		return nil
	}
	pause := relayEvery
	for {
		told, err := relay.Next(ctx, tell)
		switch {
		case err != nil && ctx.Err() == nil:
			slog.WarnContext(ctx, "events wait to be told", "error", err)
			pause = min(2*pause, relayMost)
		case told > 0:
			pause = relayEvery
			continue
		default:
			pause = relayEvery
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}
