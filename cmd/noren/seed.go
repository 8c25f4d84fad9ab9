package main

import (
	"context"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/search"
	"github.com/noren-commerce/noren/seed"
	"github.com/noren-commerce/noren/storage/postgres"
)

// seedCommand fills a database with a sample shop.
type seedCommand struct {
	databaseFlags
	Scale int `env:"NOREN_SEED_SCALE" help:"Products of the first brand, for benchmarks; 0 is the sample's own 220."`
}

// Run migrates and writes the sample retailer; what is there stays.
func (c *seedCommand) Run(ctx context.Context) error {
	if err := postgres.Migrate(ctx, c.DatabaseURL); err != nil {
		return err
	}
	db, err := postgres.Open(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer db.Close()
	return writeSample(ctx, db, c.Scale)
}

// writeSample writes the sample retailer and shows how far it is.
func writeSample(ctx context.Context, db *postgres.DB, scale int) error {
	options := seed.Options{Scale: scale}
	bar := progressbar.NewOptions(options.Count(), progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetDescription("sample products"),
		progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionThrottle(200*time.Millisecond), progressbar.OptionClearOnFinish())
	before := 0
	options.Progress = func(done int) {
		if done < before { // the next brand begins
			before = 0
		}
		_ = bar.Add(done - before)
		before = done
	}
	if err := seed.Write(ctx, db, options); err != nil {
		return err
	}
	return catalog.NewIndexer(postgres.NewCatalog(db), search.NewAnalyzer()).Missing(ctx, nil)
}
