package app

import (
	"context"
	"strings"
	"time"

	"github.com/riverqueue/river"

	"github.com/noren-commerce/noren/adapters/pointlink"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/limit"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/sealing"
	"github.com/noren-commerce/noren/storage/postgres"
)

// PointConfig says how other point systems are reached.
type PointConfig struct {
	PointLinks []string `env:"NOREN_POINT_LINKS" help:"Point systems that take transfers by HTTP: code=https://token@host/path, separated by commas."`
}

// check fails on an address that points would be lost with.
func (c PointConfig) check() error {
	_, err := c.links()
	return err
}

// links are the ways to the other systems, by the partner's code.
func (c PointConfig) links() (map[string]points.Link, error) {
	all := map[string]points.Link{}
	for _, entry := range c.PointLinks {
		code, address, named := strings.Cut(entry, "=")
		secret, host, keyed := strings.Cut(strings.TrimPrefix(address, "https://"), "@")
		if !named || code == "" || !keyed || secret == "" || host == "" || !strings.HasPrefix(address, "https://") {
			return nil, setting("NOREN_POINT_LINKS", "must be code=https://token@host/path")
		}
		all[code] = pointlink.New(pointlink.Config{URL: "https://" + host, Token: secret})
	}
	return all, nil
}

// newPoints puts together how members' points are kept.
func newPoints(cfg Config, db *postgres.DB, sealed *sealing.Keys, jobs *postgres.Jobs, keys *idempotency.Keys, books *ledger.Books, limiter limit.Limiter, now clock.Clock) (*points.Service, error) {
	links, err := cfg.links()
	return points.New(points.Parts{
		Tx: db, Store: postgres.NewPoints(db), Keys: keys, Events: postgres.NewEvents(db), Books: books, Jobs: jobs, Outbox: jobs, Links: links, Limiter: limiter, Now: now,
		Segments: NewSegments(db, sealed, now),
	}), err
}

// pointWork registers the jobs of points.
func (a *App) pointWork(w *river.Workers) {
	service := a.Resolvers.Points
	work(w, func(ctx context.Context, j points.FollowJob) error { return service.Follow(ctx, j.OrderID) })
	work(w, func(ctx context.Context, j points.WelcomeJob) error { return service.Welcome(ctx, j) })
	work(w, func(ctx context.Context, j points.SendJob) error { return service.Deliver(ctx, j.TransferID) })
	work(w, func(ctx context.Context, _ points.ConfirmJob) error { return service.Confirm(ctx) })
	river.AddWorker(w, alone[points.ReceiptsJob](a.DB, service.EarnReceipts))
	river.AddWorker(w, alone[points.OccasionJob](a.DB, service.Celebrate))
	work(w, func(ctx context.Context, _ points.NoticeJob) error { return service.Notify(ctx) })
	work(w, func(ctx context.Context, _ points.RetryJob) error { return service.Retry(ctx) })
	river.AddWorker(w, &longJob[points.BookJob]{f: func(ctx context.Context, _ points.BookJob) error { return service.BookDays(ctx) }})
	river.AddWorker(w, &longJob[points.BatchJob]{f: func(ctx context.Context, j points.BatchJob) error { return service.GrantBatch(ctx, j.BatchID) }})
	river.AddWorker(w, alone[points.ExpireJob](a.DB, service.Expire))
}

// pointRounds are the jobs of points that run regularly.
func pointRounds() []*river.PeriodicJob {
	return []*river.PeriodicJob{
		every(time.Minute, points.ConfirmJob{}),
		every(time.Minute, points.ReceiptsJob{}),
		every(10*time.Minute, points.ExpireJob{}),
		every(5*time.Minute, points.OccasionJob{}),
		every(time.Hour, points.NoticeJob{}),
		every(time.Hour, points.BookJob{}),
		every(5*time.Minute, points.RetryJob{}),
	}
}
