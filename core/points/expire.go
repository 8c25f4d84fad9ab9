package points

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/sealing"
)

// ExpireJob is the regular job that writes off points whose time is over.
type ExpireJob struct{}

// Kind is the job's name in the queue.
func (ExpireJob) Kind() string { return "points_expire" }

// expireAtOnce bounds how many lots one transaction writes off.
const expireAtOnce = 5000

// Expire writes off points whose time is over (失効), in transactions that postings do
// not wait for. A programme that fails holds up no other.
func (s *Service) Expire(ctx context.Context) error {
	return s.inEach(ctx, func(ctx context.Context, p Programme) error {
		for {
			if n, err := s.expire(ctx, p); err != nil || n == 0 {
				return err
			}
		}
	})
}

// inEach works all programmes. One that fails holds up no other: what failed is told when all
// are done.
func (s *Service) inEach(ctx context.Context, work func(ctx context.Context, p Programme) error) error {
	all, err := s.Store.Programmes(ctx)
	failed := []error{err}
	for _, p := range all {
		if err := work(ctx, p); err != nil {
			failed = append(failed, fmt.Errorf("points of %s: %w", p.Code, err))
		}
	}
	return errors.Join(failed...)
}

// Loss is what an account lost because its time was over, and what it has after it.
type Loss struct {
	AccountID uuid.UUID
	MemberID  uuid.UUID
	Points    int64
	Available int64
	Pending   int64
}

// expire writes off the programme's lots in one transaction, tells of each account, and
// answers how many those were.
func (s *Service) expire(ctx context.Context, p Programme) (accounts int, err error) {
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		now := s.Now()
		losses, err := s.Store.Expire(ctx, p.ID, p.Day(now), now, expireAtOnce)
		if accounts = len(losses); err != nil || accounts == 0 {
			return err
		}
		events := make([]event.Event, accounts)
		for i, l := range losses {
			events[i] = event.New(ctx, now, "points.moved", "PointAccount", l.AccountID, moved{
				MemberID: l.MemberID, ProgrammeID: p.ID, Key: "expire:" + p.Day(now).Format(time.DateOnly), Kind: Expire, Points: l.Points, Available: l.Available, Pending: l.Pending,
			})
			events[i].BrandID = p.BrandID
		}
		return s.Events.Record(ctx, events...)
	})
	return accounts, err
}

// Expiring is a member whose points expire soon.
type Expiring struct {
	MemberID  uuid.UUID
	Name      string
	Email     string // empty: nobody knows where to write to
	Language  string
	Card      bool // they have a card and no account
	Points    int64
	ExpiresOn time.Time
}

// Sealed are the values that are sealed with the member's account.
func (e *Expiring) Sealed() (uuid.UUID, []sealing.Column) {
	return e.MemberID, sealing.Person(&e.Name, &e.Email)
}

// NoticeJob is the regular job that tells members that points expire soon.
type NoticeJob struct{}

// Kind is the job's name in the queue.
func (NoticeJob) Kind() string { return "points_notice" }

const noticesAtOnce = 500

// Notify tells members, once for each day, that points expire soon (失効予告). Who cannot be
// written to counts as told, too: else they would come before all others again. A programme that
// fails holds up no other.
func (s *Service) Notify(ctx context.Context) error {
	return s.inEach(ctx, func(ctx context.Context, p Programme) error {
		for p.NoticeDays > 0 && p.ClosedAt == nil {
			if marked, err := s.notify(ctx, p); err != nil || marked < noticesAtOnce {
				return err
			}
		}
		return nil
	})
}

// notify tells some of the programme's members in one transaction, and answers how many it
// has done with.
func (s *Service) notify(ctx context.Context, p Programme) (marked int, err error) {
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		now := s.Now()
		found, err := s.Store.Expiring(ctx, p.ID, p.Day(now), p.Day(now).AddDate(0, 0, p.NoticeDays), now, noticesAtOnce)
		if marked = len(found); err != nil {
			return err
		}
		return s.tell(ctx, p, found)
	})
	return marked, err
}

func (s *Service) tell(ctx context.Context, p Programme, found []Expiring) error {
	if err := s.addressed(ctx, found); err != nil {
		return err
	}
	all := make([]messaging.Message, 0, len(found))
	for _, e := range found {
		if e.Email == "" {
			continue
		}
		m, err := messaging.New(i18n.WithLanguage(ctx, e.Language), messaging.Address{Name: e.Name, Email: e.Email},
			p.ID.String()+" "+e.MemberID.String()+" "+e.ExpiresOn.Format(time.DateOnly),
			messaging.PointsExpiring{Name: e.Name, Programme: p.Name.In(e.Language), Points: e.Points, LastDay: e.ExpiresOn})
		if err != nil {
			return err
		}
		m.BrandID = p.BrandID
		all = append(all, m)
	}
	if len(all) == 0 {
		return nil
	}
	return s.Outbox.Enqueue(ctx, all...)
}

// addressed finds where members are written to who have a card alone. Who was erased is
// nowhere.
func (s *Service) addressed(ctx context.Context, found []Expiring) error {
	var cards []uuid.UUID
	for _, e := range found {
		if e.Card {
			cards = append(cards, e.MemberID)
		}
	}
	if s.Members == nil || len(cards) == 0 {
		return nil
	}
	members, err := s.Members.Legible(access.With(ctx, access.System), cards)
	if err != nil {
		return err
	}
	for _, m := range members {
		for i := range found {
			if found[i].MemberID == m.ID && m.ErasedAt == nil {
				found[i].Name, found[i].Email = m.Name, m.Email
			}
		}
	}
	return nil
}
