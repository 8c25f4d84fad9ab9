package draw

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/counter"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/prize"
)

// EnterInput enters a draw for points. Points are what the member was told that all
// entries cost.
type EnterInput struct {
	IdempotencyKey string
	DrawID         uuid.UUID
	Count          int
	Points         int64
}

// Enter enters the actor for points, once for each key: points and entries are one
// transaction, in which nobody closes the draw.
func (s *Service) Enter(ctx context.Context, in EnterInput) ([]Entry, error) {
	actor := access.From(ctx)
	if !actor.Is(access.RoleMember, access.RoleCompanyBuyer) || actor.ID == uuid.Nil {
		return nil, prize.ErrMembersOnly
	}
	if in.Count < 1 || in.Count > maxAtOnce {
		return nil, ErrCount.With(maxAtOnce).At("count")
	}
	fits, err := s.fits(ctx, in.DrawID, actor.ID)
	if err != nil {
		return nil, err
	}
	return idempotency.Once(ctx, s.Keys, "enterDraw", in.IdempotencyKey, in, func(ctx context.Context) ([]Entry, error) {
		return s.bought(ctx, in, actor.ID, fits, map[string]any{"memberId": actor.ID})
	})
}

// bought enters the member for points. Said is what is recorded of who it is for.
func (s *Service) bought(ctx context.Context, in EnterInput, memberID uuid.UUID, fits bool, said map[string]any) ([]Entry, error) {
	d, err := s.sharing(ctx, in.DrawID)
	switch {
	case err != nil:
		return nil, err
	case !fits:
		return nil, ErrIneligible.At("drawId")
	case d.Points == 0:
		return nil, ErrNotBought.At("drawId")
	case in.Points != d.Points*int64(in.Count):
		return nil, ErrCost.With(d.Points * int64(in.Count)).At("points")
	}
	entries, actor := s.entries(*d, memberID, Bought, in.Count), access.From(ctx).ID
	_, err = s.Points.Post(ctx, points.Posting{
		Holder: points.Holder{ProgrammeID: d.ProgrammeID, MemberID: memberID}, Key: payKey(entries), Kind: points.Prize, Points: in.Points,
		Reason: d.Name.In(i18n.Default), ActorID: &actor, At: s.Now(),
	})
	if err != nil {
		return nil, err
	}
	if err := s.Store.Enter(ctx, *d, entries); err != nil {
		return nil, err
	}
	said["count"], said["points"] = in.Count, in.Points
	return entries, s.record(ctx, "draw.entered", *d, said)
}

// EnterForInput enters a draw for points of the member who stands at a counter.
type EnterForInput struct {
	counter.Shown
	IdempotencyKey string
	DrawID         uuid.UUID
	Count          int
	Points         int64
}

// Entered are entries of a member who was served, and of whose points they were.
type Entered struct {
	Entries     []Entry
	MemberID    uuid.UUID
	ProgrammeID uuid.UUID
}

// EnterFor enters the member who shows a code or a card at the counter, for staff with
// PRIZE_WRITE, those of a shop at theirs: once for each key, under the conditions of the
// member's own entries.
func (s *Service) EnterFor(ctx context.Context, in EnterForInput) (*Entered, error) {
	if err := access.Require(ctx, access.PrizeWrite); err != nil {
		return nil, err
	}
	if in.Count < 1 || in.Count > maxAtOnce {
		return nil, ErrCount.With(maxAtOnce).At("count")
	}
	// A code that was used since says no, but a key that is asked again gets its answer.
	who, unknown := s.Counter.Who(ctx, in.Shown, false)
	fits := false
	if unknown == nil {
		var err error
		if fits, err = s.fits(ctx, in.DrawID, who.ID); err != nil {
			return nil, err
		}
	}
	entries, err := idempotency.Once(ctx, s.Keys, "enterDrawFor", in.IdempotencyKey, in, func(ctx context.Context) ([]Entry, error) {
		if unknown != nil {
			return nil, unknown
		}
		if _, err := s.Counter.Who(ctx, in.Shown, true); err != nil {
			return nil, err
		}
		return s.bought(ctx, EnterInput{DrawID: in.DrawID, Count: in.Count, Points: in.Points}, who.ID, fits, in.Said(who.ID, nil))
	})
	if err != nil {
		return nil, err
	}
	d, err := s.Store.Draw(ctx, in.DrawID)
	if err != nil || d == nil {
		return nil, orErr(err, ErrUnknown.At("drawId"))
	}
	return &Entered{entries, entries[0].MemberID, d.ProgrammeID}, nil
}

// fits reports whether the draw is for the member; it is asked outside transactions.
func (s *Service) fits(ctx context.Context, drawID, memberID uuid.UUID) (bool, error) {
	d, err := s.Store.Draw(ctx, drawID)
	if err != nil || d == nil || d.BrandID != channel.From(ctx).BrandID {
		return false, orErr(err, ErrUnknown.At("drawId"))
	}
	return s.Prizes.Fits(ctx, prize.Terms{MinRankID: d.MinRankID, SegmentID: d.SegmentID}, memberID)
}

// sharing is the draw, which takes entries and which nobody closes meanwhile.
func (s *Service) sharing(ctx context.Context, drawID uuid.UUID) (*Draw, error) {
	d, err := s.Store.Share(ctx, drawID)
	if err != nil || d == nil || d.BrandID != channel.From(ctx).BrandID {
		return nil, orErr(err, ErrUnknown.At("drawId"))
	}
	if problem := d.taking(s.Now()); problem != nil {
		return nil, problem.At("drawId")
	}
	return d, nil
}

// entries are new ones; their numbers are random, and tell nothing of when they came.
func (s *Service) entries(d Draw, memberID uuid.UUID, source Source, n int) []Entry {
	all := make([]Entry, n)
	for i := range all {
		all[i] = Entry{ID: uuid.New(), DrawID: d.ID, MemberID: memberID, Source: source, CreatedAt: s.Now()}
	}
	return all
}

// GrantInput gives a member entries.
type GrantInput struct {
	IdempotencyKey string
	DrawID         uuid.UUID
	MemberID       uuid.UUID
	Count          int
	Reason         string
}

// Grant gives a member entries, once for each key (staff with PRIZE_WRITE).
func (s *Service) Grant(ctx context.Context, in GrantInput) ([]Entry, error) {
	if err := access.RequireEverywhere(ctx, access.PrizeWrite); err != nil {
		return nil, err
	}
	if in.Reason == "" {
		return nil, fault.ErrRequired.At("reason")
	}
	if err := i18n.CheckString("reason", in.Reason, maxReason); err != nil {
		return nil, err
	}
	if in.Count < 1 || in.Count > maxAtOnce {
		return nil, ErrCount.With(maxAtOnce).At("count")
	}
	fits, err := s.fits(ctx, in.DrawID, in.MemberID)
	if err != nil {
		return nil, err
	}
	return idempotency.Once(ctx, s.Keys, "grantDrawEntries", in.IdempotencyKey, in, func(ctx context.Context) ([]Entry, error) {
		d, err := s.sharing(ctx, in.DrawID)
		if err != nil {
			return nil, err
		}
		there, err := s.Store.Entrant(ctx, in.MemberID)
		switch {
		case err != nil:
			return nil, err
		case !there:
			return nil, fault.ErrNotFound.At("memberId")
		case !fits:
			return nil, ErrIneligible.At("memberId")
		}
		entries := s.entries(*d, in.MemberID, Granted, in.Count)
		if err := s.Store.Enter(ctx, *d, entries); err != nil {
			return nil, err
		}
		return entries, s.record(ctx, "draw.granted", *d, map[string]any{"memberId": in.MemberID, "count": in.Count, "reason": in.Reason})
	})
}

// Mine are the actor's entries in a draw.
func (s *Service) Mine(ctx context.Context, drawID uuid.UUID) ([]Entry, error) {
	return s.Store.EntriesOf(ctx, drawID, access.From(ctx).ID)
}

// MyWins are what the actor has won in the channel's brand.
func (s *Service) MyWins(ctx context.Context) ([]Winner, error) {
	all, err := s.Store.OfMember(ctx, channel.From(ctx).BrandID, access.From(ctx).ID)
	return won(all), err
}
