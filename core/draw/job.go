package draw

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/prize"
)

// TurnJob is the regular job that closes draws, draws winners, lets runners-up move up, and
// gives points of cancelled draws back.
type TurnJob struct{}

// Kind is the job's name in the queue.
func (TurnJob) Kind() string { return "draw_turn" }

// lateAtOnce is how many winners who did not answer one round lets go.
const lateAtOnce = 500

// Turn does what has become due of draws.
func (s *Service) Turn(ctx context.Context) error {
	ctx = access.With(ctx, access.System)
	var all []error
	for _, step := range []struct {
		state State
		do    func(context.Context, uuid.UUID) error
	}{{Open, s.Close}, {Closed, s.Run}} {
		due, err := s.Store.Due(ctx, step.state, s.Now())
		all = append(all, err)
		for _, d := range due {
			here, err := s.in(ctx, d.BrandID)
			if err == nil {
				err = step.do(here, d.ID)
			}
			all = append(all, err)
		}
	}
	return errors.Join(append(all, s.lapse(ctx), s.settle(ctx))...)
}

func (s *Service) in(ctx context.Context, brandID uuid.UUID) (context.Context, error) {
	c, err := s.Channels(ctx, brandID)
	return channel.With(ctx, c), err
}

// Close ends the entries of a draw whose time is over and publishes the digest of their
// list: after that nobody enters, and nobody can change who did. Whoever is entering at
// the moment is waited for, and is on the list.
func (s *Service) Close(ctx context.Context, drawID uuid.UUID) error {
	only, err := s.only(ctx, drawID)
	if err != nil {
		return err
	}
	return s.Tx.InTx(ctx, func(ctx context.Context) error {
		d, err := s.Store.Lock(ctx, drawID)
		now := s.Now()
		if err != nil || d == nil || d.State != Open || now.Before(d.ClosesAt) {
			return err
		}
		if d.PerMinor > 0 {
			if _, err := s.Store.Earn(ctx, *d, only, now); err != nil {
				return err
			}
		}
		if d.Digest, d.Entries, err = s.list(ctx, d.ID).Digest(); err != nil {
			return err
		}
		d.State, d.ClosedAt, d.UpdatedAt = Closed, &now, now
		if err := s.Store.Update(ctx, *d); err != nil {
			return err
		}
		return s.record(ctx, "draw.closed", *d, map[string]any{"entries": d.Entries, "digest": d.Listed()})
	})
}

// only are the members of the draw's segment; nil if it has none.
func (s *Service) only(ctx context.Context, drawID uuid.UUID) ([]uuid.UUID, error) {
	d, err := s.Store.Draw(ctx, drawID)
	if err != nil || d == nil || d.SegmentID == nil || d.PerMinor == 0 {
		return nil, err
	}
	all, err := s.Segments.MemberIDs(ctx, *d.SegmentID)
	if all == nil {
		all = []uuid.UUID{}
	}
	return all, err
}

// Run draws the winners of a closed draw, publishes the seed and tells them. A draw that
// was drawn stays as it is.
func (s *Service) Run(ctx context.Context, drawID uuid.UUID) error {
	return s.Tx.InTx(ctx, func(ctx context.Context) error {
		d, err := s.Store.Lock(ctx, drawID)
		now := s.Now()
		switch {
		case err != nil || d == nil:
			return orErr(err, ErrUnknown.At("drawId"))
		case d.State != Closed || now.Before(d.DrawsAt):
			return ErrState.With(d.State).At("drawId")
		}
		winners, err := s.called(ctx, d)
		if err != nil {
			return err
		}
		d.State, d.Sealed, d.DrawnAt, d.UpdatedAt = Drawn, "", &now, now
		if err := errors.Join(s.Store.Update(ctx, *d), s.Store.InsertWinners(ctx, winners)); err != nil {
			return err
		}
		if err := s.record(ctx, "draw.drawn", *d, map[string]any{"seed": d.Revealed(), "called": len(winners)}); err != nil {
			return err
		}
		return s.tell(ctx, *d, won(winners))
	})
}

// called are the winners and runners-up of a locked draw; its seed is open after it. What
// nobody won goes back to the stock.
func (s *Service) called(ctx context.Context, d *Draw) ([]Winner, error) {
	text, err := s.Sealer.Open(ctx, "draw", d.ID, d.Sealed)
	if err != nil {
		return nil, err
	}
	if d.Seed, err = base64.RawStdEncoding.DecodeString(text); err != nil {
		return nil, err
	}
	ranks, err := s.Store.Ranks(ctx, []uuid.UUID{d.ID})
	if err != nil {
		return nil, err
	}
	var places []int
	for _, r := range ranks {
		for range r.Count {
			places = append(places, r.Position)
		}
	}
	tickets, err := s.tickets(ctx, *d, len(places)+d.RunnersUp)
	if err != nil {
		return nil, err
	}
	winners, err := s.winners(ctx, *d, tickets, places)
	if err != nil {
		return nil, err
	}
	left := map[uuid.UUID]int{}
	for _, position := range places[len(won(winners)):] {
		left[ranks[position-1].PrizeID]--
	}
	return winners, s.putBack(ctx, left)
}

// tickets are the called entries of the published list, at most so many.
func (s *Service) tickets(ctx context.Context, d Draw, most int) ([]Ticket, error) {
	list := s.list(ctx, d.ID)
	digest, entries, err := list.Digest()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(digest, d.Digest) {
		return nil, fmt.Errorf("draw %s: the entries are not those that were published", d.ID)
	}
	entrants, err := s.Store.Entered(ctx, d.ID)
	if err != nil {
		return nil, err
	}
	return list.Call(d.Seed, digest, entries, min(most, entrants))
}

// winners are the called entries as what they won. Of a member who was merged after the
// list was published, a second call is passed over, as if they had declined.
func (s *Service) winners(ctx context.Context, d Draw, called []Ticket, places []int) ([]Winner, error) {
	ids := make([]uuid.UUID, len(called))
	for i, t := range called {
		ids[i] = t.Entry
	}
	whose, err := s.Store.Entrants(ctx, ids)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	until := s.answerBy(d, now)
	all, seen, next := make([]Winner, len(called)), map[uuid.UUID]bool{}, 0
	for i, t := range called {
		w := Winner{ID: id.New(), DrawID: d.ID, Place: i + 1, EntryID: t.Entry, MemberID: whose[t.Entry], Outcome: Reserve, UpdatedAt: now}
		switch {
		case seen[w.MemberID]:
			w.Outcome = Declined
		case next < len(places):
			w.Outcome, w.Rank, w.AnswerBy = Won, &places[next], &until
			next++
		}
		all[i], seen[w.MemberID] = w, true
	}
	return all, nil
}

// lapse lets go of winners who did not answer in time, and asks who comes next.
func (s *Service) lapse(ctx context.Context) error {
	late, err := s.Store.Late(ctx, s.Now(), lateAtOnce)
	if err != nil {
		return err
	}
	var failed []error
	for _, key := range late {
		err := s.Tx.InTx(ctx, func(ctx context.Context) error {
			w, err := s.Store.LockWinner(ctx, key)
			if err != nil || w == nil || w.Outcome != Won || w.AnswerBy == nil || !s.Now().After(*w.AnswerBy) {
				return err
			}
			d, err := s.Store.Draw(ctx, w.DrawID)
			if err != nil {
				return err
			}
			here, err := s.in(ctx, d.BrandID)
			if err != nil {
				return err
			}
			return s.vacate(here, *d, w, Lapsed, nil)
		})
		if err != nil { // it holds up no other
			failed = append(failed, fmt.Errorf("winner %s: %w", key, err))
		}
	}
	return errors.Join(failed...)
}

// tell writes to winners, once each; who has no address is asked on the site alone.
func (s *Service) tell(ctx context.Context, d Draw, all []Winner) error {
	if len(all) == 0 {
		return nil
	}
	ranks, err := s.Store.Ranks(ctx, []uuid.UUID{d.ID})
	if err != nil {
		return err
	}
	letters := make([]letter, len(all))
	for i, w := range all {
		letters[i] = letter{w.MemberID, w.ID.String(), func(to prize.Contact) messaging.Content {
			return messaging.DrawWon{
				Name: to.Name, Draw: d.Name.In(to.Language), Rank: *w.Rank, Prize: ranks[*w.Rank-1].PrizeName.In(to.Language), Entry: w.Number(), AnswerBy: *w.AnswerBy,
			}
		}}
	}
	return s.send(ctx, d, letters)
}

// letter is what a member is told on an occasion, as it is put for where they are written to.
type letter struct {
	memberID uuid.UUID
	occasion string
	content  func(to prize.Contact) messaging.Content
}

// send queues letters, each in the language of whom it goes to; who has no address gets none.
func (s *Service) send(ctx context.Context, d Draw, all []letter) error {
	ids := make([]uuid.UUID, len(all))
	for i, l := range all {
		ids[i] = l.memberID
	}
	contacts, err := s.Prizes.Contacts(ctx, ids)
	if err != nil {
		return err
	}
	var mails []messaging.Message
	for _, l := range all {
		to, known := contacts[l.memberID]
		if !known {
			continue
		}
		mail, err := messaging.New(i18n.WithLanguage(ctx, to.Language), messaging.Address{Name: to.Name, Email: to.Email}, l.occasion, l.content(to))
		if err != nil {
			return err
		}
		mail.BrandID = d.BrandID
		mails = append(mails, mail)
	}
	if len(mails) == 0 {
		return nil
	}
	return s.Outbox.Enqueue(ctx, mails...)
}
