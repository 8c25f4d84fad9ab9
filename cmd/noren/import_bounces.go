package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/noren-commerce/noren/adapters/dsn"
	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/core/access"
)

// importBounces takes in what came back by e-mail.
type importBounces struct {
	app.Config
	File string `arg:"" type:"existingfile" help:"The mailbox file (mbox) of the address that mails come back to. It may be taken in again: each counts once."`
}

// Run works through the mailbox and says what became of it.
func (c *importBounces) Run(ctx context.Context) error {
	a, err := app.Open(ctx, c.Config)
	if err != nil {
		return err
	}
	return errors.Join(c.take(access.With(ctx, access.System), a), a.Close())
}

func (c *importBounces) take(ctx context.Context, a *app.App) error {
	file, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	counts := map[string]int{}
	for raw, err := range dsn.Mailbox(file) {
		if err != nil {
			return err
		}
		outcome, err := app.TakeReturned(ctx, a.Resolvers.Mailings, raw)
		if errors.Is(err, dsn.ErrUnreadable) {
			outcome, err = "UNREADABLE", nil
		}
		if err != nil {
			return err
		}
		counts[outcome]++
	}
	fmt.Printf("%s: %d taken in, %d seen before, %d unsubscribed, %d of mails that are not known, %d neither, %d unreadable\n", c.File,
		counts["TAKEN"], counts["SEEN"], counts["UNSUBSCRIBED"], counts["UNKNOWN"], counts["IGNORED"], counts["UNREADABLE"])
	return nil
}
