package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/seed"
	"github.com/noren-commerce/noren/storage/embedded"
	"github.com/noren-commerce/noren/storage/postgres"
)

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
	if c.RedisURL == "" {
		server, err := embedded.StartRedis()
		if err != nil {
			return err
		}
		defer server.Stop()
		c.RedisURL = server.URL
	}
	c.Dev = true
	if c.Secret == "" {
		c.Secret = app.DevSecret
	}
	c.UseSandbox()
	a, err := app.Open(ctx, c.Config)
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }()
	if err := writeSample(ctx, a.DB, seed.Options{}); err != nil {
		return err
	}
	fmt.Printf("DATABASE_URL=%s\nGraphQL      http://%s/graphql\nGraphiQL     http://%s/\n", c.DatabaseURL, c.Addr, c.Addr)
	if err := registerShipped(ctx, a.Operations); err != nil {
		return err
	}
	if a.Mailbox != nil {
		fmt.Printf("Mails        http://%s/dev/mail\n", c.Addr)
	}
	if err := furnish(ctx, a); err != nil {
		return err
	}
	fmt.Printf("Stores       http://%s/dev/konbini/\n", c.Addr)
	printAccounts(seed.Password)
	return together(ctx, a.Watch, a.Work, func(ctx context.Context) error { return serve(ctx, a) })
}

// furnish adds the samples that the app's services make: gift cards, points, orders by
// telephone, vouchers, a household, wishes, prizes.
func furnish(ctx context.Context, a *app.App) error {
	r := a.Resolvers
	codes, err := seed.IssueCards(ctx, r.GiftCards, a.Channels)
	if err != nil {
		return err
	}
	if err := seed.Loyalty(ctx, r.Points, a.Channels); err != nil {
		return err
	}
	desk := seed.Desk{Drafts: r.Drafts, Recurring: r.Recurring, Methods: r.Shipping, Channels: a.Channels, Now: clock.System}
	if err := desk.Fill(ctx); err != nil {
		return err
	}
	if codes != "" {
		fmt.Printf("Gift cards, shown this once\n%s", codes)
	}
	club := seed.Club{Members: r.Members, Vouchers: r.Vouchers, Wishes: r.Wishes, Channels: a.Channels}
	return errors.Join(club.Fill(ctx), seed.Prizes(ctx, r.Prizes, r.Draws, r.Points, a.Channels))
}
