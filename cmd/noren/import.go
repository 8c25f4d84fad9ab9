package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/schollz/progressbar/v3"

	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/importing"
	"github.com/noren-commerce/noren/storage/postgres"
)

type importCommand struct {
	Products  importProducts  `cmd:"" help:"Import products from CSV (noren's own or Shopify's) or xlsx."`
	Bounces   importBounces   `cmd:"" help:"Take in what came back by e-mail, from a mailbox file (mbox)."`
	Shipments importShipments `cmd:"" help:"Take in what a carrier or warehouse says of shipments, from CSV or xlsx."`
	Prices    importPrices    `cmd:"" help:"Preview prices from CSV or xlsx, and put them in force."`
	Members   importMembers   `cmd:"" help:"Bring members of another system in, by a mapping of columns."`
	Points    importPoints    `cmd:"" help:"Bring balances of points of another system in, by a mapping of columns."`
	Purchases importPurchases `cmd:"" help:"Bring receipts of another system in, by a mapping of columns."`
}

// importProducts imports a file of products.
type importProducts struct {
	databaseFlags
	File     string `arg:"" type:"existingfile" help:"The file: CSV in UTF-8 or CP932, or xlsx."`
	Channel  string `env:"NOREN_CHANNEL" help:"Code of the channel that sells them; the oldest if left out."`
	Format   string `enum:",noren,shopify" default:"" env:"NOREN_IMPORT_FORMAT" help:"Layout of the columns: noren or shopify; told by the header if left out."`
	Encoding string `enum:",utf-8,cp932" default:"" env:"NOREN_IMPORT_ENCODING" help:"utf-8 or cp932; told by the content if left out."`
	Exact    bool   `env:"NOREN_IMPORT_EXACT" help:"Reject amounts finer than the currency instead of rounding them."`
	Restart  bool   `env:"NOREN_IMPORT_RESTART" help:"Begin anew where an earlier run of this file broke off."`
	DryRun   bool   `env:"NOREN_IMPORT_DRY_RUN" help:"Say what would happen, and write nothing."`
	Report   string `env:"NOREN_IMPORT_REPORT" help:"Where to write the rejected rows as CSV; FILE.rejected.csv if left out."`
}

// Run imports the file and says what became of it.
func (c *importProducts) Run(ctx context.Context) error {
	db, err := postgres.Open(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer db.Close()
	ch, err := channel.New(postgres.NewChannels(db), clock.System).Resolve(ctx, c.Channel, "")
	if err != nil {
		return fmt.Errorf("--channel: %w", err)
	}
	info, err := os.Stat(c.File)
	if err != nil {
		return err
	}
	bar := newProgress(filepath.Base(c.File), info.Size(), progressbar.OptionShowBytes(true))
	report := &rejectedFile{path: c.Report}
	if report.path == "" {
		report.path = c.File + ".rejected.csv"
	}
	ctx = channel.With(access.With(ctx, access.System), ch)
	run, err := app.NewImports(db, nil, clock.System).Import(ctx, importing.Input{
		FileName: filepath.Base(c.File), Open: func() (io.ReadCloser, error) { return os.Open(c.File) }, Restart: c.Restart, DryRun: c.DryRun,
		Options: importing.Options{Format: importing.Format(c.Format), Encoding: importing.Encoding(c.Encoding), Exact: c.Exact},
		Progress: func(p importing.Progress) {
			bar.set(p.Bytes)
			report.add(p.Rejected)
		},
	})
	bar.finish()
	if run != nil && c.DryRun {
		fmt.Printf("%s: would create %d, update %d, reject %d; nothing was written\n", run.FileName, run.Created, run.Updated, run.Rejected)
	} else if run != nil {
		fmt.Printf("%s: %d created, %d updated, %d rejected\n", run.FileName, run.Created, run.Updated, run.Rejected)
	}
	return errors.Join(err, report.close())
}

// rejectedFile is the report of the rows that were not taken as they stood. It is
// made with its first row.
type rejectedFile struct {
	path   string
	file   *os.File
	writer *csv.Writer
	rows   int
	err    error
}

func (f *rejectedFile) add(rejections []importing.Rejection) {
	for _, r := range rejections {
		if f.file == nil && f.err == nil {
			if f.file, f.err = os.Create(f.path); f.err != nil {
				return
			}
			f.writer = csv.NewWriter(f.file)
			f.err = f.writer.Write([]string{"line", "product", "column", "value", "taken", "理由", "reason"})
		}
		if f.err != nil {
			return
		}
		f.err = f.writer.Write([]string{strconv.Itoa(r.Line), r.Slug, r.Column, r.Value, strconv.FormatBool(r.Warning), r.JA, r.EN})
		f.rows++
	}
}

func (f *rejectedFile) close() error {
	if f.file == nil {
		return f.err
	}
	f.writer.Flush()
	fmt.Printf("%d remarks are in %s\n", f.rows, f.path)
	return errors.Join(f.err, f.writer.Error(), f.file.Close())
}
