package mailing

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/member"
)

// WorkJob works on a mailing; none: on all that have to be worked on.
type WorkJob struct {
	MailingID *uuid.UUID `json:"mailingId,omitempty"`
}

// Kind names the job in the queue.
func (WorkJob) Kind() string { return "work_mailing" }

// Send freezes the audience of a mailing: whom its segment has now. What becomes of each
// is worked out by a job. It may take a minute. A mailing is sent once; an empty segment
// is ErrEmpty.
func (s *Service) Send(ctx context.Context, in ByIDInput) (*Mailing, error) {
	if err := office(ctx, access.CampaignWrite); err != nil {
		return nil, err
	}
	var m *Mailing
	err := s.Tx.InTx(ctx, func(ctx context.Context) (err error) {
		if m, err = s.draft(ctx, in.MailingID); err != nil {
			return err
		}
		g, err := s.Segments.Lock(ctx, m.BrandID, m.SegmentID)
		switch {
		case err != nil:
			return err
		case g == nil || g.ClosedAt != nil:
			return ErrSegment
		}
		if m.CouponCampaignID != nil {
			if err := s.Coupons.Opens(ctx, *m.CouponCampaignID); err != nil {
				return at("mailingId", err)
			}
		}
		if m.Audience, err = s.Store.Gather(ctx, *m, *g, s.today(ctx)); err != nil {
			return err
		}
		if m.Audience == 0 {
			return ErrEmpty
		}
		now := s.Now()
		m.State, m.SentAt, m.UpdatedAt = Preparing, &now, now
		if err := s.Store.Update(ctx, *m); err != nil {
			return err
		}
		if err := s.Queue.WorkMailing(ctx, m.ID); err != nil {
			return err
		}
		return s.record(ctx, "mailing.sent", *m, map[string]any{"name": m.Name, "medium": m.Medium, "segmentId": g.ID, "segment": g.Name, "audience": m.Audience, "holdOut": m.HoldOut})
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}

// Cancel ends a mailing before all of it has left. What left has left, and is followed.
func (s *Service) Cancel(ctx context.Context, in ByIDInput) (*Mailing, error) {
	return s.turn(ctx, in, "mailing.cancelled", Cancelled, Draft, Preparing, Sending, Paused)
}

// voidUnsent takes the coupons out of use that nobody will be told of.
func (s *Service) voidUnsent(ctx context.Context, m Mailing) error {
	if m.CouponCampaignID == nil {
		return nil
	}
	return s.Store.VoidUnsent(ctx, m.ID)
}

// turn moves a mailing from one of the states to another.
func (s *Service) turn(ctx context.Context, in ByIDInput, kind string, to State, from ...State) (*Mailing, error) {
	if err := office(ctx, access.CampaignWrite); err != nil {
		return nil, err
	}
	var m *Mailing
	err := s.Tx.InTx(ctx, func(ctx context.Context) (err error) {
		if m, err = s.locked(ctx, in.MailingID); err != nil {
			return err
		}
		if !slices.Contains(from, m.State) {
			return ErrState.At("mailingId")
		}
		now := s.Now()
		m.State, m.Refusal, m.UpdatedAt = to, "", now
		if to == Cancelled {
			m.CompletedAt = &now
			if err := s.voidUnsent(ctx, *m); err != nil {
				return err
			}
		}
		if err := s.Store.Update(ctx, *m); err != nil {
			return err
		}
		if to == Sending {
			if err := s.Queue.WorkMailing(ctx, m.ID); err != nil {
				return err
			}
		}
		return s.record(ctx, kind, *m, map[string]any{"name": m.Name, "sent": m.Delivered})
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}

const (
	portion = 500              // how many people are in memory at a time
	lease   = 2 * time.Minute  // after which another process takes up what one left
	shift   = 90 * time.Second // how long a process works on a mailing before it looks around
)

// Work works on the mailing, or on all that wait for it, for a while. One process works
// on a mailing at a time. What breaks it off loses nothing: the next goes on.
func (s *Service) Work(ctx context.Context, j WorkJob) error {
	if !access.From(ctx).Is(access.RoleSystem) {
		return fault.ErrForbidden
	}
	if j.MailingID != nil {
		return s.work(ctx, *j.MailingID)
	}
	all, err := s.Store.Working(ctx, s.Now())
	if err != nil {
		return err
	}
	var failed error
	for _, key := range all {
		failed = errors.Join(failed, s.work(ctx, key)) // one that fails keeps no other waiting
	}
	return failed
}

func (s *Service) work(ctx context.Context, mailingID uuid.UUID) error {
	now := s.Now()
	got, err := s.Store.Lease(ctx, mailingID, now, now.Add(lease))
	if err != nil || !got {
		return err
	}
	m, err := s.Store.ByID(ctx, mailingID)
	if err != nil || m == nil {
		return err
	}
	ctx, cancel := context.WithTimeout(channel.With(ctx, channel.Channel{BrandID: m.BrandID}), shift)
	defer cancel()
	if m.State == Sending {
		if err := s.takeUp(ctx, m); err != nil {
			return err
		}
	}
	for done := false; !done && ctx.Err() == nil; {
		switch m.State {
		case Preparing:
			done, err = s.prepare(ctx, m)
		case Sending:
			done, err = s.deliver(ctx, m)
		default:
			done = true
		}
		if err != nil {
			return err
		}
	}
	now = s.Now()
	_, err = s.Store.Lease(context.WithoutCancel(ctx), mailingID, now.Add(lease), now) // given back
	return err
}

// prepare decides what becomes of some candidates, and reads the mailing anew.
func (s *Service) prepare(ctx context.Context, m *Mailing) (done bool, err error) {
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		now, err := s.Store.Lock(ctx, m.BrandID, m.ID)
		if err != nil || now == nil || now.State != Preparing {
			done = true
			return err
		}
		*m = *now
		people, err := s.Store.Candidates(ctx, *m, portion)
		if err != nil {
			return err
		}
		m.UpdatedAt = s.Now()
		if len(people) == 0 {
			return s.prepared(ctx, m)
		}
		decided := m.decide(people)
		if err := s.Store.Decide(ctx, m.ID, decided); err != nil {
			return err
		}
		if err := s.give(ctx, *m, decided); err != nil {
			return err
		}
		return s.Store.Update(ctx, *m)
	})
	return done, err
}

// give gives a coupon to each who shall get the mailing, in the transaction that decides it:
// who is held out or left out gets none.
func (s *Service) give(ctx context.Context, m Mailing, decided []Decision) error {
	if m.CouponCampaignID == nil {
		return nil
	}
	var members []uuid.UUID
	for _, d := range decided {
		if d.State == Queued {
			members = append(members, d.MemberID)
		}
	}
	return s.Coupons.Give(ctx, m.coupons(members))
}

// prepared goes on once it is known what becomes of everybody: labels can be printed,
// e-mails leave. Letters count as sent from then on: of a mailing that was cancelled before
// none could be printed.
func (s *Service) prepared(ctx context.Context, m *Mailing) (err error) {
	m.State = Sending
	if m.Medium == member.DM {
		at := s.Now()
		m.State, m.CompletedAt = Sent, &at
		if m.Delivered, err = s.Store.SendLetters(ctx, m.ID); err != nil {
			return err
		}
	}
	if err := s.Store.Update(ctx, *m); err != nil {
		return err
	}
	return s.record(ctx, "mailing.prepared", *m, map[string]any{"audience": m.Audience, "addressed": m.Addressed, "heldOut": m.HeldOut, "leftOut": m.LeftOut})
}
