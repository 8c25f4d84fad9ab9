package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/ledger"
	csv "github.com/noren-commerce/noren/core/sheet"
	"github.com/noren-commerce/noren/storage/postgres"
)

// exportSettlement writes the lines of the payment journal.
type exportSettlement struct {
	databaseFlags
	File     string    `arg:"" optional:"" help:"Where to write; standard output if left out."`
	From     time.Time `format:"2006-01-02" required:"" env:"NOREN_SETTLEMENT_FROM" help:"The first day."`
	To       time.Time `format:"2006-01-02" required:"" env:"NOREN_SETTLEMENT_TO" help:"The last day."`
	Channel  string    `env:"NOREN_CHANNEL" help:"Code of the channel whose brand it is; the oldest if left out."`
	Encoding string    `enum:"utf-8,cp932" default:"utf-8" env:"NOREN_EXPORT_ENCODING" help:"utf-8 (with a byte order mark, for Excel) or cp932."`
}

// encodings by how the command line names them.
var encodings = map[string]csv.Encoding{"utf-8": csv.UTF8, "cp932": csv.CP932}

// Run writes the file as it is read: memory does not grow with the journal.
func (c *exportSettlement) Run(ctx context.Context) error {
	db, err := postgres.Open(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer db.Close()
	ch, err := channel.New(postgres.NewChannels(db), clock.System).Resolve(ctx, c.Channel, "")
	if err != nil {
		return fmt.Errorf("--channel: %w", err)
	}
	out := os.Stdout
	if c.File != "" {
		if out, err = os.Create(c.File); err != nil {
			return err
		}
	}
	began := time.Now()
	lines, err := app.NewLedger(db, nil, nil, clock.System).Export(channel.With(access.With(ctx, access.System), ch), ledger.Days{From: c.From, To: c.To}, encodings[c.Encoding], out)
	if err = errors.Join(err, out.Close()); err == nil {
		fmt.Fprintf(os.Stderr, "%d lines in %s\n", lines, time.Since(began).Round(time.Millisecond))
	}
	return err
}
