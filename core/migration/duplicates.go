package migration

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/page"
)

// SettleInput says whether a pair is one person.
type SettleInput struct {
	DuplicateID uuid.UUID
	KeepID      *uuid.UUID // who goes on with what the other has; nil: they are two
	Reason      string
}

// Duplicates is one page of the brand's pairs, the newest first, for the head office.
func (s *Service) Duplicates(ctx context.Context, state DuplicateState, p page.Args) (page.Connection[Duplicate], error) {
	if err := may(ctx, Members); err != nil {
		return page.Connection[Duplicate]{}, err
	}
	return s.Store.Duplicates(ctx, channel.From(ctx).BrandID, state, p)
}

// Settle merges a pair, or keeps both (名寄せ), for the head office.
func (s *Service) Settle(ctx context.Context, in SettleInput) (*Duplicate, error) {
	if err := may(ctx, Members); err != nil {
		return nil, err
	}
	if err := i18n.CheckString("reason", in.Reason, 200); err != nil {
		return nil, err
	}
	var kept Duplicate
	err := s.Store.InTx(ctx, func(ctx context.Context) error {
		d, err := s.Store.LockDuplicate(ctx, channel.From(ctx).BrandID, in.DuplicateID)
		switch {
		case err != nil:
			return err
		case d == nil:
			return fault.ErrNotFound.At("duplicateId")
		case d.State != DuplicateOpen:
			return ErrSettled.At("duplicateId")
		}
		now := s.Now()
		d.State, d.Reason, d.SettledAt = DuplicateKept, in.Reason, &now
		if actor := access.From(ctx); actor.ID != uuid.Nil {
			d.ActorID = &actor.ID
		}
		if in.KeepID != nil {
			d.State = DuplicateMerged
			if err := s.merge(ctx, *d, *in.KeepID); err != nil {
				return err
			}
		}
		kept = *d
		if err := s.Store.SaveDuplicate(ctx, kept); err != nil {
			return err
		}
		return s.Events.Record(ctx, event.New(ctx, now, "member.duplicate_settled", "DuplicateMember", d.ID, map[string]any{"state": d.State, "memberId": d.MemberID, "otherId": d.OtherID}))
	})
	if err != nil {
		return nil, err
	}
	return &kept, nil
}

func (s *Service) merge(ctx context.Context, d Duplicate, keep uuid.UUID) error {
	gone := d.OtherID
	switch keep {
	case d.MemberID:
	case d.OtherID:
		gone = d.MemberID
	default:
		return ErrKept.At("keepId")
	}
	_, err := s.Members.Merge(ctx, member.MergeInput{IdempotencyKey: "duplicate-" + d.ID.String(), KeepID: keep, GoneID: gone, Reason: d.Reason})
	return err
}
