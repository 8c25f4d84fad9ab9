package app

import (
	"log/slog"
	"net/http"

	"github.com/go-chi/chi/v5"

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
	query := r.URL.Query()
	e, err := a.Resolvers.Statistics.Open(r.Context(), chi.URLParam(r, "id"), query.Get("expires"), query.Get("signature"))
	if err != nil {
		a.Edge.WriteFault(w, r, err)
		return
	}
	out := &download{ResponseWriter: w, kind: e.Encoding.ContentType(), name: "statistics.csv"}
	a.send(out, r, a.Resolvers.Statistics.Write(r.Context(), *e, out))
}

// send ends a download: with the fault if nothing was sent yet, else abruptly, so that
// nobody takes the part for the whole.
func (a *App) send(out *download, r *http.Request, err error) {
	switch {
	case err == nil:
	case !out.begun:
		a.Edge.WriteFault(out.ResponseWriter, r, err)
	default:
		slog.ErrorContext(r.Context(), "a download broke off", "file", out.name, "error", err)
		panic(http.ErrAbortHandler)
	}
}
