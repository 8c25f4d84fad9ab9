package migration

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
)

// AbandonJob is the regular job that gives up files that nobody goes on with.
type AbandonJob struct{}

// Kind is the job's name in the queue.
func (AbandonJob) Kind() string { return "migration_abandon" }

const (
	waits           = 14 * 24 * time.Hour // for who sent a file, or looked at its dry run
	abandonedAtOnce = 100
)

// Abandon gives up files that were not read, committed or taken to their end while it was
// waited for that, and drops their sealed pieces, for the job. Reports stay, and what was
// taken. A file that a job is at, or will be, is left alone.
func (s *Service) Abandon(ctx context.Context) error {
	for {
		some, err := s.Store.Abandoned(ctx, s.Now().Add(-waits), abandonedAtOnce)
		if err != nil {
			return err
		}
		for _, run := range some {
			if err := s.abandon(ctx, run); err != nil {
				return err
			}
		}
		if len(some) < abandonedAtOnce {
			return nil
		}
	}
}

// abandon gives a run up unless somebody went on with it meanwhile.
func (s *Service) abandon(ctx context.Context, found Run) error {
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		run, err := s.Store.Lock(ctx, uuid.Nil, found.ID)
		if err != nil || run == nil || run.State != found.State {
			return err
		}
		now := s.Now()
		run.FinishedAt = &now
		if run.State == Committing {
			run.State, run.Failure = Failed, "取り込みが途中で止まり、再開されませんでした / The import broke off and was not gone on with"
		} else {
			run.State = Discarded
		}
		return errors.Join(s.Store.Forget(ctx, run.ID), s.Store.Save(ctx, *run), s.record(ctx, "migration.abandoned", run))
	})
}
