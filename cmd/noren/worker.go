package main

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"github.com/noren-commerce/noren/cmd/noren/app"
)

// workerCommand does the background work.
type workerCommand struct{ app.Config }

// Run works until it is told to stop; it does not start with unsafe settings.
func (c *workerCommand) Run(ctx context.Context) error {
	if err := c.Production(); err != nil {
		return err
	}
	a, err := app.Open(ctx, c.Config)
	if err != nil {
		return err
	}
	return errors.Join(together(ctx, a.Watch, a.Work), a.Close())
}

// together runs all of them until ctx ends; if one fails, the others are stopped.
func together(ctx context.Context, all ...func(context.Context) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, run := range all {
		group.Go(func() error { return run(ctx) })
	}
	return group.Wait()
}
