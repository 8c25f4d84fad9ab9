package app

import (
	"net/http"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/link"
	"github.com/noren-commerce/noren/core/statistics"
	"github.com/noren-commerce/noren/storage/postgres"
)

// newStatistics puts together who keeps the figures by day.
func newStatistics(cfg Config, db *postgres.DB, jobs *postgres.Jobs, now clock.Clock) (*statistics.Service, error) {
	links, err := link.New(cfg.Secret, "noren statistic exports", cfg.PublicURL, statistics.LinkPath, now)
	if err != nil {
		return nil, err
	}
	return statistics.New(statistics.Parts{Tx: db, Store: postgres.NewStatistics(db), Events: postgres.NewEvents(db), Jobs: jobs, Links: links, Now: now}), nil
}

// statisticExport serves a file of figures to who has the link.
func (a *App) statisticExport(w http.ResponseWriter, r *http.Request) {
	a.download(w, r, func(out *download) error {
		id, expires, signature := signedFor(r)
		e, err := a.Resolvers.Statistics.Open(r.Context(), id, expires, signature)
		if err != nil {
			return err
		}
		out.kind, out.name = e.Encoding.ContentType(), "statistics.csv"
		return a.Resolvers.Statistics.Write(r.Context(), *e, out)
	})
}
