package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/i18n"
)

// importShipments takes in what a carrier or warehouse says of shipments. It ships, so it
// needs the settings of a worker.
type importShipments struct {
	app.Config
	File    string `arg:"" type:"existingfile" help:"The file: CSV in UTF-8 or CP932, or xlsx."`
	Channel string `env:"NOREN_CHANNEL" help:"Code of the channel whose brand it is; the oldest if left out."`
}

// Run works through the file and says what became of it.
func (c *importShipments) Run(ctx context.Context) error {
	a, err := app.Open(ctx, c.Config)
	if err != nil {
		return err
	}
	return errors.Join(c.take(ctx, a), a.Close())
}

func (c *importShipments) take(ctx context.Context, a *app.App) error {
	ch, err := a.Channels.Resolve(ctx, c.Channel, "")
	if err != nil {
		return fmt.Errorf("--channel: %w", err)
	}
	file, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	r, err := a.Resolvers.Results.Import(channel.With(access.With(ctx, access.System), ch), filepath.Base(c.File), file)
	if err != nil {
		return err
	}
	for _, no := range r.Rejections {
		fmt.Fprintf(os.Stderr, "line %d %s %q: %s\n", no.Line, no.Column, no.Value, no.Reason.In(i18n.Default))
	}
	fmt.Printf("%s: %d shipped, %d parcels added, %d known, %d rejected\n", r.FileName, r.Shipped, r.Parcels, r.Known, len(r.Rejections))
	return nil
}
