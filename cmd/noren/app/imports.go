package app

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/importing"
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
