package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/storage/embedded"
	"github.com/noren-commerce/noren/storage/postgres"
)

// drainFor is how long running requests may take to finish after SIGTERM.
const drainFor = 20 * time.Second

// devCommand runs everything on this machine.
type devCommand struct {
	app.Config
	DataDir string `env:"NOREN_DATA_DIR" default:".noren" help:"Where the embedded PostgreSQL keeps its data."`
}

// Run brings up what no URL names, migrates, and serves until it is stopped.
func (c *devCommand) Run(ctx context.Context) error {
	if c.DatabaseURL == "" {
		dir, err := filepath.Abs(filepath.Join(c.DataDir, "postgres"))
		if err != nil {
			return err
		}
		cluster, err := embedded.StartPostgres(ctx, embedded.PostgresOptions{DataDir: dir})
		if err != nil {
			return err
		}
		defer func() { _ = cluster.Stop() }()
		c.DatabaseURL = cluster.URL
	}
	if err := postgres.Migrate(ctx, c.DatabaseURL); err != nil {
		return err
	}
	db, err := postgres.Open(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer db.Close()
	fmt.Printf("DATABASE_URL=%s\nGraphQL      http://%s/graphql\n", c.DatabaseURL, c.Addr)
	return serve(ctx, c.Addr, app.New(c.Config, db, clock.System).Handler())
}

// serve answers requests until ctx ends, then lets the running ones finish.
func serve(ctx context.Context, addr string, handler http.Handler) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		fmt.Fprintln(os.Stderr, "noren: finishing what is running")
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainFor)
		defer cancel()
		stopped <- server.Shutdown(drain)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}
