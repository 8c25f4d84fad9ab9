package app

import (
	"net/http"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/link"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/migration"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/purchase"
	"github.com/noren-commerce/noren/core/sealing"
	"github.com/noren-commerce/noren/storage/postgres"
)

// newMigrations puts together who brings past data in.
func newMigrations(cfg Config, db *postgres.DB, jobs *postgres.Jobs, sealed *sealing.Keys, loyalty *points.Service, members *member.Service, now clock.Clock) (*migration.Service, error) {
	links, err := link.New(cfg.Secret, "noren migration reports", cfg.PublicURL, migration.ReportPath, now)
	if err != nil {
		return nil, err
	}
	parts := migrationParts(db, jobs, sealed, loyalty, now)
	parts.Members, parts.Links = members, links
	return migration.New(parts), nil
}

func migrationParts(db *postgres.DB, jobs *postgres.Jobs, sealed *sealing.Keys, loyalty *points.Service, now clock.Clock) migration.Parts {
	events := postgres.NewEvents(db)
	history := purchase.New(purchase.Parts{Tx: db, Store: postgres.NewPurchases(db), Events: events, Now: now}) // which earns nothing
	return migration.Parts{Store: postgres.NewDataMigrations(db, jobs, sealed), Points: loyalty, Purchases: history, Events: events, Now: now}
}

// NewMigrations makes what brings past data in, for noren's commands.
func NewMigrations(db *postgres.DB, sealed *sealing.Keys, now clock.Clock) *migration.Service {
	loyalty := points.New(points.Parts{Tx: db, Store: postgres.NewPoints(db), Events: postgres.NewEvents(db), Now: now})
	return migration.New(migrationParts(db, nil, sealed, loyalty, now))
}

// migrationReport serves the report of a file of past data to who has the link.
func (a *App) migrationReport(w http.ResponseWriter, r *http.Request) {
	a.download(w, r, func(out *download) error {
		id, expires, signature := signedFor(r)
		run, err := a.Resolvers.Migrations.Open(r.Context(), id, expires, signature)
		if err != nil {
			return err
		}
		out.kind, out.name = "text/csv; charset=utf-8", "migration.csv"
		return a.Resolvers.Migrations.WriteReport(r.Context(), *run, out)
	})
}
