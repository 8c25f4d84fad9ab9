package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/noren-commerce/noren/cmd/noren/app"
)

// serveCommand answers clients.
type serveCommand struct{ app.Config }

// Run serves until it is told to stop; it does not start with unsafe settings.
func (c *serveCommand) Run(ctx context.Context) error {
	if err := c.Production(); err != nil {
		return err
	}
	a, err := app.Open(ctx, c.Config)
	if err != nil {
		return err
	}
	return errors.Join(together(ctx, a.Watch, func(ctx context.Context) error { return serve(ctx, a) }), a.Close())
}

// serve answers requests until ctx ends. Then it takes no new ones, and the
// running ones may finish within the drain timeout. New ones are refused by an
// answer, not by a closed door, as long as it waits.
func serve(ctx context.Context, a *app.App) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", a.Config.Addr)
	if err != nil {
		return fmt.Errorf("NOREN_ADDR: %w", err)
	}
	server := &http.Server{Handler: a.Handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		fmt.Fprintln(os.Stderr, "noren: finishing what is running")
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.Config.DrainDelay+a.Config.DrainTimeout)
		defer cancel()
		stopped <- errors.Join(a.Drain(drain), server.Shutdown(drain))
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}
