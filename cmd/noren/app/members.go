package app

import (
	"context"
	"crypto/cipher"
	"errors"
	"net/http"
	"time"

	"github.com/riverqueue/river"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/counter"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/limit"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/membercode"
	"github.com/noren-commerce/noren/core/migration"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/purchase"
	"github.com/noren-commerce/noren/core/sealing"
	"github.com/noren-commerce/noren/core/statistics"
	"github.com/noren-commerce/noren/storage/postgres"
)

// personalPurpose is what the master key of personal data is derived for.
const personalPurpose = "noren personal data"

// PersonalMaster is what wraps the keys of personal data.
func PersonalMaster(secret string) (cipher.AEAD, error) {
	return identity.Sealer(secret, personalPurpose)
}

// NewSealing makes the keeper of the keys of personal data over a master key.
func NewSealing(master string, db *postgres.DB, now clock.Clock) (*sealing.Keys, error) {
	wrap, err := PersonalMaster(master)
	if err != nil {
		return nil, err
	}
	return sealing.New(postgres.NewDataKeys(db), wrap, now), nil
}

// newMembers puts together who the members are.
func newMembers(cfg Config, db *postgres.DB, sealed *sealing.Keys, jobs *postgres.Jobs, keys *idempotency.Keys, accounts *identity.Service, customers *customer.Service, limiter limit.Limiter, codes member.Codes, now clock.Clock) (*member.Service, error) {
	links, err := member.NewLinks(cfg.Secret, cfg.PublicURL, now)
	if err != nil {
		return nil, err
	}
	members := member.New(member.Parts{
		Tx: db, Store: postgres.NewMembers(db, sealed), Keys: keys, Accounts: accounts, Customers: customers, Events: points.Welcoming{Recorder: postgres.NewEvents(db), Jobs: jobs},
		Limiter: limiter, Codes: codes, Links: links, Now: now,
	})
	customers.ActFor(members)
	return members, nil
}

// newCounter puts together who stands at the counter of a shop.
func newCounter(db *postgres.DB, codes *membercode.Service, members *member.Service, limiter limit.Limiter) *counter.Service {
	return counter.New(counter.Parts{Codes: codes, Store: postgres.NewCounters(db), Members: members, Limiter: limiter})
}

// newPurchases puts together the history of what members bought.
func newPurchases(db *postgres.DB, keys *idempotency.Keys, members *member.Service, earner purchase.Earner, draws purchase.Draws, now clock.Clock) *purchase.Service {
	return purchase.New(purchase.Parts{Tx: db, Store: postgres.NewPurchases(db), Keys: keys, Members: members, Earner: earner, Draws: draws, Events: postgres.NewEvents(db), Now: now})
}

// memberWorkers are the jobs about members.
func (a *App) memberWorkers(w *river.Workers) {
	river.AddWorker(w, &longJob[sealing.ResealJob]{f: func(ctx context.Context, _ sealing.ResealJob) error {
		_, err := a.Personal.Reseal(ctx, nil)
		return errors.Join(err, a.Personal.DropTokens(ctx), a.Messages.HashRecipients(ctx))
	}})
	river.AddWorker(w, &longJob[member.RankJob]{f: func(ctx context.Context, _ member.RankJob) error { return a.Resolvers.Members.WorkRanks(ctx) }})
	work(w, func(ctx context.Context, _ purchase.ShipmentsJob) error {
		return a.Resolvers.Purchases.WorkShipments(ctx)
	})
	work(w, func(ctx context.Context, _ purchase.PartitionJob) error {
		return a.Resolvers.Purchases.WorkPartitions(ctx)
	})
	work(w, func(ctx context.Context, _ member.EraseJob) error { return a.Resolvers.Members.WorkErasures(ctx) })
	work(w, func(ctx context.Context, _ member.StragglersJob) error {
		return a.Resolvers.Members.WorkStragglers(ctx)
	})
	river.AddWorker(w, &longJob[migration.Job]{f: func(ctx context.Context, j migration.Job) error {
		return a.Resolvers.Migrations.Work(ctx, j.RunID, a.channelByID)
	}})
	work(w, func(ctx context.Context, _ migration.AbandonJob) error { return a.Resolvers.Migrations.Abandon(ctx) })
	river.AddWorker(w, &longJob[statistics.CountJob]{f: func(ctx context.Context, _ statistics.CountJob) error { return a.Resolvers.Statistics.Count(ctx) }})
}

// memberJobs are those that run regularly.
func memberJobs() []*river.PeriodicJob {
	return []*river.PeriodicJob{
		// At once too: what an older version, or sample data, left in clear is sealed and found.
		river.NewPeriodicJob(river.PeriodicInterval(time.Hour), func() (river.JobArgs, *river.InsertOpts) {
			return sealing.ResealJob{}, &river.InsertOpts{MaxAttempts: 1, UniqueOpts: river.UniqueOpts{ByPeriod: time.Minute}}
		}, &river.PeriodicJobOpts{ID: sealing.ResealJob{}.Kind(), RunOnStart: true}),
		every(10*time.Minute, member.RankJob{}),
		every(time.Hour, member.EraseJob{}),
		every(10*time.Minute, member.StragglersJob{}),
		every(time.Hour, migration.AbandonJob{}),
		every(time.Minute, purchase.ShipmentsJob{}),
		every(time.Hour, purchase.PartitionJob{}),
		every(10*time.Minute, statistics.CountJob{}),
	}
}

// memberExport serves all that is held of a member to who has the link.
func (a *App) memberExport(w http.ResponseWriter, r *http.Request) {
	a.download(w, r, func(out *download) error {
		out.kind, out.name = "application/json", "member.json"
		id, expires, signature := signedFor(r)
		return a.Resolvers.Members.Open(r.Context(), out, id, expires, signature)
	})
}
