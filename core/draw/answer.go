package draw

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/prize"
)

// won leaves out who only stands by.
func won(all []Winner) (some []Winner) {
	for _, w := range all {
		if w.Rank != nil {
			some = append(some, w)
		}
	}
	return some
}

// AnswerInput answers to having won.
type AnswerInput struct {
	IdempotencyKey string
	WinnerID       uuid.UUID
	Accept         bool
	Address        *customer.Address
	AddressID      *uuid.UUID
}

// Answer takes what the actor won, or declines it: then the next runner-up moves up. The
// same key answers once.
func (s *Service) Answer(ctx context.Context, in AnswerInput) (*Winner, error) {
	return idempotency.OnceRead(ctx, s.Keys, "answerWin", in.IdempotencyKey, in,
		func(ctx context.Context) (*Winner, error) { return s.answer(ctx, in) },
		func(ctx context.Context) (*Winner, error) { return s.Store.LockWinner(ctx, in.WinnerID) })
}

func (s *Service) answer(ctx context.Context, in AnswerInput) (*Winner, error) {
	me := access.From(ctx).ID
	w, err := s.Store.LockWinner(ctx, in.WinnerID)
	if err != nil || w == nil || w.MemberID != me || me == uuid.Nil || w.Rank == nil {
		return nil, orErr(err, fault.ErrNotFound.At("winnerId"))
	}
	return w, s.answered(ctx, w, in.Accept, prize.Award{Address: in.Address, AddressID: in.AddressID}, nil)
}

// AnswerForInput is the answer of a member who has a card alone, as staff were told it.
type AnswerForInput struct {
	IdempotencyKey string
	WinnerID       uuid.UUID
	Accept         bool
	Address        *customer.Address
	HandOver       bool // the member has it now
	Reason         string
}

func (in AnswerForInput) validate() error {
	all := []error{i18n.CheckString("reason", in.Reason, maxReason)}
	if in.Reason == "" {
		all = append(all, fault.ErrRequired.At("reason"))
	}
	if in.HandOver && (in.Address != nil || !in.Accept) {
		all = append(all, ErrHandOver.At("handOver"))
	}
	return errors.Join(all...)
}

// AnswerFor answers for a member who has a card alone, who cannot log in, once for each
// key: staff with PRIZE_WRITE who may read the member, those of a shop their own. Goods
// are sent to the address that they are told, or handed over.
func (s *Service) AnswerFor(ctx context.Context, in AnswerForInput) (*Winner, error) {
	if err := errors.Join(access.Require(ctx, access.PrizeWrite), in.validate()); err != nil {
		return nil, err
	}
	return idempotency.OnceRead(ctx, s.Keys, "answerWinFor", in.IdempotencyKey, in,
		func(ctx context.Context) (*Winner, error) { return s.answerFor(ctx, in) },
		func(ctx context.Context) (*Winner, error) { return s.Store.LockWinner(ctx, in.WinnerID) })
}

func (s *Service) answerFor(ctx context.Context, in AnswerForInput) (*Winner, error) {
	w, err := s.Store.LockWinner(ctx, in.WinnerID)
	if err != nil || w == nil || w.Rank == nil {
		return nil, orErr(err, fault.ErrNotFound.At("winnerId"))
	}
	found, err := s.Members.ByIDs(ctx, []uuid.UUID{w.MemberID})
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0 || found[0].Masked:
		return nil, fault.ErrForbidden.At("winnerId")
	case found[0].Account:
		return nil, ErrAnswersAlone.At("winnerId")
	}
	// A note of staff is about the member, whose erasure finds it by this id.
	return w, s.answered(ctx, w, in.Accept, prize.Award{Address: in.Address, HandOver: in.HandOver},
		map[string]any{"memberId": w.MemberID, "reason": in.Reason, "handOver": in.HandOver})
}

// answered lets a locked winner have the prize, or the next who stands by. More is what is
// recorded of it besides.
func (s *Service) answered(ctx context.Context, w *Winner, accept bool, a prize.Award, more map[string]any) error {
	if w.Outcome != Won || w.AnswerBy == nil || s.Now().After(*w.AnswerBy) {
		return ErrAnswered.At("winnerId")
	}
	d, err := s.Store.Draw(ctx, w.DrawID)
	switch {
	case err != nil:
		return err
	case d == nil || (more != nil && d.BrandID != channel.From(ctx).BrandID): // staff act in their brand
		return fault.ErrNotFound.At("winnerId")
	case !accept:
		return s.vacate(ctx, *d, w, Declined, more)
	}
	return s.award(ctx, *d, w, a, more)
}

// award lets a locked winner have the prize.
func (s *Service) award(ctx context.Context, d Draw, w *Winner, a prize.Award, more map[string]any) error {
	rank, err := s.rank(ctx, d, *w.Rank)
	if err != nil {
		return err
	}
	a.PrizeID, a.MemberID = rank.PrizeID, w.MemberID
	e, err := s.Prizes.Award(ctx, a)
	if err != nil {
		return err
	}
	w.Outcome, w.ExchangeID, w.UpdatedAt = Accepted, &e.ID, s.Now()
	if err := s.Store.UpdateWinner(ctx, *w); err != nil {
		return err
	}
	data := map[string]any{"winnerId": w.ID, "exchangeId": e.ID}
	maps.Copy(data, more)
	return s.record(ctx, "draw.accepted", d, data)
}

func (s *Service) rank(ctx context.Context, d Draw, position int) (Rank, error) {
	ranks, err := s.Store.Ranks(ctx, []uuid.UUID{d.ID})
	for _, r := range ranks {
		if r.Position == position {
			return r, nil
		}
	}
	return Rank{}, orErr(err, ErrUnknown)
}

// vacate frees a locked winner's place: the next who stands by moves up; if nobody does,
// the piece goes back to the stock.
func (s *Service) vacate(ctx context.Context, d Draw, w *Winner, outcome Outcome, more map[string]any) error {
	now := s.Now()
	w.Outcome, w.UpdatedAt = outcome, now
	if err := s.Store.UpdateWinner(ctx, *w); err != nil {
		return err
	}
	next, err := s.Store.NextReserve(ctx, d.ID)
	if err != nil {
		return err
	}
	data := map[string]any{"winnerId": w.ID, "outcome": outcome}
	maps.Copy(data, more)
	if next == nil {
		rank, err := s.rank(ctx, d, *w.Rank)
		if err != nil {
			return err
		}
		return errors.Join(s.putBack(ctx, map[uuid.UUID]int{rank.PrizeID: -1}), s.record(ctx, "draw.vacated", d, data))
	}
	until := s.answerBy(d, now)
	next.Outcome, next.Rank, next.AnswerBy, next.UpdatedAt = Won, w.Rank, &until, now
	if err := s.Store.UpdateWinner(ctx, *next); err != nil {
		return err
	}
	data["movesUp"] = next.ID
	if err := s.record(ctx, "draw.vacated", d, data); err != nil {
		return err
	}
	return s.tell(ctx, d, []Winner{*next})
}

// putBack puts pieces that nobody won back to the stock; so many below zero.
func (s *Service) putBack(ctx context.Context, pieces map[uuid.UUID]int) error {
	if len(pieces) == 0 {
		return nil
	}
	problems, err := s.Prizes.Hold(ctx, pieces)
	for _, problem := range problems {
		err = errors.Join(err, problem)
	}
	return err
}

// answerBy is until when a winner who is told now may answer.
func (s *Service) answerBy(d Draw, now time.Time) time.Time { return now.AddDate(0, 0, d.AnswerDays) }
