package app

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/riverqueue/river"

	"github.com/noren-commerce/noren/core/link"
	"github.com/noren-commerce/noren/core/mailing"
	"github.com/noren-commerce/noren/storage/postgres"
)

// newMailings puts together what is sent to segments, over what the rest has in common.
func newMailings(cfg Config, db *postgres.DB, p mailing.Parts) (*mailing.Service, error) {
	var err error
	if p.Links, err = link.New(cfg.Secret, "noren mailing files", cfg.PublicURL, mailing.LinkPath, p.Now); err != nil {
		return nil, err
	}
	if p.Tokens, err = mailing.NewTokens(cfg.Secret, cfg.PublicURL); err != nil {
		return nil, err
	}
	p.Tx, p.Events, p.Bounces, p.Requests = db, postgres.NewEvents(db), cfg.MailBounces, cfg.MailUnsubscribe
	return mailing.New(p)
}

// mailingWorkers are the jobs about mailings.
func (a *App) mailingWorkers(w *river.Workers) {
	work(w, func(ctx context.Context, j mailing.WorkJob) error { return a.Resolvers.Mailings.Work(ctx, j) })
	river.AddWorker(w, &longJob[mailing.TrackJob]{f: func(ctx context.Context, _ mailing.TrackJob) error { return a.Resolvers.Mailings.Track(ctx) }})
}

// mailingJobs are those that run regularly.
func mailingJobs() []*river.PeriodicJob {
	return []*river.PeriodicJob{every(time.Minute, mailing.WorkJob{}), every(time.Hour, mailing.TrackJob{})}
}

// mailingFile serves labels, or who is left out, to who has the link.
func (a *App) mailingFile(w http.ResponseWriter, r *http.Request) {
	a.download(w, r, func(out *download) error {
		id, expires, signature := signedFor(r)
		f, m, err := a.Resolvers.Mailings.Open(r.Context(), id, expires, signature)
		if err != nil {
			return err
		}
		out.kind, out.name = "application/pdf", "labels.pdf"
		if f.Kind == mailing.LeftOutList {
			out.kind, out.name = "text/csv; charset=utf-8", strings.ToLower(string(f.Kind))+".csv"
		}
		return a.Resolvers.Mailings.Write(r.Context(), *f, *m, out)
	})
}
