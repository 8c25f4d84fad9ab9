package main

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/storage/postgres"
)

// workerCommand does the background work.
type workerCommand struct{ app.Config }

// Run works until it is told to stop; it does not start with unsafe settings.
func (c *workerCommand) Run(ctx context.Context) error {
	if err := c.Production(); err != nil {
		return err
	}
	db, err := postgres.Open(ctx, c.DatabaseURL, postgres.WithMaxConns(c.MaxConns))
	if err != nil {
		return err
	}
	defer db.Close()
	a, err := app.New(c.Config, db, clock.System)
	if err != nil {
		return err
	}
	return a.Work(ctx)
}

// both runs the two until ctx ends; if one fails, the other is stopped.
func both(ctx context.Context, one, other func(context.Context) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return one(ctx) })
	group.Go(func() error { return other(ctx) })
	return group.Wait()
}
