package app

import (
	"cmp"
	"context"
	"strings"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/limit"
	"github.com/noren-commerce/noren/core/promotion"
	"github.com/noren-commerce/noren/core/sealing"
	"github.com/noren-commerce/noren/storage/postgres"
)

// newCampaigns puts together campaigns and coupons.
func newCampaigns(cfg Config, db *postgres.DB, sealed *sealing.Keys, jobs *postgres.Jobs, limiter limit.Limiter, now clock.Clock) *promotion.Service {
	return promotion.New(promotion.Parts{
		Tx: db, Store: postgres.NewCampaigns(db), Keys: idempotency.New(db, postgres.NewKeys(db), now), Turns: jobs,
		Events: postgres.NewEvents(db), Outbox: jobs, Limiter: limiter,
		Segments: NewSegments(db, sealed, now), Codes: sealed,
		ShopURL: strings.TrimSuffix(cmp.Or(cfg.ShopURL, cfg.PublicURL), "/"), Now: now,
	})
}

// simulationTries is how often a simulation is tried: staff wait for it.
const simulationTries = 4

// newSimulator puts together how campaigns are tried on past orders.
func newSimulator(db *postgres.DB, campaigns *promotion.Service, bounds promotion.Bounds, jobs *postgres.Jobs) *promotion.Simulator {
	return &promotion.Simulator{
		Campaigns: campaigns, Store: postgres.NewCampaigns(db), Bounds: bounds,
		Queue: func(ctx context.Context, job promotion.SimulateJob) error {
			return jobs.InsertFew(ctx, simulationTries, job)
		},
	}
}
