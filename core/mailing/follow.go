package mailing

import (
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/segment"
)

// Saver keeps searches as segments.
type Saver interface {
	Save(ctx context.Context, in segment.SaveInput) (*segment.Segment, error)
}

// FollowInput asks for a mailing to some of those who got another (再販促).
type FollowInput struct {
	MailingID uuid.UUID
	To        segment.Response
	Name      string
}

// Follow makes, in one step, a static segment of those who got a mailing and did so, or
// did not, and a mailing to them: a copy of the one before that can be changed until it is
// sent. Results are counted anew first, by it alone: what somebody else is counting may
// have been read before.
func (s *Service) Follow(ctx context.Context, in FollowInput) (*Mailing, error) {
	if err := office(ctx, access.CampaignWrite); err != nil {
		return nil, err
	}
	if !slices.Contains(segment.Responses, in.To) {
		return nil, segment.ErrNothing.At("to")
	}
	name := strings.TrimSpace(in.Name)
	if name == "" {
		return nil, fault.ErrRequired.At("name")
	}
	var next Mailing
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		if err := s.Store.CountAlone(ctx, in.MailingID); err != nil { // before the mailing is locked, as the job does
			return err
		}
		before, err := s.locked(ctx, in.MailingID)
		switch {
		case err != nil:
			return err
		case before.SentAt == nil || before.State == Preparing:
			return ErrState.At("mailingId")
		}
		if err := s.count(ctx, *before); err != nil {
			return err
		}
		kept, err := s.Saver.Save(ctx, segment.SaveInput{Name: name, Kind: segment.Static, Where: segment.Condition{Mailing: &segment.OfMailing{MailingIDs: []uuid.UUID{before.ID}, Response: in.To}}})
		if err != nil {
			return err
		}
		if kept.Members == 0 {
			return ErrEmpty.At("to")
		}
		next = before.next(name, kept.ID)
		next.CreatedAt = s.Now()
		next.UpdatedAt = next.CreatedAt
		if actor := access.From(ctx); actor.ID != uuid.Nil {
			next.ActorID = &actor.ID
		}
		if err := s.Store.Insert(ctx, next); err != nil {
			return err
		}
		return s.record(ctx, "mailing.followed", next, map[string]any{"follows": before.ID, "to": in.To, "members": kept.Members})
	})
	if err != nil {
		return nil, err
	}
	return &next, nil
}

// next is a mailing of the same kind to others.
func (m Mailing) next(name string, segmentID uuid.UUID) Mailing {
	return Mailing{
		ID: id.New(), BrandID: m.BrandID, Name: name, Medium: m.Medium, SegmentID: segmentID, StoreID: m.StoreID, FollowsID: &m.ID, Currency: m.Currency,
		PieceCostMinor: m.PieceCostMinor, FixedCostMinor: m.FixedCostMinor, HoldOut: m.HoldOut, WindowDays: m.WindowDays, ProductIDs: m.ProductIDs, CategoryIDs: m.CategoryIDs,
		Subject: m.Subject, Body: m.Body, Imprint: m.Imprint, PerSecond: m.PerSecond, TrackOpens: m.TrackOpens, State: Draft,
		CouponCampaignID: m.CouponCampaignID, CouponDays: m.CouponDays,
	}
}
