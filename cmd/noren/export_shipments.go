package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/dispatch"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/storage/postgres"
)

// exportShipments writes a file of instructions to a carrier.
type exportShipments struct {
	personalFlags
	File    string `arg:"" optional:"" help:"Where to write; standard output if left out."`
	Profile string `default:"yamato-b2" env:"NOREN_CARRIER_PROFILE" help:"The form: yamato-b2 or sagawa-ehiden."`
	Batch   int    `env:"NOREN_SHIPMENT_BATCH" help:"Write the file with this number again, instead of making one."`
	Channel string `env:"NOREN_CHANNEL" help:"Code of the channel whose brand it is; the oldest if left out."`
}

// Run makes a file of the shipments that are in none, and says what it could not say.
func (c *exportShipments) Run(ctx context.Context) error {
	db, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	ch, err := channel.New(postgres.NewChannels(db), clock.System).Resolve(ctx, c.Channel, "")
	if err != nil {
		return fmt.Errorf("--channel: %w", err)
	}
	files, err := app.NewDispatch(db, clock.System)
	if err != nil {
		return err
	}
	return c.write(channel.With(access.With(ctx, access.System), ch), files)
}

func (c *exportShipments) write(ctx context.Context, files *dispatch.Service) error {
	number := c.Batch
	if number == 0 {
		made, err := files.Export(ctx, dispatch.ExportInput{IdempotencyKey: uuid.NewString(), Profile: c.Profile, Source: dispatch.OfOrders})
		if err != nil {
			return err
		}
		number = made.Number
	}
	batch, content, err := files.Numbered(ctx, number)
	if err != nil {
		return err
	}
	if batch == nil {
		return fmt.Errorf("--batch: there is no file with the number %d", number)
	}
	for _, r := range batch.Remarks {
		fmt.Fprintf(os.Stderr, "%s %s %q: %s\n", r.Reference, r.Column, r.Value, r.Reason.In(i18n.Default))
	}
	out := os.Stdout
	if c.File != "" {
		if out, err = os.Create(c.File); err != nil {
			return err
		}
	}
	_, err = out.Write(content)
	if err = errors.Join(err, out.Close()); err == nil {
		fmt.Fprintf(os.Stderr, "%s (number %d): %d shipments, %d remarks\n", batch.FileName, batch.Number, batch.Shipments, len(batch.Remarks))
	}
	return err
}
