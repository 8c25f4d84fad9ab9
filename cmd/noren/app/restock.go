package app

import (
	"cmp"
	"context"
	"strings"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/company"
	"github.com/noren-commerce/noren/core/display"
	"github.com/noren-commerce/noren/core/limit"
	"github.com/noren-commerce/noren/core/scope"
	"github.com/noren-commerce/noren/storage/postgres"
)

// shoppers are the buyers of requests, each found out once.
type shoppers struct{ *company.Service }

// Buyer is the context's actor as a buyer.
func (s shoppers) Buyer(ctx context.Context) (scope.Buyer, error) {
	return display.Asked(ctx, s.Service.Buyer)
}

// newRestock puts together who is told when stock returns.
func newRestock(cfg Config, db *postgres.DB, rules *display.Service, jobs *postgres.Jobs, limiter limit.Limiter, now clock.Clock) *display.Restock {
	return display.NewRestock(display.RestockParts{
		Tx: db, Store: postgres.NewDisplay(db), Rules: rules, Limiter: limiter, Outbox: jobs, Events: postgres.NewEvents(db),
		Queue:   func(ctx context.Context) error { return jobs.Insert(ctx, display.RestockJob{}) },
		ShopURL: strings.TrimSuffix(cmp.Or(cfg.ShopURL, cfg.PublicURL), "/"), Now: now,
	})
}
