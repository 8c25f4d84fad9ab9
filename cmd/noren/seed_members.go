package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/seed"
	"github.com/noren-commerce/noren/storage/postgres"
)

// populationFlags say how large a membership the sample has.
type populationFlags struct {
	Members   int    `help:"Members to make for measurements, with cards, consents, pets and addresses; broken off, the same command goes on. Needs the secret that the servers have."`
	Purchases int    `help:"Items that they bought."`
	Years     int    `default:"3" help:"Over how many years."`
	Seed      uint64 `default:"1" help:"Another number makes other people."`
}

// populate makes the members and what they bought.
func (c *seedCommand) populate(ctx context.Context, db *postgres.DB) error {
	if c.Members == 0 && c.Purchases == 0 {
		return nil
	}
	secret := cmp.Or(c.PersonalKey, c.Secret)
	if secret == "" {
		return errors.New("members' data is sealed: set NOREN_SECRET to what the servers have")
	}
	keys, err := app.NewSealing(secret, db, clock.System)
	if err != nil {
		return err
	}
	p := seed.Population{Members: c.Members, Purchases: c.Purchases, Years: c.Years, Seed: c.Seed}.Today(clock.System())
	bar := newProgress("rows of members and purchases", p.Steps(), progressbar.OptionShowCount(), progressbar.OptionShowIts())
	began := time.Now()
	if err := seed.WritePopulation(ctx, db, keys, p, bar.set); err != nil {
		return fmt.Errorf("%w; the same command goes on with what is missing", err)
	}
	bar.finish()
	fmt.Fprintf(os.Stderr, "%d members and %d purchased items in %s\n", c.Members, c.Purchases, time.Since(began).Round(time.Second))
	return nil
}
