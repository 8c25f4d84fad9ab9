package app

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/company"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/importing"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/search"
	"github.com/noren-commerce/noren/storage/postgres"
)

// NewImports makes the import service over a database, for the command, which
// queues no jobs, and for the server.
func NewImports(db *postgres.DB, jobs *postgres.Jobs, now clock.Clock) *importing.Service {
	var uploads importing.Uploads
	if jobs != nil {
		uploads = postgres.NewUploads(db, jobs)
	}
	return importing.New(postgres.NewImports(db), uploads, catalog.NewIndexer(postgres.NewCatalog(db), search.NewAnalyzer()), now)
}

// newPriceImports makes the keeper of prices by file.
func newPriceImports(db *postgres.DB, jobs *postgres.Jobs, floors importing.PriceFloors, lists *pricing.Lists, now clock.Clock) *importing.Prices {
	events := postgres.NewEvents(db)
	return importing.NewPrices(importing.PriceParts{
		Store: postgres.NewPriceImports(db, jobs), Floors: floors, Lists: lists, Rates: newConditions(db, jobs, events, now),
		Shelves: postgres.NewCatalog(db), Turns: jobs, Events: events, Now: now,
	})
}

// NewPriceImports makes the keeper of prices by file over a database, for the command.
func NewPriceImports(db *postgres.DB, now clock.Clock) (*importing.Prices, error) {
	jobs, err := postgres.NewJobs(db)
	if err != nil {
		return nil, err
	}
	events := postgres.NewEvents(db)
	companies := company.New(company.Parts{Tx: db, Store: postgres.NewCompanies(db), Keys: idempotency.New(db, postgres.NewKeys(db), now), Events: events, Now: now})
	floors := pricing.New(postgres.NewPricing(db), companies, nil, now)
	return newPriceImports(db, jobs, floors, newLists(db, jobs, floors, events, now), now), nil
}

// channelByID finds the channel that a job works for.
func (a *App) channelByID(ctx context.Context, channelID uuid.UUID) (channel.Channel, error) {
	channels, err := a.Channels.All(ctx)
	for _, c := range channels {
		if c.ID == channelID {
			return c, nil
		}
	}
	if err == nil {
		err = fault.ErrNotFound
	}
	return channel.Channel{}, err
}
