package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/sealing"
	"github.com/noren-commerce/noren/storage/postgres"
)

// personalFlags name the keys of personal data to work on.
type personalFlags struct {
	databaseFlags
	Secret      string `env:"NOREN_SECRET" help:"The server's secret: the master key, unless NOREN_PERSONAL_KEY is set."`
	PersonalKey string `env:"NOREN_PERSONAL_KEY" help:"The master key of personal data."`
}

// open opens the database. If the master key is named, what is sealed can be read, and
// what is written is sealed.
func (c personalFlags) open(ctx context.Context) (*postgres.DB, error) {
	db, err := postgres.Open(ctx, c.DatabaseURL)
	master := cmp.Or(c.PersonalKey, c.Secret)
	if err != nil || master == "" {
		return db, err
	}
	keys, err := app.NewSealing(master, db, clock.System)
	if err != nil {
		db.Close()
		return nil, err
	}
	db.SealWith(keys)
	return db, nil
}

func (c personalFlags) with(ctx context.Context, f func(*postgres.DB, *sealing.Keys) error) error {
	db, err := postgres.Open(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer db.Close()
	keys, err := app.NewSealing(cmp.Or(c.PersonalKey, c.Secret), db, clock.System)
	if err != nil {
		return err
	}
	return f(db, keys)
}

// personalKeys looks after the keys that seal personal data.
type personalKeys struct {
	List   personalList   `cmd:"" help:"List the data keys, and how many rows the newest has not sealed."`
	Rotate personalRotate `cmd:"" help:"Make a new data key and seal everything with it; broken off, run reseal."`
	Reseal personalReseal `cmd:"" help:"Seal with the newest key what it has not sealed; goes on where it stopped. The worker does it every hour."`
	Rewrap personalRewrap `cmd:"" help:"Wrap the data keys with another master key: stop the servers, rewrap, start them with the new NOREN_PERSONAL_KEY."`
}

type personalList struct{ personalFlags }

// Run lists the keys, newest first.
func (c personalList) Run(ctx context.Context) error {
	return c.with(ctx, func(db *postgres.DB, keys *sealing.Keys) error {
		all, err := keys.All(ctx)
		if err != nil {
			return err
		}
		stale, err := postgres.NewPersonal(db, keys).Stale(ctx)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(w, "KEY\tMADE")
		for _, k := range all {
			_, _ = fmt.Fprintf(w, "%s\t%s\n", k.ID, k.CreatedAt.Format(time.RFC3339))
		}
		_, _ = fmt.Fprintf(w, "\n%d rows are not sealed with the newest\n", stale)
		return w.Flush()
	})
}

type personalRotate struct{ personalFlags }

// Run makes a new key and seals with it.
func (c personalRotate) Run(ctx context.Context) error {
	return c.with(ctx, func(db *postgres.DB, keys *sealing.Keys) error {
		key, err := keys.Rotate(ctx)
		if err != nil {
			return err
		}
		fmt.Printf("%s seals from now on\n", key.ID)
		return reseal(ctx, db, keys)
	})
}

type personalReseal struct{ personalFlags }

// Run seals anew.
func (c personalReseal) Run(ctx context.Context) error {
	return c.with(ctx, func(db *postgres.DB, keys *sealing.Keys) error { return reseal(ctx, db, keys) })
}

func reseal(ctx context.Context, db *postgres.DB, keys *sealing.Keys) error {
	n, err := postgres.NewPersonal(db, keys).Reseal(ctx, func(done int) { fmt.Fprintf(os.Stderr, "\r%d rows", done) })
	fmt.Fprintln(os.Stderr)
	if err == nil {
		fmt.Printf("%d rows sealed anew\n", n)
	}
	return err
}

type personalRewrap struct {
	personalFlags
	To string `env:"NOREN_PERSONAL_KEY_NEW" required:"" help:"The new master key, at least 32 random characters."`
}

// Run wraps the keys with the new master key.
func (c personalRewrap) Run(ctx context.Context) error {
	if len(c.To) < 32 {
		return errors.New("NOREN_PERSONAL_KEY_NEW must have at least 32 characters")
	}
	return c.with(ctx, func(_ *postgres.DB, keys *sealing.Keys) error {
		master, err := app.PersonalMaster(c.To)
		if err != nil {
			return err
		}
		n, err := keys.Rewrap(ctx, master)
		if err == nil {
			fmt.Printf("%d keys wrapped; set NOREN_PERSONAL_KEY to the new key\n", n)
		}
		return err
	})
}
