package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/noren-commerce/noren/core/banking"
	"github.com/noren-commerce/noren/core/dispatch"
	"github.com/noren-commerce/noren/core/mailing"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/promotion"
	"github.com/noren-commerce/noren/core/statistics"
	"github.com/noren-commerce/noren/core/voucher"
)

// Jobs queues background work in the transaction of the context: it is done if
// that commits, and never if it does not.
type Jobs struct {
	db     *DB
	client *river.Client[pgx.Tx]
}

// NewJobs makes the queue's entrance. It works no jobs.
func NewJobs(db *DB) (*Jobs, error) {
	client, err := river.NewClient(riverpgxv5.New(db.pool), &river.Config{})
	if err != nil {
		return nil, fmt.Errorf("open the job queue: %w", err)
	}
	return &Jobs{db: db, client: client}, nil
}

// Insert queues jobs of one or several kinds.
func (j *Jobs) Insert(ctx context.Context, jobs ...river.JobArgs) error {
	params := make([]river.InsertManyParams, len(jobs))
	for i, args := range jobs {
		params[i] = river.InsertManyParams{Args: args}
	}
	return j.insert(ctx, params)
}

// InsertFew queues a job that is tried so often at most.
func (j *Jobs) InsertFew(ctx context.Context, tries int, args river.JobArgs) error {
	return j.insert(ctx, []river.InsertManyParams{{Args: args, InsertOpts: &river.InsertOpts{MaxAttempts: tries}}})
}

func (j *Jobs) insert(ctx context.Context, params []river.InsertManyParams) error {
	if len(params) == 0 {
		return nil
	}
	var err error
	if tx := txFrom(ctx); tx != nil {
		_, err = j.client.InsertManyTx(ctx, inserting{tx: tx}, params)
	} else {
		_, err = j.client.InsertMany(ctx, params)
	}
	if err != nil {
		return fmt.Errorf("queue a job: %w", j.db.unavailable(ctx, err))
	}
	return nil
}

// inserting is a transaction as River sees it while it inserts jobs: its statements
// wait with the transaction's others, since nobody needs their answers.
type inserting struct {
	pgx.Tx // nothing else is asked of it
	tx     *transaction
}

func (i inserting) wait(sql string, args []any) {
	i.tx.waiting = append(i.tx.waiting, &pgx.QueuedQuery{SQL: sql, Arguments: args})
}

// Exec lets the statement wait.
func (i inserting) Exec(_ context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	i.wait(sql, args)
	return pgconn.CommandTag{}, nil
}

// Query lets the statement wait.
func (i inserting) Query(_ context.Context, sql string, args ...any) (pgx.Rows, error) {
	i.wait(sql, args)
	return noRows{}, nil
}

// QueryRow runs the query: so River asks, once, what PostgreSQL can do.
func (i inserting) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return i.tx.QueryRow(ctx, sql, args...)
}

// Conn is no connection: how statements are run is not River's to know.
func (inserting) Conn() *pgx.Conn { return nil }

// lastOfAll is the priority of what goes when nothing else waits.
const lastOfAll = 4

// Enqueue queues messages to be sent, sealed. One that is queued or was just sent is not
// queued again.
func (j *Jobs) Enqueue(ctx context.Context, messages ...messaging.Message) error {
	params := make([]river.InsertManyParams, len(messages))
	for i, m := range messages {
		if _, err := j.db.seal(ctx, &m); err != nil {
			return fmt.Errorf("seal the message %s: %w", m.Key, err)
		}
		options := &river.InsertOpts{UniqueOpts: river.UniqueOpts{ByArgs: true}}
		if m.Kind.Bulk() {
			options.Priority = lastOfAll
		}
		params[i] = river.InsertManyParams{Args: messaging.SendJob{Key: m.Key, Message: m}, InsertOpts: options}
	}
	return j.insert(ctx, params)
}

// Schedule wakes whoever acts on windows of prices at the moments, once for each.
func (j *Jobs) Schedule(ctx context.Context, at ...time.Time) error {
	params := make([]river.InsertManyParams, len(at))
	for i, moment := range at {
		moment = moment.UTC()
		params[i] = river.InsertManyParams{
			Args:       pricing.TurnJob{At: moment},
			InsertOpts: &river.InsertOpts{ScheduledAt: moment, UniqueOpts: river.UniqueOpts{ByArgs: true}},
		}
	}
	return j.insert(ctx, params)
}

// Operate queues an operation to be carried out by its gateway.
func (j *Jobs) Operate(ctx context.Context, operationID uuid.UUID) error {
	return j.Insert(ctx, payment.OperateJob{OperationID: operationID})
}

// TurnAt queues the beginning or end of a campaign, once for each moment.
func (j *Jobs) TurnAt(ctx context.Context, job promotion.TurnJob, at time.Time) error {
	return j.insert(ctx, []river.InsertManyParams{{Args: job, InsertOpts: &river.InsertOpts{ScheduledAt: at, UniqueOpts: river.UniqueOpts{ByArgs: true}}}})
}

// Grant queues the coupons that a shipped order has earned.
func (j *Jobs) Grant(ctx context.Context, job promotion.GrantJob) error { return j.Insert(ctx, job) }

// Give queues the coupons of a batch.
func (j *Jobs) Give(ctx context.Context, job promotion.GiveJob) error { return j.Insert(ctx, job) }

// GrantMany queues the points of a batch.
func (j *Jobs) GrantMany(ctx context.Context, job points.BatchJob) error { return j.Insert(ctx, job) }

// Notify queues the telling of a campaign, once for each job.
func (j *Jobs) Notify(ctx context.Context, job promotion.NoticeJob) error {
	return j.insert(ctx, []river.InsertManyParams{{Args: job, InsertOpts: &river.InsertOpts{UniqueOpts: river.UniqueOpts{ByArgs: true}}}})
}

// Repromise queues the working out of when orders are there.
func (j *Jobs) Repromise(ctx context.Context, jobs ...order.RepromiseJob) error {
	all := make([]river.JobArgs, len(jobs))
	for i, job := range jobs {
		all[i] = job
	}
	return j.Insert(ctx, all...)
}

// ComesOtherwise queues the orders that wait for goods of which another day is announced.
func (j *Jobs) ComesOtherwise(ctx context.Context, brandID uuid.UUID, variantIDs []uuid.UUID) error {
	return j.Insert(ctx, order.RepromiseJob{BrandID: brandID, VariantIDs: variantIDs})
}

// MatchBank queues the matching of a bank's statement.
func (j *Jobs) MatchBank(ctx context.Context, job banking.MatchJob) error { return j.Insert(ctx, job) }

// CountStatistics queues a count of the figures by day.
func (j *Jobs) CountStatistics(ctx context.Context) error {
	return j.Insert(ctx, statistics.CountJob{})
}

// FollowPoints queues the points of orders to be looked at again.
func (j *Jobs) FollowPoints(ctx context.Context, orderIDs ...uuid.UUID) error {
	all := make([]river.JobArgs, len(orderIDs))
	for i, key := range orderIDs {
		all[i] = points.FollowJob{OrderID: key}
	}
	return j.Insert(ctx, all...)
}

// WelcomeMember queues the points of who has joined.
func (j *Jobs) WelcomeMember(ctx context.Context, job points.WelcomeJob) error {
	return j.Insert(ctx, job)
}

// SendPoints queues a transfer to be told to another point system, once at a time.
func (j *Jobs) SendPoints(ctx context.Context, transferID uuid.UUID) error {
	return j.insert(ctx, []river.InsertManyParams{{Args: points.SendJob{TransferID: transferID}, InsertOpts: &river.InsertOpts{UniqueOpts: river.UniqueOpts{ByArgs: true, ByPeriod: 10 * time.Minute}}}})
}

// MakeVouchers makes the codes of a batch, once at a time.
func (j *Jobs) MakeVouchers(ctx context.Context, batchID uuid.UUID) error {
	return j.Insert(ctx, voucher.MakeJob{BatchID: batchID})
}

// Depth counts the jobs that are not done, by state; discarded ones are those that
// were given up in the last days.
func (j *Jobs) Depth(ctx context.Context) (map[string]float64, error) {
	type row struct {
		State string
		Jobs  int
	}
	rows, err := collect[row](ctx, j.db, `
		SELECT state::text, count(*) AS jobs FROM river_job WHERE state NOT IN ('completed', 'cancelled') GROUP BY state`)
	depth := map[string]float64{"available": 0, "running": 0, "retryable": 0, "scheduled": 0, "pending": 0, "discarded": 0}
	for _, r := range rows {
		depth[r.State] = float64(r.Jobs)
	}
	return depth, err
}

// TakeResults queues the working through of a file of results.
func (j *Jobs) TakeResults(ctx context.Context, job dispatch.ResultJob) error {
	return j.Insert(ctx, job)
}

// WorkMailing queues work on a mailing.
func (j *Jobs) WorkMailing(ctx context.Context, mailingID uuid.UUID) error {
	return j.Insert(ctx, mailing.WorkJob{MailingID: &mailingID})
}
