package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/schollz/progressbar/v3"

	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/search"
	"github.com/noren-commerce/noren/seed"
	"github.com/noren-commerce/noren/storage/postgres"
)

// seedCommand fills a database with a sample shop.
type seedCommand struct {
	personalFlags
	Scale int `env:"NOREN_SEED_SCALE" help:"Products of the first brand, for benchmarks; 0 is the sample's own 220."`
	populationFlags
	Password string `env:"NOREN_SEED_PASSWORD" default:"noren-sample-2026" help:"Password of the sample accounts. Everybody can read the default one: choose another where others reach the database."`
}

// Run migrates and writes the sample retailer; what is there stays.
func (c *seedCommand) Run(ctx context.Context) error {
	if err := postgres.Migrate(ctx, c.DatabaseURL); err != nil {
		return err
	}
	db, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := writeSample(ctx, db, seed.Options{Scale: c.Scale, Password: c.Password}); err != nil {
		return err
	}
	if err := c.populate(ctx, db); err != nil {
		return err
	}
	printAccounts(c.Password)
	return nil
}

// printAccounts says who can log in to the sample shop. The password is what the
// accounts were made with; one that was changed since stays changed.
func printAccounts(password string) {
	accounts := append(seed.Staff(), seed.Members()[0])
	fmt.Println("Log in with")
	for _, a := range accounts {
		fmt.Printf("  %-14s %-30s %s\n", a.Role, a.Email, password)
	}
}

// writeSample writes the sample retailer and shows how far it is.
func writeSample(ctx context.Context, db *postgres.DB, options seed.Options) error {
	bar := newProgress("sample products", int64(options.Count()), progressbar.OptionShowCount(), progressbar.OptionShowIts())
	before, sum := 0, int64(0)
	options.Progress = func(done int) {
		if done < before { // the next brand begins
			before = 0
		}
		sum += int64(done - before)
		before = done
		bar.set(sum)
	}
	defer bar.finish()
	indexer := catalog.NewIndexer(postgres.NewCatalog(db), search.NewAnalyzer().Remembering())
	options.Index = indexer.Entry
	if err := seed.Write(ctx, db, options); err != nil {
		return err
	}
	// The shelves, and what was written without an index.
	if err := indexer.Missing(ctx, nil); err != nil || options.Scale > 0 {
		return err // who measures wants the catalog alone
	}
	return errors.Join(seed.WriteIssuers(ctx, db, clock.System()), seed.WriteOrders(ctx, db, clock.System()), seed.WriteQuotations(ctx, db, clock.System()), seed.WriteShelves(ctx, db, clock.System()), seed.WriteTerms(ctx, db, clock.System()),
		seed.WriteAccounts(ctx, db, clock.System()), seed.WriteDocuments(ctx, db, clock.System()), seed.WriteMembers(ctx, db, clock.System()))
}
