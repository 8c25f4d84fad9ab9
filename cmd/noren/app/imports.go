package app

import (
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/importing"
	"github.com/noren-commerce/noren/storage/postgres"
)

// NewImports makes the import service over a database, for the command and the server.
func NewImports(db *postgres.DB, now clock.Clock) *importing.Service {
	return importing.New(postgres.NewImports(db), nil, now)
}
