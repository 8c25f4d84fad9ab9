package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/order"
)

// booksCommand looks for what an older version has left in the books.
type booksCommand struct {
	app.Config
	Release bool `help:"Give the stock back that given-up orders still hold. Done again, it changes nothing."`
}

// errStranded says that stock is held for nobody.
var errStranded = errors.New("given-up orders still hold stock; give it back with --release")

// Run names the stock that given-up orders still hold, and fails while there is some.
func (c *booksCommand) Run(ctx context.Context) error {
	a, err := app.Open(ctx, c.Config)
	if err != nil {
		return err
	}
	return errors.Join(c.look(access.With(ctx, access.System), a.Resolvers.Orders), a.Close())
}

func (c *booksCommand) look(ctx context.Context, orders *order.Service) error {
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	defer func() { _ = out.Flush() }()
	lines, left := 0, 0
	for after := uuid.Nil; ; {
		found, err := orders.Stranded(ctx, after)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			break
		}
		for _, h := range found {
			lines++
			_, _ = fmt.Fprintf(out, "%s\t%s\t%s\t%d\n", h.Number, h.SKU, h.Location, h.Quantity)
			if h.OrderID == after {
				continue
			}
			after = h.OrderID
			if c.Release {
				if _, err := orders.ReleaseStranded(ctx, after); err != nil {
					return fmt.Errorf("order %s: %w", h.Number, err)
				}
			} else {
				left++
			}
		}
	}
	_, _ = fmt.Fprintf(out, "%d lines of stock of given-up orders\n", lines)
	if left > 0 {
		return errStranded
	}
	return nil
}
