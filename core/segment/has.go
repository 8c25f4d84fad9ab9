package segment

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/channel"
)

// open is the segment if the context's brand has it, open; else nil.
func (s *Service) open(ctx context.Context, segmentID uuid.UUID) (*Segment, error) {
	kept, err := s.Store.ByID(ctx, segmentID)
	if err != nil || kept == nil || kept.ClosedAt != nil || kept.BrandID != channel.From(ctx).BrandID {
		return nil, err
	}
	return kept, nil
}

// Known reports whether the context's brand has the segment, open.
func (s *Service) Known(ctx context.Context, segmentID uuid.UUID) (bool, error) {
	kept, err := s.open(ctx, segmentID)
	return kept != nil, err
}

// Has reports whether the member is in the segment now. Who asks for somebody else has
// been asked whether they may.
func (s *Service) Has(ctx context.Context, segmentID, memberID uuid.UUID) (bool, error) {
	kept, err := s.open(ctx, segmentID)
	if err != nil || kept == nil {
		return false, err
	}
	if kept.Kind == Static {
		return s.Store.Has(ctx, kept.ID, memberID)
	}
	q := s.query(ctx, kept.Where, liveWithin)
	q.Currency, q.MemberID, q.Limit = kept.Currency, &memberID, 1
	found, err := s.Store.Search(ctx, q)
	return slices.Contains(found.MemberIDs, memberID), err
}

// MemberIDs are those of all who are in the segment now.
func (s *Service) MemberIDs(ctx context.Context, segmentID uuid.UUID) ([]uuid.UUID, error) {
	kept, err := s.open(ctx, segmentID)
	if err != nil || kept == nil {
		return nil, err
	}
	if kept.Kind == Static {
		return s.Store.Frozen(ctx, kept.ID)
	}
	q := s.query(ctx, kept.Where, keptWithin)
	q.Currency = kept.Currency
	return s.Store.All(ctx, q)
}
