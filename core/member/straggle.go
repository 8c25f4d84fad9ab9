package member

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// Straggling is a merged member for whom something may still have been written: by what had
// begun before, such as a journal of a till, or in a session that had not run out.
type Straggling struct {
	GoneID   uuid.UUID
	KeptID   uuid.UUID // who they have become by now
	MergedAt time.Time
}

// StragglersJob is the regular job that brings what was written for merged members to who
// they have become.
type StragglersJob struct{}

// Kind names the job in the queue.
func (StragglersJob) Kind() string { return "member_stragglers" }

// straggles is for how long after a merge something may still be written.
const straggles = 2 * time.Hour

// WorkStragglers brings what was written for merged members to who they have become, each in
// a transaction of its own. One that fails holds up no other.
func (s *Service) WorkStragglers(ctx context.Context) error {
	var failed []error
	last := uuid.Nil
	for {
		some, err := s.Store.Straggling(ctx, last, 100)
		if err != nil || len(some) == 0 {
			return errors.Join(append(failed, err)...)
		}
		for _, one := range some {
			last = one.GoneID
			if err := s.gather(ctx, one); err != nil {
				failed = append(failed, fmt.Errorf("what was written for the merged member %s: %w", one.GoneID, err))
			}
		}
	}
}

// gather moves what was written for the merged member.
func (s *Service) gather(ctx context.Context, one Straggling) error {
	return s.Tx.InTx(ctx, func(ctx context.Context) error {
		both, err := s.Store.Lock(ctx, []uuid.UUID{one.KeptID, one.GoneID})
		if err != nil {
			return err
		}
		if kept, _ := pick(both, one.KeptID, one.GoneID); kept.MergedInto != nil {
			return nil // just now: the next round knows into whom
		}
		now := s.Now()
		if err := s.move(ctx, one.KeptID, one.GoneID, now); err != nil || now.Sub(one.MergedAt) < straggles {
			return err
		}
		return s.Store.Gathered(ctx, one.GoneID)
	})
}
