package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/banking"
	"github.com/noren-commerce/noren/core/billing"
	"github.com/noren-commerce/noren/core/cardfile"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/dispatch"
	"github.com/noren-commerce/noren/core/display"
	"github.com/noren-commerce/noren/core/draft"
	"github.com/noren-commerce/noren/core/draw"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/giftcard"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/importing"
	"github.com/noren-commerce/noren/core/inventory"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/promotion"
	"github.com/noren-commerce/noren/core/quotation"
	"github.com/noren-commerce/noren/core/recurring"
	"github.com/noren-commerce/noren/core/tracking"
	"github.com/noren-commerce/noren/core/voucher"
	"github.com/noren-commerce/noren/core/wishlist"
	"github.com/noren-commerce/noren/storage/postgres"
)

// jobsAtOnce is how many jobs one process works on at the same time.
const jobsAtOnce = 10

// jobPatience bounds one attempt at a job.
const jobPatience = 2 * time.Minute

// Work works on background jobs until ctx ends. Then it takes no new ones, and
// the running ones may finish within the drain timeout.
func (a *App) Work(ctx context.Context) error {
	workers, regular := a.workers()
	client, err := river.NewClient(riverpgxv5.New(a.DB.Pool()), &river.Config{
		Queues:       map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: jobsAtOnce}},
		Workers:      workers,
		PeriodicJobs: regular,
		JobTimeout:   jobPatience,
		// What a process was at that was killed is taken up soon, not after an hour. Jobs
		// that may take longer say so by their Timeout, and are left alone as long.
		RescueStuckJobsAfter: 2 * jobPatience,
		// A sent message's arguments hold the links of its mail: gone soon after.
		CompletedJobRetentionPeriod: time.Hour,
		ReindexerIndexNames:         jobIndexes(),
		Logger:                      slog.Default(),
	})
	if err != nil {
		return fmt.Errorf("open the job queue: %w", err)
	}
	running := context.WithoutCancel(ctx) // jobs outlive the signal, up to the drain timeout
	if err := client.Start(running); err != nil {
		return fmt.Errorf("start the worker: %w", err)
	}
	if err := postgres.NewEvents(a.DB).Partition(ctx, a.now()); err != nil {
		slog.WarnContext(ctx, "the events' partitions could not be made", "error", err)
	}
	a.relay(ctx)
	<-ctx.Done()
	drain, cancel := context.WithTimeout(running, max(a.Config.DrainTimeout, time.Second))
	defer cancel()
	if err := client.Stop(drain); err != nil {
		return errors.Join(err, client.StopAndCancel(running))
	}
	return nil
}

// jobIndexes are the indexes of the queue that are built anew now and then: River's,
// but for those that noren does without.
func jobIndexes() []string {
	return slices.DeleteFunc(river.ReindexerIndexNamesDefault(), func(name string) bool {
		return name == "river_job_args_index" || name == "river_job_metadata_index"
	})
}

// send sends a message that waited. What went wrong stays in the queue without addresses.
func (a *App) send(ctx context.Context, j messaging.SendJob) error {
	if err := a.Personal.Open(ctx, &j.Message); err != nil {
		return err
	}
	err := a.Sender.Send(ctx, j.Message)
	if err == nil {
		return nil
	}
	said := errors.New(messaging.WithoutAddresses(err.Error()))
	if errors.Is(err, messaging.ErrRejected) {
		return river.JobCancel(said)
	}
	return said
}

// workers are the jobs that noren knows, and those that it runs regularly.
func (a *App) workers() (*river.Workers, []*river.PeriodicJob) {
	w := river.NewWorkers()
	work(w, a.send)
	work(w, func(ctx context.Context, j payment.OperateJob) error {
		return a.Payments.Execute(ctx, j.OperationID)
	})
	work(w, func(ctx context.Context, _ event.PartitionJob) error {
		return postgres.NewEvents(a.DB).Partition(ctx, a.now())
	})
	work(w, func(ctx context.Context, _ display.RestockJob) error { return a.Resolvers.Restock.Tell(ctx) })
	river.AddWorker(w, &longJob[wishlist.WatchJob]{f: func(ctx context.Context, _ wishlist.WatchJob) error { return a.Resolvers.Wishes.Tell(ctx) }})
	work(w, func(ctx context.Context, _ inventory.WatchJob) error { return a.Resolvers.Supply.Watch(ctx) })
	work(w, func(ctx context.Context, _ inventory.ExpireJob) error { return a.Resolvers.Lots.Expire(ctx) })
	work(w, func(ctx context.Context, _ payment.ReconcileJob) error { return a.Payments.Reconcile(ctx) })
	work(w, func(ctx context.Context, _ payment.ExpireJob) error { return a.Payments.Expire(ctx) })
	work(w, func(ctx context.Context, j importing.Job) error {
		return a.Resolvers.Imports.Work(ctx, j.RunID, a.channelByID)
	})
	work(w, func(ctx context.Context, j importing.PriceJob) error {
		return a.Resolvers.Prices.Work(ctx, j.RunID, a.channelByID)
	})
	work(w, func(ctx context.Context, _ pricing.TurnJob) error { return a.Resolvers.Lists.Turn(ctx) })
	work(w, func(ctx context.Context, j promotion.TurnJob) error { return a.Resolvers.Campaigns.Turn(ctx, j) })
	work(w, func(ctx context.Context, j promotion.GrantJob) error { return a.Resolvers.Campaigns.Grant(ctx, j) })
	river.AddWorker(w, &longJob[promotion.GiveJob]{f: func(ctx context.Context, j promotion.GiveJob) error {
		return a.Resolvers.Campaigns.GiveBatch(ctx, j.BatchID)
	}})
	river.AddWorker(w, &longJob[promotion.SimulateJob]{f: a.Resolvers.Simulator.Work, giveUp: a.Resolvers.Simulator.GiveUp})
	work(w, func(ctx context.Context, _ promotion.AbandonedJob) error {
		return a.Resolvers.Simulator.EndAbandoned(ctx)
	})
	work(w, func(ctx context.Context, j promotion.NoticeJob) error { return a.Resolvers.Campaigns.Tell(ctx, j) })
	work(w, func(ctx context.Context, _ promotion.BudgetJob) error { return a.Resolvers.Campaigns.WatchBudgets(ctx) })
	work(w, func(ctx context.Context, _ quotation.ExpireJob) error { return a.Resolvers.Quotations.Expire(ctx) })
	a.orderWork(w)
	river.AddWorker(w, &longJob[recurring.RunJob]{f: func(ctx context.Context, _ recurring.RunJob) error { return a.runRecurring(ctx) }})
	work(w, func(ctx context.Context, _ draft.ExpireJob) error { return a.Resolvers.Drafts.Expire(ctx) })
	work(w, func(ctx context.Context, _ cardfile.ForgetJob) error { return a.Resolvers.SavedCards.Forget(ctx) })
	work(w, func(ctx context.Context, _ payment.ForgetJob) error { return a.Payments.Forget(ctx) })
	keys := idempotency.New(a.DB, postgres.NewKeys(a.DB), a.now)
	work(w, func(ctx context.Context, _ idempotency.ForgetJob) error { return keys.Forget(ctx) })
	work(w, func(ctx context.Context, _ giftcard.ExpireJob) error { return a.Resolvers.GiftCards.Expire(ctx) })
	a.pointWork(w)
	a.prizeWork(w)
	work(w, func(ctx context.Context, _ billing.CloseJob) error { return a.Resolvers.Billing.Run(ctx) })
	work(w, a.settle)
	river.AddWorker(w, &longJob[banking.MatchJob]{f: a.matchBank})
	river.AddWorker(w, &longJob[dispatch.ResultJob]{f: a.takeResults})
	river.AddWorker(w, &longJob[tracking.PollJob]{f: func(ctx context.Context, _ tracking.PollJob) error { return a.Tracking.Poll(ctx) }})
	work(w, func(ctx context.Context, _ tracking.LateJob) error { return a.Tracking.Late(ctx) })
	a.memberWorkers(w)
	a.mailingWorkers(w)
	return w, append(append(append(append(memberJobs(), mailingJobs()...), pointRounds()...), orderRounds()...),
		every(tracking.Every, tracking.PollJob{}),
		every(time.Hour, tracking.LateJob{}),
		every(time.Hour, billing.CloseJob{}),
		every(time.Hour, ledger.SettleJob{}),
		every(time.Hour, giftcard.ExpireJob{}),
		every(time.Hour, voucher.ExpireJob{}),
		every(time.Minute, draw.TurnJob{}),
		every(time.Minute, payment.ReconcileJob{}),
		every(time.Minute, payment.ExpireJob{}),
		every(time.Minute, quotation.ExpireJob{}),
		every(time.Minute, draft.ExpireJob{}),
		every(10*time.Minute, recurring.RunJob{}),
		every(10*time.Minute, display.RestockJob{}), // what imports and corrections brought
		every(10*time.Minute, inventory.WatchJob{}),
		every(10*time.Minute, inventory.ExpireJob{}),
		every(time.Hour, wishlist.WatchJob{}),
		every(time.Minute, pricing.TurnJob{}),
		every(time.Minute, promotion.BudgetJob{}),
		every(10*time.Minute, promotion.AbandonedJob{}),
		// What is to be done once a day is looked at each hour: who leads counts anew, and may
		// not lead for a day.
		every(time.Hour, event.PartitionJob{}),
		every(time.Hour, payment.ForgetJob{}),
		every(time.Hour, idempotency.ForgetJob{}),
		every(5*time.Minute, cardfile.ForgetJob{}),
	)
}

// lateFrom is from how long after midnight staff and customers are told of late orders.
const lateFrom = 7 * time.Hour

// orderWork are the jobs about orders.
func (a *App) orderWork(w *river.Workers) {
	orders := a.Resolvers.Orders
	work(w, func(ctx context.Context, _ order.PickUpJob) error { return orders.SeeToPickUps(ctx) })
	work(w, func(ctx context.Context, _ order.ApprovalJob) error { return orders.SeeToApprovals(ctx) })
	river.AddWorker(w, &longJob[order.RepromiseJob]{f: orders.Repromise})
	river.AddWorker(w, &longJob[order.LateJob]{f: func(ctx context.Context, _ order.LateJob) error { return orders.SeeToLate(ctx, lateFrom) }})
}

// orderRounds are those of them that run regularly.
func orderRounds() []*river.PeriodicJob {
	return []*river.PeriodicJob{every(10*time.Minute, order.PickUpJob{}), every(10*time.Minute, order.ApprovalJob{}), every(time.Hour, order.LateJob{})}
}

// matchBank matches a bank's statement in a channel of its brand.
func (a *App) matchBank(ctx context.Context, j banking.MatchJob) error {
	c, err := a.channelOf(ctx, j.BrandID)
	if err != nil {
		return err
	}
	return a.Resolvers.Banking.Work(ctx, j, c)
}

// takeResults works through a file of results in a channel of its brand.
func (a *App) takeResults(ctx context.Context, j dispatch.ResultJob) error {
	c, err := a.channelOf(ctx, j.BrandID)
	if err != nil {
		return err
	}
	return a.Resolvers.Results.Work(ctx, j, c)
}

// channelOf is a channel of the brand.
func (a *App) channelOf(ctx context.Context, brandID uuid.UUID) (channel.Channel, error) {
	channels, err := a.Channels.All(ctx)
	for _, c := range channels {
		if c.BrandID == brandID {
			return c, nil
		}
	}
	return channel.Channel{}, errors.Join(err, fault.ErrNotFound)
}

// work registers f for jobs of one kind. Jobs act as noren itself.
func work[T river.JobArgs](workers *river.Workers, f func(ctx context.Context, args T) error) {
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[T]) error {
		return f(access.With(ctx, access.System), job.Args)
	}))
}

// longPatience bounds one attempt at a job that looks at a great deal.
const longPatience = 50 * time.Minute

// longJob is a job with longPatience. What waits for it is told when it is tried no more.
type longJob[T river.JobArgs] struct {
	river.WorkerDefaults[T]
	f      func(ctx context.Context, args T) error
	giveUp func(ctx context.Context, args T) error // nil: nothing waits for it
}

// Timeout is longPatience.
func (*longJob[T]) Timeout(*river.Job[T]) time.Duration { return longPatience }

// Work does the job as noren itself.
func (l *longJob[T]) Work(ctx context.Context, job *river.Job[T]) error {
	ctx = access.With(ctx, access.System)
	err := l.f(ctx, job.Args)
	if err == nil || job.Attempt < job.MaxAttempts || l.giveUp == nil {
		return err
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), jobPatience) // its own time may be over
	defer cancel()
	return errors.Join(err, l.giveUp(ending, job.Args))
}

// alone is f for rounds that may take longer than until the next one, which then has nothing
// to do: else they would wait for one another until no job of another kind had room.
func alone[T river.JobArgs](db *postgres.DB, f func(ctx context.Context) error) *longJob[T] {
	return &longJob[T]{f: func(ctx context.Context, args T) error { return db.Alone(ctx, "job "+args.Kind(), f) }}
}

// every makes a job that one of the processes runs at each interval. A failed
// round is not tried again: the next one is near.
func every(interval time.Duration, args river.JobArgs) *river.PeriodicJob {
	return river.NewPeriodicJob(river.PeriodicInterval(interval), func() (river.JobArgs, *river.InsertOpts) {
		return args, &river.InsertOpts{MaxAttempts: 1, UniqueOpts: river.UniqueOpts{ByPeriod: interval}}
	}, &river.PeriodicJobOpts{ID: args.Kind()})
}
