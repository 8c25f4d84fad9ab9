package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/schollz/progressbar/v3"

	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/migration"
	"github.com/noren-commerce/noren/core/sealing"
	"github.com/noren-commerce/noren/storage/postgres"
)

type (
	importMembers   struct{ pastFlags }
	importPoints    struct{ pastFlags }
	importPurchases struct{ pastFlags }
)

// Run brings members in.
func (c *importMembers) Run(ctx context.Context) error { return c.bring(ctx, migration.Members) }

// Run brings balances of points in.
func (c *importPoints) Run(ctx context.Context) error { return c.bring(ctx, migration.Points) }

// Run brings receipts in.
func (c *importPurchases) Run(ctx context.Context) error { return c.bring(ctx, migration.Purchases) }

// pastFlags are those of imports of past data. Personal data is sealed as servers seal it.
type pastFlags struct {
	personalFlags
	File    string `arg:"" type:"existingfile" help:"The file: CSV with commas or tabs, in UTF-8, CP932 or UTF-16."`
	Mapping string `required:"" type:"existingfile" help:"The mapping of columns, YAML; see docs/migration.md."`
	Channel string `env:"NOREN_CHANNEL" help:"Code of the channel whose brand it is; the oldest if left out."`
	DryRun  bool   `env:"NOREN_IMPORT_DRY_RUN" help:"Read and convert all, write the report, and take nothing."`
	Resume  bool   `env:"NOREN_IMPORT_RESUME" help:"Go on with an import of the same file that broke off."`
	Report  string `env:"NOREN_IMPORT_REPORT" help:"Where to write the report as CSV; FILE.report.csv if left out."`
}

func (c *pastFlags) bring(ctx context.Context, kind migration.Kind) error {
	return c.with(ctx, func(db *postgres.DB, keys *sealing.Keys) error {
		ch, err := channel.New(postgres.NewChannels(db), clock.System).Resolve(ctx, c.Channel, "")
		if err != nil {
			return fmt.Errorf("--channel: %w", err)
		}
		mapping, err := os.ReadFile(c.Mapping)
		if err != nil {
			return err
		}
		info, err := os.Stat(c.File)
		if err != nil {
			return err
		}
		ctx := channel.With(access.With(ctx, access.System), ch)
		past := app.NewMigrations(db, keys, clock.System)
		bar := newProgress(filepath.Base(c.File), info.Size(), progressbar.OptionShowBytes(true))
		run, err := past.Import(ctx, migration.FileInput{
			Kind: kind, FileName: filepath.Base(c.File), Mapping: string(mapping), Open: func() (io.ReadCloser, error) { return os.Open(c.File) },
			DryRun: c.DryRun, Resume: c.Resume, Progress: bar.set,
		})
		bar.finish()
		if err != nil || run == nil {
			return err
		}
		return c.tell(ctx, past, *run)
	})
}

// tell says what became of the file, and writes the report.
func (c *pastFlags) tell(ctx context.Context, past *migration.Service, run migration.Run) error {
	would := map[bool]string{true: "would be ", false: ""}[c.DryRun]
	fmt.Printf("%s: %d rows, %d %saccepted, %d %srejected, %d known already, %d pairs of members that may be one\n",
		run.FileName, run.Rows, run.Accepted, would, run.Rejected, would, run.Repeated, run.Proposals)
	path := c.Report
	if path == "" {
		path = c.File + ".report.csv"
	}
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(past.WriteReport(ctx, run, out), out.Close()); err != nil {
		return err
	}
	fmt.Printf("the report is %s\n", path)
	if run.State == migration.Failed {
		return errors.New(run.Failure)
	}
	return nil
}
