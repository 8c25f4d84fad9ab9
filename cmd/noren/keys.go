package main

import (
	"context"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/storage/postgres"
)

// keysCommand looks after the keys that sign access tokens, and those that seal personal
// data.
type keysCommand struct {
	List     keysList     `cmd:"" help:"List the signing keys that are valid."`
	Rotate   keysRotate   `cmd:"" help:"Make a new signing key; the old ones stay valid until their last token has expired."`
	Personal personalKeys `cmd:"" help:"Look after the keys that seal personal data."`
}

// keysFlags name the keys to work on.
type keysFlags struct {
	databaseFlags
	Secret string `env:"NOREN_SECRET" required:"" help:"The secret with which signing keys are encrypted: the server's."`
}

func (c keysFlags) with(ctx context.Context, f func(*identity.Keys) error) error {
	db, err := postgres.Open(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer db.Close()
	keys, err := identity.NewKeys(postgres.NewSigningKeys(db), c.Secret, clock.System)
	if err != nil {
		return err
	}
	return f(keys)
}

type keysList struct{ keysFlags }

// Run lists the keys, newest first.
func (c keysList) Run(ctx context.Context) error {
	return c.with(ctx, func(keys *identity.Keys) error {
		all, err := keys.All(ctx)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(w, "KEY\tMADE\tSIGNS FROM\tVALID UNTIL")
		for _, k := range all {
			until := "the next rotation"
			if k.ValidUntil != nil {
				until = k.ValidUntil.Format(time.RFC3339)
			}
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", k.ID, k.CreatedAt.Format(time.RFC3339), k.SignsFrom.Format(time.RFC3339), until)
		}
		return w.Flush()
	})
}

type keysRotate struct {
	keysFlags
	Now bool `help:"The old keys may have leaked: make them void at once. Everybody's access token must be refreshed."`
}

// Run makes a new key.
func (c keysRotate) Run(ctx context.Context) error {
	return c.with(ctx, func(keys *identity.Keys) error {
		key, err := keys.Rotate(ctx, c.Now)
		if err == nil {
			fmt.Printf("%s signs from %s\n", key.ID, key.SignsFrom.Format(time.RFC3339))
		}
		return err
	})
}
