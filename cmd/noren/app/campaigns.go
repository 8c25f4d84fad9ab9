package app

import (
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/promotion"
	"github.com/noren-commerce/noren/storage/postgres"
)

// newCampaigns puts together campaigns and coupons.
func newCampaigns(db *postgres.DB, jobs *postgres.Jobs, now clock.Clock) *promotion.Service {
	return promotion.New(promotion.Parts{
		Tx: db, Store: postgres.NewCampaigns(db), Keys: idempotency.New(db, postgres.NewKeys(db), now), Turns: jobs,
		Events: postgres.NewEvents(db), Now: now,
	})
}
