package app

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/i18n"
)

// shopPages is the address of the shop's pages, where mailed links lead.
func (c Config) shopPages() string { return strings.TrimSuffix(cmp.Or(c.ShopURL, c.PublicURL), "/") }

// runRecurring sees to the recurring orders of every channel; trouble in one keeps none
// of the others waiting.
func (a *App) runRecurring(ctx context.Context) error {
	channels, err := a.Channels.All(ctx)
	for _, c := range channels {
		err = errors.Join(err, a.Resolvers.Recurring.Run(i18n.WithLanguage(channel.With(ctx, c), c.DefaultLocale)))
	}
	return err
}
