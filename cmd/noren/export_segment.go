package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/sealing"
	"github.com/noren-commerce/noren/core/segment"
	"github.com/noren-commerce/noren/storage/postgres"
)

// exportSegment writes the members of a segment.
type exportSegment struct {
	personalFlags
	Name     string `arg:"" help:"The segment's name."`
	File     string `arg:"" optional:"" help:"Where to write, as xlsx if it ends so, else CSV; CSV to standard output if left out."`
	Channel  string `env:"NOREN_CHANNEL" help:"Code of the channel whose brand it is; the oldest if left out."`
	Encoding string `enum:"utf-8,cp932" default:"utf-8" env:"NOREN_EXPORT_ENCODING" help:"Of CSV: utf-8 (with a byte order mark, for Excel) or cp932."`
}

// Run writes the file, and that it was written into the audit history.
func (c *exportSegment) Run(ctx context.Context) error {
	return c.with(ctx, func(db *postgres.DB, keys *sealing.Keys) error {
		ch, err := channel.New(postgres.NewChannels(db), clock.System).Resolve(ctx, c.Channel, "")
		if err != nil {
			return fmt.Errorf("--channel: %w", err)
		}
		ctx := channel.With(access.With(ctx, access.System), ch)
		segments := app.NewSegments(db, keys, clock.System)
		kept, err := segments.Named(ctx, c.Name)
		if err != nil {
			return err
		}
		if kept == nil {
			return fmt.Errorf("there is no segment in use with the name %q", c.Name)
		}
		e := segment.Export{ID: id.New(), SegmentID: kept.ID, BrandID: kept.BrandID, Format: segment.CSV, Encoding: segment.UTF8, ActorRole: access.RoleSystem}
		if strings.HasSuffix(strings.ToLower(c.File), ".xlsx") {
			e.Format = segment.XLSX
		}
		if c.Encoding == "cp932" {
			e.Encoding = segment.CP932
		}
		out := os.Stdout
		if c.File != "" {
			if out, err = os.OpenFile(c.File, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600); err != nil {
				return err
			}
		}
		return errors.Join(segments.Write(ctx, e, out), out.Close())
	})
}
