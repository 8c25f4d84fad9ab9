package draw

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/prize"
)

// Cancelling keeps what becomes of entrants of cancelled draws.
type Cancelling interface {
	// Unsettled are cancelled draws of which not all entrants were seen to.
	Unsettled(ctx context.Context) ([]Draw, error)
	// Waiting are some of the draw's entrants behind the id who were not seen to, in order.
	Waiting(ctx context.Context, drawID, behind uuid.UUID, most int) ([]uuid.UUID, error)
	// LockEntrants are those of the entrants who were not seen to, locked.
	LockEntrants(ctx context.Context, d Draw, memberIDs []uuid.UUID) ([]Entrant, error)
	// SettleEntrants notes that the entrants were seen to.
	SettleEntrants(ctx context.Context, drawID uuid.UUID, memberIDs []uuid.UUID, at time.Time) error
	// Settle notes that all entrants were seen to, if they were.
	Settle(ctx context.Context, drawID uuid.UUID, at time.Time) error
}

// Entrant is a member who entered a draw, and what they paid for it.
type Entrant struct {
	MemberID uuid.UUID // as the list has them
	HolderID uuid.UUID // who they are now: another after a merge
	Bought   int       // entries for points
	Payments []Payment
}

// Payment is points that some entries cost.
type Payment struct {
	Key    string // of the posting
	Points int64
}

// paid is what the entrant's payments come to, in points.
func (e Entrant) paid() (sum int64) {
	for _, p := range e.Payments {
		sum += p.Points
	}
	return sum
}

// payKey is the key of the posting that pays for entries.
func payKey(entries []Entry) string { return payWord + entries[0].ID.String() }

const payWord = "draw:"

// CancelInput calls a draw off.
type CancelInput struct {
	IdempotencyKey string
	DrawID         uuid.UUID
	Reason         string // entrants, and anyone, are told
}

// Cancel calls off a draw that was not drawn (抽選の中止; staff with PRIZE_WRITE), once for
// each key. Nobody enters it any more, its prizes go back to the stock, and its seed is
// thrown away: nobody learns who would have won. Points go back, and entrants are told, by
// TurnJob soon after: there may be a million of them.
func (s *Service) Cancel(ctx context.Context, in CancelInput) (*Draw, error) {
	if err := access.RequireEverywhere(ctx, access.PrizeWrite); err != nil {
		return nil, err
	}
	if in.Reason = strings.TrimSpace(in.Reason); in.Reason == "" {
		return nil, fault.ErrRequired.At("reason")
	}
	if err := i18n.CheckString("reason", in.Reason, maxReason); err != nil {
		return nil, err
	}
	drawID, err := idempotency.Once(ctx, s.Keys, "cancelDraw", in.IdempotencyKey, in, func(ctx context.Context) (uuid.UUID, error) {
		d, err := s.Store.Lock(ctx, in.DrawID)
		switch {
		case err != nil || d == nil || d.BrandID != channel.From(ctx).BrandID:
			return uuid.Nil, orErr(err, ErrUnknown.At("drawId"))
		case d.State == Cancelled:
			return uuid.Nil, ErrCancelled.At("drawId")
		case d.State == Drawn:
			return uuid.Nil, ErrState.With(d.State).At("drawId")
		}
		return d.ID, s.cancel(ctx, *d, in.Reason)
	})
	if err != nil {
		return nil, err
	}
	return s.Store.Draw(ctx, drawID)
}

// cancel calls a locked draw off.
func (s *Service) cancel(ctx context.Context, d Draw, reason string) error {
	ranks, err := s.Store.Ranks(ctx, []uuid.UUID{d.ID})
	if err != nil {
		return err
	}
	held := map[uuid.UUID]int{}
	for _, r := range ranks {
		held[r.PrizeID] -= r.Count
	}
	now, before := s.Now(), d.State
	d.State, d.Sealed, d.Reason, d.CancelledAt, d.UpdatedAt = Cancelled, "", reason, &now, now
	return errors.Join(s.Store.Update(ctx, d), s.putBack(ctx, held), s.record(ctx, "draw.cancelled", d, map[string]any{"before": before, "reason": reason}))
}

// entrantsAtOnce is how many entrants get their points back in one transaction.
const entrantsAtOnce = 200

// settle sees to the entrants of cancelled draws. What breaks off goes on in the next round.
func (s *Service) settle(ctx context.Context) error {
	due, err := s.Store.Unsettled(ctx)
	for _, d := range due {
		here, failed := s.in(ctx, d.BrandID)
		if failed == nil {
			failed = s.settleDraw(here, d)
		}
		err = errors.Join(err, failed)
	}
	return err
}

// settleDraw gives points of a cancelled draw back, some entrants at a time. Who cannot be
// seen to holds up nobody else.
func (s *Service) settleDraw(ctx context.Context, d Draw) error {
	var all []error
	for behind := uuid.Nil; ; {
		some, err := s.Store.Waiting(ctx, d.ID, behind, entrantsAtOnce)
		if err != nil {
			return err
		}
		if len(some) == 0 {
			break
		}
		all = append(all, s.repay(ctx, d, some))
		behind = some[len(some)-1]
	}
	if err := errors.Join(all...); err != nil {
		return err
	}
	return s.Store.Settle(ctx, d.ID, s.Now())
}

// repay gives the entrants their points back, notes it and tells them, in one transaction.
// If that fails, each half is tried for itself.
func (s *Service) repay(ctx context.Context, d Draw, memberIDs []uuid.UUID) error {
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		entrants, err := s.Store.LockEntrants(ctx, d, memberIDs)
		if err != nil || len(entrants) == 0 {
			return err
		}
		now := s.Now()
		var back []points.Posting
		settled, letters := make([]uuid.UUID, len(entrants)), make([]letter, len(entrants))
		for i, e := range entrants {
			if e.paid() != int64(e.Bought)*d.Points {
				return fmt.Errorf("draw %s: the ledger has %d points for %d entries of entrant %s", d.ID, e.paid(), e.Bought, e.MemberID)
			}
			for _, p := range e.Payments {
				back = append(back, points.Posting{
					Holder: points.Holder{ProgrammeID: d.ProgrammeID, MemberID: e.HolderID}, Key: "draw_back:" + strings.TrimPrefix(p.Key, payWord), Kind: points.PrizeBack,
					Points: p.Points, Undoes: p.Key, Reason: d.Name.In(i18n.Default), At: now,
				})
			}
			settled[i] = e.MemberID
			letters[i] = letter{e.HolderID, d.ID.String() + " " + e.MemberID.String(), func(to prize.Contact) messaging.Content {
				return messaging.DrawCancelled{Name: to.Name, Draw: d.Name.In(to.Language), Reason: d.Reason, Points: e.paid()}
			}}
		}
		if len(back) > 0 {
			if _, err := s.Points.Post(ctx, back...); err != nil {
				return err
			}
		}
		return errors.Join(s.Store.SettleEntrants(ctx, d.ID, settled, now), s.send(ctx, d, letters))
	})
	if err == nil || len(memberIDs) == 1 || ctx.Err() != nil {
		return err
	}
	half := len(memberIDs) / 2
	return errors.Join(s.repay(ctx, d, memberIDs[:half]), s.repay(ctx, d, memberIDs[half:]))
}
